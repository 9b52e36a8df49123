//! Detection rules: what may be looked for, one product a file, as data (`proto/rules/*.toml`).
//!
//! A rule can ask only for existence, version, age or a bounded name match, never for contents. What a version does not
//! know makes the whole file refused, and the product's verdict unknown: never a skip.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    ids::ProductId,
    inventory::OsFamily,
    subject::Subject,
    upkeep::UpkeepSource,
    verdict::{Protection, Showing},
    words,
};

mod built_in;
mod config;
mod health;
mod keys;
mod names;
mod pattern;
mod trace;
mod windows_path;

pub use built_in::{BUILT_IN, BUILT_IN_REVISION};
pub use config::{ConfigRule, SETTING_VALUES_MAX, ValueKind};
pub use health::{Answering, HealthRule};
use keys::LookInFile;
use names::{check_services, is_name, is_path};
pub use pattern::Pattern;
pub use trace::{Driven, Trace};
pub use windows_path::{KnownFolder, PathPart, WindowsPath};

/// The version of the file format that this program reads.
pub const SCHEMA: u32 = 1;

words! {
    /// What a product is to a campaign's duty.
    pub enum Role("role") {
        /// Must go.
        Target = "target",
        /// May take its place, if the campaign approves it.
        Replacement = "replacement",
        /// Took its place and nobody approved it.
        Unapproved = "unapproved",
    }
}

words! {
    /// How a ban covers a product.
    pub enum Scope("scope") {
        /// By itself.
        Banned = "banned",
        /// As a part of another vendor's product.
        Embedded = "embedded",
        /// Expressly not covered.
        Exempt = "exempt",
    }
}

words! {
    /// What the failure of a look means.
    pub enum Need("need") {
        /// The verdict is unknown.
        Required = "required",
        /// It is printed as not checked.
        Supplementary = "supplementary",
    }
}

words! {
    /// How sure the facts behind a look are.
    pub enum Certainty("certainty") {
        /// A source that was read says so.
        Confirmed = "confirmed",
        /// One source says so, weakly or by the way.
        Indirect = "indirect",
        /// No source was found; the look is made all the same, because it can only add to what is seen.
        Unconfirmed = "unconfirmed",
    }
}

/// One product: how it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Version of the format; only [`SCHEMA`] is read.
    pub schema: u32,
    /// The id that orders, plans and pages use.
    pub product: ProductId,
    /// The product's own name.
    pub name: String,
    /// What it is to the duty.
    pub role: Role,
    /// How the ban covers it; replacements say `exempt`.
    pub scope: Scope,
    /// Where each fact comes from, in words.
    pub sources: Vec<String>,
    /// What is not known of it and therefore not looked for.
    #[serde(default)]
    pub open: Vec<String>,
    /// What it gives a host while it is running (targets) or healthy (replacements).
    pub protection: Protection,
    /// The looks, in the order in which they are shown.
    pub look: Vec<Look>,
    /// Targets: who tells how they are kept up. Where nothing is said, only the day of the installation is looked for.
    #[serde(default)]
    pub upkeep: Option<UpkeepSource>,
    /// Targets: whether it may hold the keys of disks of a Windows that is no server.
    #[serde(default)]
    pub encrypts: bool,
    /// Replacements: what makes it healthy on Linux, where nothing is said below.
    #[serde(default)]
    pub health: Option<HealthRule>,
    /// Replacements: what makes it healthy on one system.
    #[serde(default)]
    pub health_on: BTreeMap<OsFamily, HealthRule>,
    /// Replacements: services that an order may enable and start.
    #[serde(default)]
    pub services: Vec<String>,
    /// Replacements: files that an order may write, and every line that may stand in them.
    #[serde(default)]
    pub config: Vec<ConfigRule>,
}

/// One look on one system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "LookInFile")]
pub struct Look {
    /// The system it is made on.
    pub os: OsFamily,
    /// Whether its failure makes the verdict unknown.
    pub need: Need,
    /// What it shows when something is there.
    pub shows: Showing,
    /// How sure its facts are.
    pub certainty: Certainty,
    /// What is not sure about them; empty where they are confirmed.
    pub note: String,
    /// What is looked for.
    pub trace: Trace,
}

/// Why a rule file is refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
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

impl Rule {
    /// Reads and checks one file.
    ///
    /// # Errors
    /// When the text is not of this format, of another schema, or asks for more than a rule may.
    pub fn parse(file: &str, text: &str) -> Result<Self, RuleError> {
        let rule: Self = toml::from_str(text).map_err(|source| RuleError::Syntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        rule.check().map_err(|why| RuleError::Invalid {
            file: file.to_owned(),
            why,
        })?;
        Ok(rule)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!(
                "schema {} is not known here; this version reads schema {SCHEMA}",
                self.schema
            ));
        }
        if self.sources.is_empty() {
            return Err("`sources` is empty; say where the facts come from".to_owned());
        }
        if let Some(look) = self.look.iter().find(|look| !self.is_judged_on(look.os)) {
            return Err(format!(
                "a replacement needs a [health] part on {}; without it no host could be called protected",
                look.os
            ));
        }
        if self.role != Role::Replacement && !(self.services.is_empty() && self.config.is_empty()) {
            return Err(
                "`services` and [[config]] are for replacements; nothing of a target is started or set up".to_owned(),
            );
        }
        if let Some(source) = self.upkeep
            && (self.role != Role::Target || self.looks_on(source.os()).next().is_none())
        {
            return Err(format!(
                "`upkeep = \"{source}\"` is for targets that are looked for on {}",
                source.os()
            ));
        }
        for (os, health) in &self.health_on {
            health.check(self.protection, *os)?;
        }
        if let Some(health) = &self.health {
            health.check(self.protection, OsFamily::Linux)?;
        }
        check_services(&self.services)?;
        for config in &self.config {
            config.check()?;
        }
        let mut required_on: Vec<OsFamily> = Vec::new();
        for look in &self.look {
            if look.need == Need::Required {
                required_on.push(look.os);
            }
            look.trace.check()?;
        }
        match self.look.iter().find(|look| !required_on.contains(&look.os)) {
            Some(look) => Err(format!(
                "no look on {} is required, so an absent there could never be trusted",
                look.os
            )),
            None => Ok(()),
        }
    }

    fn is_judged_on(&self, os: OsFamily) -> bool {
        self.role != Role::Replacement || self.health_on(os).is_some()
    }

    /// What makes it healthy on one system.
    #[must_use]
    pub fn health_on(&self, os: OsFamily) -> Option<&HealthRule> {
        self.health_on
            .get(&os)
            .or(self.health.as_ref().filter(|_| os == OsFamily::Linux))
    }

    /// The looks of one system.
    pub fn looks_on(&self, os: OsFamily) -> impl Iterator<Item = &Look> {
        self.look.iter().filter(move |look| look.os == os)
    }

    /// Names of the packages that make the product on a system.
    pub fn package_names(&self, os: OsFamily) -> impl Iterator<Item = &str> {
        self.looks_on(os)
            .flat_map(|look| look.trace.packages())
            .map(String::as_str)
    }

    /// Paths that a work order may ask to delete on this system.
    pub fn sweepable(&self, os: OsFamily) -> impl Iterator<Item = &str> {
        let paths = self.looks_on(os).map(|look| look.trace.swept());
        paths.flat_map(|swept| swept.paths).map(String::as_str)
    }

    /// Groups that a work order may ask to delete on this system.
    pub fn sweepable_groups(&self, os: OsFamily) -> impl Iterator<Item = &str> {
        let groups = self.looks_on(os).map(|look| look.trace.swept());
        groups.flat_map(|swept| swept.groups).map(String::as_str)
    }

    /// Certificates that a work order may ask to take out of the trust store on this system.
    pub fn sweepable_certificates(&self, os: OsFamily) -> impl Iterator<Item = &Subject> {
        let certificates = self.looks_on(os).map(|look| look.trace.swept());
        certificates.flat_map(|swept| swept.certificates)
    }

    /// What may be written at a path.
    #[must_use]
    pub fn config_at(&self, path: &str) -> Option<&ConfigRule> {
        self.config.iter().find(|config| config.path == path)
    }
}
