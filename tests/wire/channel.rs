//! Connections to the agents' listener.

use rustls::pki_types::CertificateDer;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Error, Identity};

use crate::{keys::Keys, server::Server};

/// A connection that trusts the server's authorities and shows a certificate, if any.
pub(crate) async fn channel(server: &Server, shown: Option<(&[u8], &Keys)>) -> Channel {
    trusting(server, &server.pki().roots(), shown).await.unwrap()
}

/// The same, trusting these authorities alone.
pub(crate) async fn trusting(
    server: &Server,
    roots: &[CertificateDer<'_>],
    shown: Option<(&[u8], &Keys)>,
) -> Result<Channel, Error> {
    let mut tls = ClientTlsConfig::new().domain_name("localhost");
    for root in roots {
        tls = tls.ca_certificate(Certificate::from_pem(pem(root)));
    }
    if let Some((certificate, keys)) = shown {
        tls = tls.identity(Identity::from_pem(pem(certificate), keys.pair.serialize_pem()));
    }
    Channel::from_shared(format!("https://{}", server.app().agents))
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
}

pub(crate) fn pem(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
