//! What a step is for. Who plans, accounts or stops cares for what becomes of the machine, not by which kind of step it does; a
//! new kind says here what it is for, and counts as that wherever it is asked for.

use super::{Action, SetUpState};
use crate::{artifact::ArtifactRef, ids::ProductId, inventory::PackageManager};

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Brings something to the machine, and changes nothing else.
    Fetch(Fetched<'a>),
    /// Finishes what an installer left half done.
    Repair,
    /// Takes this target away.
    Remove(&'a ProductId),
    /// Brings this replacement onto the machine.
    Install(&'a ProductId),
    /// Sets this replacement up, and starts nothing.
    Configure(&'a ProductId),
    /// Starts this replacement, or has it take the work over.
    Start(&'a ProductId),
    /// Demands proof that this replacement protects.
    Prove(&'a ProductId),
    /// Deletes what this target left.
    Sweep(&'a ProductId),
    /// Restarts the machine.
    Restart,
}

/// What a step brings to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched<'a> {
    /// Packages by their names, from the host's own archives; how large they are nobody knows beforehand.
    Packages,
    /// A file that the campaign supplies.
    File(&'a ArtifactRef),
}

impl<'a> Purpose<'a> {
    /// The product that it concerns: a target or a replacement, as the purpose says. `None` where it concerns no single one.
    #[must_use]
    pub const fn product(self) -> Option<&'a ProductId> {
        match self {
            Self::Remove(product)
            | Self::Install(product)
            | Self::Configure(product)
            | Self::Start(product)
            | Self::Prove(product)
            | Self::Sweep(product) => Some(product),
            Self::Fetch(_) | Self::Repair | Self::Restart => None,
        }
    }
}

impl Action {
    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose<'_> {
        match self {
            Self::FetchPackages { .. } => Purpose::Fetch(Fetched::Packages),
            Self::FetchArtifact { artifact } => Purpose::Fetch(Fetched::File(artifact)),
            Self::RepairPackages { .. } => Purpose::Repair,
            Self::RemovePackages { product, .. } => Purpose::Remove(product),
            Self::InstallPackages { product, .. } | Self::InstallArtifact { product, .. } => Purpose::Install(product),
            Self::WriteConfig { product, .. } => Purpose::Configure(product),
            Self::EnableService { product, .. } => Purpose::Start(product),
            Self::SetUp { product, state, .. } => match state {
                SetUpState::StandingBack | SetUpState::Onboarded => Purpose::Configure(product),
                SetUpState::Active => Purpose::Start(product),
            },
            Self::DetectionTest { product } => Purpose::Prove(product),
            Self::Sweep { product, .. }
            | Self::SweepGroups { product, .. }
            | Self::SweepCertificates { product, .. } => Purpose::Sweep(product),
            Self::Restart { .. } => Purpose::Restart,
        }
    }

    /// The product that it concerns; `None` where it concerns no single one.
    #[must_use]
    pub const fn product(&self) -> Option<&ProductId> {
        self.purpose().product()
    }

    /// The replacement that it makes its organisation's; `None` where it makes none so.
    #[must_use]
    pub fn onboards(&self) -> Option<&ProductId> {
        let Self::SetUp { product, state, .. } = self else {
            return None;
        };
        (*state == SetUpState::Onboarded).then_some(product)
    }

    /// The package manager that does it; `None` where none does.
    #[must_use]
    pub const fn manager(&self) -> Option<PackageManager> {
        match self {
            Self::FetchPackages { manager, .. }
            | Self::RepairPackages { manager }
            | Self::RemovePackages { manager, .. }
            | Self::InstallPackages { manager, .. }
            | Self::InstallArtifact { manager, .. } => Some(*manager),
            Self::FetchArtifact { .. }
            | Self::WriteConfig { .. }
            | Self::EnableService { .. }
            | Self::SetUp { .. }
            | Self::DetectionTest { .. }
            | Self::Sweep { .. }
            | Self::SweepGroups { .. }
            | Self::SweepCertificates { .. }
            | Self::Restart { .. } => None,
        }
    }

    /// The files of the campaign's own that it brings or works with: while its order is open they stay where they are.
    #[must_use]
    pub const fn files(&self) -> &[ArtifactRef] {
        match self {
            Self::FetchArtifact { artifact } => std::slice::from_ref(artifact),
            Self::InstallArtifact { artifacts, .. } => artifacts.as_slice(),
            Self::FetchPackages { .. }
            | Self::RepairPackages { .. }
            | Self::RemovePackages { .. }
            | Self::InstallPackages { .. }
            | Self::WriteConfig { .. }
            | Self::EnableService { .. }
            | Self::SetUp { .. }
            | Self::DetectionTest { .. }
            | Self::Sweep { .. }
            | Self::SweepGroups { .. }
            | Self::SweepCertificates { .. }
            | Self::Restart { .. } => &[],
        }
    }

    /// The file of the campaign's own that it brings to the machine; `None` where it brings none.
    #[must_use]
    pub const fn fetched_file(&self) -> Option<&ArtifactRef> {
        match self.purpose() {
            Purpose::Fetch(Fetched::File(artifact)) => Some(artifact),
            Purpose::Fetch(Fetched::Packages)
            | Purpose::Repair
            | Purpose::Remove(_)
            | Purpose::Install(_)
            | Purpose::Configure(_)
            | Purpose::Start(_)
            | Purpose::Prove(_)
            | Purpose::Sweep(_)
            | Purpose::Restart => None,
        }
    }
}
