//! Microsoft Defender Antivirus: a part of Windows, which nothing fetches or installs.

use std::collections::BTreeMap;

use cutover_proto::{
    inventory::{OsFamily, PackageManager},
    policy::{Policy, PolicySeen, PolicyState},
    uninstall,
    verdict::{Evidence, EvidenceOutcome, Health, Showing},
};

use super::*;
use crate::{
    campaign::Campaign,
    judge::{Assessment, Blocker},
    plan::{Known, Owner},
};

const DEFENDER: &str = "defender-antivirus";
const TEXT: &str = include_str!("../../../../recipes/defender-antivirus.toml");

fn policy(policy: Policy, state: PolicyState, detail: &str) -> PolicySeen {
    PolicySeen {
        policy,
        state,
        detail: detail.to_owned(),
    }
}

/// A Windows of this edition with these products. Defender is there, and no policy is against it.
fn windows(edition: &str, targets: &[&str], defender: Verdict) -> Inventory {
    let mut inventory = inventory();
    let facts = &mut inventory.facts;
    facts.os_family = OsFamily::Windows;
    facts.os_id = edition.to_owned();
    facts.os_version = "10.0.20348".to_owned();
    facts.package_managers = vec![PackageManager::Msi];
    facts.policies = vec![
        policy(Policy::DefenderOff, PolicyState::Unset, ""),
        policy(Policy::DefenderPassive, PolicyState::Unset, ""),
    ];
    for (number, product) in targets.iter().enumerate() {
        inventory = with(inventory, product, Verdict::Installed);
        let entry = uninstall::Entry {
            name: product,
            version: "12.9.0.384",
            key: &format!("{{{number}0000000-2222-3333-4444-555555555555}}"),
            is_msi: true,
            is_orphan: false,
            is_of_user: false,
        };
        inventory.sightings.last_mut().unwrap().evidence = vec![Evidence {
            kind: EvidenceKind::UninstallKey,
            required: true,
            outcome: EvidenceOutcome::Seen,
            detail: entry.in_words(),
            shows: Some(Showing::Installed),
        }];
        inventory.protection = Protection::RealTime;
    }
    with(inventory, DEFENDER, defender)
}

const FAMILY: [&str; 2] = ["klnagent-windows", "kes-windows"];

/// As a look finds it beside another product: on a client it does not run at all.
fn client() -> Inventory {
    windows("windows", &FAMILY, Verdict::Installed)
}

fn server() -> Inventory {
    windows("windows-server", &FAMILY, Verdict::Running)
}

fn protecting(mut inventory: Inventory) -> Inventory {
    let mut seen = inventory.sightings.iter_mut();
    let defender = seen.find(|it| it.product.as_str() == DEFENDER).unwrap();
    defender.health = Some(Health {
        state: HealthState::Healthy,
        why: String::new(),
        grade: Protection::RealTime,
        tenant: None,
    });
    inventory
}

fn judged(inventory: &Inventory) -> Assessment {
    let more = "[[replacement]]\nos_family = [\"windows\"]\nproduct = \"defender-antivirus\"\n";
    let campaign: Campaign = campaign(more);
    assess(inventory, &Known::default(), &campaign, &catalog())
}

fn order(inventory: &Inventory) -> Result<Vec<Step>, ComposeError> {
    let catalog = catalog();
    let means = Means {
        catalog: &catalog,
        settings: &Settings::new(),
        source: None,
        tenant: None,
        shelf: &Shelf::default(),
        shows_test: true,
    };
    compose(&judged(inventory), &DEFENDER.into(), &means)
}

/// What stands against work, by the name of the condition.
fn against(inventory: &Inventory) -> BTreeMap<String, (String, String, Owner)> {
    let blockers = judged(inventory).blockers.into_iter();
    blockers
        .map(|blocker| {
            let Blocker::Unmet(unmet) = blocker else {
                panic!("{blocker:?}")
            };
            (unmet.name.clone(), (unmet.text(), unmet.remedy(), unmet.owner))
        })
        .collect()
}

/// The one that does.
fn only(inventory: &Inventory) -> (String, String, String) {
    let all = against(inventory);
    assert_eq!(all.len(), 1, "{all:#?}");
    let (name, (text, remedy, _)) = all.into_iter().next().unwrap();
    (name, text, remedy)
}

fn set(mut inventory: Inventory, seen: PolicySeen) -> Inventory {
    let policies = &mut inventory.facts.policies;
    policies.retain(|it| it.policy != seen.policy);
    policies.push(seen);
    inventory
}

#[test]
fn the_targets_go_and_what_is_there_takes_over_with_nothing_to_stop_at_in_between() {
    for host in [client(), server()] {
        assert_eq!(against(&host), BTreeMap::new());
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines(&order(&host).unwrap()), @r"
            ---- remove kes-windows {10000000-2222-3333-4444-555555555555}
            ---- remove klnagent-windows {00000000-2222-3333-4444-555555555555}
            safe have defender-antivirus protect
            ");
        }
    }
}

#[test]
fn the_account_says_none_from_the_removal_until_a_look_finds_it_protecting() {
    let catalog = catalog();
    let steps = order(&client()).unwrap();
    let account: Vec<Option<Protection>> = (0..steps.len())
        .map(|index| catalog.protection_after(&steps, index, &DEFENDER.into()))
        .collect();
    assert_eq!(account, [Some(Protection::None), None, Some(Protection::RealTime)]);
    let install = catalog.installation(&DEFENDER.into()).unwrap();
    let is_bounded = !install.max_gap.is_zero() && install.max_gap <= std::time::Duration::from_secs(1800);
    assert!(is_bounded, "somebody is told of a gap that lasts");
    assert!(install.set_up_time_limit < install.max_gap, "the step ends before");
}

#[test]
fn where_it_protects_already_a_look_says_so_again_before_anything_goes() {
    let host = protecting(server());
    let text = lines(&order(&host).unwrap());
    assert!(
        text.starts_with("safe have defender-antivirus protect\nsafe remove kes-windows "),
        "{text}"
    );
    let catalog = catalog();
    let steps = order(&host).unwrap();
    assert_eq!(catalog.protection_after(&steps, 0, &DEFENDER.into()), None);
    assert_eq!(
        catalog.protection_after(&steps, 1, &DEFENDER.into()),
        Some(Protection::RealTime)
    );
    let alone = protecting(windows("windows-server", &[], Verdict::Running));
    assert_eq!(order(&alone), Err(ComposeError::NothingToDo));
}

#[test]
fn a_machine_that_lost_its_product_otherwise_gets_it_too() {
    let bare = windows("windows", &[], Verdict::Installed);
    assert_eq!(lines(&order(&bare).unwrap()), "safe have defender-antivirus protect\n");
}

#[test]
fn a_server_without_the_feature_is_blocked_before_anything_goes_and_the_command_is_named() {
    let host = windows("windows-server", &FAMILY, Verdict::Absent);
    let all = against(&host);
    let (text, remedy, _) = &all["there"];
    assert_eq!(
        text,
        "Microsoft Defender Antivirus is not installed on this Windows: defender-antivirus is absent"
    );
    assert!(
        remedy.contains("Dism /Online /Enable-Feature /FeatureName:Windows-Defender") && remedy.contains("restart"),
        "{remedy}"
    );
    // What could not be told is no absence, and no presence.
    let unknown = against(&windows("windows-server", &FAMILY, Verdict::Unknown));
    assert!(
        unknown["there"]
            .0
            .starts_with("not known: whether defender-antivirus is there"),
        "{unknown:#?}"
    );
}

#[test]
fn one_that_is_turned_off_blocks_a_server_and_is_as_it_should_be_on_a_client() {
    let (name, text, remedy) = only(&windows("windows-server", &FAMILY, Verdict::Installed));
    assert_eq!(name, "at-work-on-servers");
    assert!(text.contains("there and not at work"), "{text}");
    assert!(
        remedy.contains("-wdenable") && remedy.contains("Never edit the start values"),
        "{remedy}"
    );
    assert_eq!(against(&client()), BTreeMap::new());
    let mut untold = client();
    untold.facts.os_version = String::new();
    let (name, text, _) = only(&untold);
    assert_eq!(name, "at-work-on-servers");
    assert!(text.starts_with("not known: whether the machine is a server"), "{text}");
}

#[test]
fn a_policy_that_keeps_it_off_is_the_work_of_whoever_set_it() {
    const VALUE: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender, DisableAntiSpyware = 1";
    for state in [PolicyState::Foreign, PolicyState::Local] {
        for host in [client(), server()] {
            let (name, text, remedy) = only(&set(host, policy(Policy::DefenderOff, state, VALUE)));
            assert_eq!(name, "not-off-by-policy");
            assert_eq!(
                text,
                format!("a policy turns Microsoft Defender Antivirus off: {VALUE}")
            );
            assert!(
                remedy.contains("take the value that is named back where it is set"),
                "{remedy}"
            );
        }
    }
    let by_whom =
        &against(&set(server(), policy(Policy::DefenderOff, PolicyState::Foreign, VALUE)))["not-off-by-policy"];
    assert_eq!(by_whom.2, Owner::Operator);
}

#[test]
fn a_passive_mode_of_somebody_elses_blocks_and_one_of_the_machines_own_does_not() {
    let passive = |state| {
        set(
            server(),
            policy(Policy::DefenderPassive, state, "ForceDefenderPassiveMode = 1"),
        )
    };
    let (name, text, remedy) = only(&passive(PolicyState::Foreign));
    assert_eq!(name, "not-passive-by-policy");
    assert!(text.ends_with(": ForceDefenderPassiveMode = 1"), "{text}");
    assert!(remedy.contains("ForceDefenderPassiveMode"), "{remedy}");
    assert_eq!(against(&passive(PolicyState::Local)), BTreeMap::new());
}

#[test]
fn a_policy_that_was_not_told_is_not_taken_for_none() {
    for unknown in [Policy::DefenderOff, Policy::DefenderPassive] {
        let (_, text, _) = only(&set(
            server(),
            policy(unknown, PolicyState::Unknown, "the key may not be read"),
        ));
        assert_eq!(
            text.split("; the recipe").next().unwrap(),
            format!("not known: whether policy {unknown} is set (the key may not be read)")
        );
    }
    let mut older = server();
    older.facts.policies.clear();
    let all = against(&older);
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        ["not-off-by-policy", "not-passive-by-policy"]
    );
    assert!(
        all.values().all(|(text, ..)| text.contains("its agent may be older")),
        "{all:#?}"
    );
}

fn refused(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    let rules = catalog().rules;
    let text = TEXT.replace(from, to);
    Recipe::parse("r.toml", &text, |product| rules.get(&ProductId::new(product)).cloned())
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_a_part_of_the_system_is_not_brought_and_what_is_brought_is_none() {
    let with = |more: &str| refused("managers = [\"msi\"]", &format!("managers = [\"msi\"]\n{more}"));
    for more in [
        "packages = [\"x\"]",
        "time_limit = \"5m\"",
        "fetch_time_limit = \"5m\"",
        "onboard = true",
        "artifacts = [{ package = \"x\" }]",
        "packages_by = { msi = [\"x\"] }",
        "services = [\"WinDefend\"]",
    ] {
        let said = with(more);
        assert!(
            said.contains("part_of_system: nothing of it is fetched"),
            "{more}: {said}"
        );
    }
    let said = refused("beside = \"never\"", "beside = \"first\"");
    assert!(said.contains("write beside = \"never\""), "{said}");
    let said = refused("part_of_system = true\n", "");
    assert!(said.contains("needs at least one package or artifact"), "{said}");
    let said = refused("[\"defender-off\"]", "[]");
    assert!(said.contains("names no policy"), "{said}");
}

#[test]
fn a_campaign_cannot_say_where_it_comes_from() {
    let install = catalog().installation(&DEFENDER.into()).unwrap().clone();
    assert!(!install.offers(Source::Distribution) && !install.offers(Source::Artifacts));
}
