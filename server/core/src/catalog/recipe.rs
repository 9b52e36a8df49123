//! One product's recipe, as its file says it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use cutover_proto::{ids::ProductId, inventory::PackageManager, subject::Subject, verdict::Protection, words};
use serde::Deserialize;

use super::{Exit, Handover, Platform, Precondition, Proven, RecipeSecret, Remover};
use crate::campaign::span;

/// The version of the file format that this program reads.
pub const SCHEMA: u32 = 1;

words! {
    /// The order in which targets leave a host: what depends on another goes first, what carries commands goes last.
    pub enum Rank("rank") {
        /// An interface on top of a product.
        Gui = "gui",
        /// The product itself.
        Product = "product",
        /// Its management agent.
        Agent = "agent",
    }
}

words! {
    /// Whether a replacement may stand beside the product that is to go.
    pub enum Beside("coexistence") {
        /// It may: it is installed and proven first, so that no gap opens.
        First = "first",
        /// It may, but for its last service: all else is set up first, then the targets go, then that service starts.
        Halfway = "halfway",
        /// It may while it stands back: it is installed and made ready beside the targets, they go, and it takes over.
        Passive = "passive",
        /// It may not: removal first, then installation, with no safe point between.
        Never = "never",
    }
}

words! {
    /// Whether a removal is complete only after a restart.
    pub enum RestartNeed("restart") {
        /// No: nothing of the product outlives its removal.
        None = "none",
        /// Where something waits for a restart after the removal, or where that cannot be told.
        IfPending = "if-pending",
        /// Yes: what the kernel has loaded goes only with the kernel session.
        Due = "due",
    }
}

words! {
    /// Where a replacement's packages come from.
    pub enum Source("source") {
        /// From the distribution, by the host's own package manager and its keys.
        Distribution = "distribution",
        /// Files that an operator gave to the server.
        Artifacts = "artifacts",
    }
}

/// A recipe file: a target has `[remove]`, a replacement has `[install]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Version of the format; only [`SCHEMA`] is read.
    pub schema: u32,
    /// Tells this text from any other of the product.
    pub digest: u64,
    /// The product, as its rule names it.
    pub product: ProductId,
    /// Where each fact comes from, in words.
    pub sources: Vec<String>,
    /// On what it was shown to work: a grade for each system that it works on, and for no other.
    pub proven: BTreeMap<Platform, Proven>,
    /// Secrets that the vendor's tools take on their command line alone, where others on the machine can read them: names, and where
    /// that was read.
    pub argv_secrets: BTreeMap<String, String>,
    /// Secrets that its installer is told where there are any.
    pub secrets: Vec<RecipeSecret>,
    /// How Cutover removes it.
    pub remove: Option<Removal>,
    /// Who else does. Never beside `remove`.
    pub handover: Option<Handover>,
    /// How it comes.
    pub install: Option<Install>,
    /// What must hold of a machine before its work begins.
    pub preconditions: Vec<Precondition>,
    /// What exit codes of its installer mean, before what they mean in general.
    pub exits: Vec<Exit>,
}

impl Recipe {
    /// Whom it names to do the work; Cutover unless it hands its product over.
    #[must_use]
    pub fn by(&self) -> Remover {
        self.handover.as_ref().map_or(Remover::Cutover, |handover| handover.by)
    }

    /// The systems that Cutover works on by it.
    pub(super) fn platforms(&self) -> BTreeSet<Platform> {
        let removal = self.remove.iter().flat_map(|removal| &removal.managers);
        let installation = self.install.iter().flat_map(|install| &install.managers);
        removal.chain(installation).copied().map(Platform::from).collect()
    }
}

/// How Cutover removes a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Its place in the order.
    pub rank: Rank,
    /// Package managers that can do it.
    pub managers: Vec<PackageManager>,
    /// How long the removal may take.
    pub time_limit: Duration,
    /// Leftovers to delete afterwards; only paths that the product's rule offers for sweeping.
    pub sweep: Vec<String>,
    /// Local groups to delete afterwards; only those that the product's rule offers for sweeping.
    pub sweep_groups: Vec<String>,
    /// Certificates to take out of the trust store afterwards; only those that the product's rule offers for sweeping.
    pub sweep_certificates: Vec<Subject>,
    /// How long the sweep may take.
    pub sweep_time_limit: Duration,
    /// Whether it is complete only after a restart. Default: none.
    pub restart: RestartNeed,
}

/// How a replacement is installed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// Package managers that can do it.
    pub managers: Vec<PackageManager>,
    /// It is a part of the system: nothing is fetched or installed, it is only brought to protect. Then it names no packages,
    /// and `managers` say on which systems.
    #[serde(default)]
    pub part_of_system: bool,
    /// Packages of the distribution by name; the host's own archive keys are trusted. Empty where the product comes as
    /// files alone.
    #[serde(default)]
    pub packages: Vec<String>,
    /// The same for a manager whose distributions cut the product into packages of other names.
    #[serde(default)]
    pub packages_by: BTreeMap<PackageManager, Vec<String>>,
    /// Packages that come as files which an operator binds to the product, in place of the distribution's. Further files of
    /// the same product and version go along.
    #[serde(default)]
    pub artifacts: Vec<FilePackage>,
    /// What it gives when it is healthy.
    pub grade: Protection,
    /// Whether it decides about every file before it is opened. Unless set, what protects in real time does. Two such
    /// products can hang a machine (Microsoft's prerequisites of Defender for Endpoint on Linux).
    #[serde(default)]
    pub blocking: Option<bool>,
    /// Whether it may stand beside each target.
    pub beside: Beside,
    /// Whether a harmless test file must be named before anything goes on.
    pub detection_test: bool,
    /// Why no test file is shown to it, and by what it counts as protecting instead. Given exactly where there is no test.
    #[serde(default)]
    pub untested: Option<String>,
    /// How long the download may take. Zero where there is none.
    #[serde(default, deserialize_with = "span::deserialize")]
    pub fetch_time_limit: Duration,
    /// How long the installation may take. Zero where there is none.
    #[serde(default, deserialize_with = "span::deserialize")]
    pub time_limit: Duration,
    /// How long the test may take.
    #[serde(default = "test_time", deserialize_with = "span::deserialize")]
    pub test_time_limit: Duration,
    /// A host whose protection went with the target may be without one this long before somebody is told.
    #[serde(deserialize_with = "span::deserialize")]
    pub max_gap: Duration,
    /// Services to enable and start, in this order; of those that the product's rule names.
    #[serde(default)]
    pub services: Vec<String>,
    /// How long each of them may take until it is at work, with what it waits for.
    #[serde(default = "service_time", deserialize_with = "span::deserialize")]
    pub service_time_limit: Duration,
    /// Whether it must be made its organisation's before it protects.
    #[serde(default)]
    pub onboard: bool,
    /// How long it may take until it stands back, is ready, or protects. The first signatures come meanwhile.
    #[serde(default = "set_up_time", deserialize_with = "span::deserialize")]
    pub set_up_time_limit: Duration,
    /// Files to write before services are started.
    #[serde(default)]
    pub config: Vec<ConfigFile>,
    /// Settings that a campaign may set otherwise, and what holds where it does not.
    #[serde(default)]
    pub settings: Settings,
}

/// A package that comes as a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePackage {
    /// Its name, as the file's name begins.
    pub package: String,
    /// The one version of the product that counts; without it, whichever was bound last.
    #[serde(default)]
    pub version: Option<String>,
    /// Package managers that need it; empty: all of the recipe's.
    #[serde(default)]
    pub managers: Vec<PackageManager>,
}

impl FilePackage {
    /// Whether hosts with this manager need it.
    #[must_use]
    pub fn is_for(&self, manager: PackageManager) -> bool {
        self.managers.is_empty() || self.managers.contains(&manager)
    }
}

/// Values of the settings that fill in a configuration file, by name.
pub type Settings = BTreeMap<String, Vec<String>>;

/// A file to write, as the product's rule has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Which.
    pub path: String,
    /// Written only where one of these settings has a value; always when empty. What the package brings stays otherwise.
    #[serde(default)]
    pub only_with: Vec<String>,
}

impl Install {
    /// Where a host's packages come from: as the campaign says, else from the distribution where the recipe knows its
    /// packages.
    #[must_use]
    pub fn source(&self, chosen: Option<Source>) -> Source {
        chosen.unwrap_or(if self.packages.is_empty() {
            Source::Artifacts
        } else {
            Source::Distribution
        })
    }

    /// Whether the recipe can be followed with packages from there.
    #[must_use]
    pub fn offers(&self, source: Source) -> bool {
        match source {
            Source::Distribution => !self.packages.is_empty(),
            Source::Artifacts => !self.artifacts.is_empty(),
        }
    }

    /// Every package that it names, from wherever.
    pub(super) fn all_packages(&self) -> impl Iterator<Item = &str> {
        let files = self.artifacts.iter().map(|it| it.package.as_str());
        self.packages.iter().map(String::as_str).chain(files)
    }

    /// What this manager installs.
    #[must_use]
    pub fn packages_for(&self, manager: PackageManager) -> &[String] {
        self.packages_by.get(&manager).unwrap_or(&self.packages)
    }
}

impl Install {
    /// Whether it decides about every file before it is opened.
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        self.blocking.unwrap_or(self.grade == Protection::RealTime)
    }
}

pub(super) const fn no_restart() -> RestartNeed {
    RestartNeed::None
}

/// A sweep deletes a handful of directories.
pub(super) const fn sweep_time() -> Duration {
    Duration::from_secs(300)
}

/// Loading a full signature database takes a scanner up to a minute on a slow disk.
const fn test_time() -> Duration {
    Duration::from_secs(300)
}

/// The first signatures are some 300 MiB, and a daemon loads them for a minute.
const fn service_time() -> Duration {
    Duration::from_secs(1800)
}

/// A product's cloud answers in minutes, and its first signatures come from there.
const fn set_up_time() -> Duration {
    Duration::from_secs(1800)
}

/// Why a recipe is refused.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Not TOML of this format. The text names line and key.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        source: Box<toml::de::Error>,
    },
    /// Well formed, but breaks a rule of the format.
    #[error("{file}: {why}")]
    Invalid {
        /// The file.
        file: String,
        /// What to change.
        why: String,
    },
}
