//! Which key speaks for which host: asked at every call.

use std::sync::PoisonError;

use cutover_proto::ids::HostId;
use rustls_pki_types::CertificateDer;

use super::{Service, ServiceError, campaign::broken_id};
use crate::{
    pki::{Pki, ServerIdentity},
    store::host_keys,
};

/// What the store says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOfHost {
    /// Whose.
    pub host_id: HostId,
    /// From when it is good.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// When it was revoked, if it was.
    pub revoked_ms: Option<i64>,
}

impl Service {
    /// The host that a key speaks for; `None` for a key that never enrolled.
    ///
    /// # Errors
    /// When the store fails: then nobody is admitted.
    pub async fn key_of_host(&self, spki_hash: String) -> Result<Option<KeyOfHost>, ServiceError> {
        let row = self
            .0
            .store
            .read(move |tx| Ok::<_, ServiceError>(host_keys::load(tx, &spki_hash)?))
            .await?;
        row.map(|row| {
            Ok(KeyOfHost {
                host_id: row.host_id.parse().map_err(broken_id)?,
                from_ms: row.from_ms,
                to_ms: row.to_ms,
                revoked_ms: row.revoked_ms,
            })
        })
        .transpose()
    }
}

impl Service {
    /// The server's own certificate and the roots it trusts, for the agents' listener. Reads the key directory again
    /// first, so that rotated keys are taken up without a restart.
    ///
    /// # Errors
    /// When the key directory cannot be read or written; what is in force stays so.
    pub fn server_identity(
        &self,
        names: &[String],
    ) -> Result<(ServerIdentity, Vec<CertificateDer<'static>>), ServiceError> {
        let broken = |error: crate::pki::PkiError| ServiceError::Broken { why: error.to_string() };
        let pki = Pki::open(&self.0.pki_dir).map_err(broken)?;
        let identity = pki.server_identity(names, self.real_now_ms()).map_err(broken)?;
        let roots = pki.roots();
        *self.0.pki.write().unwrap_or_else(PoisonError::into_inner) = pki;
        Ok((identity, roots))
    }
}
