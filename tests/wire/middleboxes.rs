//! What stands between hosts and servers: a relay that can be told whom it lets through, a proxy, an inspector of TLS. Each
//! on a port of loopback that the system gave, ended when it is dropped.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// What a relay does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    /// Everything.
    All(SocketAddr),
    /// What offers no HTTP/2 in its handshake; the rest is cut off.
    NoHttp2(SocketAddr),
}

/// A port that leads elsewhere.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    passes: Arc<Mutex<Passes>>,
    task: JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    pub(crate) async fn start(passes: Passes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let passes = Arc::new(Mutex::new(passes));
        let rule = passes.clone();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let rule = rule.clone();
                open.spawn(async move { relay(stream, &rule).await });
            }
        });
        Self { address, passes, task }
    }

    /// For the connections to come.
    pub(crate) fn set(&self, passes: Passes) {
        *self.passes.lock().unwrap() = passes;
    }
}

async fn relay(mut stream: TcpStream, rule: &Mutex<Passes>) {
    let mut hello = vec![0; 16 * 1024];
    let Ok(read) = stream.read(&mut hello).await else {
        return;
    };
    let passes = *rule.lock().unwrap();
    let to = match passes {
        // ALPN's list has it as a length and two letters.
        Passes::NoHttp2(_) if hello[..read].windows(3).any(|part| part == b"\x02h2") => return,
        Passes::All(to) | Passes::NoHttp2(to) => to,
    };
    let Ok(mut onward) = TcpStream::connect(to).await else {
        return;
    };
    if onward.write_all(&hello[..read]).await.is_ok() {
        let _ = copy_bidirectional(&mut stream, &mut onward).await;
    }
}

/// A proxy for CONNECT.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    tunnels: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Wants these credentials, if any. Answers whoever has them with `instead`, where that is given.
    pub(crate) async fn start(credentials: Option<&str>, instead: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tunnels: Arc<Mutex<Vec<String>>> = Arc::default();
        let wanted = credentials.map(|credentials| format!("Basic {}", STANDARD.encode(credentials)));
        let noted = tunnels.clone();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (wanted, noted) = (wanted.clone(), noted.clone());
                open.spawn(async move { tunnel(stream, wanted, instead, &noted).await });
            }
        });
        Self { address, tunnels, task }
    }

    /// Where it was let through to.
    pub(crate) fn tunnels(&self) -> Vec<String> {
        self.tunnels.lock().unwrap().clone()
    }
}

async fn tunnel(
    mut stream: TcpStream,
    wanted: Option<String>,
    instead: Option<&'static str>,
    tunnels: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let to = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let shown = fields.find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"));
    let refusal = if wanted.as_deref() == shown.map(|(_, value)| value) {
        instead.map(str::to_owned)
    } else {
        Some("407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"corp\"".to_owned())
    };
    if let Some(refusal) = refusal {
        let answer = format!("HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()?;
        return None;
    }
    let mut onward = TcpStream::connect(&to).await.ok()?;
    tunnels.lock().unwrap().push(to);
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .ok()?;
    copy_bidirectional(&mut stream, &mut onward).await.ok()?;
    Some(())
}

/// Ends TLS in the server's place, with a certificate of its own for the name that is asked for.
pub(crate) struct Inspector {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Inspector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inspector {
    /// Whose authority, made for this test, bears these names.
    pub(crate) async fn start(common_name: &str, organisation: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let chain = vec![leaf.der().clone(), CertificateDer::from(authority.der().to_vec())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map(|mut config| {
                config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
                TlsAcceptor::from(Arc::new(config))
            })
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = config.clone();
                open.spawn(async move {
                    if let Ok(mut believed) = acceptor.accept(stream).await {
                        // Nothing may ever come: a host that believes this shows its token here.
                        let mut said = Vec::new();
                        let _ = believed.read_to_end(&mut said).await;
                        assert!(said.is_empty(), "an inspector was believed");
                    }
                });
            }
        });
        Self { address, task }
    }
}

/// A port at which nobody listens.
pub(crate) async fn dead() -> SocketAddr {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    taken.local_addr().unwrap()
}
