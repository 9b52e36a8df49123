//! A bad line: carries connections to a server on the loopback, and cuts those that bring much, as often as it is told.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::Result;

/// The line. Dropping it ends it, and what it carries.
#[derive(Debug)]
pub struct Cutter {
    port: u16,
    line: Arc<Line>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Line {
    server: u16,
    /// A connection that brought so many bytes is cut, while there are cuts left.
    after: u64,
    cuts_left: AtomicU32,
    brought: AtomicU64,
    ended: AtomicBool,
}

impl Cutter {
    /// In front of this port of the loopback; cuts so many connections, each when it has brought `after` bytes.
    ///
    /// # Errors
    /// When the loopback cannot be listened on.
    pub fn start(server: u16, cuts: u32, after: u64) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let line = Arc::new(Line {
            server,
            after,
            cuts_left: AtomicU32::new(cuts),
            brought: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let carrier = line.clone();
        let thread = std::thread::spawn(move || {
            while let Ok((host, _)) = listener.accept() {
                if carrier.ended.load(Ordering::SeqCst) {
                    return;
                }
                // A server that is away is the host's affair: its connection ends.
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, carrier.server)) else {
                    continue;
                };
                carry(&host, &server, &carrier);
            }
        });
        Ok(Self {
            port,
            line,
            thread: Some(thread),
        })
    }

    /// Where hosts reach the server through it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many cuts are still to come.
    #[must_use]
    pub fn cuts_left(&self) -> u32 {
        self.line.cuts_left.load(Ordering::SeqCst)
    }

    /// How many bytes it brought to hosts so far, over all connections.
    #[must_use]
    pub fn brought(&self) -> u64 {
        self.line.brought.load(Ordering::SeqCst)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.line.ended.store(true, Ordering::SeqCst);
        // So that it looks.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Carries one connection by two threads that end with it.
fn carry(host: &TcpStream, server: &TcpStream, line: &Arc<Line>) {
    let (Ok(from_host), Ok(to_server)) = (host.try_clone(), server.try_clone()) else {
        return;
    };
    let (Ok(from_server), Ok(to_host)) = (server.try_clone(), host.try_clone()) else {
        return;
    };
    std::thread::spawn(move || pass_on(from_host, to_server, |_| true));
    let line = line.clone();
    std::thread::spawn(move || {
        let mut own = 0;
        pass_on(from_server, to_host, |bytes| {
            own += bytes;
            line.brought.fetch_add(bytes, Ordering::SeqCst);
            let is_due = own >= line.after;
            let cut = |left: u32| left.checked_sub(1);
            // Whoever takes the last cut takes it alone.
            !(is_due
                && line
                    .cuts_left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, cut)
                    .is_ok())
        });
    });
}

/// Until one side ends or `go_on` says no; then both are closed. `go_on` hears of bytes that were passed on.
fn pass_on(mut from: TcpStream, mut to: TcpStream, mut go_on: impl FnMut(u64) -> bool) {
    let mut part = [0; 16 * 1024];
    while let Ok(read) = from.read(&mut part) {
        if read == 0 || to.write_all(&part[..read]).is_err() || !go_on(read as u64) {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
