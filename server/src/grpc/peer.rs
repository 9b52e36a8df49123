//! Who is at the other end of a connection, and of a call.

use std::{net::SocketAddr, ops::Range, sync::Arc};

use cutover_proto::{envelope::key_id, ids::HostId};
use sha2::{Digest, Sha256};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::pki::PkiError;

/// The host that makes this call, as admission found it. In the extensions of every admitted request but Enroll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The host that the peer's key belongs to.
    pub host_id: HostId,
    /// The certificate of the connection.
    pub certificate: Arc<PeerCertificate>,
    /// The certificate or the key's time has ended. Only Renew and Leave are ever admitted so.
    pub expired: bool,
    /// The key was revoked. Only Leave is ever admitted so, to hear again what was answered.
    pub revoked: bool,
}

/// What is kept of a peer's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Lower-case hex of SHA-256 over its SubjectPublicKeyInfo.
    pub spki_hash: String,
    /// Start, ms since the epoch.
    pub not_before_ms: i64,
    /// End, ms since the epoch.
    pub not_after_ms: i64,
    der: Box<[u8]>,
    spki: Range<usize>,
}

impl PeerCertificate {
    /// Reads a certificate in DER. Checks nothing: the handshake did.
    ///
    /// # Errors
    /// [`PkiError::BadCertificate`] when it is none.
    pub fn parse(der: &[u8]) -> Result<Self, PkiError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|error| PkiError::BadCertificate(error.to_string()))?;
        let spki = certificate.public_key().raw;
        let start = spki.as_ptr().addr() - der.as_ptr().addr();
        let validity = certificate.validity();
        Ok(Self {
            spki_hash: key_id(spki),
            not_before_ms: validity.not_before.timestamp().saturating_mul(1000),
            not_after_ms: validity.not_after.timestamp().saturating_mul(1000),
            der: der.into(),
            spki: start..start + spki.len(),
        })
    }

    /// The certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its SubjectPublicKeyInfo, DER: what verifies the host's envelopes.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.der[self.spki.clone()]
    }

    /// What `spki_hash` spells.
    pub(super) fn spki_digest(&self) -> [u8; 32] {
        Sha256::digest(self.spki_der()).into()
    }
}

/// The connection that a request came over. In the extensions of every request of this listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConnection {
    /// Where it comes from; behind a TCP proxy, the proxy.
    pub address: SocketAddr,
    /// The certificate it showed, which chains to one of our authorities; it may have expired.
    pub certificate: Option<Arc<PeerCertificate>>,
}
