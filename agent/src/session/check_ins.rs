//! When to check in.

use std::time::Duration;

use cutover_proto::words;

use super::ticks::Ticks;

words! {
    /// What makes a check-in due.
    pub enum WhyCheckIn("reason of a check-in") {
        /// The agent started.
        Start = "start",
        /// The interval that the server gave is over.
        Interval = "interval",
        /// The server asked on the Watch stream.
        Nudge = "nudge",
        /// A look says something new, or the server asked for that look.
        Inventory = "inventory",
        /// Step records wait.
        Records = "records",
        /// The agent's own condition changed: a hold came or went, or it is about to end itself.
        Condition = "condition",
        /// Whoever works here was told of work ahead, or put it off.
        Notice = "notice",
        /// The server lacks something that it had: it was restored, or it asks.
        SendAgain = "send-again",
        /// The wait after a failure is over.
        Retry = "retry",
        /// The wait that an overloaded server asked for is over.
        Overload = "overload",
        /// The machine slept.
        Awake = "awake",
        /// A better address answers.
        Address = "address",
    }
}

/// Why no check-in may go out before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// After a failure. A nudge shows that the server is back.
    Failure,
    /// The server asked for it. Nothing shortens it.
    Overload,
}

/// The next check-in, and what holds it.
#[derive(Debug)]
pub(super) struct CheckIns {
    due: Option<(Ticks, WhyCheckIn)>,
    paused: Option<(Ticks, Pause)>,
    in_flight: bool,
}

impl CheckIns {
    pub(super) const fn starting(now: Ticks) -> Self {
        Self {
            due: Some((now, WhyCheckIn::Start)),
            paused: None,
            in_flight: false,
        }
    }

    /// Due at this time, unless it is due earlier. What is asked for while one is under way comes after it.
    pub(super) fn ask(&mut self, at: Ticks, why: WhyCheckIn) {
        if self.due.is_none_or(|(due, _)| at < due) {
            self.due = Some((at, why));
        }
    }

    /// At once, also while waiting after a failure; never against an overloaded server's wish.
    pub(super) fn nudge(&mut self, now: Ticks) {
        self.forgive();
        self.ask(now, WhyCheckIn::Nudge);
    }

    /// Ends a wait after a failure.
    pub(super) fn forgive(&mut self) {
        self.paused = self.paused.filter(|(_, pause)| *pause == Pause::Overload);
    }

    pub(super) fn poll(&self) -> Option<(Ticks, WhyCheckIn)> {
        let (at, why) = self.due.filter(|_| !self.in_flight)?;
        match self.paused {
            Some((until, Pause::Failure)) if until > at => Some((until, WhyCheckIn::Retry)),
            Some((until, Pause::Overload)) if until > at => Some((until, WhyCheckIn::Overload)),
            Some(_) | None => Some((at, why)),
        }
    }

    pub(super) const fn begin(&mut self) {
        self.in_flight = true;
        self.due = None;
    }

    pub(super) fn succeed(&mut self, next: Ticks) {
        self.in_flight = false;
        self.paused = None;
        self.ask(next, WhyCheckIn::Interval);
    }

    pub(super) fn fail(&mut self, now: Ticks, wait: Duration) {
        self.pause(now, wait, Pause::Failure);
    }

    pub(super) fn overloaded(&mut self, now: Ticks, wait: Duration) {
        self.pause(now, wait, Pause::Overload);
    }

    fn pause(&mut self, now: Ticks, wait: Duration, pause: Pause) {
        self.in_flight = false;
        let until = now.after(wait);
        self.paused = Some((until, pause));
        self.ask(
            until,
            match pause {
                Pause::Failure => WhyCheckIn::Retry,
                Pause::Overload => WhyCheckIn::Overload,
            },
        );
    }
}
