//! What the demo says at its end: one object for scripts, a few lines for people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cast::Part;
use crate::service::{
    Service, ServiceError,
    views::{Count, ProtectionTime},
};

/// How a figure is spread over the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Spread {
    p50: i64,
    max: i64,
}

/// The three parts of a host's time, in seconds of the campaign's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct TimeSeconds {
    protected: Spread,
    unprotected: Spread,
    unobserved: Spread,
}

/// The object that `--output json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) hosts: u64,
    pub(super) phases: BTreeMap<String, u64>,
    pub(super) standing: BTreeMap<String, u64>,
    work_orders: u64,
    steps: u64,
    time_seconds: TimeSeconds,
    chains_verified: usize,
    duration_seconds: f64,
    /// Hosts that are awkward on purpose, and how.
    pub(super) awkward: BTreeMap<String, &'static str>,
    /// Hash chains that do not hold; anything but 0 is a defect.
    #[serde(skip)]
    pub(super) chains_broken: usize,
}

impl Summary {
    /// As of now.
    pub(super) async fn of(service: &Service, cast: &[Part], duration_seconds: f64) -> Result<Self, ServiceError> {
        let (summary, work) = (service.summary().await?, service.work().await?);
        let spread = |part: fn(&ProtectionTime) -> i64| Spread::of(work.protection.iter().map(part).collect());
        let awkward = cast
            .iter()
            .filter_map(|part| part.awkward.describe().map(|how| (part.profile.hostname.clone(), how)));
        Ok(Self {
            hosts: summary.hosts,
            phases: counted(summary.phases),
            standing: counted(summary.standing),
            work_orders: work.work_orders,
            steps: work.steps,
            time_seconds: TimeSeconds {
                protected: spread(|time| time.protected),
                unprotected: spread(|time| time.unprotected),
                unobserved: spread(|time| time.unobserved),
            },
            chains_verified: work.chains_whole,
            duration_seconds: (duration_seconds * 10.0).round() / 10.0,
            awkward: awkward.collect(),
            chains_broken: work.chains_broken,
        })
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let join = |counts: &BTreeMap<String, u64>| {
            counts
                .iter()
                .map(|(name, count)| format!("{count} {name}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut lines = vec![
            format!("{} hosts: {}", self.hosts, join(&self.phases)),
            format!("standing: {}", join(&self.standing)),
            format!(
                "{} work orders, {} steps, {} hash chains verified, {} s",
                self.work_orders, self.steps, self.chains_verified, self.duration_seconds
            ),
            format!(
                "time without protection, in the campaign's clock: median {} s, longest {} s",
                self.time_seconds.unprotected.p50, self.time_seconds.unprotected.max
            ),
            "awkward on purpose:".to_owned(),
        ];
        lines.extend(self.awkward.iter().map(|(host, how)| format!("  {host} {how}")));
        lines
    }
}

impl Spread {
    fn of(mut values: Vec<i64>) -> Self {
        values.sort_unstable();
        Self {
            p50: values.get(values.len() / 2).copied().unwrap_or(0),
            max: values.last().copied().unwrap_or(0),
        }
    }
}

fn counted(counts: Vec<Count>) -> BTreeMap<String, u64> {
    counts
        .into_iter()
        .filter(|count| count.count > 0)
        .map(|count| (count.name, count.count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_its_median_and_its_end() {
        assert_eq!(Spread::of(vec![9, 1, 5]), Spread { p50: 5, max: 9 });
        assert_eq!(Spread::of(Vec::new()), Spread { p50: 0, max: 0 });
    }
}
