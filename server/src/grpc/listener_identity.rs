//! What the listener shows and whom it trusts; swapped as one, without a restart.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::{Ticketer, default_provider},
    server::VerifierBuilderError,
    time_provider::TimeProvider,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::{admission::NowMs, listener_verifier::ExpiredPasses};
use crate::pki::ServerIdentity;

/// HTTP/2 for gRPC; HTTP/1.1 for the check-in by POST and for artifacts.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The current TLS configuration. Connections that are open keep the one they began with.
pub struct TlsIdentity {
    now: NowMs,
    current: RwLock<Arc<ServerConfig>>,
}

/// Why a TLS configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsIdentityError {
    /// An authority's certificate is none.
    #[error("a trusted authority cannot be used: {0}; check the `ca-*.pem` files")]
    Root(#[source] rustls::Error),
    /// There is no authority at all.
    #[error("no authority to check clients by: {0}; run `cutover init`")]
    Verifier(#[from] VerifierBuilderError),
    /// Key and certificate do not fit, or cannot be used.
    #[error("the server's certificate cannot be used: {0}; delete `server.pem` and start again")]
    Identity(#[source] rustls::Error),
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity").finish_non_exhaustive()
    }
}

impl TlsIdentity {
    /// Shows `identity`, accepts clients whose certificate chains to one of `roots`, judges dates by `now`.
    ///
    /// # Errors
    /// When a root or the identity cannot be used.
    pub fn new(
        identity: &ServerIdentity,
        roots: &[CertificateDer<'static>],
        now: NowMs,
    ) -> Result<Arc<Self>, TlsIdentityError> {
        let config = configure(identity, roots, &now)?;
        Ok(Arc::new(Self {
            now,
            current: RwLock::new(Arc::new(config)),
        }))
    }

    /// Shows and trusts these from the next connection on. Session tickets of before are worth nothing then, so a root
    /// that is left out is not trusted by way of resumption.
    ///
    /// # Errors
    /// When a root or the identity cannot be used; the former ones stay.
    pub fn swap(&self, identity: &ServerIdentity, roots: &[CertificateDer<'static>]) -> Result<(), TlsIdentityError> {
        let config = Arc::new(configure(identity, roots, &self.now)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What the next connection gets.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn configure(
    identity: &ServerIdentity,
    roots: &[CertificateDer<'static>],
    now: &NowMs,
) -> Result<ServerConfig, TlsIdentityError> {
    let provider = Arc::new(default_provider());
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(TlsIdentityError::Root)?;
    }
    let verifier = ExpiredPasses::new(store, provider.clone())?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(Told(now.clone())))
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsIdentityError::Identity)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(identity.chain.clone(), PrivateKeyDer::Pkcs8(identity.key.clone_key()))
        .map_err(TlsIdentityError::Identity)?;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    // Stateless tickets: the built-in session cache holds 256 entries, which a fleet that comes back would run through.
    config.ticketer = Ticketer::new().map_err(TlsIdentityError::Identity)?;
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// Hands rustls the time that the server goes by.
struct Told(NowMs);

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Told")
    }
}

impl TimeProvider for Told {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from((self.0)()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}
