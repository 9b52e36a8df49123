//! A pretended service manager: the socket that a real one listens on, at a path or in the abstract namespace.

use std::os::{
    linux::net::SocketAddrExt,
    unix::net::{SocketAddr, UnixDatagram},
};

use crate::server::LONG;

/// More than any test here says, signs of life included.
const MOST: usize = 500;

pub(crate) struct Manager {
    socket: UnixDatagram,
    address: String,
    _directory: Option<tempfile::TempDir>,
}

impl Manager {
    pub(crate) fn at_a_path() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self::listening(socket, path.to_str().unwrap().to_owned(), Some(directory))
    }

    pub(crate) fn in_the_abstract_namespace() -> Self {
        let name = format!("cutover-test/{}", uuid::Uuid::from_bytes(rand_bytes()));
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        Self::listening(socket, format!("@{name}"), None)
    }

    fn listening(socket: UnixDatagram, address: String, directory: Option<tempfile::TempDir>) -> Self {
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self {
            socket,
            address,
            _directory: directory,
        }
    }

    /// What `NOTIFY_SOCKET` says.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Everything up to the first message that is wanted, it included. Bounded.
    pub(crate) fn until(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut told = Vec::new();
        while told.len() < MOST {
            let mut buffer = [0; 4096];
            let length = self
                .socket
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("{error} after {told:?}"));
            let message = std::str::from_utf8(&buffer[..length]).unwrap().to_owned();
            told.push(message);
            if wanted(told.last().unwrap()) {
                return told;
            }
        }
        panic!(
            "not among {MOST} messages: {:?}",
            told.iter().filter(|told| *told != "WATCHDOG=1").collect::<Vec<_>>()
        )
    }

    /// Whether something waits to be read.
    pub(crate) fn has_heard_something(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let heard = self.socket.recv(&mut [0; 4096]).is_ok();
        self.socket.set_nonblocking(false).unwrap();
        heard
    }
}

fn rand_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).unwrap();
    bytes
}
