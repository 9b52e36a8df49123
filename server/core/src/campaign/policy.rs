//! Limits and times of a campaign. Every one has a default; the demo and tests set their own.

use std::time::Duration;

use cutover_proto::words;
use jiff::{Timestamp, ToSpan, civil::Weekday};

use super::{
    document::PolicyInFile,
    leaving,
    parse::Fault,
    place::Step,
    rate::Rate,
    selector::HostClass,
    span,
    unproven::{FirstCanaries, Trust},
    zone::zone,
};
use crate::{
    coverage::{CountedLooks, LookRules},
    mix::mix,
};

/// A time that is given to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// Monday to Friday, in the campaign's zone.
    WorkingDays(u32),
    /// Plain time.
    For(Duration),
}

words! {
    /// What is done about a restart that something else already waits for when work is to begin.
    pub enum PendingRestart("pending restart") {
        /// The machine is restarted first, with the same notice and the same right to put it off.
        First = "first",
        /// Work begins as if there were none.
        Ignore = "ignore",
    }
}

/// How carefully a campaign goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The time after enrolling or coming back in which nobody is forced. Default: three working days.
    pub grace: Term,
    /// Zone of working days and of times in reports. Default: `UTC`.
    pub time_zone: String,
    /// How many attempts a host gets before a person must look. Default: 3.
    pub attempts: u32,
    /// Hindrances in a row (another installer holds the lock, a download breaks off) that use no attempt. Default: 12.
    pub hindrances: u32,
    /// The first retry waits this long; each further one twice as long. Default: 15 minutes.
    pub retry_base: Duration,
    /// No retry waits longer. Default: 8 hours.
    pub retry_cap: Duration,
    /// For how long both halves must hold before a host counts as migrated. Default: 24 hours. Zero: one look suffices.
    pub soak: Duration,
    /// For how long an order may wait for its beginning. Default: 24 hours.
    pub order_life: Duration,
    /// An order that no host fetched is withdrawn after this. Default: 10 minutes, two check-in intervals.
    pub fetch_within: Duration,
    /// A host that is silent with an order for this long has used an attempt up. Default: 24 hours.
    pub silence: Duration,
    /// For how long a user may put off a restart, from when it became due. Default: 24 hours.
    pub restart_within: Duration,
    /// How long before a restart whoever is logged in is told, at the least. Default: 5 minutes.
    pub restart_notice: Duration,
    /// How long a machine may take to come back once it was asked to restart. Default: 30 minutes.
    pub restart_time: Duration,
    /// See [`PendingRestart`]. Default: `first`.
    pub pending_restart: PendingRestart,
    /// A host not heard of for this long is stale: its standing is unknown. Default: 7 days.
    pub stale_after: Duration,
    /// A host that carries a target, and falls silent within a day of enrolling, is named after this long: the product may
    /// have removed the agent. Default: 2 hours.
    pub agent_lost_after: Duration,
    /// For how long a replacement may be unhealthy before protection counts as lost. Default: 24 hours.
    pub protection_bound: Duration,
    /// By when handwork is to be done of which nobody arranged another date. Default: five working days.
    pub handwork_within: Term,
    /// How many hosts may have an order out at a time. Default: 50.
    pub max_in_flight: u32,
    /// How many hosts of one site may have an order out at a time. Default: no limit but `max_in_flight`.
    pub site_in_flight: Option<u32>,
    /// How many hosts may start within an hour. Default: no limit but `max_in_flight`.
    pub starts_per_hour: Option<u32>,
    /// What the lines of all sites together may carry for this work. Default: no limit.
    pub bandwidth: Option<Rate>,
    /// How many hosts go first with a recipe that has not soaked here yet, each let start by a person. Default: five, with recipes
    /// that never ran in the field.
    pub first_canaries: FirstCanaries,
    /// Why more than that, or all, may start with such recipes. Default: nobody says so.
    pub trust_unproven: Option<Trust>,
    /// Classes of hosts of which a person lets each start, unless its wave says otherwise. Default: servers.
    pub approval_for: Vec<HostClass>,
    /// Which imported looks count at machines without agent (docs/decisions/0018). Default: `collected`, all.
    pub imported_looks: CountedLooks,
    /// For how long an imported look that found no target says so. Default: 30 days.
    pub imported_look_holds: Duration,
    /// For so long a migrated host is watched before its agent is asked to leave. Default: `never`, it is watched on.
    pub retire: Option<Duration>,
}

const HOUR: Duration = Duration::from_secs(3600);

impl Default for Policy {
    fn default() -> Self {
        Self {
            grace: Term::WorkingDays(3),
            time_zone: "UTC".to_owned(),
            attempts: 3,
            hindrances: 12,
            retry_base: HOUR / 4,
            retry_cap: 8 * HOUR,
            soak: 24 * HOUR,
            order_life: 24 * HOUR,
            fetch_within: HOUR / 6,
            silence: 24 * HOUR,
            restart_within: 24 * HOUR,
            restart_notice: HOUR / 12,
            restart_time: HOUR / 2,
            pending_restart: PendingRestart::First,
            stale_after: 7 * 24 * HOUR,
            agent_lost_after: 2 * HOUR,
            protection_bound: 24 * HOUR,
            handwork_within: Term::WorkingDays(5),
            max_in_flight: 50,
            site_in_flight: None,
            starts_per_hour: None,
            bandwidth: None,
            first_canaries: FirstCanaries::Unproven,
            trust_unproven: None,
            approval_for: vec![HostClass::Server],
            imported_looks: CountedLooks::Collected,
            imported_look_holds: 30 * 24 * HOUR,
            retire: None,
        }
    }
}

impl Policy {
    /// What is made of imported looks.
    #[must_use]
    pub fn look_rules(&self) -> LookRules {
        LookRules {
            counted: self.imported_looks,
            hold_ms: span::ms(self.imported_look_holds),
        }
    }

    /// When grace ends for a host that enrolled or came back at an instant.
    #[must_use]
    pub fn grace_end_ms(&self, from_ms: i64) -> i64 {
        self.end_ms(self.grace, from_ms)
    }

    /// When a time is over that began at an instant. Public holidays are working days here: nobody told them.
    #[must_use]
    pub fn end_ms(&self, term: Term, from_ms: i64) -> i64 {
        match term {
            Term::For(length) => from_ms.saturating_add(span::ms(length)),
            Term::WorkingDays(days) => working_days_after(from_ms, days, &self.time_zone),
        }
    }

    /// How long the `nth` retry in a row waits (from 1): twice as long each time, capped, and up to a quarter shorter by
    /// `seed`, so that hosts that failed together do not come back together.
    #[must_use]
    pub fn backoff_ms(&self, nth: u32, seed: u64) -> i64 {
        let base = span::ms(self.retry_base);
        let factor = 1_i64.checked_shl(nth.saturating_sub(1).min(32)).unwrap_or(i64::MAX);
        let full = base.saturating_mul(factor).min(span::ms(self.retry_cap));
        let part = i64::try_from(mix(seed) % 1024).unwrap_or(0);
        full - full / 4 * part / 1024
    }

    pub(super) fn from_file(file: PolicyInFile) -> Result<Self, Fault> {
        let given = |key: &'static str, text: Option<String>, default: Duration| match text {
            None => Ok(default),
            Some(text) => span::parse(&text).map_err(|why| fault(key, format!("policy.{key}: {why}"))),
        };
        let default = Self::default();
        let policy = Self {
            grace: match file.grace {
                None => default.grace,
                Some(text) => Term::parse(&text).map_err(|why| fault("grace", format!("policy.grace: {why}")))?,
            },
            time_zone: file.time_zone.unwrap_or(default.time_zone),
            attempts: file.attempts.unwrap_or(default.attempts),
            hindrances: file.hindrances.unwrap_or(default.hindrances),
            retry_base: given("retry_base", file.retry_base, default.retry_base)?,
            retry_cap: given("retry_cap", file.retry_cap, default.retry_cap)?,
            soak: given("soak", file.soak, default.soak)?,
            order_life: given("order_life", file.order_life, default.order_life)?,
            fetch_within: given("fetch_within", file.fetch_within, default.fetch_within)?,
            silence: given("silence", file.silence, default.silence)?,
            restart_within: given("restart_within", file.restart_within, default.restart_within)?,
            restart_notice: given("restart_notice", file.restart_notice, default.restart_notice)?,
            restart_time: given("restart_time", file.restart_time, default.restart_time)?,
            pending_restart: file.pending_restart.unwrap_or(default.pending_restart),
            stale_after: given("stale_after", file.stale_after, default.stale_after)?,
            agent_lost_after: given("agent_lost_after", file.agent_lost_after, default.agent_lost_after)?,
            protection_bound: given("protection_bound", file.protection_bound, default.protection_bound)?,
            handwork_within: match file.handwork_within {
                None => default.handwork_within,
                Some(text) => Term::parse(&text)
                    .map_err(|why| fault("handwork_within", format!("policy.handwork_within: {why}")))?,
            },
            max_in_flight: file.max_in_flight.unwrap_or(default.max_in_flight),
            site_in_flight: file.site_in_flight,
            starts_per_hour: file.starts_per_hour,
            bandwidth: match file.bandwidth {
                None => default.bandwidth,
                Some(text) => {
                    Some(Rate::parse(&text).map_err(|why| fault("bandwidth", format!("policy.bandwidth: {why}")))?)
                }
            },
            first_canaries: file.first_canaries.map_or(default.first_canaries, FirstCanaries::Every),
            trust_unproven: Trust::read(file.trust_unproven, file.first_canaries)?,
            approval_for: file.approval_for.unwrap_or(default.approval_for),
            imported_looks: file.imported_looks.unwrap_or(default.imported_looks),
            imported_look_holds: given(
                "imported_look_holds",
                file.imported_look_holds,
                default.imported_look_holds,
            )?,
            retire: leaving::parse(file.retire.as_deref())?,
        };
        policy.check()?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), Fault> {
        if zone(&self.time_zone).is_none() {
            let why = format!(
                "policy.time_zone: `{}` is no zone of the IANA database; write for example America/New_York or UTC",
                self.time_zone
            );
            return Err(fault("time_zone", why));
        }
        for (key, value) in [
            ("attempts", Some(self.attempts)),
            ("max_in_flight", Some(self.max_in_flight)),
            ("site_in_flight", self.site_in_flight),
            ("starts_per_hour", self.starts_per_hour),
        ] {
            if value == Some(0) {
                let why = format!(
                    "policy.{key} is 0, so nothing would ever start; write at least 1, or set mode = \"observe\""
                );
                return Err(fault(key, why));
            }
        }
        for (key, value) in [
            ("retry_base", self.retry_base),
            ("order_life", self.order_life),
            ("fetch_within", self.fetch_within),
            ("silence", self.silence),
            ("restart_within", self.restart_within),
            ("restart_time", self.restart_time),
            ("stale_after", self.stale_after),
            ("agent_lost_after", self.agent_lost_after),
            ("protection_bound", self.protection_bound),
        ] {
            if value.is_zero() {
                return Err(fault(key, format!("policy.{key} is zero; give it a length")));
            }
        }
        if self.retry_cap < self.retry_base {
            let why = "policy.retry_cap is below policy.retry_base; raise the cap or lower the base".to_owned();
            return Err(fault("retry_cap", why));
        }
        if self.restart_notice > self.restart_within {
            let why = "policy.restart_notice is above policy.restart_within: the notice alone would outlast the time in which \
                       the restart may be put off; shorten the notice, or give more time"
                .to_owned();
            return Err(fault("restart_notice", why));
        }
        if self.fetch_within > self.order_life {
            let why = "policy.fetch_within is above policy.order_life: an order would expire before it is withdrawn; shorten \
                       the one or lengthen the other"
                .to_owned();
            return Err(fault("fetch_within", why));
        }
        Ok(())
    }
}

pub(super) fn fault(key: &'static str, why: String) -> Fault {
    Fault {
        way: vec![Step::Key("policy"), Step::Key(key)],
        why,
    }
}

impl Term {
    /// Reads `3 working days` or a length of time.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            [number, "working", "day" | "days"] => number
                .parse()
                .ok()
                // A year of them: more is a mistake, and would walk day by day.
                .filter(|days| *days <= 366)
                .map(Self::WorkingDays)
                .ok_or_else(|| format!("`{number}` working days is not between 0 and 366")),
            _ => span::parse(text)
                .map(Self::For)
                .map_err(|why| format!("{why}, or for example `3 working days`")),
        }
    }
}

/// Full working days after an instant: one that begins on a weekend counts from Monday's first minute.
fn working_days_after(from_ms: i64, days: u32, zone_name: &str) -> i64 {
    let is_weekend = |day: Weekday| matches!(day, Weekday::Saturday | Weekday::Sunday);
    let walk = || -> Option<i64> {
        let from = Timestamp::from_millisecond(from_ms).ok()?;
        let mut at = from.to_zoned(zone(zone_name)?);
        if days == 0 {
            return Some(from_ms);
        }
        while is_weekend(at.weekday()) {
            at = at.tomorrow().ok()?.start_of_day().ok()?;
        }
        let mut left = days;
        while left > 0 {
            at = at.checked_add(1.day()).ok()?;
            if !is_weekend(at.weekday()) {
                left -= 1;
            }
        }
        Some(at.timestamp().as_millisecond())
    };
    // Beyond the calendar's end nobody is forced.
    walk().unwrap_or(i64::MAX)
}
