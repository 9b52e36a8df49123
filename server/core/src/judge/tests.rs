use std::collections::BTreeSet;

use cutover_proto::{
    ids::ProductId,
    inventory::{DiskEncryption, Inventory, OsFamily},
    uninstall::Entry,
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Health, HealthState, Protection, Verdict},
};
use proptest::prelude::*;

use super::*;
use crate::campaign::Campaign;
use crate::catalog::{Catalog, Needs};
use crate::plan::Known;
use crate::samples::{campaign, carrying, catalog, inventory, replaced, with, with_clamav};

fn judged(inventory: &Inventory) -> Assessment {
    assess(inventory, &Known::default(), &campaign(""), &catalog())
}

#[test]
fn a_target_carries_even_beside_unknowns() {
    let it = judged(&with(
        with(inventory(), "kesl", Verdict::Installed),
        "kesl-gui",
        Verdict::Unknown,
    ));
    assert_eq!(it.condition, Condition::Carries);
    assert_eq!(it.targets[0].packages, ["kesl"]);
    assert_eq!(it.unknown.len(), 1);
}

#[test]
fn an_unknown_is_never_an_absent() {
    let it = judged(&with(inventory(), "klnagent64", Verdict::Unknown));
    assert_eq!(it.condition, Condition::Unknown);
    assert_eq!(it.unknown[0].why, "dpkg status could not be read");
    // Beside leftovers and embedded parts too.
    let it = judged(&with(
        with(inventory(), "klnagent64", Verdict::Unknown),
        "kesl",
        Verdict::Embedded,
    ));
    assert_eq!(it.condition, Condition::Unknown);
}

#[test]
fn a_product_that_was_not_looked_for_is_unknown() {
    let mut inventory = inventory();
    inventory.sightings.retain(|it| it.product.as_str() != "kesl");
    let it = judged(&inventory);
    assert_eq!(it.condition, Condition::Unknown);
    assert!(it.unknown[0].why.contains("did not look"));
}

#[test]
fn a_product_that_has_no_looks_on_this_system_need_not_be_looked_for() {
    let mut inventory = inventory();
    assert_eq!(inventory.facts.os_family, OsFamily::Linux);
    inventory.sightings.retain(|it| it.product.as_str() != "kes-windows");
    let it = judged(&inventory);
    assert_eq!((it.condition, it.unknown), (Condition::Free, Vec::new()));
}

#[test]
fn a_system_that_no_rule_covers_is_unknown_not_clear() {
    let mut inventory = inventory();
    inventory.facts.os_family = OsFamily::Windows;
    inventory.sightings.clear();
    assert_eq!(judged(&inventory).condition, Condition::Unknown);
}

#[test]
fn embedded_and_remnant_follow_in_that_order() {
    let both = with(
        with(inventory(), "kesl", Verdict::Remnant),
        "kesl-gui",
        Verdict::Embedded,
    );
    assert_eq!(judged(&both).condition, Condition::Embedded);
    let it = judged(&with(inventory(), "kesl", Verdict::Remnant));
    assert_eq!(it.condition, Condition::Remnant);
    assert_eq!(it.leftovers[0].product, ProductId::new("kesl"));
    assert_eq!(judged(&inventory()).condition, Condition::Free);
}

#[test]
fn a_time_zone_that_the_database_does_not_know_counts_as_not_told() {
    let mut inventory = inventory();
    for (told, known) in [
        ("Australia/Lord_Howe", "Australia/Lord_Howe"),
        ("Mars/Olympus", ""),
        ("", ""),
    ] {
        inventory.facts.time_zone = told.to_owned();
        assert_eq!(judged(&inventory).time_zone, known);
    }
    // What was kept before machines told it reads as not told.
    let kept = serde_json::to_string(&judged(&inventory)).unwrap();
    assert!(!kept.contains("time_zone"));
    assert_eq!(serde_json::from_str::<Assessment>(&kept).unwrap().time_zone, "");
}

#[test]
fn a_module_that_is_still_loaded_makes_a_restart_due_also_after_the_removal() {
    let mut inventory = with(inventory(), "kesl", Verdict::Remnant);
    assert_eq!(judged(&inventory).needs_restart(), None);
    let kesl = inventory.sightings.last_mut().unwrap();
    kesl.evidence[0].kind = EvidenceKind::Module;
    kesl.evidence[0].detail = "kernel module vendor is loaded".to_owned();
    let it = judged(&inventory);
    assert_eq!(it.condition, Condition::Remnant);
    assert_eq!(it.needs_restart().as_deref(), Some("kernel module vendor is loaded"));
    // Only seen ones count, and only those of targets.
    let kesl = inventory.sightings.last_mut().unwrap();
    kesl.evidence[0].outcome = EvidenceOutcome::NotChecked;
    assert_eq!(judged(&inventory).needs_restart(), None);
}

#[test]
fn packages_are_only_those_that_the_rule_looks_for() {
    let mut inventory = carrying();
    for sighting in &mut inventory.sightings {
        for evidence in &mut sighting.evidence {
            evidence.detail = "libc6 2.36, kesl 12.1.0-1297".to_owned();
        }
    }
    let it = judged(&inventory);
    let kesl = it.targets.iter().find(|it| it.product.as_str() == "kesl").unwrap();
    assert_eq!(kesl.packages, ["kesl"]);
    // What two looks saw is removed once.
    for sighting in &mut inventory.sightings {
        for evidence in &mut sighting.evidence {
            evidence.detail = "kesl 12.1.0-1297; kesl 12.1.0-1298".to_owned();
        }
    }
    let twice = judged(&inventory);
    let kesl = twice.targets.iter().find(|it| it.product.as_str() == "kesl").unwrap();
    assert_eq!(kesl.packages, ["kesl"]);
    let gui = it.targets.iter().find(|it| it.product.as_str() == "kesl-gui").unwrap();
    assert!(gui.packages.is_empty());
}

#[test]
fn on_windows_packages_are_the_codes_of_what_windows_installer_installed_for_the_machine() {
    const CODES: [&str; 3] = [
        "{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B}",
        "{11111111-2222-3333-4444-555555555555}",
        "{99999999-2222-3333-4444-555555555555}",
    ];
    let entry = |key, is_msi, is_of_user| Entry {
        name: "Kaspersky Endpoint Security for Windows",
        version: "12.9.0.384",
        key,
        is_msi,
        is_orphan: false,
        is_of_user,
    };
    let mut inventory = with(inventory(), "kes-windows", Verdict::Running);
    inventory.facts.os_family = OsFamily::Windows;
    let kes = inventory.sightings.last_mut().unwrap();
    let look = |kind, detail: String| Evidence {
        kind,
        required: true,
        outcome: EvidenceOutcome::Seen,
        detail,
        shows: None,
    };
    let key = |entry: Entry<'_>| look(EvidenceKind::UninstallKey, entry.in_words());
    kes.evidence = vec![
        key(entry(CODES[0], true, false)),
        key(entry(CODES[0], true, false)),
        key(entry(CODES[1], true, false)),
        key(entry(CODES[2], false, false)),
        key(entry(CODES[2], true, true)),
        // Only such entries tell codes.
        look(EvidenceKind::Process, entry(CODES[2], true, false).in_words()),
    ];
    let campaign = Campaign {
        targets: vec!["kes-windows".into()],
        ..campaign("")
    };
    let it = assess(&inventory, &Known::default(), &campaign, &catalog());
    assert_eq!(it.targets[0].packages, CODES[..2]);
}

#[test]
fn a_replacement_counts_only_healthy_and_at_an_accepted_grade() {
    let state = |it: &Assessment| it.replacement.clone().unwrap().state;
    assert!(judged(&replaced()).is_protected_by_replacement());
    assert_eq!(
        judged(&inventory()).replacement.unwrap().state,
        ReplacementState::Absent
    );
    let it = judged(&with_clamav(inventory(), HealthState::Unhealthy));
    assert_eq!(
        state(&it),
        ReplacementState::Unhealthy {
            why: "signatures are 30 days old".to_owned()
        }
    );
    assert!(!judged(&with_clamav(inventory(), HealthState::Unknown)).is_protected_by_replacement());
    let strict = crate::campaign::Campaign::preset().unwrap();
    let it = assess(&replaced(), &Known::default(), &strict, &catalog());
    assert_eq!(
        state(&it),
        ReplacementState::Healthy {
            grade: Protection::OnDemand,
            accepted: false
        }
    );
    assert!(!it.is_protected_by_replacement());
}

#[test]
fn no_rule_of_the_campaign_fits_another_distribution() {
    let mut inventory = carrying();
    inventory.facts.os_id = "arch".to_owned();
    assert_eq!(judged(&inventory).replacement, None);
}

#[test]
fn encryption_by_the_target_blocks_and_unknown_encryption_blocks_what_carries() {
    let with_encryption = |mut inventory: Inventory, encryption| {
        inventory.facts.encryption = encryption;
        judged(&inventory).blockers
    };
    assert_eq!(
        with_encryption(carrying(), DiskEncryption::ByTarget),
        [Blocker::EncryptedByTarget]
    );
    assert_eq!(
        with_encryption(carrying(), DiskEncryption::Unknown),
        [Blocker::EncryptionUnknown]
    );
    assert_eq!(with_encryption(replaced(), DiskEncryption::Unknown), []);
    assert_eq!(with_encryption(carrying(), DiskEncryption::None), []);
    assert_eq!(with_encryption(carrying(), DiskEncryption::Other), []);
}

#[test]
fn little_room_and_no_package_manager_block_and_a_pending_restart_does_not() {
    let mut inventory = carrying();
    inventory.facts.free_disk_mib = Some(100);
    let blockers = judged(&inventory).blockers;
    let [Blocker::Unmet(room)] = blockers.as_slice() else {
        panic!("{blockers:?}")
    };
    assert!(room.text().ends_with("100 MiB are free, 1024 MiB are needed") && room.name == "room");
    inventory.facts.free_disk_mib = None;
    inventory.facts.restart_pending = Some(true);
    assert_eq!(judged(&inventory).blockers, []);
    inventory.facts.package_managers.clear();
    assert!(judged(&inventory).blockers.contains(&Blocker::NoPackageManager {
        product: ProductId::new("kesl")
    }));
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    proptest::sample::select(Verdict::ALL)
}

proptest! {
    #[test]
    fn the_table_decides_in_its_order(gui in any_verdict(), kesl in any_verdict(), agent in any_verdict()) {
        let it = [("kesl-gui", gui), ("kesl", kesl), ("klnagent64", agent)]
            .into_iter()
            .fold(inventory(), |it, (product, verdict)| with(it, product, verdict));
        let all = [gui, kesl, agent];
        let any = |verdict| all.contains(&verdict);
        let expected = if any(Verdict::Installed) || any(Verdict::Running) {
            Condition::Carries
        } else if any(Verdict::Unknown) {
            Condition::Unknown
        } else if any(Verdict::Embedded) {
            Condition::Embedded
        } else if any(Verdict::Remnant) {
            Condition::Remnant
        } else {
            Condition::Free
        };
        prop_assert_eq!(judged(&it).condition, expected);
    }
}

/// What is seen of a product that decides about files.
fn deciding(mut inventory: Inventory, product: &str) -> Inventory {
    inventory = with(inventory, product, Verdict::Running);
    let sighting = inventory.sightings.last_mut().unwrap();
    sighting.evidence[0].kind = EvidenceKind::Listener;
    inventory
}

#[test]
fn a_replacement_that_intercepts_files_is_not_put_beside_another_that_does() {
    let blocks = |inventory: &Inventory, grade| {
        let mut catalog = catalog();
        let clamav = catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
        clamav.install.as_mut().unwrap().grade = grade;
        assess(inventory, &Known::default(), &campaign(""), &catalog).blockers
    };
    let foreign = deciding(carrying(), "other");
    let expected = [Blocker::Intercepted { by: "other".into() }];
    assert_eq!(blocks(&foreign, Protection::RealTime), expected);
    // One that reads files when it is asked may; and the target goes before the replacement comes.
    assert_eq!(blocks(&foreign, Protection::OnDemand), []);
    assert_eq!(blocks(&deciding(inventory(), "kesl"), Protection::RealTime), []);
    // What was not seen to decide does not block.
    assert_eq!(
        blocks(&with(carrying(), "other", Verdict::Running), Protection::RealTime),
        []
    );
}

#[test]
fn a_replacement_of_another_tenant_is_not_healthy() {
    let named = campaign("")
        .source
        .replace("product = \"clamav\"", "product = \"clamav\"\ntenant = \"B1C2-D3\"");
    let named = Campaign::parse("sample.toml", &named, 1).unwrap();
    let told = |tenant: Option<&str>| {
        let mut inventory = with_clamav(inventory(), HealthState::Healthy);
        let health = inventory
            .sightings
            .last_mut()
            .and_then(|it| it.health.as_mut())
            .unwrap();
        health.tenant = tenant.map(str::to_owned);
        assess(&inventory, &Known::default(), &named, &catalog())
            .replacement
            .unwrap()
            .state
    };
    assert!(matches!(told(Some("b1c2-d3")), ReplacementState::Healthy { .. }));
    for (tenant, part) in [(Some("ffff"), "belongs to tenant ffff"), (None, "could not be told")] {
        let ReplacementState::Unhealthy { why } = told(tenant) else {
            panic!("{tenant:?} is another's");
        };
        assert!(why.contains(part) && why.contains("B1C2-D3"), "{why}");
    }
    // A campaign that names none takes anybody's.
    let mut inventory = with_clamav(inventory(), HealthState::Healthy);
    inventory
        .sightings
        .last_mut()
        .and_then(|it| it.health.as_mut())
        .unwrap()
        .tenant = Some("ffff".to_owned());
    assert!(judged(&inventory).is_protected_by_replacement());
}

#[test]
fn a_customer_id_with_its_check_digits_is_the_same_customer() {
    let health = |tenant: &str| Health {
        state: HealthState::Healthy,
        why: String::new(),
        grade: Protection::RealTime,
        tenant: Some(tenant.to_owned()),
    };
    let sensor = health("79391c24113773b01d8181c38c3e111a");
    assert_eq!(assess::strange("79391C24113773B01D8181C38C3E111A-2F", &sensor), None);
    assert!(assess::strange("00001C24113773B01D8181C38C3E111A-2F", &sensor).is_some());
    // Ids of other make are the same only when they are whole.
    for (wanted, has) in [
        ("B1C2-D3", "b1c2-e4"),
        ("B1C2-D3", "b1c2"),
        (
            "79391C24113773B01D8181C38C3E111A-2F3",
            "79391c24113773b01d8181c38c3e111a",
        ),
        (
            "79391C24113773B01D8181C38C3E111A-EAST",
            "79391c24113773b01d8181c38c3e111a-west",
        ),
    ] {
        assert!(assess::strange(wanted, &health(has)).is_some(), "{wanted} {has}");
    }
}

#[test]
fn a_host_on_whose_system_no_target_could_be_seen_is_unknown_and_says_so() {
    let mut campaign = campaign("");
    campaign.targets = vec![ProductId::new("kesl"), ProductId::new("klnagent64")];
    let judged = |inventory: &Inventory| assess(inventory, &Known::default(), &campaign, &catalog());
    let mut elsewhere = inventory();
    elsewhere.facts.os_family = OsFamily::Windows;
    let it = judged(&elsewhere);
    assert_eq!(it.condition, Condition::Unknown);
    let said: Vec<(&str, &str)> = it
        .unknown
        .iter()
        .map(|look| (look.product.as_str(), look.why.as_str()))
        .collect();
    assert_eq!(said, [("kesl", "no rule of the catalog sees any target on windows")]);
    // Where its rules do look, nothing is added to what they say.
    assert_eq!(judged(&inventory()).unknown, []);
    let product = |verdict| judged(&with(inventory(), "kesl", verdict));
    assert_eq!(product(Verdict::Remnant).condition, Condition::Remnant);
    assert_eq!(product(Verdict::Running).condition, Condition::Carries);
}

#[test]
fn another_vendors_product_in_a_targets_place_is_unapproved_until_a_rule_names_it() {
    let host = with(inventory(), "sophos", Verdict::Running);
    assert_eq!(judged(&host).unapproved, [ProductId::new("sophos")]);
    let mut campaign = campaign("");
    campaign.replacements[0].second = Some(ProductId::new("sophos"));
    let it = assess(&host, &Known::default(), &campaign, &catalog());
    assert_eq!(
        it.unapproved,
        [],
        "it is approved, and ClamAV beside it is no reason against it"
    );
    // What is not there is nothing, and neither is what must go.
    assert_eq!(judged(&carrying()).unapproved, []);
}

#[test]
fn there_is_room_for_the_work_from_what_it_needs_on_and_not_known_where_no_look_tells() {
    let has_room = |catalog: &Catalog, free: Option<u64>| {
        let mut inventory = carrying();
        inventory.facts.free_disk_mib = free;
        assess(&inventory, &Known::default(), &campaign(""), catalog).has_room
    };
    // A recipe that says nothing of room needs some all the same.
    let mut silent = catalog();
    for recipe in silent.recipes.values_mut() {
        recipe.preconditions.clear();
    }
    for catalog in [catalog(), silent.clone()] {
        assert_eq!(has_room(&catalog, Some(1023)), Some(false));
        assert_eq!(has_room(&catalog, Some(1024)), Some(true));
        assert_eq!(has_room(&catalog, None), None);
    }
    // One that asks for more gets more.
    let mut greedy = catalog();
    let clamav = greedy.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    clamav.preconditions[0].needs = Needs::FreeMib(4000);
    assert_eq!(has_room(&greedy, Some(3999)), Some(false));
    assert_eq!(has_room(&greedy, Some(4000)), Some(true));
}

#[test]
fn encryption_alone_is_what_nobody_can_force_past() {
    for (inventory, forbids) in [
        (encrypted(DiskEncryption::ByTarget), true),
        (encrypted(DiskEncryption::Unknown), true),
        (
            {
                let mut crammed = carrying();
                crammed.facts.free_disk_mib = Some(100);
                crammed.facts.package_managers.clear();
                crammed
            },
            false,
        ),
    ] {
        let it = judged(&inventory);
        assert!(!it.blockers.is_empty());
        assert_eq!(it.encryption_forbids(), forbids, "{:?}", it.blockers);
    }
    let intercepted = Blocker::Intercepted { by: "other".into() };
    assert!(!intercepted.is_encryption());
}

fn encrypted(encryption: DiskEncryption) -> Inventory {
    let mut inventory = carrying();
    inventory.facts.encryption = encryption;
    inventory
}

#[test]
fn a_machine_is_as_far_from_done_as_its_look_shows() {
    let shown = [
        (replaced(), Distance::Done),
        (with(replaced(), "kesl", Verdict::Remnant), Distance::Remnant),
        (inventory(), Distance::NotReplaced),
        (with(inventory(), "kesl", Verdict::Remnant), Distance::NotReplaced),
        (with(replaced(), "kesl", Verdict::Embedded), Distance::Embedded),
        (with(replaced(), "kesl", Verdict::Unknown), Distance::Unknown),
        (with(replaced(), "kesl", Verdict::Running), Distance::Carries),
    ];
    for (inventory, distance) in &shown {
        assert_eq!(judged(inventory).distance(), *distance);
    }
    // The number is stored, and the larger one stands for several machines of one plan.
    let numbers: Vec<i64> = Distance::ALL.iter().map(|it| it.number()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    let texts: BTreeSet<&str> = Distance::ALL.iter().map(|it| it.text()).collect();
    assert_eq!(texts.len(), Distance::ALL.len(), "{texts:?}");
    assert!(texts.iter().all(|text| !text.is_empty()));
}
