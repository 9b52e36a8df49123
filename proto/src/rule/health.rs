//! What makes a replacement healthy, from its program on the disk to its grip on the kernel.

use serde::Deserialize;

use super::{Pattern, check_services, is_name, is_path};
use crate::{inventory::OsFamily, verdict::Protection, words};

words! {
    /// How a product is asked whether it works and what it loaded.
    pub enum Answering("way to answer") {
        /// The command VERSION over clamd's local socket (clamd(8)): engine, and the day of the official database that is
        /// loaded. With other signatures alone it names no day.
        Clamd = "clamd",
        /// `mdatp health --output json` on Linux and macOS.
        Mdatp = "mdatp",
        /// Windows' own interface to Microsoft Defender Antivirus: MSFT_MpComputerStatus.
        DefenderAntivirus = "defender-antivirus",
        /// The same, and the state of onboarding that Defender for Endpoint keeps in the registry.
        DefenderEndpoint = "defender-endpoint",
        /// `falconctl -g --cid --aid --rfm-state` on Linux; on Windows the ids that the sensor keeps in the registry.
        Falcon = "falcon",
    }
}

impl Answering {
    /// Whether the answer says if files are checked as they are used.
    const fn tells_real_time(self) -> bool {
        match self {
            Self::Clamd => false,
            Self::Mdatp | Self::DefenderAntivirus | Self::DefenderEndpoint | Self::Falcon => true,
        }
    }

    const fn is_on(self, os: OsFamily) -> bool {
        match (self, os) {
            (Self::Clamd, OsFamily::Linux)
            | (Self::Mdatp, OsFamily::Linux | OsFamily::Macos)
            | (Self::Falcon, OsFamily::Linux | OsFamily::Windows)
            | (Self::DefenderAntivirus | Self::DefenderEndpoint, OsFamily::Windows) => true,
            (Self::Clamd, OsFamily::Windows | OsFamily::Macos)
            | (Self::Mdatp, OsFamily::Windows)
            | (Self::Falcon, OsFamily::Macos)
            | (Self::DefenderAntivirus | Self::DefenderEndpoint, OsFamily::Linux | OsFamily::Macos) => false,
        }
    }
}

/// What makes a replacement healthy: all that the rule names, in this order. What is not named is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthRule {
    /// A program that must be there.
    #[serde(default)]
    pub program: Option<String>,
    /// Where its signatures lie.
    #[serde(default)]
    pub database_dir: Option<String>,
    /// File names that count as signatures end so.
    #[serde(default)]
    pub database_suffixes: Vec<String>,
    /// The newest of them may be this old, and so may be what the product says it loaded.
    #[serde(default = "default_age_days")]
    pub max_age_days: u32,
    /// Services that must be at work.
    #[serde(default)]
    pub services: Vec<String>,
    /// The product must answer.
    #[serde(default)]
    pub answers: Option<Answering>,
    /// A process, by its executable's base name, that the kernel must ask before it opens a file. Demanded of whatever
    /// claims real-time protection on Linux and does not tell it itself: a service that runs is no proof that it holds
    /// anything up.
    #[serde(default)]
    pub intercepts: Option<String>,
    /// What it calls itself in Windows Security Center, which must say that it is on and up to date.
    #[serde(default)]
    pub security_center: Vec<Pattern>,
    /// What nobody could confirm about its health, as an order to a person. With it the product is never healthy by its
    /// own word: at best its health is unknown.
    #[serde(default)]
    pub unproven: Option<String>,
}

const fn default_age_days() -> u32 {
    7
}

impl HealthRule {
    pub(super) fn check(&self, protection: Protection, os: OsFamily) -> Result<(), String> {
        match os {
            OsFamily::Linux => check_services(&self.services)?,
            OsFamily::Macos if !self.services.is_empty() => {
                return Err("[health]: services of macOS are not looked at; name none".to_owned());
            }
            OsFamily::Windows | OsFamily::Macos => {
                if let Some(bad) = self.services.iter().find(|name| !is_name(name)) {
                    return Err(format!("[health] on {os}: `{bad}` is no plain name of a service"));
                }
            }
        }
        if let Some(path) = [&self.program, &self.database_dir]
            .into_iter()
            .flatten()
            .find(|path| !is_path(path))
        {
            return Err(format!("[health]: `{path}` is not a plain path"));
        }
        if let Some(name) = &self.intercepts
            && !is_name(name)
        {
            return Err(format!("[health]: `{name}` is not a plain process name"));
        }
        if let Some(answers) = self.answers.filter(|answers| !answers.is_on(os)) {
            return Err(format!("[health]: `{answers}` cannot be asked on {os}"));
        }
        let on_windows_only = !self.security_center.is_empty();
        if on_windows_only && os != OsFamily::Windows {
            return Err(format!("[health]: there is no Security Center on {os}"));
        }
        let proves = self.intercepts.is_some()
            || on_windows_only
            || self.unproven.is_some()
            || self.answers.is_some_and(Answering::tells_real_time);
        if protection == Protection::RealTime && !proves {
            return Err(
                "[health] names no process that `intercepts`, nobody who `answers` it and no `security_center`, so real-time \
                 protection would be claimed without proof"
                    .to_owned(),
            );
        }
        let names_nothing = self.program.is_none() && self.services.is_empty() && self.answers.is_none();
        if names_nothing && !proves {
            return Err("[health] names nothing that could be looked at".to_owned());
        }
        Ok(())
    }
}
