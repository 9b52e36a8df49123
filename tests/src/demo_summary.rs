//! The object that `cutover demo --exit-when-done --output json` prints, and what must hold in it.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

/// What the demo says at its end. Unknown fields are errors: who adds one says here what must hold for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoSummary {
    /// How many hosts took part.
    pub hosts: u64,
    /// Hosts by phase.
    pub phases: BTreeMap<String, u64>,
    /// Hosts by standing.
    pub standing: BTreeMap<String, u64>,
    /// Work orders issued.
    pub work_orders: u64,
    /// Steps that were carried out.
    pub steps: u64,
    /// How long hosts were protected, unprotected and unobserved, in seconds of the campaign's clock.
    pub time_seconds: TimeSeconds,
    /// Hash chains of events that were recomputed and found whole.
    pub chains_verified: u64,
    /// How long the demo took, in seconds of the real clock.
    pub duration_seconds: f64,
    /// Hosts that are awkward on purpose, and how.
    pub awkward: BTreeMap<String, String>,
}

/// The three parts of a host's time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeSeconds {
    /// With a protection that the campaign accepts.
    pub protected: Spread,
    /// With none: the gap.
    pub unprotected: Spread,
    /// While nobody could tell.
    pub unobserved: Spread,
}

/// How a figure is spread over the hosts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Half of the hosts have at most this.
    pub p50: f64,
    /// No host has more.
    pub max: f64,
}

/// Why a summary does not show a demo that worked.
#[derive(Debug, Error)]
pub enum DemoSummaryError {
    /// Not the object that was promised.
    #[error("standard output is not the one JSON object that the demo promises")]
    Unreadable(#[from] serde_json::Error),
    /// Another number of hosts than was asked for.
    #[error("{found} hosts took part, {asked} were asked for")]
    Hosts {
        /// On the command line.
        asked: u64,
        /// In the summary.
        found: u64,
    },
    /// Parts that do not add up.
    #[error("{what} adds up to {sum}, there are {hosts} hosts")]
    Sum {
        /// `phases` or `standing`.
        what: &'static str,
        /// Of its parts.
        sum: u64,
        /// Of the whole.
        hosts: u64,
    },
    /// Too few hosts got there.
    #[error("only {migrated} of {hosts} hosts are migrated; most must be")]
    FewMigrated {
        /// In phase `migrated`.
        migrated: u64,
        /// Of the whole.
        hosts: u64,
    },
    /// Every host got there, so the awkward ones were not awkward.
    #[error("every host is migrated: the demo has lost its awkward hosts")]
    NothingAwkward,
    /// Less work than migrations need.
    #[error("{work_orders} work orders with {steps} steps cannot have migrated {migrated} hosts")]
    LittleWork {
        /// Issued.
        work_orders: u64,
        /// Carried out.
        steps: u64,
        /// In phase `migrated`.
        migrated: u64,
    },
    /// A spread whose median lies above its end, or below zero.
    #[error("time_seconds.{0} is no spread: 0 <= p50 <= max must hold")]
    Spread(&'static str),
    /// Fewer chains than hosts.
    #[error("{verified} chains were verified, {hosts} hosts have at least one each")]
    Chains {
        /// Whole chains.
        verified: u64,
        /// Of the whole.
        hosts: u64,
    },
}

/// Reads a summary and checks that it shows a demo that worked.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(text: &str, asked: u64) -> Result<DemoSummary, DemoSummaryError> {
    let summary: DemoSummary = serde_json::from_str(text)?;
    let hosts = summary.hosts;
    if hosts != asked {
        return Err(DemoSummaryError::Hosts { asked, found: hosts });
    }
    for (what, parts) in [("phases", &summary.phases), ("standing", &summary.standing)] {
        let sum = parts.values().sum();
        if sum != hosts {
            return Err(DemoSummaryError::Sum { what, sum, hosts });
        }
    }
    let migrated = summary.phases.get("migrated").copied().unwrap_or_default();
    if migrated * 2 <= hosts {
        return Err(DemoSummaryError::FewMigrated { migrated, hosts });
    }
    if migrated == hosts || summary.awkward.is_empty() {
        return Err(DemoSummaryError::NothingAwkward);
    }
    let (work_orders, steps) = (summary.work_orders, summary.steps);
    // A replacement takes a removal and an installation at the least.
    if work_orders < migrated || steps < migrated * 2 {
        return Err(DemoSummaryError::LittleWork {
            work_orders,
            steps,
            migrated,
        });
    }
    let time = &summary.time_seconds;
    for (name, spread) in [
        ("protected", &time.protected),
        ("unprotected", &time.unprotected),
        ("unobserved", &time.unobserved),
    ] {
        if !(0.0 <= spread.p50 && spread.p50 <= spread.max) {
            return Err(DemoSummaryError::Spread(name));
        }
    }
    if summary.chains_verified < hosts {
        return Err(DemoSummaryError::Chains {
            verified: summary.chains_verified,
            hosts,
        });
    }
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "hosts": 25, "phases": {"migrated": 21, "blocked": 2, "failed": 1, "migrating": 1},
        "standing": {"compliant": 21, "overdue": 3, "unknown": 1},
        "work_orders": 23, "steps": 110,
        "time_seconds": {
            "protected": {"p50": 60.0, "max": 80.0}, "unprotected": {"p50": 1.5, "max": 9},
            "unobserved": {"p50": 0, "max": 0}
        },
        "chains_verified": 52, "duration_seconds": 41.5,
        "awkward": {"ws-006": "is blocked"}
    }"#;

    #[test]
    fn a_demo_that_worked_passes() {
        let summary = check(GOOD, 25).expect("all of it holds");
        assert_eq!(summary.phases["migrated"], 21);
    }

    #[test]
    fn each_thing_that_does_not_hold_is_told() {
        let planted = [
            (
                "\"hosts\": 25",
                "\"hosts\": 24",
                "24 hosts took part, 25 were asked for",
            ),
            ("\"blocked\": 2", "\"blocked\": 3", "phases adds up to 26"),
            ("\"unknown\": 1", "\"unknown\": 0", "standing adds up to 24"),
            (
                "\"migrated\": 21, \"blocked\": 2",
                "\"migrated\": 12, \"blocked\": 11",
                "only 12 of 25",
            ),
            (
                "\"migrated\": 21, \"blocked\": 2, \"failed\": 1, \"migrating\": 1",
                "\"migrated\": 25",
                "every host",
            ),
            ("\"work_orders\": 23", "\"work_orders\": 20", "cannot have migrated 21"),
            ("\"steps\": 110", "\"steps\": 41", "cannot have migrated 21"),
            ("\"p50\": 1.5", "\"p50\": 9.5", "time_seconds.unprotected"),
            ("\"chains_verified\": 52", "\"chains_verified\": 24", "24 chains"),
            (
                "\"hosts\": 25",
                "\"hosts\": 25, \"surprise\": 1",
                "not the one JSON object",
            ),
            ("\"chains_verified\": 52,", "", "not the one JSON object"),
            ("{\"ws-006\": \"is blocked\"}", "{}", "every host"),
        ];
        for (from, to, why) in planted {
            let broken = GOOD.replacen(from, to, 1);
            assert_ne!(broken, GOOD, "the plant `{to}` took no root");
            let refused = check(&broken, 25).expect_err(why).to_string();
            assert!(refused.contains(why), "{refused}");
        }
        assert!(check("", 25).is_err());
    }
}
