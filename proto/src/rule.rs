//! Detection rules: what may be looked for, one product a file, as data (`proto/rules/*.toml`).
//!
//! A rule can ask only for existence, version, age or a bounded name match, never for contents. What a version does not
//! know makes the whole file refused, and the product's verdict unknown: never a skip.

use serde::Deserialize;

use crate::{
    ids::ProductId,
    inventory::OsFamily,
    subject::{Subject, is_group_name},
    verdict::{EvidenceKind, Protection, Showing},
    words,
};

mod config;
mod health;
mod names;

pub use config::{ConfigRule, SETTING_VALUES_MAX, ValueKind};
pub use health::{Answering, HealthRule};
use names::{MIN_MODULE_PREFIX, check_services, each_is, is_module, is_name, is_path};

/// The revision of the rules that are compiled in. The server raises it when it signs newer ones.
pub const BUILT_IN_REVISION: u64 = 2;

/// The version of the file format that this program reads.
pub const SCHEMA: u32 = 1;

/// Every rule file that is compiled in: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("clamav.toml", include_str!("../rules/clamav.toml")),
    ("clamav-daemon.toml", include_str!("../rules/clamav-daemon.toml")),
    ("clamav-on-access.toml", include_str!("../rules/clamav-on-access.toml")),
    ("epagent.toml", include_str!("../rules/epagent.toml")),
    ("kesl.toml", include_str!("../rules/kesl.toml")),
    ("kesl-gui.toml", include_str!("../rules/kesl-gui.toml")),
    ("kess.toml", include_str!("../rules/kess.toml")),
    ("kics.toml", include_str!("../rules/kics.toml")),
    ("klms.toml", include_str!("../rules/klms.toml")),
    ("klnagent64.toml", include_str!("../rules/klnagent64.toml")),
    ("ksc64.toml", include_str!("../rules/ksc64.toml")),
    ("scan-engine.toml", include_str!("../rules/scan-engine.toml")),
];

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
    /// What it gives a host while it is running (targets) or healthy (replacements).
    pub protection: Protection,
    /// The looks, in the order in which they are shown.
    pub look: Vec<Look>,
    /// Replacements: what makes it healthy.
    #[serde(default)]
    pub health: Option<HealthRule>,
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
    /// What is looked for.
    pub trace: Trace,
}

/// A look as a file spells it: serde cannot both flatten and refuse unknown keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookInFile {
    os: OsFamily,
    need: Need,
    shows: Showing,
    kind: EvidenceKind,
    names: Option<Vec<String>>,
    prefixes: Option<Vec<String>>,
    paths: Option<Vec<String>>,
    subjects: Option<Vec<Subject>>,
    sweep: Option<bool>,
}

impl TryFrom<LookInFile> for Look {
    type Error = String;
    fn try_from(file: LookInFile) -> Result<Self, String> {
        let keys = Keys {
            names: file.names,
            prefixes: file.prefixes,
            paths: file.paths,
            subjects: file.subjects,
            sweep: file.sweep,
        };
        let trace = keys.trace(file.kind)?;
        Ok(Self {
            os: file.os,
            need: file.need,
            shows: file.shows,
            trace,
        })
    }
}

/// The keys that say what is looked for. Each kind takes its own; any other is refused.
struct Keys {
    names: Option<Vec<String>>,
    prefixes: Option<Vec<String>>,
    paths: Option<Vec<String>>,
    subjects: Option<Vec<Subject>>,
    sweep: Option<bool>,
}

impl Keys {
    fn trace(self, kind: EvidenceKind) -> Result<Trace, String> {
        let sweeps = self.sweep.unwrap_or(false);
        let takes = match (kind, self.names, self.prefixes, self.paths, self.subjects, self.sweep) {
            (EvidenceKind::Package, Some(names), None, None, None, None) => return Ok(Trace::Package { names }),
            (EvidenceKind::Unit, Some(names), None, None, None, None) => return Ok(Trace::Unit { names }),
            (EvidenceKind::Process, Some(names), None, None, None, None) => return Ok(Trace::Process { names }),
            (EvidenceKind::Service, Some(names), None, None, None, None) => return Ok(Trace::Service { names }),
            (EvidenceKind::Listener, Some(names), None, None, None, None) => return Ok(Trace::Listener { names }),
            (EvidenceKind::Path, None, None, Some(paths), None, _) => return Ok(Trace::Path { paths, sweep: sweeps }),
            (EvidenceKind::Group, Some(names), None, None, None, _) => {
                return Ok(Trace::Group { names, sweep: sweeps });
            }
            (EvidenceKind::Certificate, None, None, None, Some(subjects), _) => {
                return Ok(Trace::Certificate {
                    subjects,
                    sweep: sweeps,
                });
            }
            (EvidenceKind::Module, names, prefixes, None, None, None) => {
                return Ok(Trace::Module {
                    names: names.unwrap_or_default(),
                    prefixes: prefixes.unwrap_or_default(),
                });
            }
            (
                EvidenceKind::Package
                | EvidenceKind::Unit
                | EvidenceKind::Process
                | EvidenceKind::Listener
                | EvidenceKind::Service,
                ..,
            ) => "`names` and nothing else",
            (EvidenceKind::Path, ..) => "`paths` and may take `sweep`",
            (EvidenceKind::Group, ..) => "`names` and may take `sweep`",
            (EvidenceKind::Certificate, ..) => "`subjects` and may take `sweep`",
            (EvidenceKind::Module, ..) => "`names`, `prefixes` or both, and nothing else",
        };
        Err(format!("a look of kind {kind} takes {takes}"))
    }
}

/// What is looked for: a closed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// A package by exact name. Its configuration files alone show a remnant.
    Package {
        /// Any of these.
        names: Vec<String>,
    },
    /// A unit by exact name in the system's unit directories. Present shows what the look says.
    Unit {
        /// Any of these, with suffix.
        names: Vec<String>,
    },
    /// A process by its executable's base name.
    Process {
        /// Any of these.
        names: Vec<String>,
    },
    /// A file or directory at an absolute path.
    Path {
        /// Any of these.
        paths: Vec<String>,
        /// Whether a work order may ask to delete it as a leftover.
        sweep: bool,
    },
    /// A kernel module that is loaded. Names are the kernel's own: `_` where a file has `-`.
    Module {
        /// Any of these, exactly.
        names: Vec<String>,
        /// Or one that begins so: for modules that carry a version in their name.
        prefixes: Vec<String>,
    },
    /// A process that holds a fanotify group with permission events: it decides whether files may be opened.
    Listener {
        /// Its executable's base name, any of these.
        names: Vec<String>,
    },
    /// A certificate in the system's trust store.
    Certificate {
        /// Any of these.
        subjects: Vec<Subject>,
        /// Whether a work order may ask to take it out.
        sweep: bool,
    },
    /// A local group by exact name.
    Group {
        /// Any of these.
        names: Vec<String>,
        /// Whether a work order may ask to delete it.
        sweep: bool,
    },
    /// A service at work: its control group, as the service manager names it, holds a process. A unit of another kind,
    /// an instance of a template or a service in a slice of its own is not seen this way.
    Service {
        /// Any of these, with suffix.
        names: Vec<String>,
    },
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
        if self.role == Role::Replacement && self.health.is_none() {
            return Err("a replacement needs a [health] part; without it no host could be called protected".to_owned());
        }
        if self.role != Role::Replacement && !(self.services.is_empty() && self.config.is_empty()) {
            return Err(
                "`services` and [[config]] are for replacements; nothing of a target is started or set up".to_owned(),
            );
        }
        if let Some(health) = &self.health {
            health.check(self.protection)?;
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

/// What one look offers for sweeping.
#[derive(Default)]
struct Swept<'r> {
    paths: &'r [String],
    groups: &'r [String],
    certificates: &'r [Subject],
}

impl Trace {
    /// The kind of evidence that it yields.
    #[must_use]
    pub const fn kind(&self) -> EvidenceKind {
        match self {
            Self::Package { .. } => EvidenceKind::Package,
            Self::Unit { .. } => EvidenceKind::Unit,
            Self::Process { .. } => EvidenceKind::Process,
            Self::Path { .. } => EvidenceKind::Path,
            Self::Module { .. } => EvidenceKind::Module,
            Self::Listener { .. } => EvidenceKind::Listener,
            Self::Certificate { .. } => EvidenceKind::Certificate,
            Self::Group { .. } => EvidenceKind::Group,
            Self::Service { .. } => EvidenceKind::Service,
        }
    }

    fn packages(&self) -> &[String] {
        match self {
            Self::Package { names } => names,
            Self::Unit { .. }
            | Self::Process { .. }
            | Self::Path { .. }
            | Self::Module { .. }
            | Self::Listener { .. }
            | Self::Certificate { .. }
            | Self::Group { .. }
            | Self::Service { .. } => &[],
        }
    }

    fn swept(&self) -> Swept<'_> {
        match self {
            Self::Path { paths, sweep: true } => Swept {
                paths,
                ..Swept::default()
            },
            Self::Group { names, sweep: true } => Swept {
                groups: names,
                ..Swept::default()
            },
            Self::Certificate { subjects, sweep: true } => Swept {
                certificates: subjects,
                ..Swept::default()
            },
            Self::Path { .. }
            | Self::Group { .. }
            | Self::Certificate { .. }
            | Self::Package { .. }
            | Self::Unit { .. }
            | Self::Process { .. }
            | Self::Module { .. }
            | Self::Listener { .. }
            | Self::Service { .. } => Swept::default(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Package { names } => each_is("package name", names, is_name),
            Self::Unit { names } => each_is("unit name", names, is_name),
            Self::Process { names } => each_is("process name", names, is_name),
            Self::Listener { names } => each_is("process name", names, is_name),
            Self::Service { names } if names.is_empty() => Err("a look names no service name".to_owned()),
            Self::Service { names } => check_services(names),
            Self::Path { paths, .. } => each_is("path", paths, is_path),
            Self::Group { names, .. } => each_is("group name", names, is_group_name),
            Self::Certificate { subjects, .. } if subjects.is_empty() => Err("a look names no subject".to_owned()),
            Self::Certificate { .. } => Ok(()),
            Self::Module { names, prefixes } if prefixes.is_empty() => each_is("module name", names, is_module),
            Self::Module { names, prefixes } => {
                if !names.is_empty() {
                    each_is("module name", names, is_module)?;
                }
                let long = |prefix: &str| is_module(prefix) && prefix.len() >= MIN_MODULE_PREFIX;
                each_is("module name of at least four characters", prefixes, long)
            }
        }
    }
}
