//! The outcome of judging one inventory.

use cutover_proto::{
    ids::ProductId,
    inventory::{HostRole, OsFamily, PackageManager},
    placed::Placed,
    verdict::{Protection, Verdict},
    words,
};
use serde::{Deserialize, Serialize};

use crate::{catalog::Unmet, plan::Reason, upkeep::Dates};

words! {
    /// What the verdicts of all targets say together. The first that fits, in this order.
    pub enum Condition("condition") {
        /// A target is installed or running.
        Carries = "carries",
        /// None is seen, and a required look at one failed or is missing.
        Unknown = "unknown",
        /// A target is a part of another vendor's product.
        Embedded = "embedded",
        /// Only leftovers.
        Remnant = "remnant",
        /// Looked everywhere, and there is nothing.
        Free = "free",
    }
}

/// A target that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSeen {
    /// Which.
    pub product: ProductId,
    /// Installed or running.
    pub verdict: Verdict,
    /// Where a trace told it.
    #[serde(default)]
    pub version: Option<String>,
    /// Its packages by the host's own look, restricted to names of the rule.
    pub packages: Vec<String>,
    /// The dates that tell how it is kept up.
    #[serde(default, skip_serializing_if = "Dates::is_empty")]
    pub dates: Dates,
    /// The server that manages it, where a look told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What tells who put it there; `None` where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
}

/// Leftovers of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Of which.
    pub product: ProductId,
    /// What was seen.
    pub seen: Vec<String>,
}

/// A required look that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownLook {
    /// At which product.
    pub product: ProductId,
    /// Why.
    pub why: String,
}

/// How a replacement is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ReplacementState {
    /// Looked, and it is not there.
    Absent,
    /// There, and does not do its work, or it could not be told.
    Unhealthy {
        /// Why.
        why: String,
    },
    /// There, and does its work.
    Healthy {
        /// What it gives.
        grade: Protection,
        /// Whether the campaign accepts that grade.
        accepted: bool,
    },
}

/// What was seen of the replacement that the campaign's rules choose for this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacementSeen {
    /// Which.
    pub product: ProductId,
    /// How it is doing.
    pub state: ReplacementState,
}

/// A precondition that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Blocker {
    /// The product that is to go holds the disks' keys. Never forced past.
    EncryptedByTarget,
    /// Who encrypts could not be told. Never forced past.
    EncryptionUnknown,
    /// What a recipe asks of the machine was not seen to hold.
    Unmet(Unmet),
    /// Another product decides about every file before it is opened, as the replacement would. Two can hang a machine.
    Intercepted {
        /// Which.
        by: ProductId,
    },
    /// None that the recipe can use.
    NoPackageManager {
        /// Whose recipe.
        product: ProductId,
    },
}

/// How far a machine is from done, the nearest first. Of several machines that one plan is of, the one that is furthest stands
/// for all: what one of them carries is carried, and what one does not tell is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distance {
    /// No target, and the replacement protects.
    Done,
    /// The same, with leftovers.
    Remnant,
    /// No target, and no accepted replacement.
    NotReplaced,
    /// A target is a part of another vendor's product.
    Embedded,
    /// A required look failed or is missing.
    Unknown,
    /// A target is there.
    Carries,
}

impl Distance {
    /// Every one, the nearest first.
    pub const ALL: [Self; 6] = [
        Self::Done,
        Self::Remnant,
        Self::NotReplaced,
        Self::Embedded,
        Self::Unknown,
        Self::Carries,
    ];

    /// Larger is further; stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// What machines are that are so far, after their number.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Done => "replaced",
            Self::Remnant => "replaced, with leftovers",
            Self::NotReplaced => "without target or replacement",
            Self::Embedded => "with a target inside another product",
            Self::Unknown => "not known",
            Self::Carries => "with a target",
        }
    }
}

/// What one inventory means to one campaign. Kept in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The verdicts of all targets together.
    pub condition: Condition,
    /// Targets that are there.
    #[serde(default)]
    pub targets: Vec<TargetSeen>,
    /// Targets inside other products.
    #[serde(default)]
    pub embedded: Vec<ProductId>,
    /// Leftovers, also beside a target that is there.
    #[serde(default)]
    pub leftovers: Vec<Leftover>,
    /// Looks without an answer.
    #[serde(default)]
    pub unknown: Vec<UnknownLook>,
    /// The replacement that the rules choose; `None` where no rule fits.
    #[serde(default)]
    pub replacement: Option<ReplacementSeen>,
    /// Products that took a target's place without approval.
    #[serde(default)]
    pub unapproved: Vec<ProductId>,
    /// The machine's protection.
    pub protection: Protection,
    /// What blocks work on this host. Empty where no work is due.
    #[serde(default)]
    pub blockers: Vec<Blocker>,
    /// Whether something else already waits for a restart. Not a blocker.
    #[serde(default)]
    pub restart_pending: Option<bool>,
    /// Whether there is room for the work, by what recipes ask; `None` where the look does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_room: Option<bool>,
    /// Whether a package that a rule names is neither whole nor gone: an installer was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub packages_unfinished: bool,
    /// What a look saw of targets' modules in the running kernel, in its words. They go only with a restart.
    #[serde(default)]
    pub modules: Vec<String>,
    /// The family of the system.
    pub os_family: OsFamily,
    /// Its os-release ID; empty where no look told it.
    #[serde(default)]
    pub os_id: String,
    /// Its version, in the system's words.
    #[serde(default)]
    pub os_version: String,
    /// The kernel's word for the machine's architecture; empty where no look told it.
    #[serde(default)]
    pub architecture: String,
    /// The IANA name of its time zone, where a look told one that the database here knows; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// What steps may use, in the host's order.
    #[serde(default)]
    pub managers: Vec<PackageManager>,
    /// For people.
    #[serde(default)]
    pub hostname: String,
    /// What the host does for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<HostRole>,
    /// Whether its system is an edition for servers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_server_edition: bool,
}

impl Assessment {
    /// Whether a target is there.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.condition == Condition::Carries
    }

    /// Whether it is certain that no target is there. An unknown is never an absent.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self.condition, Condition::Free | Condition::Remnant)
    }

    /// How far it is from done.
    #[must_use]
    pub fn distance(&self) -> Distance {
        match self.condition {
            Condition::Carries => Distance::Carries,
            Condition::Unknown => Distance::Unknown,
            Condition::Embedded => Distance::Embedded,
            Condition::Remnant | Condition::Free if !self.is_protected_by_replacement() => Distance::NotReplaced,
            Condition::Remnant => Distance::Remnant,
            Condition::Free => Distance::Done,
        }
    }

    /// Whether the chosen replacement is healthy at an accepted grade.
    #[must_use]
    pub fn is_protected_by_replacement(&self) -> bool {
        self.replacement
            .as_ref()
            .is_some_and(|seen| matches!(seen.state, ReplacementState::Healthy { accepted: true, .. }))
    }

    /// Why the replacement does not count; `None` when it does.
    #[must_use]
    pub fn replacement_fault(&self) -> Option<Reason> {
        let Some(seen) = &self.replacement else {
            return Some(Reason::NoReplacementRule);
        };
        let product = seen.product.clone();
        match &seen.state {
            ReplacementState::Healthy { accepted: true, .. } => None,
            ReplacementState::Healthy { grade, accepted: false } => {
                Some(Reason::GradeNotAccepted { product, grade: *grade })
            }
            ReplacementState::Unhealthy { why } => Some(Reason::ReplacementUnhealthy {
                product,
                why: why.clone(),
            }),
            ReplacementState::Absent => Some(Reason::ReplacementAbsent { product }),
        }
    }

    /// Why a restart is due once the targets are gone; `None` where none is.
    #[must_use]
    pub fn needs_restart(&self) -> Option<String> {
        (!self.modules.is_empty()).then(|| self.modules.join(", "))
    }

    /// Whether disks are encrypted by the target or may be. No destructive step is ever issued then.
    #[must_use]
    pub fn encryption_forbids(&self) -> bool {
        self.blockers.iter().any(Blocker::is_encryption)
    }
}

impl Blocker {
    /// Whether it is about encryption, which nobody can force past.
    #[must_use]
    pub const fn is_encryption(&self) -> bool {
        match self {
            Self::EncryptedByTarget | Self::EncryptionUnknown => true,
            Self::Unmet(_) | Self::Intercepted { .. } | Self::NoPackageManager { .. } => false,
        }
    }

    /// As the reason of a plan.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::EncryptedByTarget => Reason::EncryptedByTarget,
            Self::EncryptionUnknown => Reason::EncryptionUnknown,
            Self::Unmet(unmet) => Reason::Unmet(unmet.clone()),
            Self::Intercepted { by } => Reason::Intercepted { by: by.clone() },
            Self::NoPackageManager { product } => Reason::NoPackageManager {
                product: product.clone(),
            },
        }
    }
}
