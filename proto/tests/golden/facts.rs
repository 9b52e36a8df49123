//! Facts of a machine as they were first.

use cutover_proto::{
    inventory::{DiskEncryption, HostFacts, OsFamily, PackageManager},
    v1,
};

pub(crate) fn facts() -> HostFacts {
    HostFacts {
        hostname: "ws-0042".into(),
        os_family: OsFamily::Linux,
        os_id: "debian".into(),
        os_version: "12".into(),
        os_name: "Debian GNU/Linux 12 (bookworm)".into(),
        architecture: "x86_64".into(),
        kernel: "6.1.0-25-amd64".into(),
        machine_id: "0f".repeat(16),
        package_managers: vec![PackageManager::Apt],
        encryption: DiskEncryption::Other,
        restart_pending: Some(true),
        free_disk_mib: Some(4096),
        restart_reasons: Vec::new(),
        serial: String::new(),
        system_uuid: String::new(),
        fqdn: String::new(),
        encryption_reasons: Vec::new(),
        roles: Vec::new(),
        roles_told: false,
        has_battery: None,
        domain_joined: None,
        time_zone: String::new(),
        policies: Vec::new(),
    }
}

pub(crate) fn facts_wire() -> v1::HostFacts {
    v1::HostFacts {
        hostname: "ws-0042".into(),
        os_family: v1::OsFamily::Linux.into(),
        os_id: "debian".into(),
        os_version: "12".into(),
        os_name: "Debian GNU/Linux 12 (bookworm)".into(),
        architecture: "x86_64".into(),
        kernel: "6.1.0-25-amd64".into(),
        machine_id: "0f".repeat(16),
        package_managers: vec![v1::PackageManager::Apt.into()],
        encryption: v1::DiskEncryption::Other.into(),
        restart_pending: Some(true),
        free_disk_mib: Some(4096),
        restart_reasons: Vec::new(),
        serial: String::new(),
        system_uuid: String::new(),
        fqdn: String::new(),
        encryption_reasons: Vec::new(),
        roles: Vec::new(),
        roles_told: false,
        has_battery: None,
        domain_joined: None,
        time_zone: String::new(),
        policies: Vec::new(),
    }
}
