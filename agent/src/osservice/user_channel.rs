//! The users' channel: a Unix socket that everybody at the machine can reach, for putting a restart off and nothing else.
//!
//! It is apart from the channel of `status`, which tells more and answers fewer. The kernel says who is at the other end
//! (`SO_PEERCRED`, unix(7)); asking when a restart comes is everybody's, putting it off is for root, the agent's own user
//! and whoever has an active session. Who it was is used for this decision alone and goes nowhere.

use std::{
    convert::Infallible,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{channel::ChannelError, logins};
use crate::{
    act::{DeferRefused, Deferral, RestartState},
    app::Handle,
    parse::instant::spoken,
};

/// A question is a word and a number.
const LONGEST_QUESTION: u64 = 64;
/// An answer is a few sentences.
const LONGEST_ANSWER: u64 = 16 * 1024;
/// Neither side waits longer for the other.
const PATIENCE: Duration = Duration::from_secs(10);
const ZONE: &str = "/etc/localtime";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserQuestion {
    /// When the restart comes.
    Due,
    /// That it be put off by this long from now. Whole seconds.
    Defer(Duration),
}

/// What is answered. The texts name instants in the machine's zone and in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum UserAnswer {
    /// It is put off, and that is on disk.
    PutOff {
        /// To then, by trusted time.
        until_ms: i64,
        /// For the user.
        text: String,
    },
    /// A restart is due, or none is.
    Told {
        /// For the user.
        text: String,
    },
    /// It is not put off.
    Refused {
        /// Why, and the latest instant to which it could be.
        text: String,
    },
}

/// Answers users for as long as it is polled. Where the channel cannot be made the agent works on without it, and says so:
/// orders do not depend on it.
pub async fn serve_users(path: &Path, logins: &Path, agent: &Handle) -> Infallible {
    let listener = match bind(path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "users cannot put restarts off: no channel for them");
            return std::future::pending().await;
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match tokio::time::timeout(PATIENCE, answer(stream, logins, agent)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "users' channel"),
                Err(_) => tracing::debug!("users' channel: the other end was too slow"),
            },
            Err(error) => {
                tracing::warn!(%error, "users' channel");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(above) = path.parent().filter(|above| !above.exists()) {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    // The journal's lock has shown that no other agent uses this configuration, so a socket there is a leftover.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

async fn answer(mut stream: UnixStream, logins: &Path, agent: &Handle) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let mut question = String::new();
    let (reader, mut writer) = stream.split();
    BufReader::new(reader.take(LONGEST_QUESTION))
        .read_line(&mut question)
        .await?;
    let zone = fs::read(ZONE).ok();
    let when = |at_ms| spoken(at_ms, zone.as_deref());
    let said = match UserQuestion::parse(question.trim_end()) {
        None => UserAnswer::Refused {
            text: "the agent does not understand that; are both of the same version?".to_owned(),
        },
        Some(UserQuestion::Due) => UserAnswer::Told {
            text: agent
                .restart()
                .await
                .as_ref()
                .map_or_else(none_due, |due| told(due, &when)),
        },
        Some(UserQuestion::Defer(length)) => match may_defer(peer, logins) {
            Err(why) => {
                tracing::info!(why, "a restart is not put off");
                UserAnswer::Refused { text: why }
            }
            Ok(()) => match agent.defer(length).await {
                Some(Ok(deferral)) => put_off(deferral, &when),
                Some(Err(refused)) => UserAnswer::Refused {
                    text: refusal(&refused, &when),
                },
                None => return Ok(()),
            },
        },
    };
    let line = serde_json::to_string(&said).map_err(io::Error::other)?;
    writer.write_all(line.as_bytes()).await?;
    writer.write_all(b"\n").await?;
    writer.shutdown().await
}

/// Root, the agent's own user, and whoever has an active session.
fn may_defer(peer: u32, logins: &Path) -> Result<(), String> {
    if peer == 0 || peer == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    match logins::is_active(logins, peer) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err("only whoever is logged in at this machine, in an active session, may put its restart off".to_owned())
        }
        Err(error) => Err(format!(
            "whether you are logged in cannot be told ({error}); root may put the restart off"
        )),
    }
}

fn none_due() -> String {
    "no restart is due on this machine".to_owned()
}

fn told(due: &RestartState, when: &dyn Fn(i64) -> String) -> String {
    let comes = due.comes_ms.map_or_else(
        || "a restart of this machine is due".to_owned(),
        |comes_ms| format!("this machine restarts at {}", when(comes_ms)),
    );
    let off = if due.is_deferred { ", as it was put off" } else { "" };
    format!(
        "{comes}{off}: {}; it can be put off until {} at the latest: cutover-agent defer 2h",
        due.reason,
        when(due.latest_ms)
    )
}

fn put_off(deferral: Deferral, when: &dyn Fn(i64) -> String) -> UserAnswer {
    UserAnswer::PutOff {
        until_ms: deferral.until_ms,
        text: format!(
            "the restart is put off until {}; the latest is {}",
            when(deferral.until_ms),
            when(deferral.latest_ms)
        ),
    }
}

fn refusal(refused: &DeferRefused, when: &dyn Fn(i64) -> String) -> String {
    match refused {
        DeferRefused::TooLong { latest_ms } => {
            format!("{refused}: it can be put off until {} at the latest", when(*latest_ms))
        }
        DeferRefused::Earlier { comes_ms, latest_ms } => format!(
            "{refused}: it comes at {}, and can be put off until {} at the latest",
            when(*comes_ms),
            when(*latest_ms)
        ),
        DeferRefused::NothingDue | DeferRefused::NotAllowed | DeferRefused::TooLate | DeferRefused::NotKept(_) => {
            refused.to_string()
        }
    }
}

impl UserQuestion {
    fn parse(line: &str) -> Option<Self> {
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["due"] => Some(Self::Due),
            ["defer", seconds] => seconds.parse().ok().map(Duration::from_secs).map(Self::Defer),
            _ => None,
        }
    }

    fn line(self) -> String {
        match self {
            Self::Due => "due\n".to_owned(),
            Self::Defer(length) => format!("defer {}\n", length.as_secs()),
        }
    }
}

/// Asks the agent behind this channel.
///
/// # Errors
/// When nobody is there, or it does not answer.
pub async fn ask_as_user(path: &Path, question: UserQuestion) -> Result<UserAnswer, ChannelError> {
    let failed = |why: String| ChannelError::Answer {
        path: path.to_owned(),
        why,
    };
    let asked = async {
        let mut stream = UnixStream::connect(path)
            .await
            .map_err(|source| ChannelError::NobodyThere {
                path: path.to_owned(),
                source,
            })?;
        stream
            .write_all(question.line().as_bytes())
            .await
            .map_err(|error| failed(error.to_string()))?;
        let mut text = String::new();
        stream
            .take(LONGEST_ANSWER)
            .read_to_string(&mut text)
            .await
            .map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    };
    tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| failed("it did not come in time".to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_is_at_the_machine_may_put_its_restart_off() {
        let logins = tempfile::tempdir().unwrap();
        let may = |uid| may_defer(uid, logins.path());
        fs::write(logins.path().join("61001"), "NAME=ann\nSTATE=active\n").unwrap();
        fs::write(logins.path().join("61002"), "NAME=bob\nSTATE=lingering\n").unwrap();
        assert_eq!(may(0), Ok(()));
        assert_eq!(may(rustix::process::geteuid().as_raw()), Ok(()));
        assert_eq!(may(61_001), Ok(()));
        for stranger in [61_002, 61_003] {
            assert!(may(stranger).unwrap_err().contains("active session"), "{stranger}");
        }
        let no_directory = logins.path().join("61001");
        assert!(may_defer(61_001, &no_directory).unwrap_err().contains("cannot be told"));
    }

    #[test]
    fn questions_read_as_they_are_written_and_nothing_else_does() {
        for question in [UserQuestion::Due, UserQuestion::Defer(Duration::from_secs(7200))] {
            assert_eq!(UserQuestion::parse(question.line().trim_end()), Some(question));
        }
        for bad in ["", "status", "defer", "defer -1", "defer 2h", "defer 1 2", "due now"] {
            assert_eq!(UserQuestion::parse(bad), None, "{bad}");
        }
    }
}
