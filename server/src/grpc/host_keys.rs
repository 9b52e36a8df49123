//! The admission layer's question, answered by the store.

use super::admission::{Admission, AdmissionError, HostKeyFuture, HostKeyState};
use crate::service::Service;

/// Asks the store at every call.
#[derive(Debug, Clone)]
pub struct HostKeys(pub Service);

impl Admission for HostKeys {
    fn host_key<'a>(&'a self, spki_hash: &'a str) -> HostKeyFuture<'a> {
        Box::pin(async move {
            let key = self.0.key_of_host(spki_hash.to_owned()).await;
            let key = key.map_err(|error| AdmissionError(error.to_string()))?;
            Ok(key.map(|key| HostKeyState {
                host_id: key.host_id,
                from_ms: key.from_ms,
                to_ms: key.to_ms,
                revoked_ms: key.revoked_ms,
            }))
        })
    }
}
