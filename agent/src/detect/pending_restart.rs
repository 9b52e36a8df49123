//! Whether something already waits for a restart, and what.
//!
//! | sign | says |
//! |---|---|
//! | `/run/reboot-required` | a package asked for one: update-notifier on Ubuntu, unattended-upgrades on Debian |
//! | `/run/reboot-required.pkgs` | which packages, one a line |
//! | the running kernel has no directory under `/lib/modules`, and another kernel has one | it was removed or replaced, and can load no driver any more |
//! | `needs-restarting -r`, `zypper needs-rebooting` | a core package was updated since the system started; asked where packages are rpm's and no other sign is there |
//! | keys of Windows' servicing and its updates, files to be replaced at the next start | Windows, which counts a start as one where the kernel's session is new |
//!
//! That no sign is there means that none waits only where the distribution writes the first one. Systems of rpm's answer by
//! a tool; one that is missing or does not answer leaves it untold, with the reason.

use cutover_proto::inventory::OsFamily;

use super::windows_facts;
use crate::{
    facts::{Answer, EntryKind, PackageDatabase, Tool},
    host::{HostPath, HostView, Links},
    parse::needs_restart::needs_restart,
};

const REQUIRED: &str = "/run/reboot-required";
const PACKAGES: &str = "/run/reboot-required.pkgs";
const MODULES: &str = "/lib/modules";
/// Where this is, it is the one that knows of its own updates; dnf may be there as a tool.
const ZYPPER: &str = "/usr/bin/zypper";
const MAX_LIST: u64 = 64 << 10;
/// More names than this explain nothing further.
const NAMES_MAX: usize = 20;
/// Kernels stay installed beside each other in twos and threes.
const KERNELS_MAX: usize = 64;

/// What the signs say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PendingRestart {
    /// `None` when it could not be told.
    pub(super) is_pending: Option<bool>,
    /// Packages or a sign in words; empty where nothing waits, or nobody says for what. Where it could not be told: why.
    pub(super) reasons: Vec<String>,
}

/// Only a system that runs can wait for its restart: the marks lie on a file system that ends with it.
pub(super) fn look(view: &dyn HostView, kernel: &str, database: Option<PackageDatabase>) -> PendingRestart {
    if !view.boot_id().is_found() {
        return PendingRestart::default();
    }
    if view.os_family() == OsFamily::Windows {
        return windows_facts::pending_restart(view);
    }
    let required = view.stat(&HostPath::unix(REQUIRED), Links::AsTheyAre);
    let mut reasons = if required.is_found() {
        packages(view)
    } else {
        Vec::new()
    };
    let is_gone = is_kernel_gone(view, kernel);
    if is_gone {
        reasons.push(format!("the modules of the running kernel {kernel} are gone"));
    }
    let is_pending = match required {
        Answer::Found(_) => Some(true),
        Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) if is_gone => Some(true),
        Answer::Absent => match database {
            Some(PackageDatabase::Rpm) => return asked(view),
            // These distributions write the mark.
            Some(PackageDatabase::Dpkg) => Some(false),
            None => None,
        },
        Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => None,
    };
    PendingRestart { is_pending, reasons }
}

/// What the package manager's own tool says.
fn asked(view: &dyn HostView) -> PendingRestart {
    let has_zypper = view.stat(&HostPath::unix(ZYPPER), Links::Followed).is_found();
    let tool = if has_zypper {
        Tool::NeedsRebooting
    } else {
        Tool::NeedsRestarting
    };
    let untold = |why: &str| PendingRestart {
        is_pending: None,
        reasons: vec![format!("{tool} cannot tell: {why}")],
    };
    match view.tool(tool) {
        Answer::Found(said) => match needs_restart(&said.stdout) {
            Ok(read) => PendingRestart {
                is_pending: Some(read.is_wanted),
                reasons: distinct(read.packages.iter().map(String::as_str).filter(|_| read.is_wanted)),
            },
            Err(why) => untold(&why),
        },
        Answer::Absent => untold("the program is missing"),
        Answer::Unsupported => untold("nobody can be asked here"),
        Answer::Denied(why) | Answer::Failed(why) => untold(&why),
    }
}

fn packages(view: &dyn HostView) -> Vec<String> {
    let bytes = view
        .read(&HostPath::unix(PACKAGES), MAX_LIST)
        .found()
        .unwrap_or_default();
    distinct(String::from_utf8_lossy(&bytes).lines().map(str::trim))
}

fn distinct<'n>(listed: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in listed {
        if is_package(name) && names.len() < NAMES_MAX && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Debian Policy 5.6.1, and `+ - . _ :` as rpm and architectures write them. Anything else is no name of a package.
fn is_package(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 128
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_' | ':'))
}

/// A kernel that came from elsewhere (a host of virtual machines gives it) has no directory and is not gone for it: some
/// other kernel must have one with an index (`modules.dep`, depmod(8)), and still that machine is told apart from one
/// that waits only by a restart that changes nothing.
fn is_kernel_gone(view: &dyn HostView, kernel: &str) -> bool {
    if kernel.is_empty() {
        return false;
    }
    let Answer::Found(entries) = view.list(&HostPath::unix(MODULES)) else {
        return false;
    };
    let has_index = |name: &str| {
        let index = HostPath::unix(MODULES).join(name).join("modules.dep");
        view.stat(&index, Links::Followed).is_found()
    };
    !entries.iter().any(|entry| entry.name == kernel)
        && entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Directory)
            .take(KERNELS_MAX)
            .any(|entry| has_index(&entry.name))
}
