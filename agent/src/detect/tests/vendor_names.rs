//! Whatever the vendor calls its products, one rule takes them; and no source asks for what starts repairs.

use std::path::Path;

use cutover_proto::{
    rule::{Certainty, Role, Trace},
    verdict::Verdict,
};
use proptest::prelude::*;

use super::{
    plants::{looked, rules},
    windows_plants::{MACHINE_32, laptop},
};
use crate::{
    detect::{RuleSet, ScanOutcome, outcome},
    host::Fixture,
};

/// Words that the vendor's names are made of, in several languages, and some that are nobody's.
const WORDS: &[&str] = &[
    "Kaspersky",
    "Касперского",
    "Endpoint",
    "Security",
    "Center",
    "Anti-Virus",
    "Internet",
    "Free",
    "for",
    "для",
    "für",
    "pour",
    "Windows",
    "Server",
    "Network",
    "Agent",
    "Агент",
    "агента",
    "Console",
    "Konsole",
    "Консоль",
    "Plug-in",
    "плагин",
    "Embedded",
    "Systems",
    "Light",
    "VPN",
    "12.4",
    "21.25.6.259",
    "(x64)",
    "製品",
    "Ω",
    "#",
    "*",
];
const PUBLISHERS: &[&str] = &[
    "AO Kaspersky Lab",
    "Kaspersky",
    "Kaspersky Lab",
    "АО \"Лаборатория Касперского\"",
];

fn carries(host: &Fixture) -> bool {
    outcome(&looked(host), rules()) == ScanOutcome::TargetFound
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_name_under_the_vendors_publisher_is_overlooked(
        words in prop::collection::vec(prop::sample::select(WORDS), 1..7),
        publisher in prop::sample::select(PUBLISHERS),
    ) {
        let name = words.join(" ");
        prop_assert!(carries(&laptop("any").with_uninstall(MACHINE_32, &name, publisher, "1", "")), "{name}");
    }

    #[test]
    fn a_name_of_the_vendors_that_lost_its_publisher_is_not_overlooked(
        before in prop::sample::select(WORDS),
        after in prop::collection::vec(prop::sample::select(WORDS), 0..5),
    ) {
        let name = format!("{before} Kaspersky {}", after.join(" "));
        prop_assert!(carries(&laptop("any").with_uninstall(MACHINE_32, &name, "", "1", "")), "{name}");
    }

    #[test]
    fn nothing_of_another_publisher_is_taken_for_the_vendors(
        words in prop::collection::vec(prop::sample::select(WORDS), 1..7),
    ) {
        let host = laptop("any").with_uninstall(MACHINE_32, &words.join(" "), "Contoso Ltd", "1", "");
        prop_assert!(!carries(&host));
    }
}

#[test]
fn what_no_other_rule_names_is_all_that_the_last_one_leaves_out() {
    let rules = RuleSet::built_in();
    let other = rules.rule(&"kaspersky-other".into()).expect("built in");
    let names = rules
        .rules()
        .iter()
        .filter(|rule| rule.role == Role::Target && rule.product != other.product)
        .flat_map(|rule| &rule.look);
    let mut expected: Vec<&str> = names
        .filter_map(|look| {
            if let Trace::UninstallKey { names, .. } = &look.trace {
                Some(names)
            } else {
                None
            }
        })
        .flatten()
        .map(|name| name.as_str())
        .collect();
    expected.sort_unstable();
    expected.dedup();
    let mut looks = 0;
    for look in &other.look {
        if let Trace::UninstallKey { except, .. } = &look.trace {
            let mut left_out: Vec<&str> = except.iter().map(|name| name.as_str()).collect();
            left_out.sort_unstable();
            assert_eq!(left_out, expected);
            looks += 1;
        }
    }
    assert_eq!(looks, 2);
}

#[test]
fn a_clean_laptop_stays_clean_whatever_others_install() {
    let inventory = looked(&laptop("clean"));
    let rules = RuleSet::built_in();
    let targets = inventory
        .sightings
        .iter()
        .filter(|it| rules.role(&it.product) == Role::Target);
    assert!(targets.clone().count() >= 18);
    assert!(targets.clone().all(|it| it.verdict == Verdict::Absent));
}

#[test]
fn facts_that_are_not_confirmed_say_so_in_a_note() {
    let rules = RuleSet::built_in();
    let looks = rules.rules().iter().flat_map(|rule| &rule.look);
    let doubtful = looks.filter(|look| look.certainty != Certainty::Confirmed);
    assert!(doubtful.clone().count() >= 10);
    assert!(doubtful.clone().all(|look| look.note.len() > 20));
}

/// The class of WMI that checks, and repairs, every package of Windows Installer whenever it is asked.
#[test]
fn nothing_ever_asks_windows_installer_for_its_products() {
    let name = ["Win32", "Product"].join("_");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut todo = vec![
        root.join("src"),
        root.join("../proto/rules"),
        root.join("../proto/src"),
        root.join("../server/recipes"),
    ];
    let mut read = 0;
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(
                std::fs::read_dir(&path)
                    .expect("listed")
                    .map(|entry| entry.expect("an entry").path()),
            );
        } else {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.contains(&name), "{} asks for {name}", path.display());
            read += 1;
        }
    }
    assert!(read > 200, "only {read} files were read");
}
