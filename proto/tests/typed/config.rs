//! What an order may write into a file: lines that the rule knows, with values of narrow kinds.

use std::collections::BTreeMap;

use cutover_proto::rule::{BUILT_IN, ConfigRule, Rule};

fn rule() -> ConfigRule {
    ConfigRule {
        path: "/etc/clamav/freshclam.conf".into(),
        mode: "0444".into(),
        lines: vec![
            "Checks 24".into(),
            "PrivateMirror {mirror:url}".into(),
            "OnAccessIncludePath {watch:path}".into(),
            "ExcludeDatabase {without:word}".into(),
        ],
    }
}

fn settings(values: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |(name, values): &(&str, &[&str])| {
        (
            (*name).to_owned(),
            values.iter().map(|value| (*value).to_owned()).collect(),
        )
    };
    values.iter().map(owned).collect()
}

#[test]
fn a_line_with_a_slot_stands_there_once_for_each_value() {
    let rule = rule();
    let given = settings(&[
        ("mirror", &["http://127.0.0.1:8080/clamav"]),
        ("watch", &["/home", "/srv/share"]),
    ]);
    let text = rule.fill(&given).unwrap();
    assert_eq!(
        text,
        "Checks 24\nPrivateMirror http://127.0.0.1:8080/clamav\nOnAccessIncludePath /home\nOnAccessIncludePath \
         /srv/share\n"
    );
    rule.permits(&text, 0o444).unwrap();
    assert_eq!(rule.fill(&BTreeMap::new()).unwrap(), "Checks 24\n");
}

#[test]
fn no_value_can_bring_a_line_or_a_program_along() {
    let rule = rule();
    for (name, value) in [
        ("mirror", "http://x/\nOnUpdateExecute /bin/sh"),
        ("mirror", "file:///etc/shadow"),
        ("mirror", "http:// x"),
        ("mirror", "https://"),
        ("watch", "home"),
        ("watch", "/home/../etc"),
        ("watch", "/home; rm"),
        ("watch", "/"),
        ("without", "--main"),
        ("without", "a b"),
        ("without", ""),
    ] {
        let said = rule.fill(&settings(&[(name, &[value])])).unwrap_err();
        assert!(said.contains(name), "{value}: {said}");
    }
}

#[test]
fn contents_that_the_rule_does_not_hold_are_refused() {
    let rule = rule();
    for bad in [
        "Checks 24\nOnUpdateExecute /bin/sh\n",
        "OnUpdateExecute /bin/sh\nChecks 24\n",
        "Checks 24\nPrivateMirror file:///etc/shadow\n",
        "Checks 24\nPrivateMirror http://x\r\n",
        "Checks 24",
        "Checks 25\n",
        "",
        "Checks 24\nChecks 24\n",
    ] {
        assert!(rule.permits(bad, 0o444).is_err(), "{bad:?}");
    }
    rule.permits("Checks 24\n", 0o444).unwrap();
    let said = rule.permits("Checks 24\n", 0o755).unwrap_err();
    assert!(said.contains("0444"), "{said}");
}

#[test]
fn a_rule_whose_value_could_decide_what_its_line_means_is_refused() {
    let text = BUILT_IN
        .iter()
        .find(|(file, _)| *file == "clamav-daemon.toml")
        .map(|(_, text)| *text)
        .unwrap();
    let refused = |old: &str, new: &str| {
        let changed = text.replace(old, new);
        assert_ne!(changed, text, "the test changes nothing");
        Rule::parse("r.toml", &changed).unwrap_err().to_string()
    };
    let slot = "PrivateMirror {private-mirror:url}";
    assert!(refused(slot, "{private-mirror:url}").contains("begins with a value"));
    assert!(refused(slot, "PrivateMirror {private-mirror:shell}").contains("not a kind of value"));
    assert!(refused(slot, "PrivateMirror {private-mirror:url} x").contains("at its end"));
    assert!(refused("mode = \"0444\"", "mode = \"4755\"").contains("is no mode"));
    assert!(refused("/etc/clamav/freshclam.conf\"\nmode", "/etc/../x\"\nmode").contains("plain path"));
    assert!(refused("role = \"replacement\"", "role = \"target\"").contains("for replacements"));
    assert!(
        refused(
            "\"clamav-daemon.service\"]\n\n[[look]]",
            "\"clamav@x.service\"]\n\n[[look]]"
        )
        .contains("no template")
    );
    assert!(refused("protection = \"on-demand\"", "protection = \"real-time\"").contains("without proof"));
}
