//! The local channel: a Unix socket in the agent's own directory ([`super::talk`] has what is said over it).
//!
//! The directory is the agent's own, and beside that the kernel says who is at the other end: only root and the user
//! that the agent runs as are answered.

use std::{convert::Infallible, fs, io, path::Path, time::Duration};

use tokio::net::{UnixListener, UnixStream};

use super::talk::{ChannelError, PATIENCE, answer_status, in_time, status_over};
use crate::app::{AgentStatus, Handle};

/// The agent's end of the channel.
#[derive(Debug)]
pub struct Channel(UnixListener);

impl Channel {
    /// Makes it. From here on questions wait to be answered.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn bind(path: &Path) -> Result<Self, ChannelError> {
        let bind = |source| ChannelError::Bind {
            path: path.to_owned(),
            source,
        };
        // The journal's lock has shown that no other agent uses this directory, so a socket there is a leftover.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(bind(error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path).map_err(bind)?;
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(bind)?;
        Ok(Self(listener))
    }

    /// Answers for as long as it is polled.
    pub async fn serve(self, agent: &Handle) -> Infallible {
        loop {
            match self.0.accept().await {
                // One at a time: the answer is short, and nobody who is not allowed gets far.
                Ok((stream, _)) => match tokio::time::timeout(PATIENCE, answer(stream, agent)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "local channel"),
                    Err(_) => tracing::debug!("local channel: the other end was too slow"),
                },
                Err(error) => {
                    tracing::warn!(%error, "local channel");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

async fn answer(mut stream: UnixStream, agent: &Handle) -> io::Result<()> {
    let may = |stream: &UnixStream| {
        let peer = stream.peer_cred()?.uid();
        let may = may_ask(peer, rustix::process::geteuid().as_raw());
        if !may {
            tracing::warn!(uid = peer, "local channel: a user who may not ask was turned away");
        }
        Ok(may)
    };
    answer_status(&mut stream, may, agent).await
}

pub(super) const fn may_ask(peer: u32, own: u32) -> bool {
    peer == 0 || peer == own
}

/// Asks the agent behind this channel how it stands.
///
/// # Errors
/// When nobody is there, or it does not answer.
pub async fn ask_status(path: &Path) -> Result<AgentStatus, ChannelError> {
    in_time(path, async {
        let stream = UnixStream::connect(path).await.map_err(|source| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::PermissionDenied {
                ChannelError::NotYou { path }
            } else {
                ChannelError::NobodyThere { path, source }
            }
        })?;
        status_over(stream, path).await
    })
    .await
}
