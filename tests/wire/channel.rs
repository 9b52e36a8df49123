//! Connections to the agents' listener.

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::{keys::Keys, server::Server};

/// A connection that trusts the server's authority and shows a certificate, if any.
pub(crate) async fn channel(server: &Server, shown: Option<(&[u8], &Keys)>) -> Channel {
    let mut tls = ClientTlsConfig::new().domain_name("localhost");
    for root in server.pki().roots() {
        tls = tls.ca_certificate(Certificate::from_pem(pem(&root)));
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
        .unwrap()
}

pub(crate) fn pem(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
