//! A restart: due, told, put off, asked for once, and proven by a new kernel session.
//!
//! ```text
//! step begun --> told (record) --> [put off by the user (record)] --> asked for (journal) --> new session --> step done
//!                |                 ends here by a cancel or a hold |
//! ```
//!
//! All of it is read back from the journal, so an agent that starts again goes on where the one before it ended. What was
//! not asked for yet is no interruption; what was asked for is never asked for again.

use std::time::Duration;

use cutover_proto::{
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    step::{Action, Step},
};

use super::{ExecuteError, Executor, records::Entry, resumed::interrupted, waits::POLL};
use crate::{
    act::{
        cause,
        journal::{Asked, Begun, JournalError},
    },
    parse::instant::spoken,
    words::{Said, to_all},
};

/// A restart does not cut off an installation; how long one is waited for, once its time has come.
const PACKAGES_WAIT: Duration = Duration::from_secs(30 * 60);
/// A kernel session that aged by so much more than the monotonic clock went on: the machine slept, and whoever sits at it
/// now is told anew before anything happens.
const SLEPT_SECONDS: u64 = 60;
/// Trusted time that was set by so much: what was told of the time is wrong, and is told anew.
const STEPPED_MS: u64 = 60_000;
/// How far the age of a kernel session and the time since the restart may lie apart by clocks alone.
const SESSION_SLACK_MS: i64 = 60_000;
/// The longest reason that is shown to people, in characters.
const REASON_MAX: usize = 300;

/// How the wait for a restart's time ended.
enum Turn {
    /// It is on record that it is asked for now.
    Asked,
    /// A cancel or a hold came, at a safe point.
    Stopped(String),
    /// It cannot be.
    Failed(FailureCause, String),
}

/// The kernel session, seen from the one that a restart is to end.
enum Session {
    Same,
    New,
    /// Another boot id, and a kernel that runs for longer than since the restart: so many seconds.
    OldByAnotherName(u64),
}

/// What a restart's order says of it.
struct Terms<'o> {
    reason: &'o str,
    notice_ms: i64,
    defer_ms: i64,
}

/// What the wait for its time remembers.
struct Wait {
    from: u64,
    /// Not before, by the monotonic clock: whoever is at the machine was told only a notice before it.
    not_before: u64,
    /// For which deferral it was told.
    told_for: Option<Option<i64>>,
    packages_from: Option<u64>,
    last: Instant,
}

/// One moment by every clock.
#[derive(Clone, Copy)]
struct Instant {
    now_ms: i64,
    ticks: u64,
    session_seconds: Option<u64>,
}

impl Executor {
    /// Carries out a restart that was begun and not asked for yet. Gives the reason when the order is to end here instead.
    pub(super) fn restart(&mut self, order: &WorkOrder, index: usize) -> Result<Option<String>, ExecuteError> {
        let step = &order.steps[index];
        let Some(terms) = terms(step) else {
            return self.ended(
                order,
                index,
                failed(FailureCause::Unsupported, "this step is no restart"),
            );
        };
        if self.boot_id().is_empty() {
            let why = "the kernel session cannot be told, so a restart could not be proven";
            return self.ended(order, index, failed(FailureCause::Unsupported, why));
        }
        // Nobody is told of a restart that cannot be.
        if let Err(error) = self.parts.hands.restart_waits_for() {
            return self.ended(order, index, failed(cause::of_error(&error), &error.to_string()));
        }
        match self.wait_for_its_time(order, index, &terms)? {
            Turn::Stopped(why) => {
                if terms.notice_ms > 0 {
                    let language = self.parts.looker.language();
                    self.tell(&to_all(language, |language| Said::RestartCalledOff.text(language)));
                }
                return Ok(Some(why));
            }
            Turn::Failed(cause, why) => return self.ended(order, index, failed(cause, &why)),
            Turn::Asked => {}
        }
        tracing::info!(
            order = order.number,
            step = index,
            reason = terms.reason,
            "asking for a restart"
        );
        if let Err(error) = self.parts.hands.restart(terms.reason) {
            return self.ended(order, index, failed(cause::of_error(&error), &error.to_string()));
        }
        let begun = self.begun_step(index)?;
        let entry = self.prove(&begun, step.time_limit).unwrap_or_else(|| {
            let why = "a restart was asked for and the machine did not restart in time";
            failed(FailureCause::TimeLimit, why)
        });
        self.ended(order, index, entry)
    }

    /// Takes up a restart that an earlier agent began.
    pub(super) fn go_on_with_restart(
        &mut self,
        order: &WorkOrder,
        index: usize,
        begun: &Begun,
    ) -> Result<Option<String>, ExecuteError> {
        let limit = match (begun.asked, self.session_since(begun)) {
            (None, Session::Same) => return self.restart(order, index),
            (Some(asked), Session::Same) => {
                // The agent may be back before the machine goes down.
                let spent = self.parts.clock.now_ms().saturating_sub(asked.at_ms);
                let spent = Duration::from_millis(u64::try_from(spent).unwrap_or(0));
                order.steps[index].time_limit.saturating_sub(spent)
            }
            (_, Session::New | Session::OldByAnotherName(_)) => Duration::ZERO,
        };
        let entry = self
            .prove(begun, limit)
            .unwrap_or_else(|| interrupted("the agent was ended around a restart, and the machine has not restarted"));
        self.ended(order, index, entry)
    }

    /// The look after it also becomes the inventory that the server gets.
    fn ended(&mut self, order: &WorkOrder, index: usize, entry: Entry) -> Result<Option<String>, ExecuteError> {
        self.parts.looker.look();
        self.write(order, entry.about(index))?;
        Ok(None)
    }

    fn begun_step(&self, index: usize) -> Result<Begun, ExecuteError> {
        let journal = self.journal();
        let begun = journal.progress().and_then(|progress| progress.begun());
        begun
            .filter(|(at_hand, _)| *at_hand == index)
            .map(|(_, begun)| begun.clone())
            .ok_or_else(|| JournalError::NotSound("the restart at hand is gone from it".to_owned()).into())
    }

    fn wait_for_its_time(&mut self, order: &WorkOrder, index: usize, terms: &Terms<'_>) -> Result<Turn, ExecuteError> {
        let mut wait = Wait::begin(self.instant(), terms);
        loop {
            if let Some(why) = self.stop_before(order, index) {
                return Ok(Turn::Stopped(why));
            }
            let begun = self.begun_step(index)?;
            let at = self.instant();
            wait.pass(at, terms);
            let comes_ms = wait.comes_ms(begun.deferred_ms);
            let is_near = at.now_ms >= comes_ms.saturating_sub(terms.notice_ms);
            if terms.notice_ms > 0 && is_near && wait.told_for != Some(begun.deferred_ms) {
                self.give_notice(order, index, &begun, comes_ms, terms)?;
                wait.told_for = Some(begun.deferred_ms);
            }
            if at.now_ms >= comes_ms || self.waited(wait.from) >= terms.longest() {
                match self.parts.hands.restart_waits_for() {
                    Ok(None) if self.ask(order, index, &begun)? => return Ok(Turn::Asked),
                    // It was put off at this very moment.
                    Ok(None) => {}
                    Ok(Some(who)) => {
                        let from = *wait.packages_from.get_or_insert_with(|| self.parts.clock.ticks_ms());
                        if self.waited(from) >= PACKAGES_WAIT {
                            let why = format!("a restart would cut off an installation: {who}");
                            return Ok(Turn::Failed(FailureCause::Locked, why));
                        }
                    }
                    Err(error) => return Ok(Turn::Failed(cause::of_error(&error), error.to_string())),
                }
            }
            self.parts.clock.wait(POLL);
        }
    }

    fn instant(&mut self) -> Instant {
        Instant {
            now_ms: self.parts.clock.now_ms(),
            ticks: self.parts.clock.ticks_ms(),
            session_seconds: self.parts.looker.session_seconds(),
        }
    }

    fn give_notice(
        &mut self,
        order: &WorkOrder,
        index: usize,
        begun: &Begun,
        comes_ms: i64,
        terms: &Terms<'_>,
    ) -> Result<(), ExecuteError> {
        let zone = self.parts.looker.zone();
        let when = |at_ms| spoken(at_ms, zone.as_deref());
        let reason: String = terms.reason.chars().take(REASON_MAX).collect();
        let (comes, latest_ms) = (when(comes_ms), begun.at_ms.saturating_add(terms.defer_ms));
        let latest = (latest_ms > comes_ms).then(|| when(latest_ms));
        let text = to_all(self.parts.looker.language(), |language| {
            let comes = Said::RestartComes {
                when: &comes,
                reason: &reason,
            };
            let how = latest.as_deref().map(|latest| Said::HowToPutRestartOff { latest });
            let lines: Vec<String> = [Some(comes), how]
                .iter()
                .flatten()
                .map(|it| it.text(language))
                .collect();
            lines.join("\n")
        });
        let detail = self.tell(&text);
        // Told before by an earlier agent, or put off by the user: the server knows.
        if begun.comes_ms == Some(comes_ms) {
            return Ok(());
        }
        let entry = Entry {
            detail,
            until_ms: Some(comes_ms),
            ..Entry::of(RecordEvent::RestartNoticed)
        };
        self.write(order, entry.about(index))
    }

    /// Says how it went, for the record.
    fn tell(&mut self, text: &str) -> String {
        match self.parts.hands.announce(text) {
            Ok(()) => "console and sessions were told".to_owned(),
            Err(error) => {
                tracing::warn!(%error, "sessions were not told");
                format!("sessions could not be told: {error}")
            }
        }
    }

    /// Puts on record that the restart is asked for now. Not where the user put it off since: what was acknowledged to
    /// them holds, and both are written under the journal's lock.
    fn ask(&mut self, order: &WorkOrder, index: usize, known: &Begun) -> Result<bool, ExecuteError> {
        let asked = Asked {
            at_ms: self.parts.clock.now_ms(),
            session_seconds: self.parts.looker.session_seconds(),
        };
        let mut journal = self.journal();
        let begun = journal.progress().and_then(|progress| progress.begun());
        if begun.is_none_or(|(_, begun)| begun.deferred_ms != known.deferred_ms) {
            return Ok(false);
        }
        journal.restart_asked(order.number, u32::try_from(index).unwrap_or(u32::MAX), asked)?;
        Ok(true)
    }

    /// Waits for another kernel session, at most this long, and says what it shows; `None` when none came.
    fn prove(&mut self, begun: &Begun, limit: Duration) -> Option<Entry> {
        let from = self.parts.clock.ticks_ms();
        loop {
            match self.session_since(begun) {
                Session::New => {
                    return Some(Entry {
                        detail: format!("new kernel session {}", self.boot_id()),
                        ..Entry::of(RecordEvent::StepDone)
                    });
                }
                Session::OldByAnotherName(seconds) => {
                    return Some(interrupted(&format!(
                        "the boot id changed, but the kernel has been running for {seconds} s, since before the restart \
                         was due; this was no restart of the kernel"
                    )));
                }
                Session::Same if self.waited(from) >= limit => return None,
                Session::Same => self.parts.clock.wait(POLL),
            }
        }
    }

    /// A boot id alone can be another without a restart (a container, a bind mount); an age alone can be wrong by a clock.
    /// A hibernated machine and a soft reboot keep the boot id.
    fn session_since(&mut self, begun: &Begun) -> Session {
        let boot_id = self.boot_id();
        if boot_id.is_empty() || boot_id == begun.boot_id {
            return Session::Same;
        }
        let Some(seconds) = self.parts.looker.session_seconds() else {
            return Session::New;
        };
        let before = begun.asked.and_then(|asked| asked.session_seconds);
        // Before the first check-in after a start the time is the host's own, which decides nothing.
        let is_time_trusted = self.parts.control.last_check_in_ms().is_some();
        if before.is_some_and(|before| seconds < before) || !is_time_trusted {
            return Session::New;
        }
        let since_ms = begun.asked.map_or(begun.at_ms, |asked| asked.at_ms);
        let elapsed_ms = self.parts.clock.now_ms().saturating_sub(since_ms);
        let age_ms = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        if age_ms > elapsed_ms.saturating_add(SESSION_SLACK_MS) {
            Session::OldByAnotherName(seconds)
        } else {
            Session::New
        }
    }
}

impl Wait {
    fn begin(at: Instant, terms: &Terms<'_>) -> Self {
        Self {
            from: at.ticks,
            not_before: at.ticks.saturating_add(terms.notice_ticks()),
            told_for: None,
            packages_from: None,
            last: at,
        }
    }

    /// Notices that time went by in which nobody could read a notice, or that it was read wrongly.
    fn pass(&mut self, at: Instant, terms: &Terms<'_>) {
        let ticked = at.ticks.saturating_sub(self.last.ticks);
        let aged = at.session_seconds.zip(self.last.session_seconds);
        let aged = aged.map_or(0, |(now, before)| now.saturating_sub(before));
        let expected_ms = self.last.now_ms.saturating_add_unsigned(ticked);
        if aged > SLEPT_SECONDS.saturating_add(ticked / 1000) {
            self.not_before = at.ticks.saturating_add(terms.notice_ticks());
            self.told_for = None;
        }
        if at.now_ms.abs_diff(expected_ms) > STEPPED_MS {
            self.told_for = None;
        }
        self.last = at;
    }

    /// When it comes, by trusted time, as of the last moment that passed.
    fn comes_ms(&self, deferred_ms: Option<i64>) -> i64 {
        let left = self.not_before.saturating_sub(self.last.ticks);
        let told_ms = self.last.now_ms.saturating_add_unsigned(left);
        deferred_ms.map_or(told_ms, |deferred_ms| deferred_ms.max(told_ms))
    }
}

impl Terms<'_> {
    fn notice_ticks(&self) -> u64 {
        u64::try_from(self.notice_ms).unwrap_or(0)
    }

    /// By the monotonic clock no wait is longer, wherever trusted time is set to.
    fn longest(&self) -> Duration {
        let longest_ms = self.notice_ms.saturating_mul(2).saturating_add(self.defer_ms);
        Duration::from_millis(u64::try_from(longest_ms).unwrap_or(0))
    }
}

fn terms(step: &Step) -> Option<Terms<'_>> {
    let Action::Restart { reason, notice, defer } = &step.action else {
        return None;
    };
    let ms = |length: &Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    Some(Terms {
        reason,
        notice_ms: ms(notice),
        defer_ms: ms(defer),
    })
}

fn failed(cause: FailureCause, why: &str) -> Entry {
    Entry::failed(RecordEvent::StepFailed, cause, why)
}
