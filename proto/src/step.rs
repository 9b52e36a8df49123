//! What an agent may be asked to do: a closed set, no free shell line.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{artifact::ArtifactRef, ids::ProductId, inventory::PackageManager, subject::Subject};

mod checks;
mod kind;
mod purpose;
mod wire;

pub use checks::CONFIG_MAX;
pub use kind::{Replay, SetUpState, StepKind};
pub use purpose::{Fetched, Purpose};

/// A step with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// After which the step has failed.
    pub time_limit: Duration,
    /// Whether cancel and hold may act after it.
    pub safe_point_after: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Downloads packages into the package manager's own cache.
    FetchPackages {
        /// With which.
        manager: PackageManager,
        /// By name; the host's own archive keys are trusted.
        packages: Vec<String>,
    },
    /// Purges packages, in this order.
    RemovePackages {
        /// With which.
        manager: PackageManager,
        /// The target that they belong to, by this host's own look.
        product: ProductId,
        /// In order of removal.
        packages: Vec<String>,
    },
    /// Installs packages.
    InstallPackages {
        /// With which.
        manager: PackageManager,
        /// The replacement that they make.
        product: ProductId,
        /// By name.
        packages: Vec<String>,
    },
    /// Deletes leftovers that the agent's own rules name.
    Sweep {
        /// Whose leftovers.
        product: ProductId,
        /// Absolute paths.
        paths: Vec<String>,
    },
    /// Demands that the replacement names a harmless test file.
    DetectionTest {
        /// The replacement.
        product: ProductId,
    },
    /// Restarts the machine.
    Restart {
        /// Shown to the user.
        reason: String,
        /// At least so long before it, whoever is logged in is told; zero: nobody is. Whole seconds.
        #[serde(default)]
        notice: Duration,
        /// For so long from when it became due, the user may put it off; zero: not at all. Whole seconds.
        #[serde(default)]
        defer: Duration,
    },
    /// Finishes what an installer began and did not end. Removes nothing, and installs nothing that was not begun.
    RepairPackages {
        /// Whose packages.
        manager: PackageManager,
    },
    /// Deletes local groups that the agent's own rules name.
    SweepGroups {
        /// Whose.
        product: ProductId,
        /// By exact name.
        groups: Vec<String>,
    },
    /// Takes certificates that the agent's own rules name out of the system's trust store.
    SweepCertificates {
        /// Whose.
        product: ProductId,
        /// By subject.
        subjects: Vec<Subject>,
    },
    /// Enables and starts services that the agent's own rules name.
    EnableService {
        /// The replacement.
        product: ProductId,
        /// With suffix, in order of their start.
        services: Vec<String>,
    },
    /// Writes a file whose path and lines the agent's own rules name.
    WriteConfig {
        /// The replacement.
        product: ProductId,
        /// Absolute.
        path: String,
        /// The whole file.
        contents: String,
        /// Permission bits.
        mode: u32,
    },
    /// Brings an artifact into the agent's cache.
    FetchArtifact {
        /// Which, and from where.
        artifact: ArtifactRef,
    },
    /// Brings a replacement into a state that its own tools give it.
    SetUp {
        /// The replacement.
        product: ProductId,
        /// Which.
        state: SetUpState,
        /// Whose it has to be then, in the vendor's words; anybody's where the campaign does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// Installs package files from the cache, and nothing beside them.
    InstallArtifact {
        /// With which.
        manager: PackageManager,
        /// The replacement that they make.
        product: ProductId,
        /// All of them, in one run.
        artifacts: Vec<ArtifactRef>,
    },
}

impl Action {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::FetchPackages { .. } => StepKind::FetchPackages,
            Self::RemovePackages { .. } => StepKind::RemovePackages,
            Self::InstallPackages { .. } => StepKind::InstallPackages,
            Self::Sweep { .. } => StepKind::Sweep,
            Self::DetectionTest { .. } => StepKind::DetectionTest,
            Self::Restart { .. } => StepKind::Restart,
            Self::RepairPackages { .. } => StepKind::RepairPackages,
            Self::SweepGroups { .. } => StepKind::SweepGroups,
            Self::SweepCertificates { .. } => StepKind::SweepCertificates,
            Self::EnableService { .. } => StepKind::EnableService,
            Self::WriteConfig { .. } => StepKind::WriteConfig,
            Self::FetchArtifact { .. } => StepKind::FetchArtifact,
            Self::InstallArtifact { .. } => StepKind::InstallArtifact,
            Self::SetUp { .. } => StepKind::SetUp,
        }
    }

    /// One line for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::FetchPackages { packages, .. } => format!("fetch {}", packages.join(" ")),
            // Product codes say nothing to anybody.
            Self::RemovePackages {
                manager: PackageManager::Msi,
                product,
                packages,
            } => format!("remove {product} {}", packages.join(" ")),
            Self::RemovePackages { packages, .. } => format!("remove {}", packages.join(" ")),
            Self::InstallPackages { packages, .. } => format!("install {}", packages.join(" ")),
            Self::Sweep { product, paths } => {
                format!("sweep {} leftovers of {product}", paths.len())
            }
            Self::DetectionTest { product } => format!("test that {product} detects"),
            Self::Restart { reason, .. } => format!("restart: {reason}"),
            Self::RepairPackages { .. } => "finish what an earlier installer left half done".to_owned(),
            Self::SweepGroups { groups, .. } => format!("delete groups {}", groups.join(" ")),
            Self::SweepCertificates { product, .. } => format!("sweep certificates of {product}"),
            Self::EnableService { services, .. } => format!("enable and start {}", services.join(" ")),
            Self::WriteConfig { path, .. } => format!("write {path}"),
            Self::FetchArtifact { artifact } => format!("fetch {}", artifact.file_name),
            Self::SetUp { product, state, .. } => match state {
                SetUpState::StandingBack => format!("have {product} stand back"),
                SetUpState::Onboarded => format!("onboard {product}"),
                SetUpState::Active => format!("have {product} protect"),
            },
            Self::InstallArtifact { artifacts, .. } => {
                let names: Vec<&str> = artifacts.iter().map(|artifact| artifact.file_name.as_str()).collect();
                format!("install {}", names.join(" "))
            }
        }
    }
}
