use cutover_proto::inventory::{HostRole, OsFamily};

use super::*;
use crate::{catalog::Catalog, judge::assess, samples};

fn selector(toml: &str) -> Selector {
    toml::from_str(toml).unwrap_or_else(|error| panic!("{toml}: {error}"))
}

/// The sample host, with what people say of it and another look.
fn fits(toml: &str, known: &Known, change: impl FnOnce(&mut cutover_proto::inventory::Inventory)) -> bool {
    let mut inventory = samples::carrying();
    change(&mut inventory);
    let looked = assess(&inventory, known, &samples::campaign(""), &Catalog::built_in().unwrap());
    selector(toml).fits(&Traits {
        host: samples::host(),
        known,
        looked: Some(&looked),
    })
}

fn known(tags: &[&str], site: &str, ownership: Option<Ownership>) -> Known {
    Known {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        site: site.to_owned(),
        ownership,
    }
}

#[test]
fn every_key_asks_for_what_it_is_called() {
    let it = known(
        &["pilot", "group=finance", "entity=acme-inc", "contract=n001"],
        "berlin",
        Some(Ownership::Corporate),
    );
    let cases = [
        ("", true),
        ("os_family = [\"linux\"]", true),
        ("os_family = [\"windows\", \"macos\"]", false),
        ("os_id = [\"debian\"]", true),
        ("os_id = [\"ubuntu\"]", false),
        ("os_version = [\"12\"]", true),
        ("os_version = [\"<12\"]", false),
        ("tag = [\"pilot\"]", true),
        ("tag = [\"pilots\"]", false),
        ("group = [\"sales\", \"finance\"]", true),
        ("group = [\"sales\"]", false),
        ("entity = [\"acme-inc\"]", true),
        ("entity = [\"acme\"]", false),
        ("contract = [\"n001\"]", true),
        ("contract = [\"n002\"]", false),
        ("site = [\"berlin\"]", true),
        ("site = [\"paris\"]", false),
        ("class = [\"workstation\"]", true),
        ("class = [\"server\"]", false),
        ("use = [\"kiosk\", \"multi-session\"]", false),
        ("role = [\"database\"]", false),
        ("ownership = [\"corporate\"]", true),
        ("ownership = [\"personal\", \"contractor\"]", false),
        ("installed = [\"kesl\"]", true),
        ("installed = [\"kea\"]", false),
        ("host = [\"PC-1\"]", true),
        ("host = [\"01890000-0000-7000-8000-000000000001\"]", true),
        ("host = [\"pc-2\"]", false),
        ("site = [\"berlin\"]\nos_id = [\"ubuntu\"]", false),
        ("site = [\"berlin\"]\nexcept = { tag = [\"pilot\"] }", false),
        ("site = [\"berlin\"]\nexcept = { tag = [\"other\"] }", true),
    ];
    for (toml, expected) in cases {
        assert_eq!(fits(toml, &it, |_| ()), expected, "{toml}");
    }
}

#[test]
fn what_nobody_approved_is_installed_as_well() {
    let nothing = Known::default();
    let toml = "installed = [\"ultraav\"]";
    assert!(!fits(toml, &nothing, |_| ()));
    assert!(fits(toml, &nothing, |inventory| {
        inventory.sightings.retain(|it| it.product.as_str() != "ultraav");
        let seen = samples::sighting("ultraav", cutover_proto::verdict::Verdict::Running);
        inventory.sightings.push(seen);
    }));
}

#[test]
fn a_tag_says_who_works_at_a_machine() {
    let multi = known(&["use=multi-session"], "", None);
    assert!(fits("use = [\"multi-session\"]", &multi, |_| ()));
    assert!(!fits("use = [\"kiosk\"]", &multi, |_| ()));
    let other = known(&["use=lathe"], "", None);
    assert!(!fits("use = [\"kiosk\", \"multi-session\"]", &other, |_| ()));
}

#[test]
fn what_is_not_known_fits_nothing_that_asks_for_it() {
    let nothing = Known::default();
    let unseen = Traits {
        host: samples::host(),
        known: &nothing,
        looked: None,
    };
    for toml in [
        "os_family = [\"linux\"]",
        "os_version = [\">=0\"]",
        "site = [\"berlin\"]",
        "ownership = [\"corporate\"]",
        "installed = [\"kesl\"]",
        "entity = [\"acme\"]",
        "role = [\"exchange\"]",
    ] {
        assert!(!selector(toml).fits(&unseen), "{toml}");
    }
    assert!(selector("").fits(&unseen), "who asks for nothing takes every host");
}

/// The sample host, of whose `kesl` a look told this version, or none.
fn fits_version(toml: &str, version: Option<&str>) -> bool {
    fits(toml, &Known::default(), |it| {
        for sighting in it.sightings.iter_mut().filter(|it| it.product.as_str() == "kesl") {
            sighting.version = version.map(str::to_owned);
        }
    })
}

#[test]
fn a_product_may_be_asked_for_in_one_version_a_range_or_several() {
    for (toml, expected) in [
        ("installed = [\"kesl >=11.3\"]", true),
        ("installed = [\"kesl  12\"]", true),
        ("installed = [\"kesl <11.3\"]", false),
        ("installed = [\"kesl <11.3\", \"kesl 12\"]", true),
        ("installed = [\"klnagent64 >=11.3\"]", false),
    ] {
        assert_eq!(fits_version(toml, Some("12.0.0-6672")), expected, "{toml}");
    }
}

#[test]
fn a_version_that_no_look_told_fits_nothing_that_asks_for_one() {
    for version in [None, Some(""), Some("unknown")] {
        assert!(fits_version("installed = [\"kesl\"]", version), "{version:?}");
        for range in ["kesl >=0", "kesl <99", "kesl 12"] {
            let toml = format!("installed = [\"{range}\"]");
            assert!(!fits_version(&toml, version), "{version:?} {range}");
        }
    }
    assert!(fits_version("installed = [\"kesl >=11.4.1\"]", Some("11.4.1-7441")));
    assert!(!fits_version("installed = [\"kesl >=11.4.2\"]", Some("11.4.1-7441")));
    assert!(!fits_version(
        "except = { installed = [\"kesl <11\"] }",
        Some("10.1.2-3")
    ));
    assert!(
        fits_version("except = { installed = [\"kesl <11\"] }", None),
        "what is not known is not excepted"
    );
}

#[test]
fn a_product_asked_for_in_a_version_that_is_none_is_refused_with_line_and_remedy() {
    for (text, said) in [
        ("kesl >11", "write for example \"12\", \">=10.0.17763\" or \"<11\""),
        ("kesl>=11", "behind a space which versions"),
        ("", "names no product"),
        (">=11", "names no product"),
    ] {
        let line = format!("\n[[out_of_scope]]\nname = \"old\"\nwhy = \"x\"\nmatch = {{ installed = [\"{text}\"] }}\n");
        let error = crate::campaign::Campaign::parse("my.toml", &format!("{}{line}", crate::campaign::PRESETS[0].1), 1);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
        assert!(error.starts_with("my.toml: ") && error.contains("at line "), "{error}");
    }
}

#[test]
fn a_role_an_edition_or_a_persons_word_makes_a_server() {
    let server = "class = [\"server\"]";
    assert!(fits(server, &Known::default(), |it| it
        .facts
        .roles
        .push(HostRole::DomainController)));
    assert!(fits(server, &Known::default(), |it| {
        it.facts.os_family = OsFamily::Windows;
        it.facts.os_name = "Windows Server 2019 Standard".to_owned();
    }));
    for (family, name) in [
        (OsFamily::Windows, "Windows 11 Pro"),
        // It is called so on a desk as well.
        (OsFamily::Linux, "Oracle Linux Server 9.4"),
    ] {
        let is_server = fits(server, &Known::default(), |it| {
            it.facts.os_family = family;
            name.clone_into(&mut it.facts.os_name);
        });
        assert!(!is_server, "{name}: its edition tells nothing");
    }
    assert!(fits(server, &known(&["class=server"], "", None), |_| ()));
    let said = known(&["class=workstation"], "", None);
    assert!(
        !fits(server, &said, |it| it.facts.roles.push(HostRole::Database)),
        "a person's word goes before a role"
    );
}

#[test]
fn versions_compare_by_number_and_not_by_spelling() {
    let holds = |range: &str, version: &str| VersionRange::parse(range).unwrap().holds(version);
    assert!(holds("12", "12") && holds("12", "12.5") && !holds("12", "120") && !holds("12.5", "12"));
    assert!(holds("10.0", "10"), "a part that is not there is nought");
    assert!(holds(">=10.0.17763", "10.0.17763.1") && !holds(">=10.0.17763", "10.0.9999"));
    assert!(holds("<11", "9.13") && !holds("<11", "11.0") && holds("<11.1", "11"));
    assert!(
        !holds("<99", "rolling") && !holds(">=0", ""),
        "no number is in no range"
    );
    for bad in ["", "twelve", ">12", ">= x"] {
        assert!(VersionRange::parse(bad).unwrap_err().contains("no version"), "{bad}");
    }
}

#[test]
fn a_selector_covers_another_only_where_that_asks_for_every_key_of_it_and_for_no_more_values() {
    let keys = [
        ("os_family", "linux", "macos"),
        ("os_id", "debian", "ubuntu"),
        ("os_version", "12", "11"),
        ("tag", "a", "b"),
        ("group", "a", "b"),
        ("entity", "a", "b"),
        ("contract", "a", "b"),
        ("site", "a", "b"),
        ("role", "database", "exchange"),
        ("class", "server", "workstation"),
        ("use", "kiosk", "multi-session"),
        ("ownership", "corporate", "personal"),
        ("installed", "kesl", "kea"),
        ("host", "pc-1", "pc-2"),
    ];
    for (key, one, other) in keys {
        let everything = Selector::default();
        let narrow = selector(&format!("{key} = [\"{one}\"]"));
        let apart = selector(&format!("{key} = [\"{other}\"]"));
        let wide = selector(&format!("{key} = [\"{other}\", \"{one}\"]"));
        assert!(
            everything.covers(&narrow) && wide.covers(&narrow) && narrow.covers(&narrow),
            "{key}"
        );
        assert!(!narrow.covers(&everything), "{key}");
        assert!(!narrow.covers(&wide) && !narrow.covers(&apart), "{key}");
        // What is excepted makes it narrower.
        let excepted = Selector {
            except: Some(Box::new(narrow.clone())),
            ..Selector::default()
        };
        assert!(everything.covers(&excepted) && excepted.covers(&excepted), "{key}");
        assert!(!excepted.covers(&everything), "{key}");
    }
    // Both of two keys count.
    let both = selector("os_id = [\"debian\"]\ntag = [\"a\"]");
    assert!(selector("tag = [\"a\"]").covers(&both));
    assert!(!both.covers(&selector("tag = [\"a\"]")) && !both.covers(&selector("os_id = [\"debian\"]")));
}
