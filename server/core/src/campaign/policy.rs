//! Limits and times of a campaign. Every one has a default; the demo and tests set their own.

use std::time::Duration;

/// The time after enrolling or coming back in which nobody is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grace {
    /// Monday to Friday, in the campaign's zone.
    WorkingDays(u32),
    /// Plain time.
    For(Duration),
}

/// How carefully a campaign goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// See [`Grace`]. Default: three working days.
    pub grace: Grace,
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
    /// For how long a host may put off a restart. Default: 24 hours.
    pub restart_within: Duration,
    /// A host not heard of for this long is stale: its standing is unknown. Default: 7 days.
    pub stale_after: Duration,
    /// For how long a replacement may be unhealthy before protection counts as lost. Default: 24 hours.
    pub protection_bound: Duration,
    /// How many hosts may have an order out at a time. Default: 50.
    pub max_in_flight: u32,
}

impl Default for Policy {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        Self {
            grace: Grace::WorkingDays(3),
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
            stale_after: 7 * 24 * HOUR,
            protection_bound: 24 * HOUR,
            max_in_flight: 50,
        }
    }
}
