//! Which server is believed.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{
    Fingerprint,
    interceptor::{Presented, presented},
};

/// What a server's certificate has to lead to.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// Before enrolment: an authority with this fingerprint, which the server presents in its chain.
    Pinned(Fingerprint),
    /// After it: one of the authorities that enrolment gave.
    Anchors(Vec<CertificateDer<'static>>),
}

/// Why a server is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTrusted {
    #[error(
        "the server presents no authority with the fingerprint {expected}; it presents {presented}, and its certificate \
         comes from `{issuer}`. Compare with what `cutover init` printed on the server. If the server was set up anew, use \
         its new fingerprint; if not, something stands between this host and the server"
    )]
    Fingerprint {
        expected: Fingerprint,
        presented: String,
        issuer: String,
        is_ours: bool,
    },
    #[error(
        "{inspector} inspects TLS on this host or on the way: in the server's place it shows a certificate by `{issuer}`, \
         which is not believed. Exclude `{name}` from its inspection of encrypted connections; this host then comes \
         through by itself"
    )]
    Inspected {
        inspector: &'static str,
        issuer: String,
        name: String,
    },
    #[error(
        "the server's certificate does not come from the authority that this host was enrolled with, but from `{issuer}`. \
         If a product on this host or on the way inspects TLS, exclude the server's address from inspection; if the \
         server was set up anew, enrol this host again with a new token"
    )]
    Issuer { issuer: String, is_ours: bool },
    #[error(
        "the server's certificate is not for `{name}`; use a name or an IP address that the server was set up with, or \
         add this one to the server's names"
    )]
    Name { name: String },
    #[error("the server's certificate has expired or is not good yet; check this host's clock, then the server's")]
    Time,
    #[error("the server's certificate does not verify: {0}; look at the server's log")]
    Other(String),
}

impl NotTrusted {
    /// Who showed a certificate in the server's place, by its issuer; none where it is another server of ours, or the
    /// server itself with something else amiss.
    pub(super) fn intercepted_by(&self) -> Option<String> {
        match self {
            Self::Inspected { issuer, .. }
            | Self::Issuer { issuer, is_ours: false }
            | Self::Fingerprint {
                issuer, is_ours: false, ..
            } => Some(issuer.clone()),
            Self::Issuer { .. } | Self::Fingerprint { .. } | Self::Name { .. } | Self::Time | Self::Other(_) => None,
        }
    }
}

/// Judges by [`Trust`], and says in its errors what to do.
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) const fn new(trust: Trust, provider: Arc<CryptoProvider>) -> Self {
        Self { trust, provider }
    }

    fn roots(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Result<RootCertStore, NotTrusted> {
        let mut roots = RootCertStore::empty();
        match &self.trust {
            Trust::Anchors(anchors) => {
                roots.add_parsable_certificates(anchors.iter().cloned());
            }
            Trust::Pinned(expected) => {
                let pinned = intermediates.iter().find(|der| Fingerprint::of(der) == *expected);
                let Some(pinned) = pinned else {
                    let shown = intermediates.last().unwrap_or(end_entity);
                    let Presented {
                        issuer,
                        inspector,
                        is_ours,
                    } = presented(end_entity, intermediates);
                    return Err(match inspector {
                        Some(inspector) => inspected(inspector, issuer, name),
                        None => NotTrusted::Fingerprint {
                            expected: *expected,
                            presented: Fingerprint::of(shown).to_string(),
                            issuer,
                            is_ours,
                        },
                    });
                };
                roots
                    .add(pinned.clone().into_owned())
                    .map_err(|error| NotTrusted::Other(error.to_string()))?;
            }
        }
        Ok(roots)
    }

    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, NotTrusted> {
        let roots = self.roots(end_entity, intermediates, name)?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|error| NotTrusted::Other(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, name, &[], now)
            .map_err(|error| self.explain(&error, end_entity, intermediates, name))
    }

    fn explain(
        &self,
        error: &Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> NotTrusted {
        let Error::InvalidCertificate(certificate) = error else {
            return NotTrusted::Other(error.to_string());
        };
        if is_about_name(certificate) {
            return NotTrusted::Name {
                name: name.to_str().into_owned(),
            };
        }
        if is_about_time(certificate) {
            return NotTrusted::Time;
        }
        let Presented {
            issuer,
            inspector,
            is_ours,
        } = presented(end_entity, intermediates);
        match (&self.trust, inspector) {
            (_, Some(inspector)) => inspected(inspector, issuer, name),
            (Trust::Anchors(_), None) => NotTrusted::Issuer { issuer, is_ours },
            (Trust::Pinned(_), None) => NotTrusted::Other(certificate.to_string()),
        }
    }
}

fn is_about_name(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

fn is_about_time(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    )
}

fn inspected(inspector: &'static str, issuer: String, name: &ServerName<'_>) -> NotTrusted {
    NotTrusted::Inspected {
        inspector,
        issuer,
        name: name.to_str().into_owned(),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity, intermediates, server_name, now)
            .map_err(|why| Error::Other(OtherError(Arc::new(why))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
