//! The kinds of steps, and what an interruption means to each.

use crate::{spelling::on_wire, v1, words};

words! {
    /// The kinds of steps. An agent says which it knows; an unknown one refuses the whole order.
    pub enum StepKind("step kind") {
        /// Downloads packages, changes nothing else.
        FetchPackages = "fetch-packages",
        /// Purges packages of a target.
        RemovePackages = "remove-packages",
        /// Installs packages of a replacement.
        InstallPackages = "install-packages",
        /// Deletes leftovers.
        Sweep = "sweep",
        /// Shows the replacement a harmless test file.
        DetectionTest = "detection-test",
        /// Restarts the machine.
        Restart = "restart",
        /// Finishes what an installer began and did not end.
        RepairPackages = "repair-packages",
        /// Deletes groups of a target.
        SweepGroups = "sweep-groups",
        /// Takes certificates of a target out of the trust store.
        SweepCertificates = "sweep-certificates",
        /// Enables and starts services of a replacement.
        EnableService = "enable-service",
        /// Writes a configuration file of a replacement.
        WriteConfig = "write-config",
        /// Brings an artifact into the agent's cache, changes nothing else.
        FetchArtifact = "fetch-artifact",
        /// Installs package files of a replacement from the cache.
        InstallArtifact = "install-artifact",
        /// Brings a replacement into a state.
        SetUp = "set-up",
    }
}

on_wire!(
    StepKind,
    "known_steps",
    v1::StepKind {
        FetchPackages,
        RemovePackages,
        InstallPackages,
        Sweep,
        DetectionTest,
        Restart,
        RepairPackages,
        SweepGroups,
        SweepCertificates,
        EnableService,
        WriteConfig,
        FetchArtifact,
        InstallArtifact,
        SetUp,
    }
);

words! {
    /// The states that a replacement's own tools bring it into.
    pub enum SetUpState("set-up state") {
        /// It leaves the work to the product that is there.
        StandingBack = "standing-back",
        /// It belongs to its organisation, and is ready to take the work over.
        Onboarded = "onboarded",
        /// It protects.
        Active = "active",
    }
}

on_wire!(
    SetUpState,
    "step.state",
    v1::SetUpState {
        StandingBack,
        Onboarded,
        Active,
    }
);

words! {
    /// What happens to a step that the agent finds begun and not ended.
    pub enum Replay("replay") {
        /// Safe to run again.
        Repeat = "repeat",
        /// A look decides: done, partly, not done.
        Probe = "probe",
        /// Must not run twice: interrupted, it needs a person.
        Once = "once",
    }
}

impl StepKind {
    /// What happens when it was interrupted.
    ///
    /// A detection test is `once` because it is announced to those who watch alarms and counted there: a second one
    /// under the same announcement would be an alarm that nobody can explain. A restart is `once` because a new kernel
    /// session proves it; the same session means that somebody must look. The sweeps are `repeat`: what is gone stays
    /// gone, and a trust store that is built twice from the same anchors is the same store.
    ///
    /// Enabling services is `repeat`, not `probe`: a service at work may still have read the configuration that was there
    /// before it was written anew, and only another start is sure to end that. Starting it twice harms nothing.
    #[must_use]
    pub const fn replay(self) -> Replay {
        match self {
            Self::FetchPackages
            | Self::FetchArtifact
            | Self::Sweep
            | Self::SweepGroups
            | Self::SweepCertificates
            | Self::RepairPackages
            | Self::EnableService
            | Self::WriteConfig
            | Self::SetUp => Replay::Repeat,
            Self::RemovePackages | Self::InstallPackages | Self::InstallArtifact => Replay::Probe,
            Self::DetectionTest | Self::Restart => Replay::Once,
        }
    }

    /// Whether it takes something away. The first such step needs a recent check-in unless the order says offline.
    #[must_use]
    pub const fn is_destructive(self) -> bool {
        match self {
            Self::RemovePackages | Self::Sweep | Self::SweepGroups | Self::SweepCertificates | Self::Restart => true,
            Self::FetchPackages
            | Self::FetchArtifact
            | Self::InstallPackages
            | Self::InstallArtifact
            | Self::DetectionTest
            | Self::RepairPackages
            | Self::EnableService
            | Self::WriteConfig
            | Self::SetUp => false,
        }
    }
}
