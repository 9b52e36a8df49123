//! What a look means for the duty, as an exit code.

use cutover_proto::{
    inventory::Inventory,
    rule::Role,
    verdict::{Sighting, Verdict},
};

use super::RuleSet;

/// The end of a `scan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanOutcome {
    /// Every target was looked for, and none is on the host; remnants may be.
    NoTarget,
    /// A target is on the host, or inside another product.
    TargetFound,
    /// Nothing was found, and something that must be known is not.
    Unknown,
}

impl ScanOutcome {
    /// The exit code of `cutover-agent scan`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::NoTarget => 0,
            Self::TargetFound => 10,
            Self::Unknown => 11,
        }
    }
}

/// Weighs the verdicts on targets: what is carried counts even beside unknowns, an unknown more than what is embedded.
#[must_use]
pub fn outcome(inventory: &Inventory, rules: &RuleSet) -> ScanOutcome {
    let is_target = |sighting: &&Sighting| rules.role(&sighting.product) == Role::Target;
    let any = |verdicts: &[Verdict]| {
        inventory
            .sightings
            .iter()
            .filter(is_target)
            .any(|sighting| verdicts.contains(&sighting.verdict))
    };
    if any(&[Verdict::Installed, Verdict::Running]) {
        ScanOutcome::TargetFound
    } else if any(&[Verdict::Unknown]) || !rules.covers(inventory.facts.os_family) {
        ScanOutcome::Unknown
    } else if any(&[Verdict::Embedded]) {
        ScanOutcome::TargetFound
    } else {
        ScanOutcome::NoTarget
    }
}
