//! A check-in: what the host says is verified, stored and decided on; what it is to do goes back.
//!
//! One that changes nothing is answered from a read; last contact is gathered. What is acknowledged is durable.

mod arrival;
mod ingest;
mod leaving;
mod member;
mod network;
mod notices;
mod release;
mod reply;
mod sessions;
mod vitals;

use cutover_proto::{
    envelope::{EnvelopeError, PublicKey},
    ids::HostId,
    v1,
};

use self::arrival::Arrival;
pub(super) use self::network::Network;
pub(super) use self::release::{OFFERED, OwnProgram, pace, read_release};
pub(super) use self::sessions::CloneWords;
pub(super) use self::vitals::Vitals;
use super::{CallError, Service};
use crate::{pki, store::host_keys};

impl Service {
    /// Takes a check-in of the host that speaks by the key `spki_der`.
    ///
    /// # Errors
    /// When a signature or message does not hold, the host is not known, or the store fails: then nothing of it is
    /// acknowledged and the host sends it again.
    #[tracing::instrument(skip_all, fields(%host, request_id = %request.request_id, attempt))]
    pub async fn check_in(
        &self,
        host: HostId,
        spki_der: &[u8],
        request: v1::CheckInRequest,
    ) -> Result<v1::CheckInReply, CallError> {
        let signed = request.inventory.iter().chain(&request.step_records);
        let keys = self.keys_that_signed(host, spki_der, signed).await?;
        let arrival = Arrival::check(host, &keys, request)?;
        self.note_seen(host, &arrival.boot_id, arrival.looked_ms());
        let due = match self.due_without_news(&arrival).await? {
            Some(due) => due,
            None => {
                self.ingest(arrival.clone()).await?;
                self.read_due(&arrival).await?
            }
        };
        self.reply(&arrival, due).await
    }

    /// The key that speaks, first; and the host's other keys where something was signed by one of them: records may
    /// wait for their acknowledgement across a renewal.
    pub(super) async fn keys_that_signed(
        &self,
        host: HostId,
        spki_der: &[u8],
        mut signed: impl Iterator<Item = &v1::Envelope>,
    ) -> Result<Vec<PublicKey>, CallError> {
        let invalid = |error: EnvelopeError| CallError::Invalid { why: error.to_string() };
        let mut keys = vec![PublicKey::host(spki_der).map_err(invalid)?];
        let by_others = signed.any(|envelope| {
            let mut signatures = envelope.signatures.iter();
            signatures.any(|signature| signature.key_id != keys[0].key_id())
        });
        if by_others {
            let id = host.to_string();
            let rows = self
                .0
                .store
                .read(move |tx| Ok::<_, CallError>(host_keys::of_host(tx, &id)?))
                .await?;
            let speaks = keys[0].key_id().to_owned();
            for row in rows.iter().filter(|row| row.spki_hash != speaks) {
                let spki = pki::spki_der(&row.certificate).map_err(|error| CallError::Broken {
                    why: format!("stored certificate of {host}: {error}"),
                })?;
                keys.push(PublicKey::host(&spki).map_err(invalid)?);
            }
        }
        Ok(keys)
    }
}
