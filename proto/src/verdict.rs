//! What a look found, and how sure it is.

use serde::{Deserialize, Serialize};

use crate::{WireError, ids::ProductId, spelling::on_wire, upkeep::Upkeep, v1, words};

words! {
    /// What the evidence on a host says about one product.
    pub enum Verdict("verdict") {
        /// Present.
        Installed = "installed",
        /// Present and at work.
        Running = "running",
        /// Only leftovers of it.
        Remnant = "remnant",
        /// Inside another vendor's product.
        Embedded = "embedded",
        /// Every required look was made and found nothing.
        Absent = "absent",
        /// A required look failed or was denied. Never an absent.
        Unknown = "unknown",
    }
}
on_wire!(
    Verdict,
    "verdict",
    v1::Verdict {
        Installed,
        Running,
        Remnant,
        Embedded,
        Absent,
        Unknown
    }
);

words! {
    /// How a machine is protected: an axis of its own beside standing. Ordered from strongest to weakest knowledge.
    pub enum Protection("protection") {
        /// An approved scanner checks files as they are used.
        RealTime = "real-time",
        /// A scanner is there and works when asked.
        OnDemand = "on-demand",
        /// A scanner is there and stands back for another. Not protection.
        Passive = "passive",
        /// Looked, and there is none.
        None = "none",
        /// Not looked, or the look failed.
        Unobserved = "unobserved",
    }
}
on_wire!(
    Protection,
    "protection",
    v1::Protection {
        RealTime,
        OnDemand,
        Passive,
        None,
        Unobserved
    }
);

words! {
    /// The kind of trace that a rule looks for.
    pub enum EvidenceKind("evidence kind") {
        /// The package database.
        Package = "package",
        /// A service definition and its state.
        Unit = "unit",
        /// A running process.
        Process = "process",
        /// A file or directory.
        Path = "path",
        /// A loaded kernel module.
        Module = "module",
        /// A process that decides whether files may be opened (a fanotify group with permission events).
        Listener = "listener",
        /// A certificate in the system's trust store.
        Certificate = "certificate",
        /// A local group.
        Group = "group",
        /// A service's real state: whether processes of it are at work.
        Service = "service",
        /// An entry under Windows' uninstall keys.
        UninstallKey = "uninstall-key",
        /// A driver of Windows.
        Driver = "driver",
        /// A file with its version and signer.
        File = "file",
        /// An entry in Windows Security Center.
        SecurityCenter = "security-center",
        /// A key of Windows' registry.
        RegistryKey = "registry-key",
        /// An extension in a user's browser.
        BrowserExtension = "browser-extension",
        /// A task of Windows' task scheduler.
        ScheduledTask = "scheduled-task",
        /// A receipt of macOS's installer.
        Receipt = "receipt",
        /// An application on macOS.
        Bundle = "bundle",
        /// A system extension of macOS.
        SystemExtension = "system-extension",
        /// A file of the product inside another vendor's.
        Component = "component",
    }
}
on_wire!(
    EvidenceKind,
    "evidence.kind",
    v1::EvidenceKind {
        Package,
        Unit,
        Process,
        Path,
        Module,
        Listener,
        Certificate,
        Group,
        Service,
        UninstallKey,
        Driver,
        File,
        SecurityCenter,
        RegistryKey,
        BrowserExtension,
        ScheduledTask,
        Receipt,
        Bundle,
        SystemExtension,
        Component
    }
);

words! {
    /// What a trace shows when it is there.
    pub enum Showing("showing") {
        /// The product is present.
        Installed = "installed",
        /// The product is at work.
        Running = "running",
        /// Something of it was left behind.
        Remnant = "remnant",
        /// It is inside another vendor's product.
        Embedded = "embedded",
    }
}
on_wire!(
    Showing,
    "evidence.shows",
    v1::Showing {
        Installed,
        Running,
        Remnant,
        Embedded
    }
);

words! {
    /// How one look ended.
    pub enum EvidenceOutcome("evidence outcome") {
        /// The trace is there.
        Seen = "seen",
        /// Looked, and it is not there.
        Nothing = "nothing",
        /// Denied or failed.
        NotChecked = "not-checked",
    }
}
on_wire!(
    EvidenceOutcome,
    "evidence.outcome",
    v1::EvidenceOutcome {
        Seen,
        Nothing,
        NotChecked
    }
);

words! {
    /// Whether a replacement does its work.
    pub enum HealthState("health state") {
        /// It does.
        Healthy = "healthy",
        /// It does not.
        Unhealthy = "unhealthy",
        /// Could not be told.
        Unknown = "unknown",
    }
}
on_wire!(
    HealthState,
    "health.state",
    v1::HealthState {
        Healthy,
        Unhealthy,
        Unknown
    }
);

/// One look and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The kind of trace.
    pub kind: EvidenceKind,
    /// Whether its failure alone makes the verdict unknown.
    pub required: bool,
    /// How the look ended.
    pub outcome: EvidenceOutcome,
    /// What was seen (`kesl 12.1.0-1297`), or why nothing could be.
    pub detail: String,
    /// What it shows, where something was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<Showing>,
}

/// A replacement's health and what it gives in that state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether it does its work.
    pub state: HealthState,
    /// Why, in words a person can act on; empty when healthy, unless it stands back.
    pub why: String,
    /// The protection that follows.
    pub grade: Protection,
    /// Whose it is, in the vendor's words (organisation, customer or site id), where it tells. Whether that is the right one
    /// is for the campaign to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl Health {
    /// Whether the product belongs to this tenant, in the vendor's words; `None` where it does not tell whose it is.
    #[must_use]
    pub fn is_of(&self, tenant: &str) -> Option<bool> {
        let own = self.tenant.as_deref()?;
        Some(is_same_tenant(own, tenant))
    }
}

/// Whether two ids of a vendor's name one tenant.
#[must_use]
pub fn is_same_tenant(one: &str, other: &str) -> bool {
    let plain = |id: &str| {
        let id = id.trim().to_lowercase();
        // CrowdStrike's customer ids are handed out with two more digits, which the sensor does not tell.
        match id.split_once('-') {
            Some((customer, check)) if customer.len() == 32 && check.len() == 2 => customer.to_owned(),
            Some(_) | None => id,
        }
    };
    plain(one) == plain(other)
}

/// What a look found of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The product.
    pub product: ProductId,
    /// What the evidence says.
    pub verdict: Verdict,
    /// Why, where the verdict is unknown; empty otherwise.
    #[serde(default)]
    pub why: String,
    /// The version, where a trace told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Every look that was made.
    pub evidence: Vec<Evidence>,
    /// Replacements only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Targets that are there, where anything told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upkeep: Option<Upkeep>,
}

impl Sighting {
    /// Whether the product is on the host, at work or not.
    #[must_use]
    pub fn is_present(&self) -> bool {
        matches!(self.verdict, Verdict::Installed | Verdict::Running)
    }
}

impl From<Evidence> for v1::Evidence {
    fn from(evidence: Evidence) -> Self {
        Self {
            kind: evidence.kind.number(),
            required: evidence.required,
            outcome: evidence.outcome.number(),
            detail: evidence.detail,
            shows: evidence.shows.map_or(0, Showing::number),
        }
    }
}

impl TryFrom<v1::Evidence> for Evidence {
    type Error = WireError;
    fn try_from(wire: v1::Evidence) -> Result<Self, WireError> {
        Ok(Self {
            kind: wire.kind.try_into()?,
            required: wire.required,
            outcome: wire.outcome.try_into()?,
            detail: wire.detail,
            shows: if wire.shows == 0 {
                None
            } else {
                Some(wire.shows.try_into()?)
            },
        })
    }
}

impl From<Sighting> for v1::Sighting {
    fn from(sighting: Sighting) -> Self {
        Self {
            product: sighting.product.as_str().to_owned(),
            verdict: sighting.verdict.number(),
            why: sighting.why,
            version: sighting.version.unwrap_or_default(),
            evidence: sighting.evidence.into_iter().map(Into::into).collect(),
            health: sighting.health.map(|health| v1::Health {
                state: health.state.number(),
                why: health.why,
                grade: health.grade.number(),
                tenant: health.tenant.unwrap_or_default(),
            }),
            upkeep: sighting.upkeep.map(Into::into),
        }
    }
}

impl TryFrom<v1::Sighting> for Sighting {
    type Error = WireError;
    fn try_from(wire: v1::Sighting) -> Result<Self, WireError> {
        if wire.product.is_empty() {
            return Err(WireError::Missing("sighting.product"));
        }
        let health = wire
            .health
            .map(|health| {
                Ok::<_, WireError>(Health {
                    state: health.state.try_into()?,
                    why: health.why,
                    grade: health.grade.try_into()?,
                    tenant: Some(health.tenant).filter(|tenant| !tenant.is_empty()),
                })
            })
            .transpose()?;
        Ok(Self {
            product: ProductId::new(wire.product),
            verdict: wire.verdict.try_into()?,
            why: wire.why,
            version: Some(wire.version).filter(|version| !version.is_empty()),
            evidence: wire
                .evidence
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            health,
            upkeep: wire.upkeep.map(Upkeep::from).filter(|upkeep| !upkeep.is_empty()),
        })
    }
}
