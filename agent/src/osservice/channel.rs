//! The local channel: a Unix socket in the agent's own directory. One line asks, one line of JSON answers.
//!
//! The directory is the agent's own, and beside that the kernel says who is at the other end: only root and the user
//! that the agent runs as are answered.

use std::{
    convert::Infallible,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::app::{AgentStatus, Handle};

/// A question is one word.
const LONGEST_QUESTION: u64 = 64;
/// An answer is one status.
const LONGEST_ANSWER: u64 = 1024 * 1024;
/// Neither side waits longer for the other.
const PATIENCE: Duration = Duration::from_secs(10);
const STATUS: &str = "status";

/// Why the channel does not work.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// It cannot be made.
    #[error("{path}: the local channel cannot be made: {source}; `socket` in the configuration names another place")]
    Bind {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody listens.
    #[error("{path}: no agent answers: {source}; start the service, or name its --state-dir")]
    NobodyThere {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The agent does not answer this user.
    #[error("{path}: the agent answers only root and the user it runs as")]
    NotYou {
        /// Where.
        path: PathBuf,
    },
    /// What came back is no answer.
    #[error("{path}: the agent's answer cannot be read: {why}; are both of the same version?")]
    Answer {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

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
    let peer = stream.peer_cred()?.uid();
    if !may_ask(peer, rustix::process::geteuid().as_raw()) {
        tracing::warn!(uid = peer, "local channel: a user who may not ask was turned away");
        return Ok(());
    }
    let mut question = String::new();
    let (reader, mut writer) = stream.split();
    BufReader::new(reader.take(LONGEST_QUESTION))
        .read_line(&mut question)
        .await?;
    let line = match question.trim_end() {
        STATUS => match agent.status().await {
            Some(status) => serde_json::to_string(&status).map_err(io::Error::other)?,
            None => return Ok(()),
        },
        other => {
            tracing::debug!(question = other, "local channel: not understood");
            return Ok(());
        }
    };
    writer.write_all(line.as_bytes()).await?;
    writer.write_all(b"\n").await?;
    writer.shutdown().await
}

pub(super) const fn may_ask(peer: u32, own: u32) -> bool {
    peer == 0 || peer == own
}

/// Asks the agent behind this channel how it stands.
///
/// # Errors
/// When nobody is there, or it does not answer.
pub async fn ask_status(path: &Path) -> Result<AgentStatus, ChannelError> {
    let failed = |why: String| ChannelError::Answer {
        path: path.to_owned(),
        why,
    };
    let asked = async {
        let mut stream = UnixStream::connect(path).await.map_err(|source| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::PermissionDenied {
                ChannelError::NotYou { path }
            } else {
                ChannelError::NobodyThere { path, source }
            }
        })?;
        let question = format!("{STATUS}\n");
        stream
            .write_all(question.as_bytes())
            .await
            .map_err(|error| failed(error.to_string()))?;
        let mut text = String::new();
        stream
            .take(LONGEST_ANSWER)
            .read_to_string(&mut text)
            .await
            .map_err(|error| failed(error.to_string()))?;
        if text.is_empty() {
            return Err(ChannelError::NotYou { path: path.to_owned() });
        }
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| failed("it did not come in time".to_owned()))?
}
