//! Renewal: a new key for the same host, asked for with the old one.

use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    v1,
};
use sha2::{Digest, Sha256};

use super::{
    CallError, Service,
    enroll::{checked_sealing_key, insert_key},
};
use crate::{
    pki::CsrKey,
    store::{StreamName, events, hosts},
};

impl Service {
    /// Gives the host that speaks by the key `spki_der` a certificate for a new key. The old key stays good until its
    /// own end, so that a lost reply loses nothing.
    ///
    /// # Errors
    /// When the old key did not sign the request, the new key is not good, or the store fails.
    pub async fn renew(
        &self,
        host: HostId,
        spki_der: &[u8],
        request: v1::RenewRequest,
    ) -> Result<v1::RenewReply, CallError> {
        let invalid = |why: String| CallError::Invalid { why };
        let key = CsrKey::check(&request.csr_der).map_err(|error| invalid(error.to_string()))?;
        let old = PublicKey::host(spki_der).map_err(|error| invalid(error.to_string()))?;
        let proof = request
            .proof
            .as_ref()
            .ok_or_else(|| invalid("the renewal brings no proof by the old key".into()))?;
        let proven = envelope::open(proof, Context::Renewal, &[old]).map_err(|error| invalid(error.to_string()))?;
        if proven != Sha256::digest(&request.csr_der).as_slice() {
            return Err(invalid("the proof by the old key is for another request".into()));
        }
        let sealing_key = checked_sealing_key(request.sealing_key, &key.spki_der)?;
        let certificate = self.issue(&request.csr_der, host)?;
        let (service, stored) = (self.clone(), certificate.clone());
        self.0
            .store
            .write(move |tx| {
                let id = host.to_string();
                let mut row = hosts::load(tx, &id)?.ok_or(CallError::UnknownHost)?;
                row.sealing_key = Some(sealing_key.clone());
                hosts::update(tx, &row)?;
                insert_key(tx, &id, &stored)?;
                let body = serde_json::json!({ "key": stored.spki_hash, "until_ms": stored.not_after_ms });
                events::append_next(
                    tx,
                    &StreamName::host(&id),
                    &[service.host_event("renewed", &body, None)],
                )?;
                Ok::<_, CallError>(())
            })
            .await?;
        tracing::info!(%host, "certificate renewed");
        Ok(self.with_pki(|pki| v1::RenewReply {
            certificate_chain: vec![certificate.der.clone()],
            trust_anchors: pki.roots().iter().map(|root| root.as_ref().to_vec()).collect(),
            signing_keys: pki.signing().wire(),
        }))
    }
}
