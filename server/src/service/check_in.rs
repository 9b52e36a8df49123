//! A check-in: what the host says is verified, stored and decided on; what it is to do goes back.
//!
//! One that changes nothing is answered from a read; last contact is gathered. What is acknowledged is durable.

mod arrival;
mod ingest;
mod reply;

use cutover_proto::{ids::HostId, v1};

use self::arrival::Arrival;
use super::{CallError, Service};

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
        let arrival = Arrival::check(host, spki_der, request)?;
        self.note_seen(host, &arrival.boot_id, arrival.looked_at_ms);
        if self.says_something_new(&arrival).await? {
            self.ingest(arrival.clone()).await?;
        }
        self.reply(&arrival).await
    }
}
