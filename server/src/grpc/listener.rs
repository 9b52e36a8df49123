//! Takes connections, makes TLS handshakes in tasks of their own, and hands finished ones to the HTTP server.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::Stream;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use super::{Connections, PeerCertificate, PeerConnection, TlsIdentity, listener_connections::Entry};

/// How long to wait when the system refuses to accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Finished handshakes that wait for the HTTP server; it takes them at once.
const READY: usize = 32;

/// What handshakes may take. They are the one costly thing that a stranger can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandshakeLimits {
    /// A peer that has not finished by then is dropped.
    pub time_out: Duration,
    /// Handshakes under way at once; further connections wait in the system's queue.
    pub at_once: usize,
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self {
            time_out: Duration::from_secs(10),
            at_once: 512,
        }
    }
}

/// Connections that have finished their handshake. Dropping it closes the listening socket; open connections go on.
#[derive(Debug)]
pub struct Incoming {
    ready: mpsc::Receiver<TlsIo>,
    accepting: JoinHandle<()>,
    address: io::Result<SocketAddr>,
}

impl Incoming {
    /// Where it listens: with port 0 asked for, the port that the system gave.
    ///
    /// # Errors
    /// When the system could not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.address {
            Ok(address) => Ok(*address),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Stream for Incoming {
    type Item = io::Result<TlsIo>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready.poll_recv(cx).map(|io| io.map(Ok))
    }
}

/// Starts accepting on `tcp`. Each connection takes the identity that is current when it arrives, and is in
/// `connections` from before its first call until it ends.
#[must_use]
pub fn listen(
    tcp: TcpListener,
    identity: Arc<TlsIdentity>,
    connections: Arc<Connections>,
    limits: HandshakeLimits,
) -> Incoming {
    let address = tcp.local_addr();
    let (hand_over, ready) = mpsc::channel(READY);
    let accepting = tokio::spawn(accept(tcp, identity, connections, limits, hand_over));
    Incoming {
        ready,
        accepting,
        address,
    }
}

async fn accept(
    tcp: TcpListener,
    identity: Arc<TlsIdentity>,
    connections: Arc<Connections>,
    limits: HandshakeLimits,
    hand_over: mpsc::Sender<TlsIo>,
) {
    let slots = Arc::new(Semaphore::new(limits.at_once.max(1)));
    loop {
        let slot = slots.clone().acquire_owned().await;
        let (stream, address) = match tcp.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection could not be accepted; raise the limit of open files if this stays");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let acceptor = TlsAcceptor::from(identity.current());
        let connections = connections.clone();
        let hand_over = hand_over.clone();
        tokio::spawn(async move {
            let finished = tokio::time::timeout(limits.time_out, handshake(acceptor, stream, address)).await;
            drop(slot);
            match finished {
                // A closed receiver means that the server is stopping; the connection is dropped with it.
                Ok(Ok(accepted)) => drop(hand_over.send(accepted.enter(&connections)).await),
                Ok(Err(error)) => debug!(%address, %error, "TLS handshake failed"),
                Err(_) => debug!(%address, "TLS handshake took too long"),
            }
        });
    }
}

struct Accepted {
    stream: TlsStream<TcpStream>,
    peer: PeerConnection,
}

async fn handshake(acceptor: TlsAcceptor, stream: TcpStream, address: SocketAddr) -> io::Result<Accepted> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let (_, session) = stream.get_ref();
    let certificate = session
        .peer_certificates()
        .and_then(<[_]>::first)
        .map(|leaf| PeerCertificate::parse(leaf))
        .transpose()
        .map_err(io::Error::other)?
        .map(Arc::new);
    Ok(Accepted {
        stream,
        peer: PeerConnection { address, certificate },
    })
}

impl Accepted {
    fn enter(self, connections: &Arc<Connections>) -> TlsIo {
        let certificate = self.peer.certificate.as_ref();
        let entry = certificate.map(|shown| connections.enter(shown.spki_digest()));
        TlsIo {
            stream: self.stream,
            peer: self.peer,
            entry,
        }
    }
}

/// One TLS connection. Ends with an error as soon as [`Connections::close`] names its key.
#[derive(Debug)]
pub struct TlsIo {
    stream: TlsStream<TcpStream>,
    peer: PeerConnection,
    entry: Option<Entry>,
}

impl TlsIo {
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        match &self.entry {
            Some(entry) if entry.is_closed(cx) => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the peer's key was revoked",
            )),
            Some(_) | None => Ok(()),
        }
    }
}

impl Connected for TlsIo {
    type ConnectInfo = PeerConnection;

    fn connect_info(&self) -> PeerConnection {
        self.peer.clone()
    }
}

impl AsyncRead for TlsIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A closed connection's peer is not waited for.
        if self.check(cx).is_err() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
