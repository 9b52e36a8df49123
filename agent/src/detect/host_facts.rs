//! What a machine says of itself.

use cutover_proto::{
    inventory::{HostFacts, OsFamily, PackageManager},
    rule::KnownFolder,
};
use sha2::{Digest, Sha256};

use super::{
    encryption::{self, Encrypting},
    linux::LinuxGround,
    macos_facts, pending_restart, power,
    roles::{self, Roles},
    windows::WindowsGround,
    windows_facts,
};
use crate::{
    facts::{Answer, Firmware, OsRelease, PackageDatabase, Question, Reply},
    host::{HostPath, HostView, Links, policies},
    parse::time_zone,
};

/// systemd asks programs not to show the id itself but a hash made for one purpose (machine-id(5)).
const MACHINE_ID_PURPOSE: &[u8] = b"cutover machine id v1\0";
const MAX_ID: u64 = 4096;
const MAX_HOSTS: u64 = 256 * 1024;
/// No serial number or name is longer.
const MAX_HINT: usize = 255;
const MIB: u64 = 1 << 20;

/// Gathers the facts, apart from any product. What cannot be told is empty, `unknown` or `None`, as the field says.
#[must_use]
pub fn host_facts(view: &dyn HostView) -> HostFacts {
    match view.os_family() {
        OsFamily::Linux => {
            let ground = LinuxGround::gather(view, std::iter::empty());
            facts_on(view, Grounds::Linux(&ground), &Encrypting::NotLooked)
        }
        OsFamily::Windows => {
            let ground = WindowsGround::gather(view);
            facts_on(view, Grounds::Windows(&ground), &Encrypting::NotLooked)
        }
        OsFamily::Macos => facts_on(view, Grounds::None, &Encrypting::NotLooked),
    }
}

/// What was asked already.
#[derive(Clone, Copy)]
pub(crate) enum Grounds<'g> {
    Linux(&'g LinuxGround<'g>),
    Windows(&'g WindowsGround<'g>),
    None,
}

pub(crate) fn facts_on(view: &dyn HostView, grounds: Grounds<'_>, encrypting: &Encrypting) -> HostFacts {
    let (ground, roles) = match grounds {
        Grounds::Linux(ground) => (Some(ground), roles::on_linux(ground)),
        Grounds::Windows(ground) => (None, roles::on_windows(ground)),
        Grounds::None => (None, Roles::default()),
    };
    let kernel = view.kernel().found();
    let os = ground
        .and_then(|ground| ground.os.as_ref().found().cloned())
        .unwrap_or_else(|| match view.os_family() {
            OsFamily::Windows => windows_facts::release(view),
            OsFamily::Macos => macos_facts::release(view),
            OsFamily::Linux => OsRelease {
                id: view.os_family().as_str().to_owned(),
                ..OsRelease::default()
            },
        });
    let packages = ground.and_then(|ground| ground.packages.as_ref().found());
    let native = packages.map(|packages| kernel_word(&packages.native).to_owned());
    let database = packages.map(|packages| packages.database);
    let (hostname, release, machine) = match kernel {
        Some(kernel) => (kernel.hostname, kernel.release, Some(kernel.machine)),
        None => (first_line(view, "/etc/hostname"), String::new(), None),
    };
    let fqdn = full_name(view, &hostname);
    let firmware = firmware(view);
    let pending = pending_restart::look(view, &release, database);
    let disks = encryption::look(view, encrypting);
    HostFacts {
        hostname,
        os_family: view.os_family(),
        os_id: os.id,
        os_version: os.version_id,
        os_name: os.pretty_name,
        architecture: machine.or(native).unwrap_or_default(),
        kernel: release,
        machine_id: machine_id(view),
        package_managers: package_managers(view, database),
        encryption: disks.by,
        restart_pending: pending.is_pending,
        free_disk_mib: free_disk_mib(view),
        restart_reasons: pending.reasons,
        serial: firmware.serial,
        system_uuid: firmware.uuid,
        fqdn,
        encryption_reasons: disks.reasons,
        roles: roles.seen,
        roles_told: roles.all_told,
        has_battery: power::has_battery(view),
        domain_joined: domain_joined(view),
        time_zone: time_zone(view),
        policies: policies::look(view),
    }
}

/// Only Windows tells it by an interface that is asked.
fn domain_joined(view: &dyn HostView) -> Option<bool> {
    view.ask(&Question::DomainJoin).parsed(Reply::domain_join).found()
}

/// The zone that the system is set to. Linux and macOS keep it as the name of a file that a link leads to; where that is a
/// file of its own, Debian and its kin write the name beside it.
fn time_zone(view: &dyn HostView) -> String {
    let linked = || {
        view.link(&HostPath::unix("/etc/localtime"))
            .parsed(|target| time_zone::of_link(&target))
    };
    let written = || {
        view.read(&HostPath::unix("/etc/timezone"), MAX_ID)
            .parsed(|bytes| time_zone::of_file(&String::from_utf8_lossy(&bytes)))
    };
    let name = match view.os_family() {
        OsFamily::Linux => linked().found().or_else(|| written().found()),
        OsFamily::Macos => linked().found(),
        OsFamily::Windows => windows_facts::time_zone(view).found(),
    };
    name.unwrap_or_default()
}

/// What the firmware says of the machine. On Linux only root may read it; whoever may not has no hint, and is matched by name.
fn firmware(view: &dyn HostView) -> Firmware {
    let said = match view.os_family() {
        OsFamily::Linux => Firmware {
            serial: first_line(view, "/sys/class/dmi/id/product_serial"),
            uuid: first_line(view, "/sys/class/dmi/id/product_uuid"),
        },
        OsFamily::Windows => {
            let asked = view.ask(&Question::Firmware).parsed(Reply::firmware);
            asked.found().unwrap_or_default()
        }
        OsFamily::Macos => macos_facts::firmware(view),
    };
    let hint = |text: String| Some(text.trim().to_owned()).filter(|text| text.len() <= MAX_HINT);
    Firmware {
        serial: hint(said.serial).unwrap_or_default(),
        uuid: hint(said.uuid).unwrap_or_default(),
    }
}

/// The name with its domain, without asking the network: the hostname itself where it has one; else on Linux the one that
/// /etc/hosts gives it, as `hostname -f` would find, and on Windows the one with the domain that it is set up for.
fn full_name(view: &dyn HostView, hostname: &str) -> String {
    if hostname.is_empty() {
        return String::new();
    }
    if hostname.contains('.') {
        // What a Mac calls itself in its own network alone is no domain.
        let is_local = hostname.to_lowercase().ends_with(".local");
        return if is_local { String::new() } else { hostname.to_owned() };
    }
    match view.os_family() {
        OsFamily::Linux => name_in_hosts(view, hostname),
        OsFamily::Windows => {
            let domain = windows_facts::domain(view);
            if domain.is_empty() || hostname.len() + 1 + domain.len() > MAX_HINT {
                return String::new();
            }
            format!("{hostname}.{domain}")
        }
        OsFamily::Macos => String::new(),
    }
}

fn name_in_hosts(view: &dyn HostView, hostname: &str) -> String {
    let bytes = view
        .read(&HostPath::unix("/etc/hosts"), MAX_HOSTS)
        .found()
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let is_full = |name: &&str| {
        name.len() <= MAX_HINT
            && name
                .split_once('.')
                .is_some_and(|(first, _)| first.eq_ignore_ascii_case(hostname))
    };
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .find_map(|line| line.split_whitespace().skip(1).find(is_full))
        .unwrap_or_default()
        .to_owned()
}

/// dpkg's word for an architecture in the kernel's.
fn kernel_word(architecture: &str) -> &str {
    match architecture {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "i386" => "i686",
        other => other,
    }
}

fn first_line(view: &dyn HostView, path: &str) -> String {
    let bytes = view.read(&HostPath::unix(path), MAX_ID).found().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn machine_id(view: &dyn HostView) -> String {
    if view.os_family() == OsFamily::Windows {
        return windows_facts::machine_id(view);
    }
    let id = first_line(view, "/etc/machine-id");
    // Images are sealed with this word in place of an id (machine-id(5)).
    if id.is_empty() || id == "uninitialized" {
        return String::new();
    }
    let digest = Sha256::new()
        .chain_update(MACHINE_ID_PURPOSE)
        .chain_update(id.as_bytes())
        .finalize();
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// Those that work on the database that is believed here. The others may be installed as tools; with them nothing of
/// this system is changed.
fn package_managers(view: &dyn HostView, believed: Option<PackageDatabase>) -> Vec<PackageManager> {
    PackageManager::ALL
        .iter()
        .copied()
        .filter(|manager| {
            let (database, program) = match manager {
                PackageManager::Apt => (PackageDatabase::Dpkg, "/usr/bin/apt-get"),
                PackageManager::Dnf => (PackageDatabase::Rpm, "/usr/bin/dnf"),
                PackageManager::Yum => (PackageDatabase::Rpm, "/usr/bin/yum"),
                PackageManager::Zypper => (PackageDatabase::Rpm, "/usr/bin/zypper"),
                // A part of every Windows.
                PackageManager::Msi => return view.os_family() == OsFamily::Windows,
            };
            believed == Some(database) && view.stat(&HostPath::unix(program), Links::Followed).is_found()
        })
        .collect()
}

/// The smaller of what is free under /usr and /var, where packages go, as the power of two below it: the inventory is to
/// stay the same while a log grows.
pub(super) fn free_disk_mib(view: &dyn HostView) -> Option<u64> {
    let power_below = |mib: u64| mib.checked_ilog2().map_or(0, |power| 1 << power);
    if view.os_family() == OsFamily::Windows {
        // Programs go there.
        let programs = view
            .ask(&Question::Folder(KnownFolder::ProgramFiles))
            .parsed(Reply::folder);
        let free = programs.and_then(|programs| view.free_disk(&HostPath::windows(&programs)));
        return free.found().map(|free| power_below(free / MIB));
    }
    let free = |path: &str| match view.free_disk(&HostPath::unix(path)) {
        Answer::Absent => view.free_disk(&HostPath::unix("/")).found(),
        answer @ (Answer::Found(_) | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => answer.found(),
    };
    let mib = free("/usr")?.min(free("/var")?) / MIB;
    Some(power_below(mib))
}
