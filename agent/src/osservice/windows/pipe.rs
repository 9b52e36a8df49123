//! The local channels on Windows: named pipes, whose access lists say who may open them, and whose other end the system
//! names.
#![expect(
    unsafe_code,
    reason = "tokio takes access lists and opened pipes only raw; each place says what makes it sound"
)]

use std::{
    convert::Infallible,
    fs::OpenOptions,
    io,
    os::windows::{fs::OpenOptionsExt, io::IntoRawHandle},
    path::Path,
    time::Duration,
};

use tokio::net::windows::named_pipe::{NamedPipeClient, NamedPipeServer, ServerOptions};
use windows_sys::Win32::{
    Foundation::ERROR_PIPE_BUSY,
    Storage::FileSystem::{FILE_FLAG_OVERLAPPED, SECURITY_IDENTIFICATION},
};

use super::peer::{self, Peer};
use crate::{
    app::{AgentStatus, Handle},
    disk::owner::{Behind, Descriptor, is_ours},
    osservice::{
        talk::{ChannelError, PATIENCE, answer_status, in_time, status_over},
        user_talk::{MayNot, UserAnswer, UserQuestion, answer_user, ask_over},
    },
    words::Language,
};

/// SYSTEM, administrators, and whoever runs the agent. It belongs to administrators, by which whoever asks knows it.
const FOR_STATUS: &str = "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)";
/// And whoever is logged in at this machine, but nobody over the network. `0x12019b` is to read and write and not to make
/// another pipe of this name, which `FILE_GENERIC_WRITE` would be.
const FOR_USERS: &str = "O:BAD:P(D;;FA;;;NU)(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)(A;;0x12019b;;;IU)";
/// As much as the users' list gives.
const TO_ASK: u32 = 0x0012_019b;

/// The agent's end of the channel of `status`.
#[derive(Debug)]
pub struct Channel(Listener);

impl Channel {
    /// Makes it. From here on questions wait to be answered.
    ///
    /// # Errors
    /// When it cannot be made, also because a pipe of this name is there already.
    pub fn bind(path: &Path) -> Result<Self, ChannelError> {
        let listener = Listener::bind(path, FOR_STATUS).map_err(|source| ChannelError::Bind {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(listener))
    }

    /// Answers for as long as it is polled.
    pub async fn serve(self, agent: &Handle) -> Infallible {
        self.0
            .serve("local channel", async |mut pipe: NamedPipeServer| {
                answer_status(&mut pipe, may_ask, agent).await
            })
            .await
    }
}

fn may_ask(pipe: &NamedPipeServer) -> io::Result<bool> {
    let peer = peer::of(pipe)?;
    if !peer.is_administrator {
        tracing::warn!(
            session = peer.session,
            "local channel: a user who may not ask was turned away"
        );
    }
    Ok(peer.is_administrator)
}

/// Answers users for as long as it is polled. Where the channel cannot be made the agent works on without it, and says so:
/// orders do not depend on it.
pub async fn serve_users(path: &Path, agent: &Handle) -> Infallible {
    let listener = match Listener::bind(path, FOR_USERS) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "users cannot put restarts off: no channel for them");
            return std::future::pending().await;
        }
    };
    listener
        .serve("users' channel", async |mut pipe: NamedPipeServer| {
            // Windows keeps its zones another way, so instants are in UTC.
            answer_user(&mut pipe, None, may_defer, agent).await
        })
        .await
}

/// SYSTEM, administrators, and whoever works in an active session.
fn may_defer(pipe: &NamedPipeServer) -> Result<(), MayNot> {
    let unknown = |error: io::Error| MayNot::Untold(error.to_string());
    let peer = peer::of(pipe).map_err(unknown)?;
    decide(peer, peer::is_active).map_err(unknown)?
}

fn decide(peer: Peer, is_active: impl FnOnce(u32) -> io::Result<bool>) -> io::Result<Result<(), MayNot>> {
    // Nobody logs in to session 0.
    if peer.is_administrator || (peer.session != 0 && is_active(peer.session)?) {
        return Ok(Ok(()));
    }
    Ok(Err(MayNot::NotHere))
}

/// The next instance of a pipe, which waits for somebody.
#[derive(Debug)]
struct Listener {
    name: std::path::PathBuf,
    list: &'static str,
    next: NamedPipeServer,
}

impl Listener {
    fn bind(path: &Path, list: &'static str) -> io::Result<Self> {
        Ok(Self {
            next: instance(path, list, true)?,
            name: path.to_owned(),
            list,
        })
    }

    async fn serve(
        mut self,
        what: &'static str,
        answer: impl AsyncFn(NamedPipeServer) -> io::Result<()>,
    ) -> Infallible {
        loop {
            let met = match self.next.connect().await {
                // The next one first, so that whoever comes meanwhile waits and is not turned away.
                Ok(()) => instance(&self.name, self.list, false).map(|next| std::mem::replace(&mut self.next, next)),
                Err(error) => Err(error),
            };
            match met {
                Ok(pipe) => match tokio::time::timeout(PATIENCE, answer(pipe)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "{what}"),
                    Err(_) => tracing::debug!("{what}: the other end was too slow"),
                },
                Err(error) => {
                    tracing::warn!(%error, "{what}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    // Whoever came is let go.
                    let _ = self.next.disconnect();
                }
            }
        }
    }
}

fn instance(path: &Path, list: &str, is_first: bool) -> io::Result<NamedPipeServer> {
    let descriptor = Descriptor::parse(list)?;
    let mut attributes = descriptor.attributes();
    let mut options = ServerOptions::new();
    // A pipe of this name that is there already is somebody else's.
    options.first_pipe_instance(is_first).reject_remote_clients(true);
    // SAFETY: the attributes and the descriptor that they point to outlive the call.
    unsafe { options.create_with_security_attributes_raw(path, (&raw mut attributes).cast()) }
}

/// Opens the agent's pipe as somebody who may be known, not stood for.
async fn connect(path: &Path) -> Result<NamedPipeClient, ChannelError> {
    const BETWEEN: Duration = Duration::from_millis(20);
    let path_of = || path.to_owned();
    let nobody = |source| ChannelError::NobodyThere {
        path: path_of(),
        source,
    };
    let file = loop {
        let opened = OpenOptions::new()
            .access_mode(TO_ASK)
            .custom_flags(FILE_FLAG_OVERLAPPED)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(path);
        match opened {
            Ok(file) => break file,
            // The agent talks to somebody else; `in_time` bounds the wait.
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed()) => {
                tokio::time::sleep(BETWEEN).await;
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(ChannelError::NotYou { path: path_of() });
            }
            Err(error) => return Err(nobody(error)),
        }
    };
    if !is_ours(&file, Behind::KernelObject).map_err(nobody)? {
        return Err(nobody(io::Error::other(
            "a program that is not the agent has taken the pipe's name",
        )));
    }
    // SAFETY: it is the only handle of a pipe that was opened for overlapped use.
    unsafe { NamedPipeClient::from_raw_handle(file.into_raw_handle()) }.map_err(nobody)
}

/// Asks the agent behind this pipe how it stands.
///
/// # Errors
/// When nobody is there, or it does not answer.
pub async fn ask_status(path: &Path) -> Result<AgentStatus, ChannelError> {
    in_time(path, async { status_over(connect(path).await?, path).await }).await
}

/// Asks the agent behind this pipe, in the language of the session where that is told.
///
/// # Errors
/// When nobody is there, or it does not answer.
pub async fn ask_as_user(
    path: &Path,
    question: UserQuestion,
    language: Option<Language>,
) -> Result<UserAnswer, ChannelError> {
    in_time(path, async {
        ask_over(connect(path).await?, path, question, language).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_is_at_the_machine_may_put_its_restart_off() {
        let may = |is_administrator, session, active: io::Result<bool>| {
            let peer = Peer {
                is_administrator,
                session,
            };
            decide(peer, |_| active).map(|may| may.is_ok())
        };
        assert!(may(true, 0, Ok(false)).unwrap());
        assert!(may(false, 2, Ok(true)).unwrap());
        assert!(!may(false, 2, Ok(false)).unwrap());
        assert!(!may(false, 0, Ok(true)).unwrap(), "a service is nobody's session");
        assert!(may(false, 2, Err(io::ErrorKind::Other.into())).is_err());
    }

    fn name(of: &str) -> std::path::PathBuf {
        format!(r"\\.\pipe\cutover-test-{}-{of}", std::process::id()).into()
    }

    #[tokio::test]
    async fn the_system_names_the_peer_of_a_pipe_once_it_has_spoken() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let path = name("peer");
        let mut listener = Listener::bind(&path, FOR_USERS).unwrap();
        let (server, client) = tokio::join!(listener.next.connect(), connect(&path));
        server.unwrap();
        let mut client = client.unwrap();
        client.write_all(b"?").await.unwrap();
        listener.next.read_exact(&mut [0]).await.unwrap();
        // Whoever runs this test.
        let peer = peer::of(&listener.next).unwrap();
        assert!(peer.is_administrator, "{peer:?}; run it as an administrator");
    }

    #[tokio::test]
    async fn a_pipe_that_nobody_has_says_what_to_do() {
        let refused = ask_status(&name("nobody")).await.unwrap_err();
        assert!(refused.to_string().contains("start the service"), "{refused}");
    }
}
