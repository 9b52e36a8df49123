//! What users and the agent say to each other, whatever their channel is made of.

use std::{io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use super::talk::{self, ChannelError};
use crate::{
    act::{DeferRefused, Deferral, RestartState},
    app::{Handle, StartDeferral},
    parse::instant::spoken,
    words::{Language, Said},
};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserQuestion {
    /// When the restart, or the work that is announced, comes.
    Due,
    /// That it be put off by this long from now. Whole seconds.
    Defer(Duration),
}

/// What is answered. The texts name instants in the machine's zone and in UTC, and are in the language of the session that
/// asks, or else of the machine.
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

/// Why whoever asks may not put anything off.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum MayNot {
    /// They have no active session at this machine.
    NotHere,
    /// Whether they have one cannot be told.
    Untold(String),
}

/// Answers one question. `may_defer` is asked only where it matters, and says why not. `zone` is this machine's, in the
/// form of tzfile(5).
pub(super) async fn answer_user<S>(
    stream: &mut S,
    zone: Option<&[u8]>,
    may_defer: impl FnOnce(&S) -> Result<(), MayNot>,
    agent: &Handle,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let when = |at_ms| spoken(at_ms, zone);
    let asked = UserQuestion::parse(&talk::question(stream).await?);
    let of_session = asked.and_then(|(_, language)| language);
    let of_machine = match of_session {
        Some(_) => None,
        None => agent.language().await,
    };
    let language = of_session.or(of_machine).unwrap_or(Language::English);
    let refused = |text| UserAnswer::Refused { text };
    let said = match asked.map(|(question, _)| question) {
        None => refused(Said::NotUnderstood.text(language)),
        Some(UserQuestion::Due) => UserAnswer::Told {
            text: match agent.restart().await {
                Some(due) => told(&due, &when, language),
                None => agent
                    .start_state()
                    .await
                    .map_or_else(|| Said::NothingDue.text(language), |start| start.text(&when, language)),
            },
        },
        Some(UserQuestion::Defer(length)) => match may_defer(stream) {
            Err(why) => {
                tracing::info!(?why, "a restart is not put off");
                refused(why.text(language))
            }
            Ok(()) if agent.restart().await.is_none() => match agent.put_off(length).await {
                Some(Ok(deferral)) => start_put_off(deferral, &when, language),
                Some(Err(why)) => refused(why.text(&when, language)),
                None => return Ok(()),
            },
            Ok(()) => match agent.defer(length).await {
                Some(Ok(deferral)) => put_off(deferral, &when, language),
                Some(Err(why)) => refused(refusal(&why, &when, language)),
                None => return Ok(()),
            },
        },
    };
    talk::say(stream, &serde_json::to_string(&said).map_err(io::Error::other)?).await
}

/// Asks it.
pub(super) async fn ask_over<S>(
    stream: S,
    path: &Path,
    question: UserQuestion,
    language: Option<Language>,
) -> Result<UserAnswer, ChannelError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    talk::ask(stream, path, &question.line(language))
        .await?
        .ok_or_else(|| talk::unreadable(path, "it is empty".to_owned()))
}

fn told(due: &RestartState, when: &dyn Fn(i64) -> String, language: Language) -> String {
    let (latest, comes) = (when(due.latest_ms), due.comes_ms.map(when));
    let (reason, latest) = (due.reason.as_str(), latest.as_str());
    let said = match (comes.as_deref(), due.is_deferred) {
        (None, _) => Said::RestartDue { reason, latest },
        (Some(when), false) => Said::RestartDueAt { when, reason, latest },
        (Some(when), true) => Said::RestartDuePutOff { when, reason, latest },
    };
    said.text(language)
}

fn put_off(deferral: Deferral, when: &dyn Fn(i64) -> String, language: Language) -> UserAnswer {
    let said = Said::RestartIsPutOff {
        until: &when(deferral.until_ms),
        latest: &when(deferral.latest_ms),
    };
    UserAnswer::PutOff {
        until_ms: deferral.until_ms,
        text: said.text(language),
    }
}

fn start_put_off(deferral: StartDeferral, when: &dyn Fn(i64) -> String, language: Language) -> UserAnswer {
    let (until, left) = (when(deferral.until_ms), deferral.left.to_string());
    let said = match deferral.left {
        0 => Said::StartIsPutOffLast { until: &until },
        _ => Said::StartIsPutOff {
            until: &until,
            left: &left,
        },
    };
    UserAnswer::PutOff {
        until_ms: deferral.until_ms,
        text: said.text(language),
    }
}

fn refusal(refused: &DeferRefused, when: &dyn Fn(i64) -> String, language: Language) -> String {
    match refused {
        DeferRefused::NothingDue => Said::NothingDue.text(language),
        DeferRefused::NotAllowed => Said::RestartHolds.text(language),
        DeferRefused::TooLate => Said::RestartIsAtWork.text(language),
        DeferRefused::TooLong { latest_ms } => Said::TooLong {
            latest: &when(*latest_ms),
        }
        .text(language),
        DeferRefused::Earlier { comes_ms, latest_ms } => Said::RestartComesLater {
            comes: &when(*comes_ms),
            latest: &when(*latest_ms),
        }
        .text(language),
        DeferRefused::NotKept(error) => Said::NotKept {
            why: &error.to_string(),
        }
        .text(language),
    }
}

impl MayNot {
    fn text(&self, language: Language) -> String {
        match self {
            Self::NotHere => Said::OnlyWhoIsHere.text(language),
            Self::Untold(why) => Said::WhoIsHereUnknown { why }.text(language),
        }
    }
}

impl UserQuestion {
    /// A question, and the language of the session that asks. One that is not known here is as good as none.
    fn parse(line: &str) -> Option<(Self, Option<Language>)> {
        let words = line.split(' ').collect::<Vec<_>>();
        let (words, language) = match words.as_slice() {
            [words @ .., "in", language] => (words, Language::parse(language).ok()),
            words => (words, None),
        };
        let question = match words {
            ["due"] => Some(Self::Due),
            ["defer", seconds] => seconds.parse().ok().map(Duration::from_secs).map(Self::Defer),
            _ => None,
        };
        Some((question?, language))
    }

    fn line(self, language: Option<Language>) -> String {
        let language = language.map_or_else(String::new, |language| format!(" in {language}"));
        match self {
            Self::Due => format!("due{language}\n"),
            Self::Defer(length) => format!("defer {}{language}\n", length.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_read_as_they_are_written_and_nothing_else_does() {
        for question in [UserQuestion::Due, UserQuestion::Defer(Duration::from_secs(7200))] {
            for language in [None, Some(Language::German), Some(Language::English)] {
                let line = question.line(language);
                assert_eq!(
                    UserQuestion::parse(line.trim_end()),
                    Some((question, language)),
                    "{line}"
                );
            }
        }
        assert_eq!(UserQuestion::parse("due in xx"), Some((UserQuestion::Due, None)));
        for bad in [
            "",
            "status",
            "defer",
            "defer -1",
            "defer 2h",
            "defer 1 2",
            "due now",
            "in de",
            "due de",
            "due in",
            "due in de de",
        ] {
            assert_eq!(UserQuestion::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn whoever_asks_about_a_restart_is_answered_in_their_language() {
        let when = |at_ms: i64| format!("at {at_ms}");
        let mut due = RestartState {
            order: 1,
            reason: "drivers – ドライバー".to_owned(),
            due_ms: 1,
            comes_ms: None,
            is_deferred: false,
            latest_ms: 9,
            is_asked: false,
        };
        assert!(
            told(&due, &when, Language::German).starts_with("Ein Neustart dieses Computers steht an. Grund: drivers")
        );
        due.comes_ms = Some(5);
        let japanese = told(&due, &when, Language::Japanese);
        for part in ["再起動: at 5", "drivers – ドライバー", "at 9", "cutover-agent defer 2h"] {
            assert!(japanese.contains(part), "{part}: {japanese}");
        }
        due.is_deferred = true;
        assert!(told(&due, &when, Language::Spanish).contains("at 5; se aplazó"));
        assert_eq!(
            refusal(&DeferRefused::TooLong { latest_ms: 9 }, &when, Language::French),
            "C'est plus long que ce qui est autorisé. Vous pouvez reporter au plus tard jusqu'à at 9."
        );
        // As it was before there were languages.
        assert_eq!(
            told(&due, &when, Language::English),
            "this machine restarts at at 5, as it was put off: drivers – ドライバー; it can be put off until at 9 at the \
             latest: cutover-agent defer 2h"
        );
    }
}
