//! A listener over loopback with real TLS, for the tests beside it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cutover_proto::ids::HostId;
use hyper::{Request, Response};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    Status,
    body::Body,
    service::Routes,
    transport::{self, Channel, ClientTlsConfig, Identity},
};
use uuid::Uuid;

use super::{
    Admission, AdmissionError, AdmissionLayer, Connections, EnrollLimits, HandshakeLimits, HostKeyFuture, HostKeyState,
    NowMs, Peer, TlsIdentity, listen, server_builder,
};
use crate::{
    clock::Clock,
    pki::{CsrKey, HOST_LIFE, Pki},
};

pub(super) const DAY_MS: i64 = 24 * 3600 * 1000;

/// Longer than anything here takes; a test that waits for it fails.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// What the store would know.
#[derive(Default)]
pub(super) struct Keys {
    rows: Mutex<HashMap<String, HostKeyState>>,
    pub(super) broken: AtomicBool,
}

impl Keys {
    pub(super) fn change(&self, spki_hash: &str, change: impl FnOnce(&mut HostKeyState)) {
        let mut rows = self.rows.lock().expect("not poisoned");
        change(rows.get_mut(spki_hash).expect("a known key"));
    }

    pub(super) fn forget(&self, spki_hash: &str) {
        self.rows.lock().expect("not poisoned").remove(spki_hash);
    }
}

impl Admission for Keys {
    fn host_key<'a>(&'a self, spki_hash: &'a str) -> HostKeyFuture<'a> {
        Box::pin(async move {
            if self.broken.load(Ordering::SeqCst) {
                return Err(AdmissionError("the disk is gone".to_owned()));
            }
            Ok(self.rows.lock().expect("not poisoned").get(spki_hash).copied())
        })
    }
}

/// A running listener.
pub(super) struct World {
    _root: TempDir,
    pub(super) pki: Pki,
    pub(super) clock: Clock,
    pub(super) keys: Arc<Keys>,
    pub(super) identity: Arc<TlsIdentity>,
    pub(super) connections: Arc<Connections>,
    pub(super) address: SocketAddr,
}

/// A host with its key and certificate.
pub(super) struct Host {
    pub(super) id: HostId,
    pub(super) spki_hash: String,
    key: KeyPair,
    der: Vec<u8>,
}

impl Host {
    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.der.clone())
    }
}

impl World {
    pub(super) async fn start(routes: Routes) -> Self {
        Self::start_with(routes, EnrollLimits::default(), HandshakeLimits::default()).await
    }

    pub(super) async fn start_with(routes: Routes, enroll: EnrollLimits, handshakes: HandshakeLimits) -> Self {
        // Fails where an earlier test of this process has done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = tempfile::tempdir().expect("a temporary directory");
        // The clients here judge the server's certificate by the machine's clock.
        let clock = Clock::manual(Clock::system().now_ms());
        let pki = Pki::create(&root.path().join("pki"), clock.now_ms()).expect("an authority");
        let now = now(&clock);
        let shown = pki
            .server_identity(&["localhost".into()], clock.now_ms())
            .expect("an identity");
        let identity = TlsIdentity::new(&shown, &pki.roots(), now.clone()).expect("a configuration");
        let keys = Arc::new(Keys::default());
        let connections = Connections::new();
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let incoming = listen(tcp, identity.clone(), connections.clone(), handshakes);
        let address = incoming.local_addr().expect("an address");
        let layer = AdmissionLayer::new(keys.clone(), now, enroll);
        tokio::spawn(
            server_builder()
                .layer(layer)
                .add_routes(routes)
                .serve_with_incoming(incoming),
        );
        Self {
            _root: root,
            pki,
            clock,
            keys,
            identity,
            connections,
            address,
        }
    }

    /// A host whose key is known and live.
    pub(super) fn host(&self) -> Host {
        let host = certify(&self.pki, self.clock.now_ms());
        let from_ms = self.clock.now_ms() - 3_600_000;
        let to_ms = self.clock.now_ms() + 90 * DAY_MS;
        let row = HostKeyState {
            host_id: host.id,
            from_ms,
            to_ms,
            revoked_ms: None,
        };
        self.keys
            .rows
            .lock()
            .expect("not poisoned")
            .insert(host.spki_hash.clone(), row);
        host
    }

    /// A gRPC channel that trusts the authority and shows the host's certificate, if any.
    pub(super) async fn channel(&self, host: Option<&Host>) -> Result<Channel, transport::Error> {
        let mut tls = ClientTlsConfig::new().domain_name("localhost");
        for root in self.pki.roots() {
            tls = tls.ca_certificate(transport::Certificate::from_pem(pem(&root)));
        }
        if let Some(host) = host {
            tls = tls.identity(Identity::from_pem(pem(&host.der), host.key.serialize_pem()));
        }
        let url = format!("https://{}", self.address);
        Channel::from_shared(url)
            .expect("an address")
            .tls_config(tls)?
            .connect()
            .await
    }

    /// A client of HTTP/1.1 that keeps session tickets between connections.
    pub(super) fn plain(&self, host: Option<&Host>) -> Plain {
        let mut roots = RootCertStore::empty();
        for root in self.pki.roots() {
            roots.add(root).expect("a root");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match host {
            None => config.with_no_client_auth(),
            Some(host) => config
                .with_client_auth_cert(
                    vec![host.certificate()],
                    PrivatePkcs8KeyDer::from(host.key.serialize_der()).into(),
                )
                .expect("a certificate"),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Plain {
            address: self.address,
            connector: TlsConnector::from(Arc::new(config)),
        }
    }
}

/// Asks once a connection, by HTTP/1.1.
pub(super) struct Plain {
    address: SocketAddr,
    connector: TlsConnector,
}

impl Plain {
    pub(super) async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        self.connector.connect(name, tcp).await
    }

    /// The status line, and how the handshake went.
    pub(super) async fn get(&self, path: &str) -> std::io::Result<(String, Option<rustls::HandshakeKind>)> {
        let mut stream = self.connect().await?;
        let kind = stream.get_ref().1.handshake_kind();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let text = String::from_utf8_lossy(&answer);
        Ok((text.lines().next().unwrap_or_default().to_owned(), kind))
    }
}

pub(super) fn now(clock: &Clock) -> NowMs {
    let clock = clock.clone();
    Arc::new(move || clock.now_ms())
}

/// A certificate of this authority for a new key and host.
pub(super) fn certify(pki: &Pki, now_ms: i64) -> Host {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let csr = CertificateParams::default().serialize_request(&key).expect("a request");
    let asked = CsrKey::check(csr.der()).expect("a good request");
    let id = HostId::new(Uuid::parse_str(&asked.spki_hash[..32]).expect("32 digits"));
    let issued = pki
        .issue_host(csr.der(), id.uuid(), now_ms, HOST_LIFE)
        .expect("a certificate");
    Host {
        id,
        spki_hash: issued.spki_hash,
        key,
        der: issued.der,
    }
}

/// Routes that answer every path with who asked: gRPC by status ABORTED, plain HTTP by 200.
pub(super) fn reached() -> Routes {
    Routes::from(axum::Router::new().fallback(answer_reached))
}

async fn answer_reached(request: Request<axum::body::Body>) -> Response<Body> {
    let who = match request.extensions().get::<Peer>() {
        Some(peer) => format!("reached as {} expired={}", peer.host_id, peer.expired),
        None => "reached as nobody".to_owned(),
    };
    if request.headers().contains_key("grpc-timeout") || request.uri().path().contains('.') {
        return Status::aborted(who).into_http();
    }
    Response::new(Body::empty())
}

/// Yields to other tasks until it holds. Bounded; not a measure of time.
pub(super) async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, wait)
        .await
        .expect("the condition holds in the end");
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(der)
    )
}
