//! What is made up of machines and people.

use std::time::Duration;

use cutover_proto::step::StepKind;
use serde::{Deserialize, Serialize};

/// A share in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerMille(pub u16);

impl PerMille {
    /// `part` of `whole`, after as many made-up ones as `before` says: what was seen counts the more the more it is.
    #[must_use]
    pub fn seen(part: u64, whole: u64, before: Self, weight: u64) -> Self {
        let part = part
            .saturating_mul(1000)
            .saturating_add(weight.saturating_mul(u64::from(before.0)));
        let share = part / whole.saturating_add(weight).max(1);
        Self(u16::try_from(share).unwrap_or(1000).min(1000))
    }

    /// Whether a drawn number falls into it.
    #[must_use]
    pub const fn takes(self, drawn: u64) -> bool {
        drawn % 1000 < self.0 as u64
    }
}

/// What is made up of machines and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumptions {
    /// How many attempts fail at a step.
    pub fails: PerMille,
    /// How many hosts do not come back from a restart.
    pub goes_dark: PerMille,
    /// How long steps take, of a hundred of what is made up for each.
    pub pace: u16,
    /// How many users of workstations put a restart off; to a time drawn between its notice and the latest one.
    pub defers: PerMille,
    /// How soon people settle the readiness list, let hosts start and answer gates; `None`: not at all.
    pub people_within: Option<Duration>,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            fails: PerMille(20),
            goes_dark: PerMille(1),
            pace: 100,
            defers: PerMille(300),
            people_within: None,
        }
    }
}

impl Assumptions {
    /// How long a step takes.
    pub(super) const fn takes_ms(&self, kind: StepKind) -> i64 {
        takes_ms(kind) * self.pace as i64 / 100
    }
}

const fn takes_ms(kind: StepKind) -> i64 {
    const SECOND: i64 = 1000;
    const MINUTE: i64 = 60 * SECOND;
    match kind {
        StepKind::FetchPackages | StepKind::FetchArtifact => 5 * MINUTE,
        StepKind::RemovePackages => 4 * MINUTE,
        StepKind::InstallPackages | StepKind::InstallArtifact => 6 * MINUTE,
        // Until the machine is back.
        StepKind::Restart => 3 * MINUTE,
        StepKind::RepairPackages | StepKind::SetUp => MINUTE,
        StepKind::DetectionTest | StepKind::EnableService => 30 * SECOND,
        StepKind::Sweep | StepKind::SweepGroups | StepKind::SweepCertificates | StepKind::WriteConfig => 10 * SECOND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_gives_way_to_what_was_seen() {
        let made_up = PerMille(20);
        let seen = |part, whole| PerMille::seen(part, whole, made_up, 50).0;
        assert_eq!(seen(0, 0), 20, "nothing was seen");
        // (30 * 1000 + 50 * 20) / (50 + 50)
        assert_eq!(seen(30, 50), 310);
        assert_eq!(seen(0, 950), 1);
        assert_eq!(seen(950, 950), 951);
        assert_eq!(
            PerMille::seen(9, 3, PerMille(0), 0),
            PerMille(1000),
            "more than all is all"
        );
    }

    #[test]
    fn a_share_takes_so_many_of_a_thousand_numbers() {
        let taken = |share: u16| (5000_u64..6000).filter(|drawn| PerMille(share).takes(*drawn)).count();
        assert_eq!([0, 1, 20, 999, 1000].map(taken), [0, 1, 20, 999, 1000]);
    }

    #[test]
    fn a_step_takes_what_is_made_up_for_it_at_the_machines_pace() {
        let made_up = |pace| Assumptions {
            pace,
            ..Assumptions::default()
        };
        for (kind, seconds) in [
            (StepKind::FetchPackages, 300),
            (StepKind::FetchArtifact, 300),
            (StepKind::RemovePackages, 240),
            (StepKind::InstallPackages, 360),
            (StepKind::InstallArtifact, 360),
            (StepKind::Restart, 180),
            (StepKind::RepairPackages, 60),
            (StepKind::SetUp, 60),
            (StepKind::DetectionTest, 30),
            (StepKind::EnableService, 30),
            (StepKind::Sweep, 10),
            (StepKind::SweepGroups, 10),
            (StepKind::SweepCertificates, 10),
            (StepKind::WriteConfig, 10),
        ] {
            assert_eq!(made_up(100).takes_ms(kind), seconds * 1000, "{kind}");
            assert_eq!(made_up(150).takes_ms(kind), seconds * 1500, "{kind}");
        }
    }
}
