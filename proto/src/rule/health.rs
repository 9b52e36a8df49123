//! What makes a replacement healthy, from its program on the disk to its grip on the kernel.

use serde::Deserialize;

use crate::{verdict::Protection, words};

words! {
    /// How a daemon is asked whether it works and what it loaded.
    pub enum Answering("way to answer") {
        /// The command VERSION over clamd's local socket (clamd(8)): engine, and the day of the official database that is
        /// loaded. With other signatures alone it names no day.
        Clamd = "clamd",
    }
}

/// What makes a replacement healthy: all that the rule names, in this order. What is not named is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthRule {
    /// A program that must be there.
    pub program: String,
    /// Where its signatures lie.
    pub database_dir: String,
    /// File names that count as signatures end so.
    pub database_suffixes: Vec<String>,
    /// The newest of them may be this old, and so may be what a daemon says it loaded.
    pub max_age_days: u32,
    /// Services that must be at work.
    #[serde(default)]
    pub services: Vec<String>,
    /// A daemon that must answer.
    #[serde(default)]
    pub answers: Option<Answering>,
    /// A process, by its executable's base name, that the kernel must ask before it opens a file. Demanded of whatever
    /// claims real-time protection: a service that runs is no proof that it holds anything up.
    #[serde(default)]
    pub intercepts: Option<String>,
}

impl HealthRule {
    pub(super) fn check(&self, protection: Protection) -> Result<(), String> {
        super::check_services(&self.services)?;
        for path in [&self.program, &self.database_dir] {
            if !super::is_path(path) {
                return Err(format!("[health]: `{path}` is not a plain path"));
            }
        }
        if let Some(name) = &self.intercepts
            && !super::is_name(name)
        {
            return Err(format!("[health]: `{name}` is not a plain process name"));
        }
        if protection == Protection::RealTime && self.intercepts.is_none() {
            return Err(
                "[health] names no process that `intercepts`, so real-time protection would be claimed without proof"
                    .to_owned(),
            );
        }
        Ok(())
    }
}
