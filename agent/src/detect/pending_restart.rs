//! Whether something already waits for a restart, and what.
//!
//! | sign | says |
//! |---|---|
//! | `/run/reboot-required` | a package asked for one: update-notifier on Ubuntu, unattended-upgrades on Debian |
//! | `/run/reboot-required.pkgs` | which packages, one a line |
//! | the running kernel has no directory under `/lib/modules`, and another kernel has one | it was removed or replaced, and can load no driver any more |
//!
//! That no sign is there means that none waits only where the distribution writes the first one. Elsewhere it cannot be
//! told: rpm systems answer by a tool (`needs-restarting -r`), which is not asked here.

use crate::{
    facts::{Answer, EntryKind},
    host::{HostPath, HostView, Links},
};

const REQUIRED: &str = "/run/reboot-required";
const PACKAGES: &str = "/run/reboot-required.pkgs";
const MODULES: &str = "/lib/modules";
/// Where there is one, the distribution writes [`REQUIRED`].
const DPKG: &str = "/var/lib/dpkg/status";
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
    /// Packages or a sign in words; empty where nothing waits, or nobody says for what.
    pub(super) reasons: Vec<String>,
}

/// Only a system that runs can wait for its restart: the marks lie on a file system that ends with it.
pub(super) fn look(view: &dyn HostView, kernel: &str) -> PendingRestart {
    if !view.boot_id().is_found() {
        return PendingRestart::default();
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
        Answer::Absent => view.stat(&HostPath::unix(DPKG), Links::Followed).found().map(|_| false),
        Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => None,
    };
    PendingRestart { is_pending, reasons }
}

fn packages(view: &dyn HostView) -> Vec<String> {
    let bytes = view
        .read(&HostPath::unix(PACKAGES), MAX_LIST)
        .found()
        .unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let name = line.trim();
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
