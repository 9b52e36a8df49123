//! Keys and certificates of the load: what an agent makes for itself at enrolment, and an authority for the bare server.

use anyhow::Result;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use cutover_proto::{
    envelope::{Context, SigningKey, seal},
    seal::SealingKey,
    v1,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

/// The name that both servers' certificates carry.
const SERVER_NAME: &str = "localhost";

/// A host's own keys (P-256 for TLS and envelopes).
pub(crate) struct Keys {
    pair: KeyPair,
    signing: SigningKey,
}

impl Keys {
    /// New ones.
    ///
    /// # Errors
    /// When the system's randomness fails.
    pub(crate) fn generate() -> Result<Self> {
        let pair = KeyPair::generate()?;
        let signing = SigningKey::host(pair.serialized_der())?;
        Ok(Self { pair, signing })
    }

    /// The certificate request.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn request(&self) -> Result<Vec<u8>> {
        let request = CertificateParams::default().serialize_request(&self.pair)?;
        Ok(request.der().to_vec())
    }

    /// A new sealing key's public half, signed.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn sealing_key(&self) -> Result<v1::Envelope> {
        let sealing = SealingKey::generate();
        Ok(seal(Context::SealingKey, sealing.public().to_vec(), &self.signing)?)
    }

    /// For TLS, with the certificates that were issued, DER, leaf first.
    pub(crate) fn identity(&self, chain: &[Vec<u8>]) -> Identity {
        let chain: String = chain.iter().map(|certificate| pem(certificate)).collect();
        Identity::from_pem(chain, self.pair.serialize_pem())
    }

    /// Signs envelopes.
    pub(crate) fn into_signing(self) -> SigningKey {
        self.signing
    }
}

/// Signs the certificates of the bare server and its clients.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When the system's randomness fails.
    pub(crate) fn generate() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its certificate, PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate, DER.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn client(&self, keys: &Keys) -> Result<Vec<u8>> {
        let certificate = CertificateParams::new(["host".to_owned()])?.signed_by(&keys.pair, &self.0)?;
        Ok(certificate.der().to_vec())
    }

    /// The server's certificate and key, PEM.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn server(&self) -> Result<(String, String)> {
        let pair = KeyPair::generate()?;
        let certificate = CertificateParams::new([SERVER_NAME.to_owned()])?.signed_by(&pair, &self.0)?;
        Ok((certificate.pem(), pair.serialize_pem()))
    }
}

/// How both servers are reached: the same client for both.
///
/// # Errors
/// When the address or the authority cannot be used.
pub(crate) fn endpoint(address: std::net::SocketAddr, authority: &str, identity: Option<Identity>) -> Result<Endpoint> {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority))
        .domain_name(SERVER_NAME);
    if let Some(identity) = identity {
        tls = tls.identity(identity);
    }
    Ok(Endpoint::from_shared(format!("https://{address}"))?.tls_config(tls)?)
}

fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
