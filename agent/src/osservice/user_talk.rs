//! What users and the agent say to each other, whatever their channel is made of.

use std::{io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use super::talk::{self, ChannelError};
use crate::{
    act::{DeferRefused, Deferral, RestartState},
    app::{Handle, StartDeferral, StartRefused},
    parse::instant::spoken,
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserQuestion {
    /// When the restart, or the work that is announced, comes.
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

/// Answers one question. `may_defer` is asked only where it matters, and says why not. `zone` is this machine's, in the
/// form of tzfile(5).
pub(super) async fn answer_user<S>(
    stream: &mut S,
    zone: Option<&[u8]>,
    may_defer: impl FnOnce(&S) -> Result<(), String>,
    agent: &Handle,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let when = |at_ms| spoken(at_ms, zone);
    let said = match UserQuestion::parse(&talk::question(stream).await?) {
        None => UserAnswer::Refused {
            text: "the agent does not understand that; are both of the same version?".to_owned(),
        },
        Some(UserQuestion::Due) => UserAnswer::Told {
            text: match agent.restart().await {
                Some(due) => told(&due, &when),
                None => agent
                    .start_state()
                    .await
                    .map_or_else(none_due, |start| start.text(&when)),
            },
        },
        Some(UserQuestion::Defer(length)) => match may_defer(stream) {
            Err(why) => {
                tracing::info!(why, "a restart is not put off");
                UserAnswer::Refused { text: why }
            }
            Ok(()) if agent.restart().await.is_none() => match agent.put_off(length).await {
                Some(Ok(deferral)) => start_put_off(deferral, &when),
                Some(Err(StartRefused::NothingAnnounced)) => UserAnswer::Refused { text: none_due() },
                Some(Err(refused)) => UserAnswer::Refused {
                    text: refused.text(&when),
                },
                None => return Ok(()),
            },
            Ok(()) => match agent.defer(length).await {
                Some(Ok(deferral)) => put_off(deferral, &when),
                Some(Err(refused)) => UserAnswer::Refused {
                    text: refusal(&refused, &when),
                },
                None => return Ok(()),
            },
        },
    };
    talk::say(stream, &serde_json::to_string(&said).map_err(io::Error::other)?).await
}

/// Asks it.
pub(super) async fn ask_over<S>(stream: S, path: &Path, question: UserQuestion) -> Result<UserAnswer, ChannelError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    talk::ask(stream, path, &question.line())
        .await?
        .ok_or_else(|| talk::unreadable(path, "it is empty".to_owned()))
}

fn none_due() -> String {
    "no restart is due on this machine, and no work is announced".to_owned()
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

fn start_put_off(deferral: StartDeferral, when: &dyn Fn(i64) -> String) -> UserAnswer {
    UserAnswer::PutOff {
        until_ms: deferral.until_ms,
        text: format!(
            "the start of the work is put off until {}; {}",
            when(deferral.until_ms),
            match deferral.left {
                0 => "it cannot be put off again".to_owned(),
                left => format!("it can be put off {left} times more"),
            }
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

#[cfg(test)]
mod tests {
    use super::*;

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
