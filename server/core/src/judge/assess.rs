//! The judging: from verdicts to a condition, the replacement's state, and what blocks work.

use cutover_proto::{
    ids::ProductId,
    inventory::{DiskEncryption, Inventory, OsFamily},
    rule::{Role, Rule},
    uninstall::product_code,
    verdict::{EvidenceKind, EvidenceOutcome, Health, HealthState, Sighting, Verdict},
};

use super::{Assessment, Blocker, Condition, Leftover, ReplacementSeen, ReplacementState, TargetSeen, UnknownLook};
use crate::{
    campaign::{Campaign, ReplacementRule, Traits, zone::zone},
    catalog::{Catalog, Needs},
    plan::Known,
    upkeep::Dates,
};

/// Judges an inventory of a host of which `known` is known besides.
///
/// | what the looks at the targets say | condition |
/// |---|---|
/// | one is installed or running | carries, even beside unknowns |
/// | else: a required look failed, or was not made | unknown |
/// | else: one is a part of another product | embedded |
/// | else: one left something behind | remnant |
/// | else | free |
#[must_use]
pub fn assess(inventory: &Inventory, known: &Known, campaign: &Campaign, catalog: &Catalog) -> Assessment {
    let mut it = Assessment {
        condition: Condition::Free,
        targets: Vec::new(),
        embedded: Vec::new(),
        leftovers: Vec::new(),
        unknown: Vec::new(),
        replacement: None,
        unapproved: unapproved(inventory, campaign, catalog),
        protection: inventory.protection,
        blockers: Vec::new(),
        restart_pending: inventory.facts.restart_pending,
        has_room: None,
        packages_unfinished: inventory.sightings.iter().any(has_unfinished_package),
        modules: modules(inventory, campaign),
        os_family: inventory.facts.os_family,
        os_id: inventory.facts.os_id.clone(),
        os_version: inventory.facts.os_version.clone(),
        architecture: inventory.facts.architecture.clone(),
        time_zone: known_zone(&inventory.facts.time_zone),
        managers: inventory.facts.package_managers.clone(),
        hostname: inventory.facts.hostname.clone(),
        roles: inventory.facts.roles.clone(),
        is_server_edition: is_server_edition(inventory),
    };
    for product in &campaign.targets {
        look_at(&mut it, product, inventory, catalog);
    }
    it.condition = if !it.targets.is_empty() {
        Condition::Carries
    } else if !it.unknown.is_empty() {
        Condition::Unknown
    } else if !it.embedded.is_empty() {
        Condition::Embedded
    } else if !it.leftovers.is_empty() {
        Condition::Remnant
    } else {
        Condition::Free
    };
    if it.condition == Condition::Free && !covers(inventory, campaign, catalog) {
        it.condition = Condition::Unknown;
        it.unknown.push(UnknownLook {
            product: campaign
                .targets
                .first()
                .cloned()
                .unwrap_or_else(|| ProductId::new("target")),
            why: format!(
                "no rule of the catalog sees any target on {}",
                inventory.facts.os_family
            ),
        });
    }
    it.replacement = replacement(&it, inventory, known, campaign);
    it.blockers = blockers(&it, inventory, catalog);
    it.has_room = inventory
        .facts
        .free_disk_mib
        .map(|free| free >= needed_mib(&it, catalog));
    it
}

/// A name that the database here does not know is worth as little as none: nobody could say what time it is there.
fn known_zone(name: &str) -> String {
    zone(name).map_or_else(String::new, |_| name.to_owned())
}

/// Windows says it in its name; other systems do not have editions that tell.
fn is_server_edition(inventory: &Inventory) -> bool {
    inventory.facts.os_family == OsFamily::Windows && inventory.facts.os_name.contains("Server")
}

/// Whether any target has looks on this family of systems. Without, nothing could ever be seen there.
fn covers(inventory: &Inventory, campaign: &Campaign, catalog: &Catalog) -> bool {
    campaign
        .targets
        .iter()
        .any(|product| is_applicable(product, inventory, catalog))
}

fn is_applicable(product: &ProductId, inventory: &Inventory, catalog: &Catalog) -> bool {
    catalog
        .rules
        .get(product)
        .is_none_or(|rule| rule.looks_on(inventory.facts.os_family).next().is_some())
}

fn look_at(it: &mut Assessment, product: &ProductId, inventory: &Inventory, catalog: &Catalog) {
    if !is_applicable(product, inventory, catalog) {
        return;
    }
    let unknown = |why: &str| UnknownLook {
        product: product.clone(),
        why: why.to_owned(),
    };
    let Some(rule) = catalog.rules.get(product) else {
        it.unknown.push(unknown("no rule of the catalog sees it"));
        return;
    };
    let Some(sighting) = inventory.sighting(product) else {
        it.unknown.push(unknown(
            "the agent did not look for it; its rules are older than the campaign's",
        ));
        return;
    };
    match sighting.verdict {
        Verdict::Installed | Verdict::Running => it.targets.push(TargetSeen {
            product: product.clone(),
            verdict: sighting.verdict,
            version: sighting.version.clone(),
            packages: packages(sighting, rule, inventory),
            dates: sighting.upkeep.as_ref().map(Dates::of).unwrap_or_default(),
            server: sighting
                .upkeep
                .as_ref()
                .and_then(|upkeep| upkeep.management_server.clone()),
            placed: sighting.upkeep.as_ref().and_then(|upkeep| upkeep.placed.clone()),
        }),
        Verdict::Remnant => it.leftovers.push(Leftover {
            product: product.clone(),
            seen: seen(sighting).map(|evidence| evidence.detail.clone()).collect(),
        }),
        Verdict::Embedded => it.embedded.push(product.clone()),
        Verdict::Absent => {}
        Verdict::Unknown => it.unknown.push(unknown(if sighting.why.is_empty() {
            "a required look failed and gave no reason"
        } else {
            &sighting.why
        })),
    }
}

fn modules(inventory: &Inventory, campaign: &Campaign) -> Vec<String> {
    let targets = campaign
        .targets
        .iter()
        .filter_map(|product| inventory.sighting(product));
    let modules = targets
        .flat_map(seen)
        .filter(|evidence| evidence.kind == EvidenceKind::Module);
    modules.map(|evidence| evidence.detail.clone()).collect()
}

fn seen(sighting: &Sighting) -> impl Iterator<Item = &cutover_proto::verdict::Evidence> {
    sighting
        .evidence
        .iter()
        .filter(|evidence| evidence.outcome == EvidenceOutcome::Seen)
}

/// dpkg's words for what is neither whole nor gone (dpkg(1), "package states"). A look adds the state to a package's name
/// and version, in brackets, where it is not installed whole.
const UNFINISHED: [&str; 3] = ["(half-installed)", "(unpacked)", "(half-configured)"];

fn has_unfinished_package(sighting: &Sighting) -> bool {
    seen(sighting)
        .filter(|evidence| evidence.kind == EvidenceKind::Package)
        .any(|evidence| UNFINISHED.iter().any(|state| evidence.detail.ends_with(state)))
}

/// The packages that the host's own look attributed to the product. On Windows the codes of what Windows Installer installed for
/// the machine; elsewhere names: the first word of each detail, and only such names as the rule looks for.
fn packages(sighting: &Sighting, rule: &Rule, inventory: &Inventory) -> Vec<String> {
    let allowed: Vec<&str> = rule.package_names(inventory.facts.os_family).collect();
    let mut names: Vec<String> = Vec::new();
    if inventory.facts.os_family == OsFamily::Windows {
        let entries = seen(sighting).filter(|evidence| evidence.kind == EvidenceKind::UninstallKey);
        for code in entries.filter_map(|evidence| product_code(&evidence.detail)) {
            if !names.iter().any(|name| name == code) {
                names.push(code.to_owned());
            }
        }
        return names;
    }
    for evidence in seen(sighting).filter(|evidence| evidence.kind == EvidenceKind::Package) {
        // Where one look saw several packages they are listed one after another.
        for word in evidence.detail.split([' ', ',', ';']) {
            if allowed.contains(&word) && !names.iter().any(|name| name == word) {
                names.push(word.to_owned());
            }
        }
    }
    names
}

/// The replacement that counts: any that the campaign approves, when it is healthy at an accepted grade; else the one that
/// its rules choose for this host.
fn replacement(it: &Assessment, inventory: &Inventory, known: &Known, campaign: &Campaign) -> Option<ReplacementSeen> {
    let host = Traits {
        host: inventory.host_id,
        known,
        looked: Some(it),
    };
    let state = |product: &ProductId| replacement_state(inventory.sighting(product), product, campaign);
    let is_healthy = |product: &&ProductId| matches!(state(product), ReplacementState::Healthy { accepted: true, .. });
    let rule = campaign.replacements.iter().find(|rule| rule.hosts.fits(&host));
    let chosen = rule.map(ReplacementRule::effective);
    // What the rules choose leads, so that a host with two does not flap between them.
    let product = match chosen.filter(is_healthy) {
        Some(chosen) => chosen,
        None => campaign.approved().into_iter().find(is_healthy).or(chosen)?,
    };
    Some(ReplacementSeen {
        state: state(product),
        product: product.clone(),
    })
}

fn replacement_state(sighting: Option<&Sighting>, product: &ProductId, campaign: &Campaign) -> ReplacementState {
    let unhealthy = |why: String| ReplacementState::Unhealthy { why };
    let Some(sighting) = sighting else {
        return unhealthy("the agent did not look for it".to_owned());
    };
    match sighting.verdict {
        Verdict::Absent | Verdict::Remnant | Verdict::Embedded => ReplacementState::Absent,
        Verdict::Unknown => unhealthy(format!("it could not be told whether it is there: {}", sighting.why)),
        Verdict::Installed | Verdict::Running => match &sighting.health {
            None => unhealthy("its health was not looked at".to_owned()),
            Some(health) => match health.state {
                HealthState::Healthy => match campaign.tenant_of(product).and_then(|wanted| strange(wanted, health)) {
                    Some(why) => unhealthy(why),
                    None => ReplacementState::Healthy {
                        grade: health.grade,
                        accepted: campaign.accepts(health.grade),
                    },
                },
                HealthState::Unhealthy => unhealthy(health.why.clone()),
                HealthState::Unknown => unhealthy(format!("its health could not be told: {}", health.why)),
            },
        },
    }
}

/// Why a healthy product is not the one that the campaign means, where it is not.
pub(super) fn strange(wanted: &str, health: &Health) -> Option<String> {
    match health.is_of(wanted) {
        Some(true) => None,
        Some(false) => Some(format!(
            "it belongs to tenant {}, and the campaign names {wanted}; join it to the right one",
            health.tenant.as_deref().unwrap_or_default()
        )),
        None => Some(format!(
            "whose it is could not be told, and the campaign names tenant {wanted}; see its console"
        )),
    }
}

/// Present products that protect and that the campaign does not name, not even as another way of setting up one that it
/// names.
fn unapproved(inventory: &Inventory, campaign: &Campaign, catalog: &Catalog) -> Vec<ProductId> {
    let approved = campaign.approved();
    let is_named = |product: &ProductId| {
        approved
            .iter()
            .any(|named| *named == product || catalog.is_kin(product, named))
    };
    inventory
        .sightings
        .iter()
        .filter(|sighting| sighting.is_present())
        .filter(
            |sighting| match catalog.rules.get(&sighting.product).map(|rule| rule.role) {
                Some(Role::Unapproved) => true,
                Some(Role::Replacement) => !is_named(&sighting.product),
                Some(Role::Target) | None => false,
            },
        )
        .map(|sighting| sighting.product.clone())
        .collect()
}

/// What stands against work on the host: first what no recipe can change, then what recipes ask. A pending restart is none: it
/// is answered by scheduling one.
fn blockers(it: &Assessment, inventory: &Inventory, catalog: &Catalog) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    match inventory.facts.encryption {
        DiskEncryption::ByTarget => blockers.push(Blocker::EncryptedByTarget),
        DiskEncryption::Unknown if it.carries() => blockers.push(Blocker::EncryptionUnknown),
        DiskEncryption::Unknown | DiskEncryption::None | DiskEncryption::Other => {}
    }
    let has_any = |usable: &[_]| it.managers.iter().any(|manager| usable.contains(manager));
    for target in &it.targets {
        if catalog
            .removal(&target.product)
            .is_some_and(|removal| !has_any(&removal.managers))
        {
            blockers.push(Blocker::NoPackageManager {
                product: target.product.clone(),
            });
        }
        blockers.extend(unmet(&target.product, inventory, catalog));
    }
    if it.is_protected_by_replacement() {
        return blockers;
    }
    let install = it
        .replacement
        .as_ref()
        .and_then(|seen| Some((&seen.product, catalog.installation(&seen.product)?)));
    if let Some((product, install)) = install {
        if !has_any(&install.managers) {
            blockers.push(Blocker::NoPackageManager {
                product: product.clone(),
            });
        }
        if install.is_blocking() {
            blockers.extend(intercepted(product, inventory, catalog));
        }
        blockers.extend(unmet(product, inventory, catalog));
    }
    blockers
}

/// Work without a recipe that says more needs so much room, MiB: packages of an agent are some hundreds.
const LEAST_ROOM_MIB: u64 = 1024;

/// How much room the work needs, MiB: what the recipes of this host ask, and no less than any work.
fn needed_mib(it: &Assessment, catalog: &Catalog) -> u64 {
    let targets = it.targets.iter().map(|target| &target.product);
    let products = targets.chain(it.replacement.iter().map(|seen| &seen.product));
    let asked = products.flat_map(|product| catalog.preconditions(product));
    let asked = asked.filter_map(|it| {
        if let Needs::FreeMib(mib) = it.needs {
            Some(mib)
        } else {
            None
        }
    });
    asked.max().unwrap_or(0).max(LEAST_ROOM_MIB)
}

fn unmet<'a>(
    product: &'a ProductId,
    inventory: &'a Inventory,
    catalog: &'a Catalog,
) -> impl Iterator<Item = Blocker> + use<'a> {
    let all = catalog.preconditions(product).iter();
    all.filter_map(|it| it.unmet(product, inventory)).map(Blocker::Unmet)
}

/// Products that decide about files and stay. Targets do not: where the replacement may not stand beside them, they go
/// first.
fn intercepted(replacement: &ProductId, inventory: &Inventory, catalog: &Catalog) -> Vec<Blocker> {
    let is_target = |product| catalog.rules.get(product).is_some_and(|rule| rule.role == Role::Target);
    let decides = |sighting: &&Sighting| seen(sighting).any(|evidence| evidence.kind == EvidenceKind::Listener);
    inventory
        .sightings
        .iter()
        .filter(|sighting| sighting.product != *replacement && !is_target(&sighting.product))
        .filter(decides)
        .map(|sighting| Blocker::Intercepted {
            by: sighting.product.clone(),
        })
        .collect()
}
