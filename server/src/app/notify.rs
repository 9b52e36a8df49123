//! Tells the service manager how the service stands: systemd's notification protocol (sd_notify(3)), one datagram each.
//!
//! The agent speaks the same in its own words: the two programs share the wire between them and nothing else.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::unix::{
        ffi::OsStrExt,
        net::{SocketAddr, UnixDatagram},
    },
    time::Duration,
};

/// A service manager that does not read for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// One line of status; systemd shows what fits a terminal.
const LONGEST_STATUS: usize = 500;

/// The way to the service manager that started this process.
#[derive(Debug)]
pub(super) struct Notifier {
    socket: UnixDatagram,
    manager: SocketAddr,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Of this process; none where no service manager asked to be told. What the variables say and cannot be used is
    /// logged: the service then runs untold, and a manager that waits for it will say so.
    #[must_use]
    pub(super) fn of_this_process() -> Option<Self> {
        let notifier = Self::from_variables(|name| env::var_os(name), std::process::id());
        notifier.unwrap_or_else(|error| {
            tracing::warn!(%error, "the service manager cannot be told how the service stands");
            None
        })
    }

    /// From the variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, for the process `own`.
    ///
    /// # Errors
    /// When the address is of an unknown kind, or no socket can be made.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<OsString>, own: u32) -> io::Result<Option<Self>> {
        let Some(address) = variable("NOTIFY_SOCKET").filter(|address| !address.is_empty()) else {
            return Ok(None);
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let number = |name| variable(name).and_then(|value| value.to_str()?.parse::<u64>().ok());
        // Without the variable it is meant for whoever reads it.
        let is_meant = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(own));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| is_meant && *usec > 0);
        Ok(Some(Self {
            socket,
            manager: address_of(&address)?,
            watchdog: watchdog.map(Duration::from_micros),
        }))
    }

    /// How long the service manager waits for a sign of life, where it does.
    #[must_use]
    pub(super) const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The service does its work from here on.
    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    /// The service is about to end.
    pub(super) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// The service lives.
    pub(super) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// How it stands, in one line for people.
    pub(super) fn status(&self, words: &str) {
        let mut line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if line.len() > LONGEST_STATUS {
            let end = (0..=LONGEST_STATUS).rev().find(|end| line.is_char_boundary(*end));
            line.truncate(end.unwrap_or(0));
        }
        self.send(&format!("STATUS={line}"));
    }

    fn send(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.manager) {
            tracing::warn!(%error, state, "the service manager was not told");
        }
    }
}

/// A path, or a name in the abstract namespace, which is written with `@` in the place of its first byte, zero.
fn address_of(address: &OsStr) -> io::Result<SocketAddr> {
    match address.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(address),
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "NOTIFY_SOCKET is neither a path nor an abstract name: {}",
                address.to_string_lossy()
            ),
        )),
    }
}
