//! What a machine does for others, by services that are there or at work. A role is a reason for care, and no product.

use cutover_proto::inventory::HostRole;

use super::{linux::LinuxGround, windows::WindowsGround};
use crate::facts::{Answer, Process, ServiceState, WindowsService};

/// Roles that were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) seen: Vec<HostRole>,
    /// Whether all were looked for. Without it, one that was not seen is unknown.
    pub(super) all_told: bool,
}

/// By which services of Windows a role is known: a name, or the beginning of one, without regard to case; and whether it
/// has to be at work. What is installed with the role alone need not be.
const SERVICES: [(HostRole, &[&str], bool); 5] = [
    // Active Directory Domain Services.
    (HostRole::DomainController, &["ntds"], false),
    // Installed with the feature, and disabled until the machine joins a cluster.
    (HostRole::ClusterMember, &["clussvc"], true),
    (
        HostRole::Exchange,
        &["msexchangeis", "msexchangetransport", "msexchangeadtopology"],
        false,
    ),
    (
        HostRole::Database,
        &["mssqlserver", "mssql$*", "postgresql-*", "mysql*", "mariadb*"],
        false,
    ),
    // Hyper-V Virtual Machine Management.
    (HostRole::Hypervisor, &["vmms"], true),
];

/// By which programs at work a role is known on Linux.
const PROCESSES: [(HostRole, &[&str]); 4] = [
    // A file server alone has smbd and no process of this name.
    (HostRole::DomainController, &["samba"]),
    (HostRole::ClusterMember, &["pacemakerd", "corosync"]),
    (HostRole::Database, &["postgres", "mysqld", "mariadbd", "sqlservr"]),
    (
        HostRole::Hypervisor,
        &["libvirtd", "virtqemud", "pvedaemon", "qemu-kvm", "qemu-system-x86_64"],
    ),
];

pub(super) fn on_windows(ground: &WindowsGround<'_>) -> Roles {
    let told = ground.services().as_ref().found();
    let Some(services) = told else {
        return Roles::default();
    };
    let is_meant = |service: &WindowsService, name: &str| {
        let own = service.name.to_lowercase();
        match name.strip_suffix('*') {
            Some(beginning) => own.starts_with(beginning),
            None => own == name,
        }
    };
    let here = |names: &[&str], at_work: bool| {
        services.iter().any(|service| {
            let works = !at_work || service.state == Some(ServiceState::Running);
            !service.is_driver && works && names.iter().any(|name| is_meant(service, name))
        })
    };
    let seen = SERVICES.iter().filter(|(_, names, at_work)| here(names, *at_work));
    Roles {
        seen: seen.map(|(role, ..)| *role).collect(),
        // Of a system that does not run, nothing is at work, and nobody knows what would be.
        all_told: services.iter().any(|service| service.state.is_some()),
    }
}

pub(super) fn on_linux(ground: &LinuxGround<'_>) -> Roles {
    match ground.processes() {
        Answer::Found(processes) => {
            let runs = |name: &&str| processes.iter().any(|process: &Process| process.runs_as(name));
            let seen = PROCESSES.iter().filter(|(_, names)| names.iter().any(runs));
            Roles {
                seen: seen.map(|(role, _)| *role).collect(),
                all_told: true,
            }
        }
        Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => Roles::default(),
    }
}
