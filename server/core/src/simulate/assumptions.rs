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
        StepKind::RepairPackages => MINUTE,
        StepKind::DetectionTest | StepKind::EnableService => 30 * SECOND,
        StepKind::Sweep | StepKind::SweepGroups | StepKind::SweepCertificates | StepKind::WriteConfig => 10 * SECOND,
    }
}
