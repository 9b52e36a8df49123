//! What is looked for: a closed set.

use super::{
    Pattern, WindowsPath,
    names::{
        MIN_MODULE_PREFIX, check_services, each_is, is_extension_id, is_module, is_name, is_path, is_registry_key,
        is_team,
    },
};
use crate::{
    subject::{Subject, is_group_name},
    verdict::EvidenceKind,
};

/// What is looked for. Patterns compare without regard to case; whatever is a list of names is any of these.
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
    /// A process by its executable's base name; on Windows without regard to case.
    Process {
        /// Any of these.
        names: Vec<String>,
        /// Where names are used by others too: its executable's whole path, where the system tells it.
        images: Vec<Pattern>,
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
    /// An entry under Windows' uninstall keys, in both views of the registry, and of users. One whose folder is stated and
    /// gone is a remnant, whatever the look shows; users' entries are supplementary, whatever the look needs.
    UninstallKey {
        /// What it calls itself; any name where empty.
        names: Vec<Pattern>,
        /// Who made it, as far as it says; anybody where empty.
        publishers: Vec<Pattern>,
        /// Names that belong to another product.
        except: Vec<Pattern>,
    },
    /// A service of Windows. One that is at work shows that the product runs; one whose program is gone is a remnant.
    WindowsService(Driven),
    /// A driver of Windows, in the same list. Its file may lie anywhere and be called anything, so that its name and its
    /// signer count.
    Driver(Driven),
    /// A file below a known folder of Windows, with its version.
    File {
        /// Any of these.
        paths: Vec<WindowsPath>,
        /// Whose signature it must bear; anybody's, or none, where empty.
        signers: Vec<Pattern>,
    },
    /// A file or folder below a known folder of Windows.
    WindowsPath {
        /// Any of these.
        paths: Vec<WindowsPath>,
    },
    /// A product that registered itself with Windows Security Center (clients only). Entries outlive their products.
    SecurityCenter {
        /// What it calls itself.
        names: Vec<Pattern>,
        /// Names that belong to another product.
        except: Vec<Pattern>,
    },
    /// A key below `HKEY_LOCAL_MACHINE`, in both views of the registry.
    RegistryKey {
        /// Any of these.
        keys: Vec<String>,
    },
    /// An extension in a user's browser (Chromium's family), by its id.
    BrowserExtension {
        /// Any of these.
        ids: Vec<String>,
    },
    /// A task of Windows' task scheduler, by its path.
    ScheduledTask {
        /// Any of these.
        names: Vec<Pattern>,
    },
    /// A receipt of macOS's installer, by its package id.
    Receipt {
        /// Any of these.
        names: Vec<Pattern>,
    },
    /// An application in `/Applications`, by its bundle's name.
    Bundle {
        /// Any of these, with `.app`.
        names: Vec<Pattern>,
    },
    /// A system extension of macOS.
    SystemExtension {
        /// Its bundle id; any where empty.
        identifiers: Vec<Pattern>,
        /// Its maker's team; anybody's where empty.
        teams: Vec<String>,
    },
    /// Files of the product inside another vendor's, told by their signer, below the folder where that product is installed.
    Component {
        /// What that product's uninstall entry calls itself.
        carriers: Vec<Pattern>,
        /// The files whose signer is asked for.
        files: Vec<Pattern>,
        /// Whose signature they bear.
        signers: Vec<Pattern>,
    },
}

/// A service or driver of Windows: by name, and where that is not enough by its file's place or signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driven {
    /// Its own name (not the displayed one, which is translated); any where empty.
    pub names: Vec<Pattern>,
    /// Names that belong to another product.
    pub except: Vec<Pattern>,
    /// Where its program lies: the whole path.
    pub images: Vec<Pattern>,
    /// Or who signed it. With both lists empty the name is enough.
    pub signers: Vec<Pattern>,
}

/// What one look offers for sweeping.
#[derive(Default)]
pub(super) struct Swept<'r> {
    pub(super) paths: &'r [String],
    pub(super) groups: &'r [String],
    pub(super) certificates: &'r [Subject],
}

impl Trace {
    /// The kind of evidence that it yields.
    #[must_use]
    pub const fn kind(&self) -> EvidenceKind {
        match self {
            Self::Package { .. } => EvidenceKind::Package,
            Self::Unit { .. } => EvidenceKind::Unit,
            Self::Process { .. } => EvidenceKind::Process,
            Self::Path { .. } | Self::WindowsPath { .. } => EvidenceKind::Path,
            Self::Module { .. } => EvidenceKind::Module,
            Self::Listener { .. } => EvidenceKind::Listener,
            Self::Certificate { .. } => EvidenceKind::Certificate,
            Self::Group { .. } => EvidenceKind::Group,
            Self::Service { .. } | Self::WindowsService(_) => EvidenceKind::Service,
            Self::UninstallKey { .. } => EvidenceKind::UninstallKey,
            Self::Driver(_) => EvidenceKind::Driver,
            Self::File { .. } => EvidenceKind::File,
            Self::SecurityCenter { .. } => EvidenceKind::SecurityCenter,
            Self::RegistryKey { .. } => EvidenceKind::RegistryKey,
            Self::BrowserExtension { .. } => EvidenceKind::BrowserExtension,
            Self::ScheduledTask { .. } => EvidenceKind::ScheduledTask,
            Self::Receipt { .. } => EvidenceKind::Receipt,
            Self::Bundle { .. } => EvidenceKind::Bundle,
            Self::SystemExtension { .. } => EvidenceKind::SystemExtension,
            Self::Component { .. } => EvidenceKind::Component,
        }
    }

    pub(super) fn packages(&self) -> &[String] {
        if let Self::Package { names } = self { names } else { &[] }
    }

    pub(super) fn swept(&self) -> Swept<'_> {
        let mut swept = Swept::default();
        if let Self::Path { paths, sweep: true } = self {
            swept.paths = paths;
        } else if let Self::Group { names, sweep: true } = self {
            swept.groups = names;
        } else if let Self::Certificate { subjects, sweep: true } = self {
            swept.certificates = subjects;
        }
        swept
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Package { names } => each_is("package name", names, is_name),
            Self::Unit { names } => each_is("unit name", names, is_name),
            Self::Process { names, .. } | Self::Listener { names } => each_is("process name", names, is_name),
            Self::Service { names } if names.is_empty() => Err("a look names no service name".to_owned()),
            Self::Service { names } => check_services(names),
            Self::Path { paths, .. } => each_is("path", paths, is_path),
            Self::Group { names, .. } => each_is("group name", names, is_group_name),
            Self::Certificate { subjects, .. } => some("subject", subjects),
            Self::Module { names, prefixes } if prefixes.is_empty() => each_is("module name", names, is_module),
            Self::Module { names, prefixes } => {
                if !names.is_empty() {
                    each_is("module name", names, is_module)?;
                }
                let long = |prefix: &str| is_module(prefix) && prefix.len() >= MIN_MODULE_PREFIX;
                each_is("module name of at least four characters", prefixes, long)
            }
            Self::UninstallKey { names, publishers, .. } if publishers.is_empty() => some("name or publisher", names),
            Self::UninstallKey { .. } => Ok(()),
            Self::WindowsService(driven) | Self::Driver(driven) if driven.images.is_empty() => {
                some("name or image", &driven.names)
            }
            Self::WindowsService(_) | Self::Driver(_) => Ok(()),
            Self::File { paths, .. } | Self::WindowsPath { paths } => some("path", paths),
            Self::SecurityCenter { names, .. } | Self::ScheduledTask { names } => some("name", names),
            Self::Receipt { names } | Self::Bundle { names } => some("name", names),
            Self::RegistryKey { keys } => each_is("key below HKEY_LOCAL_MACHINE", keys, is_registry_key),
            Self::BrowserExtension { ids } => each_is("extension id", ids, is_extension_id),
            Self::SystemExtension { identifiers, teams } if teams.is_empty() => some("identifier or team", identifiers),
            Self::SystemExtension { teams, .. } => each_is("team", teams, is_team),
            Self::Component {
                carriers,
                files,
                signers,
            } => {
                some("carrier", carriers)?;
                some("file", files)?;
                some("signer", signers)
            }
        }
    }
}

fn some<T>(what: &str, values: &[T]) -> Result<(), String> {
    if values.is_empty() {
        return Err(format!("a look names no {what}"));
    }
    Ok(())
}
