//! Inventories, campaigns and contexts for tests.

use std::sync::LazyLock;

use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::{DiskEncryption, HostFacts, Inventory, OsFamily, PackageManager},
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Health, HealthState, Protection, Showing, Sighting, Verdict},
};

use crate::{campaign::Campaign, catalog::Catalog, plan::Known};

/// What tests that are not about those that go first say of them.
pub(crate) const TRUSTED: &str = "first_canaries = 0\ntrust_unproven = \"these machines are made up\"\n";

/// The same with [`TRUSTED`] in its policy, unless that says who goes first.
pub(crate) fn trusting(text: &str) -> String {
    let policy = "[policy]\n";
    match text.split_once(policy) {
        _ if text.contains("first_canaries") => text.to_owned(),
        Some((before, after)) => format!("{before}{policy}{TRUSTED}{after}"),
        None => format!("{text}\n{policy}{TRUSTED}"),
    }
}

/// A campaign that accepts on-demand protection and starts by itself; `extra` is put before `[wave]`. Nobody goes first in it with
/// a recipe, unless `extra` says so.
pub(crate) fn campaign(extra: &str) -> Campaign {
    let extra = trusting(extra);
    let text = preset()
        .replace("accepted_grades = []", "accepted_grades = [\"on-demand\"]")
        .replace("mode = \"observe\"", "mode = \"automatic\"")
        .replace("[wave]", &format!("{extra}\n{KIOSKS}\n[wave]"));
    Campaign::parse("sample.toml", &text, 1).unwrap()
}

/// The default preset without its policy, which is its end: what comes in its place is the caller's.
pub(crate) fn preset() -> String {
    let text = crate::campaign::PRESETS[0].1;
    let (text, policy) = text.split_once("\n[policy]\n").unwrap();
    assert!(policy.contains("first_canaries = 5"));
    text.to_owned()
}

/// Leaves hosts with the tag `kiosk` out.
const KIOSKS: &str = "[[out_of_scope]]\nname = \"kiosks\"\nwhy = \"they show a map\"\nmatch = { tag = [\"kiosk\"] }\n";

/// What is known of a host with this tag.
pub(crate) fn tagged(tag: &str) -> Known {
    Known {
        tags: vec![tag.to_owned()],
        ..Known::default()
    }
}

/// Read once: property tests make hosts and looks by the hundred thousand, and reading the files was most of their time.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::built_in().unwrap());

/// The compiled-in catalog.
pub(crate) fn catalog() -> Catalog {
    CATALOG.clone()
}

/// A Debian host on which everything was looked for and nothing is there.
pub(crate) fn inventory() -> Inventory {
    Inventory {
        host_id: host(),
        taken_at_ms: 1_000,
        boot_id: "boot-1".to_owned(),
        rules_revision: 1,
        facts: HostFacts {
            hostname: "pc-1".to_owned(),
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
        },
        sightings: CATALOG
            .rules
            .keys()
            .map(|product| sighting(product.as_str(), Verdict::Absent))
            .collect(),
        protection: Protection::None,
    }
}

pub(crate) fn host() -> HostId {
    "01890000-0000-7000-8000-000000000001".parse().unwrap()
}

pub(crate) fn sighting(product: &str, verdict: Verdict) -> Sighting {
    let evidence = match verdict {
        Verdict::Installed | Verdict::Running => {
            vec![found(
                EvidenceKind::Package,
                &format!("{product} 12.1.0-1297"),
                Showing::Installed,
            )]
        }
        Verdict::Remnant => vec![found(
            EvidenceKind::Path,
            &format!("/opt/kaspersky/{product}"),
            Showing::Remnant,
        )],
        Verdict::Embedded | Verdict::Absent | Verdict::Unknown => Vec::new(),
    };
    Sighting {
        product: ProductId::new(product),
        verdict,
        why: if verdict == Verdict::Unknown {
            "dpkg status could not be read".to_owned()
        } else {
            String::new()
        },
        version: None,
        evidence,
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

/// The same host with another verdict for a product.
pub(crate) fn with(mut inventory: Inventory, product: &str, verdict: Verdict) -> Inventory {
    inventory.sightings.retain(|it| it.product.as_str() != product);
    inventory.sightings.push(sighting(product, verdict));
    inventory
}

/// The same host with ClamAV in that state of health.
pub(crate) fn with_clamav(inventory: Inventory, state: HealthState) -> Inventory {
    let mut inventory = with(inventory, "clamav", Verdict::Installed);
    if let Some(clamav) = inventory.sightings.last_mut() {
        clamav.health = Some(Health {
            state,
            why: if state == HealthState::Healthy {
                String::new()
            } else {
                "signatures are 30 days old".to_owned()
            },
            grade: Protection::OnDemand,
            tenant: None,
        });
    }
    if state == HealthState::Healthy {
        inventory.protection = Protection::OnDemand;
    }
    inventory
}

/// A host with the whole family on it.
pub(crate) fn carrying() -> Inventory {
    let mut inventory = ["kesl-gui", "klnagent64"]
        .into_iter()
        .fold(with(inventory(), "kesl", Verdict::Running), |it, product| {
            with(it, product, Verdict::Installed)
        });
    inventory.protection = Protection::RealTime;
    inventory
}

/// A host that is done.
pub(crate) fn replaced() -> Inventory {
    with_clamav(inventory(), HealthState::Healthy)
}

/// An instant in milliseconds.
pub(crate) fn instant(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}
