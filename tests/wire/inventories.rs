//! What machines show.

use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::{DiskEncryption, HostFacts, Inventory, OsFamily, PackageManager},
    rule::{BUILT_IN, BUILT_IN_REVISION},
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Health, HealthState, Protection, Showing, Sighting, Verdict},
};

/// A Debian machine of this name.
pub(crate) fn facts(hostname: &str) -> HostFacts {
    HostFacts {
        hostname: hostname.to_owned(),
        os_family: OsFamily::Linux,
        os_id: "debian".to_owned(),
        os_version: "12".to_owned(),
        os_name: "Debian GNU/Linux 12".to_owned(),
        architecture: "x86_64".to_owned(),
        kernel: "6.1".to_owned(),
        machine_id: "m".to_owned(),
        package_managers: vec![PackageManager::Apt],
        encryption: DiskEncryption::None,
        restart_pending: Some(false),
        free_disk_mib: Some(16_384),
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

/// A machine with the product at work.
pub(crate) fn carrying(host: HostId, hostname: &str) -> Inventory {
    let mut kesl = absent("kesl");
    kesl.verdict = Verdict::Running;
    kesl.version = Some("12.1.0-1297".to_owned());
    kesl.evidence = vec![
        found(EvidenceKind::Package, "kesl 12.1.0-1297", Showing::Installed),
        found(EvidenceKind::Process, "kesl", Showing::Running),
    ];
    inventory(host, hostname, [absent("clamav"), kesl], Protection::RealTime)
}

/// The same machine, replaced.
pub(crate) fn replaced(host: HostId, hostname: &str) -> Inventory {
    let mut clamav = absent("clamav");
    clamav.verdict = Verdict::Installed;
    clamav.evidence = vec![found(EvidenceKind::Package, "clamav 1.0.7", Showing::Installed)];
    clamav.health = Some(Health {
        state: HealthState::Healthy,
        why: String::new(),
        grade: Protection::OnDemand,
        tenant: None,
    });
    inventory(host, hostname, [clamav, absent("kesl")], Protection::OnDemand)
}

fn inventory(host: HostId, hostname: &str, first: [Sighting; 2], protection: Protection) -> Inventory {
    let mut sightings = first.to_vec();
    for (file, _) in BUILT_IN {
        let product = absent(file.trim_end_matches(".toml"));
        if first.iter().all(|shown| shown.product != product.product) {
            sightings.push(product);
        }
    }
    Inventory {
        host_id: host,
        taken_at_ms: 0,
        boot_id: String::new(),
        rules_revision: BUILT_IN_REVISION,
        facts: facts(hostname),
        sightings,
        protection,
    }
}

fn absent(product: &str) -> Sighting {
    Sighting {
        product: ProductId::new(product),
        verdict: Verdict::Absent,
        why: String::new(),
        version: None,
        evidence: Vec::new(),
        health: None,
        upkeep: None,
    }
}

fn found(kind: EvidenceKind, detail: &str, shows: Showing) -> Evidence {
    Evidence {
        kind,
        required: true,
        outcome: EvidenceOutcome::Seen,
        detail: detail.to_owned(),
        shows: Some(shows),
    }
}
