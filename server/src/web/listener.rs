//! The people's listener: plain on loopback or behind a proxy, TLS where the configuration names a certificate.

use std::{fs, io, net::SocketAddr, path::Path, pin::Pin, sync::Arc, task, time::Duration};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How many connections may wait to be served.
const BACKLOG: usize = 64;

/// Why the listener cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port is taken or may not be used.
    #[error(
        "cannot listen on {address} for people: {source}; choose another people.listen or stop what holds the port"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A certificate or key that cannot be used.
    #[error("{path}: {why}; people.tls_certificate and people.tls_key name PEM files that belong together")]
    Tls {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

/// Accepts connections for axum.
#[derive(Debug)]
pub struct PeopleListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(PeopleStream, SocketAddr)>,
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub enum PeopleStream {
    /// Without.
    Plain(TcpStream),
    /// With.
    Tls(Box<TlsStream<TcpStream>>),
}

impl PeopleListener {
    /// Binds and begins to accept. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound or the files cannot be used.
    pub async fn bind(address: SocketAddr, tls: Option<(&Path, &Path)>) -> Result<Self, ListenError> {
        let acceptor = tls.map(|(certificate, key)| acceptor(certificate, key)).transpose()?;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ListenError::Bind { address, source })?;
        let address = listener
            .local_addr()
            .map_err(|source| ListenError::Bind { address, source })?;
        let (sender, ready) = mpsc::channel(BACKLOG);
        tokio::spawn(accept(listener, acceptor, sender));
        Ok(Self { address, ready })
    }

    /// The address that was bound, with the port that the system gave.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, ready: mpsc::Sender<(PeopleStream, SocketAddr)>) {
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors is the usual cause; it passes when connections end.
                    tracing::warn!(%error, "cannot accept a connection from a person's browser");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = ready.closed() => return,
        };
        match &tls {
            None => {
                if ready.send((PeopleStream::Plain(stream), peer)).await.is_err() {
                    return;
                }
            }
            Some(tls) => {
                let (handshake, ready) = (tls.accept(stream), ready.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
                        // Nobody receives once the server stops; the connection then ends with the stream.
                        let _ = ready.send((PeopleStream::Tls(Box::new(stream)), peer)).await;
                    }
                });
            }
        }
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, ListenError> {
    let refuse = |path: &Path, why: String| ListenError::Tls {
        path: path.display().to_string(),
        why,
    };
    let read = |path: &Path| fs::read(path).map_err(|error| refuse(path, error.to_string()));
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refuse(certificate, error.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| refuse(key, error.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| refuse(certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl axum::serve::Listener for PeopleListener {
    type Io = PeopleStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (PeopleStream, SocketAddr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accepting task only ends together with this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl AsyncRead for PeopleStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> task::Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for PeopleStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut task::Context<'_>, bytes: &[u8]) -> task::Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
