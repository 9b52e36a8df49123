//! CrowdStrike Falcon on Linux: it may not stand beside what it replaces, and no test file is shown to it.

use std::collections::BTreeMap;

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    inventory::PackageManager,
    step::SetUpState,
};

use super::*;
use crate::catalog::Shelved;

const FALCON: &str = "crowdstrike-falcon";
const TEXT: &str = include_str!("../../../../recipes/crowdstrike-falcon.toml");
const CID: &str = "79391C24113773B01D8181C38C3E111A-5B";

/// A file of the sensor, bound at this time.
pub(super) fn shelved(file_name: &str, bound_ms: i64) -> Shelved {
    Shelved {
        product: FALCON.into(),
        version: "7.20".to_owned(),
        systems: Vec::new(),
        artifact: ArtifactRef {
            sha256: ArtifactDigest::new([u8::try_from(bound_ms).unwrap(); 32]),
            size: 7,
            file_name: file_name.to_owned(),
            urls: Vec::new(),
        },
        bound_ms,
    }
}

fn order(inventory: &Inventory, manager: PackageManager) -> Vec<Step> {
    let catalog = catalog();
    let mut inventory = inventory.clone();
    inventory.facts.package_managers = vec![manager];
    let assessment = assess(&inventory, &crate::plan::Known::default(), &campaign(""), &catalog);
    let shelf = Shelf::new(vec![
        shelved("falcon-sensor_7.20.0-17306_amd64.deb", 1),
        shelved("falcon-sensor-7.20.0-17306.el9.x86_64.rpm", 2),
    ]);
    let means = Means {
        catalog: &catalog,
        settings: &Settings::new(),
        source: None,
        tenant: Some(CID),
        shelf: &shelf,
        shows_test: true,
    };
    compose(&assessment, &FALCON.into(), &means).unwrap()
}

#[test]
fn the_targets_go_first_and_nothing_stops_until_a_look_finds_the_sensor_protecting() {
    let steps = order(&carrying(), PackageManager::Apt);
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch falcon-sensor_7.20.0-17306_amd64.deb
    safe remove kesl-gui
    ---- remove kesl
    ---- remove klnagent64
    ---- install falcon-sensor_7.20.0-17306_amd64.deb
    ---- onboard crowdstrike-falcon
    safe have crowdstrike-falcon protect
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
    let mut tenants = Vec::new();
    for step in &steps {
        if let Action::SetUp {
            state: SetUpState::Onboarded,
            tenant,
            ..
        } = &step.action
        {
            tenants.push(tenant.as_deref());
        }
    }
    assert_eq!(tenants, [Some(CID)], "what is another's is not the end of the work");
}

#[test]
fn the_gap_is_in_the_account_from_the_removal_until_it_protects() {
    let catalog = catalog();
    let steps = order(&carrying(), PackageManager::Apt);
    let account: BTreeMap<String, Protection> = (0..steps.len())
        .filter_map(|index| Some((index, catalog.protection_after(&steps, index, &FALCON.into())?)))
        .map(|(index, grade)| (steps[index].action.describe(), grade))
        .collect();
    let expected = [
        ("remove kesl".to_owned(), Protection::None),
        ("have crowdstrike-falcon protect".to_owned(), Protection::RealTime),
    ];
    assert_eq!(account, expected.into());
    let install = catalog.installation(&FALCON.into()).unwrap();
    assert!(
        install.max_gap <= std::time::Duration::from_secs(1800),
        "and it has a bound"
    );
}

#[test]
fn an_rpm_system_gets_its_own_file_of_the_sensor() {
    for manager in [PackageManager::Dnf, PackageManager::Yum, PackageManager::Zypper] {
        let steps = order(&carrying(), manager);
        let text = lines(&steps);
        let gap = "---- install falcon-sensor-7.20.0-17306.el9.x86_64.rpm\n---- onboard crowdstrike-falcon\nsafe have \
                   crowdstrike-falcon protect\n";
        assert!(text.contains(gap), "{manager}: {text}");
        let by = |step: &Step| step.action.manager().is_none_or(|it| it == manager);
        assert!(steps.iter().all(by), "{manager}");
    }
}

fn refused(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    let rule = catalog().rules[&ProductId::new(FALCON)].clone();
    let text = TEXT.replace(from, to);
    Recipe::parse("r.toml", &text, |_| Some(rule.clone()))
        .unwrap_err()
        .to_string()
}

#[test]
fn what_is_not_shown_a_test_file_says_why() {
    let untested = TEXT.lines().find(|line| line.starts_with("untested = ")).unwrap();
    assert!(refused(untested, "").contains("say in `untested` why"));
    assert!(refused(untested, "untested = \" \"").contains("say in `untested` why"));
    assert!(refused("detection_test = false", "detection_test = true").contains("leave one of them out"));
}

#[test]
fn what_is_said_on_a_command_line_is_named_as_such_and_what_is_not_is_not() {
    let said = refused("provisioning-token = \"CrowdStrike's", "token = \"CrowdStrike's");
    assert!(
        said.contains("secret provisioning-token: agents say it on a command line; say in `argv_secrets`"),
        "{said}"
    );
    let rule = catalog().rules[&ProductId::new("defender-endpoint")].clone();
    let defender = include_str!("../../../../recipes/defender-endpoint.toml");
    let in_argv = defender.replace("\n[install]", "\nargv_secrets = { onboarding = \"x\" }\n[install]");
    let said = Recipe::parse("r.toml", &in_argv, |_| Some(rule.clone())).unwrap_err();
    assert!(
        said.to_string().contains("no agent says it on a command line"),
        "{said}"
    );
}

#[test]
fn what_is_onboarded_after_the_removal_needs_what_it_is_onboarded_by_before() {
    assert!(refused("required = true\n", "").contains("so without what it is onboarded by a host would have neither"));
    for (from, to) in [
        ("\"CID\"", "\"PROVTOKEN\""),
        ("\"CID\"", "\"KLLOGIN\""),
        ("form = \"plain\"", "form = \"utf16le-hex\""),
        ("name = \"cid\"", "name = \"login\""),
        ("name = \"provisioning-token\"", "name = \"cid\""),
    ] {
        let said = refused(from, to);
        assert!(said.contains("`cid` by `CID` and after it perhaps"), "{from}: {said}");
    }
    assert!(
        refused(
            "fact = \"CrowdStrike's falcon-linux-install.sh: --provisioning-token\"",
            "fact = \" \""
        )
        .contains("secret provisioning-token: `fact` is empty")
    );
}
