//! When to look.

use std::time::Duration;

use cutover_proto::words;

use super::ticks::Ticks;

/// So many looks that the server asks for one after the other are made at once: what verifying needs.
const AT_ONCE: u32 = 3;
/// The wait before the one after them; each further one waits twice as long.
const FIRST_AGAIN: Duration = Duration::from_secs(5);
/// The longest. What a look finds wanting (a check that fails, signatures that are still on their way) is rarely mended by
/// the next second, and a machine that did nothing but look would be of no use to anybody.
const LONGEST_AGAIN: Duration = Duration::from_secs(15 * 60);

words! {
    /// What makes a look due.
    pub enum WhyLook("reason of a look") {
        /// The agent started.
        Start = "start",
        /// The last one is long enough ago.
        Interval = "interval",
        /// The server wants a fresh one, whether or not it changes anything.
        Wanted = "wanted",
        /// A package database changed.
        Packages = "packages",
        /// An order ended.
        OrderEnded = "order-ended",
        /// Rules of a later revision arrived.
        Rules = "rules",
    }
}

impl WhyLook {
    /// Whether it can wait until no order is open: an order makes its own looks.
    const fn waits_for_order(self) -> bool {
        match self {
            Self::Interval | Self::Packages | Self::Rules => true,
            Self::Start | Self::Wanted | Self::OrderEnded => false,
        }
    }
}

/// The next look, and the one that is under way.
#[derive(Debug)]
pub(super) struct Looks {
    due: Option<(Ticks, WhyLook)>,
    under_way: bool,
    /// The server waits for the end of one that begins after it asked.
    wanted: Wanted,
    /// How many it asked for in a row.
    in_a_row: u32,
    ended_since_start: bool,
}

/// How far the look is that the server asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    Asked,
    UnderWay,
}

impl Looks {
    pub(super) const fn starting(now: Ticks) -> Self {
        Self {
            due: Some((now, WhyLook::Start)),
            under_way: false,
            wanted: Wanted::No,
            in_a_row: 0,
            ended_since_start: false,
        }
    }

    /// Whether one is under way, or is due for another reason than the time since the last.
    pub(super) fn may_tell_more(&self) -> bool {
        self.under_way || self.due.is_some_and(|(_, why)| why != WhyLook::Interval)
    }

    /// Due at this time, unless it is due earlier. A reason that need not wait for an order displaces one that must.
    pub(super) fn ask(&mut self, at: Ticks, why: WhyLook) {
        let displaces =
            |(due, before): (Ticks, WhyLook)| at < due || (before.waits_for_order() && !why.waits_for_order());
        if self.due.is_none_or(displaces) {
            let at = self.due.map_or(at, |(due, _)| at.min(due));
            self.due = Some((at, why));
        }
    }

    /// After a package database was quiet until this time: each change moves the time on.
    pub(super) fn ask_after_quiet(&mut self, until: Ticks) {
        self.due = self.due.filter(|(_, why)| *why != WhyLook::Packages);
        self.ask(until, WhyLook::Packages);
    }

    /// The server waits for a fresh one. Where none of some in a row was what it waits for, the next come ever less often.
    pub(super) fn want(&mut self, now: Ticks) {
        if self.wanted == Wanted::No {
            self.wanted = Wanted::Asked;
            let wait = match self.in_a_row.checked_sub(AT_ONCE) {
                None => Duration::ZERO,
                Some(more) => FIRST_AGAIN.saturating_mul(1 << more.min(16)).min(LONGEST_AGAIN),
            };
            self.in_a_row = self.in_a_row.saturating_add(1);
            self.ask(now.after(wait), WhyLook::Wanted);
        }
    }

    /// The server waits for none.
    pub(super) const fn suffice(&mut self) {
        self.in_a_row = 0;
    }

    pub(super) fn poll(&self, order_open: bool) -> Option<(Ticks, WhyLook)> {
        self.due
            .filter(|(_, why)| !(self.under_way || (order_open && why.waits_for_order())))
    }

    pub(super) const fn begin(&mut self) {
        self.under_way = true;
        self.due = None;
        if matches!(self.wanted, Wanted::Asked) {
            self.wanted = Wanted::UnderWay;
        }
    }

    /// The look ended; whether the server waits for it.
    pub(super) fn end(&mut self, next: Ticks) -> bool {
        self.under_way = false;
        self.ended_since_start = true;
        self.ask(next, WhyLook::Interval);
        let awaited = self.wanted == Wanted::UnderWay;
        if awaited {
            self.wanted = Wanted::No;
        }
        awaited
    }

    pub(super) const fn ended_since_start(&self) -> bool {
        self.ended_since_start
    }
}
