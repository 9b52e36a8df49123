//! What is true of a machine, whatever anybody says; and what its agent's look makes of it.

use std::{collections::BTreeSet, sync::LazyLock};

use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::{DiskEncryption, HostFacts, Inventory, OsFamily, PackageManager},
    rule::{BUILT_IN, BUILT_IN_REVISION},
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Health, HealthState, Protection, Showing, Sighting, Verdict},
};

use crate::{
    dice::Dice,
    habit::{Habit, Traits},
};

/// The replacement that the campaign names.
pub(crate) const REPLACEMENT: &str = "clamav";

/// The replacement's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replacement {
    Absent,
    Ill,
    Healthy,
}

/// A machine as it is.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) hostname: String,
    /// Targets that are installed.
    pub(crate) targets: BTreeSet<&'static str>,
    pub(crate) replacement: Replacement,
    /// Whether a product is there that nobody approved.
    pub(crate) unapproved: bool,
    /// Whether the replacement's packages were fetched and verified.
    pub(crate) fetched: bool,
    pub(crate) encryption: DiskEncryption,
    pub(crate) restart_pending: bool,
    pub(crate) free_mib: u64,
    /// Whether a required look fails.
    pub(crate) look_fails: bool,
    /// The zone that it tells; empty where it tells none.
    pub(crate) zone: &'static str,
}

impl Truth {
    /// Both halves: the target gone and a healthy replacement there.
    pub(crate) fn is_done(&self) -> bool {
        self.targets.is_empty() && self.replacement == Replacement::Healthy
    }

    pub(crate) fn facts(&self) -> HostFacts {
        HostFacts {
            hostname: self.hostname.clone(),
            os_family: OsFamily::Linux,
            os_id: "debian".to_owned(),
            os_version: "12".to_owned(),
            os_name: "Debian GNU/Linux 12".to_owned(),
            architecture: "x86_64".to_owned(),
            kernel: "6.1".to_owned(),
            machine_id: self.hostname.clone(),
            package_managers: vec![PackageManager::Apt],
            encryption: self.encryption,
            restart_pending: Some(self.restart_pending),
            free_disk_mib: Some(self.free_mib),
            restart_reasons: Vec::new(),
            serial: String::new(),
            system_uuid: String::new(),
            fqdn: String::new(),
            encryption_reasons: Vec::new(),
            roles: Vec::new(),
            roles_told: false,
            has_battery: None,
            domain_joined: None,
            time_zone: self.zone.to_owned(),
            policies: Vec::new(),
        }
    }

    /// What a look at it gives.
    pub(crate) fn look(&self, host_id: HostId, boot_id: &str, taken_at_ms: i64) -> Inventory {
        let mut sightings = NOTHING.clone();
        for product in &self.targets {
            show(&mut sightings, product, |sighting| {
                let is_running = *product == "kesl";
                sighting.verdict = if is_running {
                    Verdict::Running
                } else {
                    Verdict::Installed
                };
                sighting.version = Some("12.1.0-1297".to_owned());
                sighting.evidence = vec![found(&format!("{product} 12.1.0-1297"))];
            });
        }
        if self.look_fails {
            show(&mut sightings, "kesl", |sighting| {
                sighting.verdict = Verdict::Unknown;
                sighting.why = "dpkg's status could not be read".to_owned();
                sighting.evidence.clear();
            });
        }
        if self.unapproved {
            show(&mut sightings, "ultraav", |sighting| {
                sighting.verdict = Verdict::Installed;
                sighting.evidence = vec![found("UltraAV 1.0")];
            });
        }
        let mut protection = if self.targets.contains("kesl") {
            Protection::RealTime
        } else {
            Protection::None
        };
        if self.replacement != Replacement::Absent {
            let is_healthy = self.replacement == Replacement::Healthy;
            if is_healthy && protection == Protection::None {
                protection = Protection::OnDemand;
            }
            show(&mut sightings, REPLACEMENT, |sighting| {
                sighting.verdict = Verdict::Installed;
                sighting.evidence = vec![found("clamav 1.0.7")];
                sighting.health = Some(Health {
                    state: if is_healthy {
                        HealthState::Healthy
                    } else {
                        HealthState::Unhealthy
                    },
                    why: if is_healthy {
                        String::new()
                    } else {
                        "its signatures are 30 days old".to_owned()
                    },
                    grade: Protection::OnDemand,
                    tenant: None,
                });
            });
        }
        Inventory {
            host_id,
            taken_at_ms,
            boot_id: boot_id.to_owned(),
            rules_revision: BUILT_IN_REVISION,
            facts: self.facts(),
            sightings,
            protection,
        }
    }
}

/// Every product of the rules, looked for and absent.
static NOTHING: LazyLock<Vec<Sighting>> = LazyLock::new(|| {
    let names = BUILT_IN.iter().map(|(file, _)| file.trim_end_matches(".toml"));
    names
        .map(|name| Sighting {
            product: ProductId::new(name),
            verdict: Verdict::Absent,
            why: String::new(),
            version: None,
            evidence: Vec::new(),
            health: None,
            upkeep: None,
        })
        .collect()
});

fn show(sightings: &mut [Sighting], product: &str, change: impl FnOnce(&mut Sighting)) {
    if let Some(sighting) = sightings.iter_mut().find(|it| it.product.as_str() == product) {
        change(sighting);
    }
}

fn found(detail: &str) -> Evidence {
    Evidence {
        kind: EvidenceKind::Package,
        required: true,
        outcome: EvidenceOutcome::Seen,
        detail: detail.to_owned(),
        shows: Some(Showing::Installed),
    }
}

/// A machine as it is at first.
pub(crate) fn planted(index: usize, traits: &Traits, zone: &'static str, dice: &mut Dice) -> Truth {
    const FAMILIES: [&[&str]; 3] = [
        &["kesl", "kesl-gui", "klnagent64"],
        &["kesl", "klnagent64"],
        &["klnagent64"],
    ];
    let family = dice.pick(&FAMILIES).unwrap_or(FAMILIES[0]);
    let targets = if traits.habit == Habit::Clean {
        BTreeSet::new()
    } else {
        family.iter().copied().collect()
    };
    Truth {
        hostname: format!("pc-{index}"),
        targets,
        replacement: if traits.habit == Habit::Clean {
            Replacement::Healthy
        } else {
            Replacement::Absent
        },
        unapproved: false,
        fetched: false,
        encryption: if traits.habit == Habit::Encrypted {
            DiskEncryption::ByTarget
        } else if traits.habit == Habit::EncryptionUnknown {
            DiskEncryption::Unknown
        } else if dice.once_in_a_thousand(200) {
            DiskEncryption::Other
        } else {
            DiskEncryption::None
        },
        restart_pending: traits.waits_for_restart(),
        free_mib: if traits.habit == Habit::LittleDisk { 200 } else { 16_384 },
        look_fails: traits.habit == Habit::LookFails,
        zone,
    }
}
