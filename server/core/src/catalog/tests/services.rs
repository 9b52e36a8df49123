//! Replacements that are services: what is written, what is started, and when.

use cutover_proto::verdict::Protection;

use super::*;

fn settings(name: &str, values: &[&str]) -> Settings {
    Settings::from([(
        name.to_owned(),
        values.iter().map(|value| (*value).to_owned()).collect(),
    )])
}

fn steps(replacement: &str, settings: &Settings) -> Vec<Step> {
    composed_for(replacement, settings, &carrying(), &catalog()).unwrap()
}

fn written(steps: &[Step], at: &str) -> Option<String> {
    steps.iter().find_map(|step| {
        let Action::WriteConfig { path, contents, .. } = &step.action else {
            return None;
        };
        (path == at).then(|| contents.clone())
    })
}

#[test]
fn a_daemon_is_set_up_and_proven_before_the_targets_go() {
    let steps = steps(
        "clamav-daemon",
        &settings("private-mirror", &["https://mirror.example/clamav"]),
    );
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav clamav-freshclam clamdscan clamav-daemon
    safe install clamav clamav-freshclam clamdscan clamav-daemon
    safe write /etc/clamav/freshclam.conf
    safe enable and start clamav-freshclam.service
    safe enable and start clamav-daemon.service
    safe test that clamav-daemon detects
    safe remove kesl-gui
    safe remove kesl
    safe remove klnagent64
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
    let text = written(&steps, "/etc/clamav/freshclam.conf").unwrap();
    assert!(
        text.contains("\nPrivateMirror https://mirror.example/clamav\n"),
        "{text}"
    );
}

#[test]
fn without_a_mirror_of_its_own_a_site_keeps_the_packages_configuration() {
    let steps = steps("clamav-daemon", &Settings::new());
    assert_eq!(written(&steps, "/etc/clamav/freshclam.conf"), None);
}

#[test]
fn what_intercepts_starts_after_the_target_and_nothing_stops_in_between() {
    let steps = steps("clamav-on-access", &Settings::new());
    insta::assert_snapshot!(lines(&steps), @r"
    safe fetch clamav clamav-freshclam clamdscan clamav-daemon
    safe install clamav clamav-freshclam clamdscan clamav-daemon
    safe write /etc/clamav/clamonacc.conf
    safe write /etc/systemd/system/clamav-clamonacc.service.d/cutover.conf
    safe enable and start clamav-freshclam.service
    safe enable and start clamav-daemon.service
    safe remove kesl-gui
    ---- remove kesl
    ---- remove klnagent64
    ---- enable and start clamav-clamonacc.service
    safe test that clamav-on-access detects
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
    let text = written(&steps, "/etc/clamav/clamonacc.conf").unwrap();
    assert!(text.contains("\nOnAccessIncludePath /home\n"), "{text}");
    let removed = steps
        .iter()
        .position(|step| matches!(&step.action, Action::RemovePackages { product, .. } if product.as_str() == "kesl"))
        .unwrap();
    let after = |index: usize| catalog().protection_after(&steps, index, &"clamav-on-access".into());
    assert_eq!(after(removed), Some(Protection::None));
    assert_eq!(after(removed + 2), None, "started, not yet proven");
    assert_eq!(after(removed + 3), Some(Protection::RealTime));
}

#[test]
fn a_campaigns_own_setting_stands_in_place_of_the_recipes() {
    let steps = steps("clamav-on-access", &settings("watch", &["/srv/share", "/home"]));
    let text = written(&steps, "/etc/clamav/clamonacc.conf").unwrap();
    assert!(
        text.ends_with("\nOnAccessIncludePath /srv/share\nOnAccessIncludePath /home\n"),
        "{text}"
    );
}

#[test]
fn what_is_composed_an_agent_may_write_and_start() {
    let catalog = catalog();
    for product in ["clamav-daemon", "clamav-on-access"] {
        let rule = &catalog.rules[&ProductId::new(product)];
        for step in steps(product, &settings("private-mirror", &["http://127.0.0.1:8080"])) {
            match &step.action {
                Action::WriteConfig {
                    path, contents, mode, ..
                } => {
                    rule.config_at(path).unwrap().permits(contents, *mode).unwrap();
                }
                Action::EnableService { services, .. } => {
                    assert!(
                        services.iter().all(|service| rule.services.contains(service)),
                        "{services:?}"
                    );
                }
                Action::FetchPackages { .. }
                | Action::FetchArtifact { .. }
                | Action::RemovePackages { .. }
                | Action::InstallPackages { .. }
                | Action::InstallArtifact { .. }
                | Action::Sweep { .. }
                | Action::SweepGroups { .. }
                | Action::SweepCertificates { .. }
                | Action::DetectionTest { .. }
                | Action::SetUp { .. }
                | Action::Restart { .. }
                | Action::RepairPackages { .. } => {}
            }
        }
    }
}

#[test]
fn a_campaign_with_a_setting_that_does_not_fit_is_refused() {
    let refused = |line: &str| {
        let text = crate::campaign::PRESETS[0].1.replace(
            "product = \"clamav\"",
            &format!("product = \"clamav-daemon\"\nsettings = {{ {line} }}"),
        );
        let campaign = crate::campaign::Campaign::parse("c.toml", &text, 1).unwrap();
        campaign.check_against(&catalog()).err().map(|fault| fault.why)
    };
    assert_eq!(refused("private-mirror = [\"https://mirror.example/clamav\"]"), None);
    assert!(
        refused("private-miror = [\"https://x\"]")
            .unwrap()
            .contains("is no setting")
    );
    assert!(
        refused("private-mirror = [\"mirror.example\"]")
            .unwrap()
            .contains("no plain url")
    );
}

#[test]
fn a_recipe_may_start_and_write_only_what_the_rule_offers() {
    let catalog = catalog();
    let rule = |product: &str| catalog.rules.get(&ProductId::new(product)).cloned();
    let text = include_str!("../../../../recipes/clamav-daemon.toml");
    let refused = |old: &str, new: &str| {
        let changed = text.replace(old, new);
        assert_ne!(changed, text, "the test changes nothing");
        Recipe::parse("r.toml", &changed, rule).unwrap_err().to_string()
    };
    assert!(refused("\"clamav-freshclam.service\", ", "\"ssh.service\", ").contains("name it there first"));
    assert!(
        refused("path = \"/etc/clamav/freshclam.conf\"", "path = \"/etc/passwd\"").contains("offer it there first")
    );
    assert!(refused("[\"mirror\", ", "[\"miror\", ").contains("is no setting"));
    assert!(refused("max_gap = \"1h\"", "max_gap = \"0s\"").contains("max_gap"));
    assert!(refused("max_gap = \"1h\"\n", "").contains("max_gap"));
}

#[test]
fn ways_of_setting_up_one_product_are_kin() {
    let catalog = catalog();
    let kin = |one: &str, other: &str| catalog.is_kin(&ProductId::new(one), &ProductId::new(other));
    assert!(kin("clamav", "clamav-daemon") && kin("clamav-on-access", "clamav"));
    assert!(!kin("clamav", "kesl") && !kin("kesl", "clamav"));
}

#[test]
fn a_setting_has_as_many_values_as_a_file_takes_and_no_more() {
    use cutover_proto::rule::SETTING_VALUES_MAX;
    let catalog = catalog();
    let product = ProductId::new("clamav-on-access");
    let with = |count: usize| {
        let paths: Vec<String> = (0..count).map(|number| format!("/srv/{number}")).collect();
        let given = Settings::from([("watch".to_owned(), paths)]);
        catalog
            .installation(&product)
            .unwrap()
            .contents(&catalog.rules[&product], &given)
            .map(|files| files.len())
    };
    assert_eq!(with(SETTING_VALUES_MAX), Ok(2));
    for more in [1, 2] {
        let refused = with(SETTING_VALUES_MAX + more).unwrap_err();
        assert!(
            refused.contains(&format!("watch has more than {SETTING_VALUES_MAX} values")),
            "{refused}"
        );
    }
}
