//! Detection rules: what may be looked for, one product a file, as data (`proto/rules/*.toml`).
//!
//! A rule can ask only for existence, version, age or a bounded name match, never for contents. What a version does not
//! know makes the whole file refused, and the product's verdict unknown: never a skip.

use serde::Deserialize;

use crate::{
    ids::ProductId,
    inventory::OsFamily,
    verdict::{EvidenceKind, Protection, Showing},
    words,
};

/// The revision of the rules that are compiled in. The server raises it when it signs newer ones.
pub const BUILT_IN_REVISION: u64 = 1;

/// The version of the file format that this program reads.
pub const SCHEMA: u32 = 1;

/// Every rule file that is compiled in: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("clamav.toml", include_str!("../rules/clamav.toml")),
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
    paths: Option<Vec<String>>,
    sweep: Option<bool>,
}

impl TryFrom<LookInFile> for Look {
    type Error = String;
    fn try_from(file: LookInFile) -> Result<Self, String> {
        let kind = file.kind;
        let trace = match (kind, file.names, file.paths, file.sweep) {
            (EvidenceKind::Package, Some(names), None, None) => Trace::Package { names },
            (EvidenceKind::Unit, Some(names), None, None) => Trace::Unit { names },
            (EvidenceKind::Process, Some(names), None, None) => Trace::Process { names },
            (EvidenceKind::Path, None, Some(paths), sweep) => Trace::Path {
                paths,
                sweep: sweep.unwrap_or(false),
            },
            (EvidenceKind::Path, ..) => {
                return Err("a look of kind path takes `paths` and may take `sweep`".into());
            }
            (EvidenceKind::Package | EvidenceKind::Unit | EvidenceKind::Process, ..) => {
                return Err(format!("a look of kind {kind} takes `names` and nothing else"));
            }
        };
        Ok(Self {
            os: file.os,
            need: file.need,
            shows: file.shows,
            trace,
        })
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
}

/// What makes a replacement healthy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthRule {
    /// A program that must be there.
    pub program: String,
    /// Where its signatures lie.
    pub database_dir: String,
    /// File names that count as signatures end so.
    pub database_suffixes: Vec<String>,
    /// The newest of them may be this old.
    pub max_age_days: u32,
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

    /// Paths that a work order may ask to delete on this system.
    pub fn sweepable(&self, os: OsFamily) -> impl Iterator<Item = &str> {
        self.looks_on(os).flat_map(|look| {
            match &look.trace {
                Trace::Path { paths, sweep: true } => paths.as_slice(),
                Trace::Path { .. } | Trace::Package { .. } | Trace::Unit { .. } | Trace::Process { .. } => &[],
            }
            .iter()
            .map(String::as_str)
        })
    }
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
        }
    }

    fn check(&self) -> Result<(), String> {
        let (what, values) = match self {
            Self::Package { names } => ("package name", names),
            Self::Unit { names } => ("unit name", names),
            Self::Process { names } => ("process name", names),
            Self::Path { paths, .. } => ("path", paths),
        };
        if values.is_empty() {
            return Err(format!("a look names no {what}"));
        }
        let is_path = matches!(self, Self::Path { .. });
        match values.iter().find(|value| !is_bounded(value, is_path)) {
            Some(bad) => Err(format!("`{bad}` is not a plain {what}")),
            None => Ok(()),
        }
    }
}

/// Paths are absolute, at least two levels deep and without `..`; names hold no separator. So a rule cannot reach, or
/// offer for deletion, a whole top-level directory.
fn is_bounded(value: &str, is_path: bool) -> bool {
    let plain = !value.is_empty() && value.len() <= 256 && !value.contains(['\0', '\n', '*']);
    if !is_path {
        return plain && !value.contains(['/', '\\']);
    }
    let parts: Vec<&str> = value.split('/').skip(1).collect();
    plain && value.starts_with('/') && parts.len() >= 2 && parts.iter().all(|part| !matches!(*part, "" | "." | ".."))
}
