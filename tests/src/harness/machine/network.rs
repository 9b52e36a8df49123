//! The machine's network: that of the machine outside, or one of its own with a cable that can be pulled.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::harness::debian_root::{DebianRoot, Net};
use crate::harness::process::{run, tool};

const LIMIT: Duration = Duration::from_secs(30);

/// Both ends of the cable, in a network for tests (RFC 5737, TEST-NET-1). It exists inside the namespaces alone.
const SITE: &str = "192.0.2.1/24";
const MACHINE: &str = "192.0.2.2/24";
const SITE_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Which network a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// That of the machine that the test runs on: its loopback, its way to the archives.
    Shared,
    /// One of its own, on which it reaches what the test forwards and nothing else.
    Own,
}

impl Network {
    pub(super) fn of_the_root(self) -> Net {
        match self {
            Self::Shared => Net::Shared,
            Self::Own => Net::Own {
                site: SITE,
                machine: MACHINE,
            },
        }
    }
}

/// The far end of a cable. Dropping it ends what it forwards.
#[derive(Debug)]
pub(super) struct Cable {
    namespaces: String,
    machine: String,
    forwards: Vec<Forward>,
}

impl Cable {
    pub(super) fn of(root: &DebianRoot) -> Result<Self> {
        Ok(Self {
            namespaces: root.namespace()?.files(),
            machine: root.path().join("dev/machine-net").display().to_string(),
            forwards: Vec::new(),
        })
    }

    /// The file of the machine's own network, as seen where the root's mounts are.
    pub(super) fn machine(&self) -> &str {
        &self.machine
    }

    /// Whoever calls this port of the far end from the machine reaches `port` on the loopback outside.
    pub(super) fn forward(&mut self, port: u16) -> Result<SocketAddr> {
        let listener = listen(&self.namespaces, SocketAddr::new(IpAddr::V4(SITE_ADDRESS), port))?;
        let address = listener.local_addr()?;
        self.forwards.push(Forward::start(listener, port)?);
        Ok(address)
    }

    /// Pulls the cable out, or plugs it in. Nobody is told: packets are lost.
    pub(super) fn plug(&self, plugged: bool) -> Result<()> {
        let mut ip = tool("nsenter");
        ip.arg(format!("--net={}/net", self.namespaces)).args([
            "ip",
            "link",
            "set",
            "site0",
            if plugged { "up" } else { "down" },
        ]);
        run(ip, LIMIT)?.succeeded()?;
        Ok(())
    }
}

/// A listener in the far end's network. A socket belongs to the namespace that its thread was in when it was made, so a
/// thread of its own makes it and ends; whoever uses it stays outside.
fn listen(namespaces: &str, address: SocketAddr) -> Result<TcpListener> {
    let network = File::open(format!("{namespaces}/net"))?;
    let listening = std::thread::spawn(move || -> Result<TcpListener> {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(TcpListener::bind(address)?)
    });
    listening
        .join()
        .map_err(|_| anyhow!("the listening thread panicked"))?
        .with_context(|| format!("cannot listen on {address} in the machine's network"))
}

/// Hands on what comes over a listener, byte by byte.
#[derive(Debug)]
struct Forward {
    listener: TcpListener,
    ended: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Forward {
    fn start(listener: TcpListener, port: u16) -> Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let accepting = listener.try_clone()?;
        let over = ended.clone();
        let thread = std::thread::spawn(move || {
            while let Ok((inside, _)) = accepting.accept() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // Nobody listens outside: the caller sees its connection closed, as behind a balancer without servers.
                let Ok(outside) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
                    continue;
                };
                join(&inside, &outside);
            }
        });
        Ok(Self {
            listener,
            ended,
            thread: Some(thread),
        })
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // A listening socket that is shut down wakes whoever waits in `accept` (Linux).
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Copies in both directions until both have ended, on threads that end with the connection.
fn join(inside: &TcpStream, outside: &TcpStream) {
    for (from, to) in [(inside, outside), (outside, inside)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
            return;
        };
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
