//! Connections to the first server that answers, in the order of the list.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, crypto::CryptoProvider};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use super::{
    Address, Identity, LinkError,
    trust::{NotTrusted, Trust, Verifier},
};

/// For TCP, and again for the TLS handshake, per address.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Middleboxes forget silent connections after a minute.
const KEEPALIVE: Duration = Duration::from_secs(45);
/// A server that does not answer a ping for so long is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a host that was taken off the network reaches nobody.
pub(super) const SWITCHED_OFF: &str = "this host's network is switched off";

/// Opens connections.
#[derive(Clone)]
pub(super) struct Dialer {
    addresses: Arc<[Address]>,
    tls: Arc<ClientConfig>,
    online: watch::Receiver<bool>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Dialer {
    /// Without a client certificate, for enrolment.
    pub(super) fn anonymous(
        addresses: &[Address],
        trust: Trust,
        online: watch::Receiver<bool>,
    ) -> Result<Self, LinkError> {
        let tls = builder(trust)?.with_no_client_auth();
        Self::new(addresses, tls, online)
    }

    /// As an enrolled host.
    pub(super) fn enrolled(
        addresses: &[Address],
        identity: &Identity,
        online: watch::Receiver<bool>,
    ) -> Result<Self, LinkError> {
        let tls = builder(Trust::Anchors(identity.anchors.clone()))?
            .with_client_auth_cert(identity.chain.clone(), identity.keys.tls_key().into())
            .map_err(|error| LinkError::Tls(error.to_string()))?;
        Self::new(addresses, tls, online)
    }

    fn new(addresses: &[Address], mut tls: ClientConfig, online: watch::Receiver<bool>) -> Result<Self, LinkError> {
        if addresses.is_empty() {
            return Err(LinkError::NoServer);
        }
        tls.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self {
            addresses: addresses.into(),
            tls: Arc::new(tls),
            online,
            failure: Arc::default(),
        })
    }

    /// A channel that connects when it is first used, and again whenever its connection is gone.
    pub(super) fn channel(&self) -> Result<Channel, LinkError> {
        let first = self.addresses.first().ok_or(LinkError::NoServer)?;
        // TLS is made here and not by tonic, so the scheme of the connection is plain and that of requests is not.
        let failed = |error: tonic::transport::Error| LinkError::Tls(error.to_string());
        let origin = format!("https://{first}")
            .parse()
            .map_err(|_| LinkError::Tls(format!("{first} makes no URI")))?;
        let endpoint = Endpoint::from_shared(format!("http://{first}"))
            .map_err(failed)?
            .origin(origin)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let dialer = self.clone();
        let connector = tower::service_fn(move |_| {
            let dialer = dialer.clone();
            async move { dialer.dial().await.map(TokioIo::new) }
        });
        Ok(endpoint.connect_with_connector_lazy(connector))
    }

    /// Servers in their order.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Whether the host is on the network.
    pub(super) fn online(&self) -> watch::Receiver<bool> {
        self.online.clone()
    }

    /// The same trust and certificate for downloads, which have a connection of their own and hold up no call. HTTP/1.1 is
    /// offered too, for middleboxes that break long streams of HTTP/2.
    pub(super) fn tls_for_downloads(&self) -> ClientConfig {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        tls
    }

    /// Why the newest try brought no connection; none after one that did.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn dial(&self) -> Result<TlsStream<TcpStream>, std::io::Error> {
        let result = self.dial_first().await;
        let failure = result.as_ref().err().cloned();
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        result.map_err(std::io::Error::other)
    }

    async fn dial_first(&self) -> Result<TlsStream<TcpStream>, String> {
        if !*self.online.borrow() {
            return Err(SWITCHED_OFF.to_owned());
        }
        let mut failures = Vec::new();
        for address in self.addresses.iter() {
            match self.dial_one(address).await {
                Ok(stream) => return Ok(stream),
                Err(why) => failures.push(format!("{address}: {why}")),
            }
        }
        Err(failures.join("; "))
    }

    async fn dial_one(&self, address: &Address) -> Result<TlsStream<TcpStream>, String> {
        let name = address.server_name().map_err(|error| error.to_string())?;
        let tcp = tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect((address.host(), address.port())))
            .await
            .map_err(|_| "no answer to the connection".to_owned())?
            .map_err(|error| format!("{error}; check the address, the name service and firewalls"))?;
        // Small messages should not wait for more.
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(self.tls.clone());
        tokio::time::timeout(DIAL_TIMEOUT, connector.connect(name, tcp))
            .await
            .map_err(|_| "no answer to the TLS handshake; is this the agents' listener?".to_owned())?
            .map_err(|error| explain(&error))
    }
}

fn explain(error: &std::io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::Other(other)) => match other.0.downcast_ref::<NotTrusted>() {
            Some(why) => why.to_string(),
            None => other.to_string(),
        },
        Some(other) => format!("TLS: {other}; is this the agents' listener?"),
        None => format!("the connection ended in the TLS handshake: {error}"),
    }
}

fn builder(trust: Trust) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, LinkError> {
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(trust, provider.clone());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| LinkError::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier)))
}
