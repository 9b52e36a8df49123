//! Installed packages.

use cutover_proto::words;

words! {
    /// What a system keeps its packages in.
    pub enum PackageDatabase("package database") {
        /// `/var/lib/dpkg/status`.
        Dpkg = "dpkg",
        /// rpm's, in whichever of its formats.
        Rpm = "rpm",
    }
}

words! {
    /// How far a package is installed, in dpkg's words (dpkg(1), "package states").
    pub enum PackageState("package state") {
        /// Known, not there.
        NotInstalled = "not-installed",
        /// Removed; its configuration files and removal script remain.
        ConfigFiles = "config-files",
        /// Its installation or removal began and did not end.
        HalfInstalled = "half-installed",
        /// Unpacked and not configured.
        Unpacked = "unpacked",
        /// Its configuration began and did not end.
        HalfConfigured = "half-configured",
        /// Waits for another package's triggers.
        TriggersAwaited = "triggers-awaited",
        /// Has triggers to run.
        TriggersPending = "triggers-pending",
        /// Whole.
        Installed = "installed",
    }
}

impl PackageState {
    /// Whether files of the package may be on the host, whole or not.
    #[must_use]
    pub const fn is_present(self) -> bool {
        match self {
            Self::NotInstalled | Self::ConfigFiles => false,
            Self::HalfInstalled
            | Self::Unpacked
            | Self::HalfConfigured
            | Self::TriggersAwaited
            | Self::TriggersPending
            | Self::Installed => true,
        }
    }

    /// Whether the package can be expected to work.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        match self {
            Self::Installed | Self::TriggersAwaited | Self::TriggersPending => true,
            Self::NotInstalled | Self::ConfigFiles | Self::HalfInstalled | Self::Unpacked | Self::HalfConfigured => {
                false
            }
        }
    }
}

/// One package in the system's database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its exact name.
    pub name: String,
    /// Empty only where nothing of it is installed.
    pub version: String,
    /// In the package manager's words, for example `amd64`.
    pub architecture: String,
    /// How far it is installed.
    pub state: PackageState,
    /// When it was installed or last changed, in seconds since the epoch, where the database itself tells (rpm's does).
    pub installed_s: Option<i64>,
}
