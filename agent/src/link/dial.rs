//! Connections to the first server that answers, in the order of the list, from the kept address on.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, crypto::CryptoProvider};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use super::{
    Address, Identity, LinkError, Proxies,
    trust::{NotTrusted, Trust, Verifier},
};

/// For TCP and the proxy, and again for the TLS handshake, per address.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Middleboxes forget silent connections after a minute.
const KEEPALIVE: Duration = Duration::from_secs(45);
const _: () = assert!(
    KEEPALIVE.as_secs() < 60,
    "a silent connection would be forgotten on the way"
);
/// A server that does not answer a ping for so long is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a host that was taken off the network reaches nobody.
pub(super) const SWITCHED_OFF: &str = "this host's network is switched off";

/// What TLS is spoken over: TCP, or a tunnel through a proxy.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection to a server that is believed.
pub(super) type Stream = TlsStream<Box<dyn Io>>;

/// What is spoken over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpn {
    Http2,
    Http1,
}

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DialFailure {
    pub(super) why: String,
    pub(super) kind: DialKind,
}

/// By what follows from it. Of several addresses the one that tells most counts: the order here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DialKind {
    /// Nobody there, or a server that is not believed.
    NoWay,
    /// Somebody took the connection and ended it before TLS was there.
    Cut,
    /// Somebody else's certificate, by its issuer.
    Intercepted(String),
}

/// What outlives a single dialer: the list, and which address is kept.
#[derive(Debug)]
pub(super) struct Places {
    list: Arc<[Address]>,
    first: usize,
    /// Of the newest connection.
    reached: Option<Address>,
    failure: Option<DialFailure>,
}

/// The same for every dialer of one link.
pub(super) type SharedPlaces = Arc<Mutex<Places>>;

pub(super) fn places(addresses: &[Address]) -> SharedPlaces {
    Arc::new(Mutex::new(Places {
        list: addresses.into(),
        first: 0,
        reached: None,
        failure: None,
    }))
}

pub(super) fn locked(places: &SharedPlaces) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Places {
    /// Another list; begins with its first.
    pub(super) fn replace(&mut self, addresses: &[Address]) {
        self.list = addresses.into();
        self.first = 0;
    }

    /// Connections are tried from this address on; from the first one where it is not in the list.
    pub(super) fn begin_at(&mut self, address: &str) {
        let found = self.list.iter().position(|known| known.to_string() == address);
        self.first = found.unwrap_or(0);
    }

    /// The newest connection is given up.
    pub(super) fn forget_reached(&mut self) {
        self.reached = None;
    }

    /// Which address the newest connection went to.
    pub(super) const fn reached(&self) -> Option<&Address> {
        self.reached.as_ref()
    }

    /// Every address, from the kept one on.
    pub(super) fn in_order(&self) -> Vec<Address> {
        let (before, from) = self.list.split_at(self.first.min(self.list.len()));
        from.iter().chain(before).cloned().collect()
    }
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct Dialer {
    places: SharedPlaces,
    proxies: Proxies,
    tls: Arc<ClientConfig>,
    online: watch::Receiver<bool>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").finish_non_exhaustive()
    }
}

impl Dialer {
    /// Without a client certificate, for enrolment.
    pub(super) fn anonymous(
        places: SharedPlaces,
        proxies: Proxies,
        trust: Trust,
        online: watch::Receiver<bool>,
    ) -> Result<Self, LinkError> {
        let tls = builder(trust)?.with_no_client_auth();
        Self::new(places, proxies, tls, online)
    }

    /// As an enrolled host.
    pub(super) fn enrolled(
        places: SharedPlaces,
        proxies: Proxies,
        identity: &Identity,
        online: watch::Receiver<bool>,
    ) -> Result<Self, LinkError> {
        let tls = builder(Trust::Anchors(identity.anchors.clone()))?
            .with_client_auth_cert(identity.chain.clone(), identity.keys.tls_key().into())
            .map_err(|error| LinkError::Tls(error.to_string()))?;
        Self::new(places, proxies, tls, online)
    }

    fn new(
        places: SharedPlaces,
        proxies: Proxies,
        tls: ClientConfig,
        online: watch::Receiver<bool>,
    ) -> Result<Self, LinkError> {
        if locked(&places).list.is_empty() {
            return Err(LinkError::NoServer);
        }
        Ok(Self {
            places,
            proxies,
            tls: Arc::new(tls),
            online,
        })
    }

    /// A channel that connects when it is first used, and again whenever its connection is gone.
    pub(super) fn channel(&self) -> Result<Channel, LinkError> {
        let first = self.addresses().into_iter().next().ok_or(LinkError::NoServer)?;
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
            async move {
                let dialled = dialer.dial(Alpn::Http2).await;
                dialled.map(TokioIo::new).map_err(io::Error::other)
            }
        });
        Ok(endpoint.connect_with_connector_lazy(connector))
    }

    /// Servers, the kept one first.
    pub(super) fn addresses(&self) -> Vec<Address> {
        locked(&self.places).in_order()
    }

    pub(super) const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether the host is on the network.
    pub(super) fn online(&self) -> watch::Receiver<bool> {
        self.online.clone()
    }

    /// The same trust and certificate for downloads, which have a connection of their own and hold up no call. HTTP/1.1 is
    /// offered too, for middleboxes that break long streams of HTTP/2; alone where HTTP/2 is known not to come through.
    pub(super) fn tls_for_downloads(&self, alone: bool) -> ClientConfig {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if alone {
            tls.alpn_protocols.remove(0);
        }
        tls
    }

    /// Why the newest try brought no connection; none after one that did.
    pub(super) fn failure(&self) -> Option<DialFailure> {
        locked(&self.places).failure.clone()
    }

    /// Where the newest connection went.
    pub(super) fn reached(&self) -> Option<Address> {
        locked(&self.places).reached.clone()
    }

    /// The first server that is believed, from the kept address on. An error is also kept for [`Self::failure`].
    pub(super) async fn dial(&self, alpn: Alpn) -> Result<Stream, String> {
        let mut failed = DialFailure {
            why: SWITCHED_OFF.to_owned(),
            kind: DialKind::NoWay,
        };
        if *self.online.borrow() {
            let mut failures = Vec::new();
            for address in self.addresses() {
                // Whoever gives up in the meantime finds what there is to say so far.
                let so_far = format!("{address} does not answer");
                let so_far = failures.iter().chain([&so_far]).cloned().collect::<Vec<_>>().join("; ");
                self.note(Some(DialFailure {
                    why: so_far,
                    kind: failed.kind.clone(),
                }));
                match self.dial_one(&address, alpn).await {
                    Ok(stream) => {
                        let mut places = locked(&self.places);
                        places.failure = None;
                        places.reached = Some(address);
                        return Ok(stream);
                    }
                    Err(failure) => {
                        failures.push(format!("{address}: {}", failure.why));
                        failed.kind = failed.kind.max(failure.kind);
                    }
                }
            }
            failed.why = failures.join("; ");
        }
        self.note(Some(failed.clone()));
        Err(failed.why)
    }

    fn note(&self, failure: Option<DialFailure>) {
        locked(&self.places).failure = failure;
    }

    /// A believed server at this very address.
    pub(super) async fn dial_one(&self, address: &Address, alpn: Alpn) -> Result<Stream, DialFailure> {
        let no_way = |why: String| DialFailure {
            why,
            kind: DialKind::NoWay,
        };
        let cut = |why: String| DialFailure {
            why,
            kind: DialKind::Cut,
        };
        let name = address.server_name().map_err(|error| no_way(error.to_string()))?;
        let stream = tokio::time::timeout(DIAL_TIMEOUT, self.proxies.connect(address))
            .await
            .map_err(|_| no_way("no answer to the connection".to_owned()))?
            .map_err(no_way)?;
        let mut tls = (*self.tls).clone();
        let wanted: &[u8] = match alpn {
            Alpn::Http2 => b"h2",
            Alpn::Http1 => b"http/1.1",
        };
        tls.alpn_protocols = vec![wanted.to_vec()];
        let connector = TlsConnector::from(Arc::new(tls));
        let stream = tokio::time::timeout(DIAL_TIMEOUT, connector.connect(name, stream))
            .await
            .map_err(|_| cut("no answer to the TLS handshake; is this the agents' listener?".to_owned()))?
            .map_err(|error| explain(&error))?;
        let agreed = stream.get_ref().1.alpn_protocol();
        if alpn == Alpn::Http2 && agreed != Some(wanted) {
            return Err(cut("HTTP/2 was not agreed on in the TLS handshake".to_owned()));
        }
        Ok(stream)
    }
}

fn explain(error: &io::Error) -> DialFailure {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (why, kind) = match tls {
        Some(rustls::Error::Other(other)) => match other.0.downcast_ref::<NotTrusted>() {
            Some(why) => (
                why.to_string(),
                why.intercepted_by().map_or(DialKind::NoWay, DialKind::Intercepted),
            ),
            None => (other.to_string(), DialKind::NoWay),
        },
        Some(other) => (format!("TLS: {other}; is this the agents' listener?"), DialKind::Cut),
        None => (
            format!("the connection ended in the TLS handshake: {error}"),
            DialKind::Cut,
        ),
    };
    DialFailure { why, kind }
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
