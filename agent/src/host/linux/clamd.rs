//! Asks clamd over its local socket what it is and what it loaded. A connection may start a daemon whose socket the
//! service manager holds open, so it is asked only of one that is at work.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use crate::facts::{Answer, ToolOutput};

/// Where Debian's and Fedora's packages put it.
const SOCKETS: &[&str] = &["/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock"];
/// A daemon that works answers in milliseconds; one that loads its signatures, later.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// One line.
const MAX: usize = 1024;
/// The line comes in one piece; a daemon that drips it is not waited for.
const READS: u32 = 4;

pub(super) fn version() -> Answer<ToolOutput> {
    SOCKETS
        .iter()
        .find(|path| Path::new(path).exists())
        .map_or(Answer::Absent, |path| ask(path, TIME_LIMIT))
}

fn ask(path: &str, limit: Duration) -> Answer<ToolOutput> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Answer::Failed(format!(
            "clamd at {path} {what}: {error}; it may be loading its signatures"
        ))
    };
    let opened = SocketAddrUnix::new(path).and_then(|address| {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&socket, &address).map(|()| socket)
    });
    let socket = match opened {
        Ok(socket) => socket,
        // Nobody listens: what an earlier daemon left.
        Err(Errno::CONNREFUSED | Errno::NOENT) => return Answer::Absent,
        Err(errno @ (Errno::ACCESS | Errno::PERM)) => {
            return Answer::Denied(format!("{path} may not be opened: {errno}; run as root"));
        }
        Err(errno) => return failed("takes no call", &errno),
    };
    let mut stream = UnixStream::from(socket);
    let asked = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_read_timeout(Some(limit)))
        .and_then(|()| stream.set_write_timeout(Some(limit)))
        .and_then(|()| stream.write_all(b"zVERSION\0"));
    if let Err(error) = asked {
        return failed("does not listen", &error);
    }
    let mut said = Vec::new();
    for _ in 0..READS {
        let mut piece = [0; MAX];
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => said.extend(&piece[..length]),
            Err(error) => return failed(&format!("did not answer within {} s", limit.as_secs_f32()), &error),
        }
        if said.contains(&0) {
            break;
        }
    }
    Answer::Found(ToolOutput {
        stdout: said,
        stderr: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, thread};

    use super::*;

    #[test]
    fn what_the_daemon_says_comes_back_and_one_that_is_silent_is_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clamd.ctl");
        let path = path.to_str().unwrap();
        assert_eq!(ask(path, TIME_LIMIT), Answer::Absent);
        let listener = UnixListener::bind(path).unwrap();
        // Nobody accepts: systemd holds the socket while clamd loads.
        let Answer::Failed(why) = ask(path, Duration::from_millis(50)) else {
            panic!("silence is no answer");
        };
        assert!(why.contains("did not answer within 0.05 s"), "{why}");
        let daemon = thread::spawn(move || {
            let (_silent, _) = listener.accept().unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 9];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(&asked, b"zVERSION\0");
            stream
                .write_all(b"ClamAV 1.4.6/27500/Tue Nov 24 09:30:12 2026\0")
                .unwrap();
        });
        let said = ask(path, TIME_LIMIT).found().unwrap();
        assert_eq!(said.stdout, b"ClamAV 1.4.6/27500/Tue Nov 24 09:30:12 2026\0");
        daemon.join().unwrap();
        // The socket outlives its daemon.
        assert_eq!(ask(path, TIME_LIMIT), Answer::Absent);
    }
}
