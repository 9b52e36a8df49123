//! What is said over the local channel, whatever it is made of: one line asks, one line of JSON answers.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::app::{AgentStatus, Handle};

/// A question is a word and a number at most.
const LONGEST_QUESTION: u64 = 64;
/// An answer is one status.
const LONGEST_ANSWER: u64 = 1024 * 1024;
/// Neither side waits longer for the other.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
const STATUS: &str = "status";

/// Who is told how the agent stands.
#[cfg(unix)]
const MAY_ASK: &str = "root and the user it runs as";
/// Who is told how the agent stands.
#[cfg(windows)]
const MAY_ASK: &str = "administrators; run it from an elevated prompt";

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
    #[error("{path}: the agent answers only {}", MAY_ASK)]
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

/// Reads the one line that is asked.
pub(super) async fn question<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut question = String::new();
    BufReader::new(stream.take(LONGEST_QUESTION))
        .read_line(&mut question)
        .await?;
    question.truncate(question.trim_end().len());
    Ok(question)
}

/// Says one line, and waits until the other end has it: what a pipe of Windows still holds may go with its end.
pub(super) async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, line: &str) -> io::Result<()> {
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(b"\n").await?;
    stream.shutdown().await?;
    // The end of the stream, or an error in its place: either way the other end is done.
    let _ = stream.read(&mut [0; 1]).await;
    Ok(())
}

/// Answers the one question that there is here. Whether the other end may ask is looked at when it has spoken: Windows does
/// not say before.
pub(super) async fn answer_status<S>(
    stream: &mut S,
    may_ask: impl FnOnce(&S) -> io::Result<bool>,
    agent: &Handle,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let question = question(stream).await?;
    if !may_ask(stream)? {
        return Ok(());
    }
    match question.as_str() {
        STATUS => match agent.status().await {
            Some(status) => {
                let line = serde_json::to_string(&status).map_err(io::Error::other)?;
                say(stream, &line).await
            }
            None => Ok(()),
        },
        other => {
            tracing::debug!(question = other, "local channel: not understood");
            Ok(())
        }
    }
}

/// Asks for the status. Who may not ask gets no answer.
pub(super) async fn status_over<S>(stream: S, path: &Path) -> Result<AgentStatus, ChannelError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    ask(stream, path, &format!("{STATUS}\n"))
        .await?
        .ok_or_else(|| ChannelError::NotYou { path: path.to_owned() })
}

/// Asks one line; none where the other end said nothing.
pub(super) async fn ask<S, A>(mut stream: S, path: &Path, question: &str) -> Result<Option<A>, ChannelError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: DeserializeOwned,
{
    let failed = |error: io::Error| unreadable(path, error.to_string());
    stream.write_all(question.as_bytes()).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut text = String::new();
    BufReader::new(stream.take(LONGEST_ANSWER))
        .read_line(&mut text)
        .await
        .map_err(failed)?;
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| unreadable(path, error.to_string()))
}

/// In time, or not at all.
pub(super) async fn in_time<T>(
    path: &Path,
    asked: impl Future<Output = Result<T, ChannelError>>,
) -> Result<T, ChannelError> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| unreadable(path, "it did not come in time".to_owned()))?
}

pub(super) fn unreadable(path: &Path, why: String) -> ChannelError {
    ChannelError::Answer {
        path: path.to_owned(),
        why,
    }
}
