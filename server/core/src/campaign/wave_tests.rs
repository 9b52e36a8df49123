use proptest::prelude::*;

use super::*;
use crate::{plan::Known, samples};

fn parse(waves: &str) -> Result<Campaign, CampaignError> {
    let before = "[wave]\nname = \"all\"\n";
    assert!(PRESETS[0].1.contains(before));
    let text = PRESETS[0].1.replace(before, waves);
    Campaign::parse("test.toml", &text, 1)
}

fn refusal(waves: &str) -> String {
    parse(waves).expect_err("must be refused").to_string()
}

const THREE: &str = "
[[wave]]
name = \"pilot\"
match = { tag = [\"pilot\"] }
[[wave]]
name = \"early\"
share = \"10 %\"
[[wave]]
name = \"berlin\"
match = { site = [\"berlin\"] }
after = [\"pilot\", \"early\"]
";

fn host(number: u128) -> cutover_proto::ids::HostId {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let hex = format!("{mixed:032x}");
    let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    id.parse().unwrap()
}

fn wave_of(campaign: &Campaign, number: u128, known: &Known) -> String {
    let traits = Traits {
        host: host(number),
        known,
        looked: None,
    };
    campaign.wave_of(&traits).to_owned()
}

#[test]
fn a_host_is_in_the_first_wave_that_takes_it_and_else_in_the_one_that_nobody_opens() {
    let campaign = parse(THREE).unwrap();
    let berlin = Known {
        site: "berlin".to_owned(),
        ..Known::default()
    };
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..200 {
        assert_eq!(wave_of(&campaign, number, &samples::tagged("pilot")), "pilot");
        let of_berlin = wave_of(&campaign, number, &berlin);
        let of_nowhere = wave_of(&campaign, number, &Known::default());
        match of_nowhere.as_str() {
            "early" => assert_eq!(of_berlin, "early", "a share is of all that come so far"),
            _ => assert_eq!((of_nowhere.as_str(), of_berlin.as_str()), (UNMATCHED, "berlin")),
        }
        seen.insert(of_nowhere);
    }
    assert_eq!(seen.len(), 2);
    assert_eq!(campaign.wave_names().last(), Some(UNMATCHED));
}

#[test]
fn a_share_takes_its_part_of_a_large_fleet() {
    let campaign = parse(THREE).unwrap();
    let known = Known::default();
    let taken = (0..20_000)
        .filter(|number| wave_of(&campaign, *number, &known) == "early")
        .count();
    // Ten standard deviations around a tenth.
    assert!((1_576..=2_424).contains(&taken), "{taken}");
}

proptest! {
    /// A wider share has every host that a narrower one had, so a share that is raised moves nobody out.
    #[test]
    fn a_wider_share_keeps_whom_it_had(number in any::<u128>(), narrow in 1_u32..99, more in 1_u32..50) {
        let wide = (narrow + more).min(99);
        let share = |percent: u32| Share::parse(&format!("{percent} %")).unwrap();
        if share(narrow).takes("w", host(number)) {
            prop_assert!(share(wide).takes("w", host(number)));
        }
    }
}

#[test]
fn shares_are_parts_of_a_hundred() {
    for good in ["5 %", "0.5%", "99.9999 %", " 12 % "] {
        assert!(Share::parse(good).is_ok(), "{good}");
    }
    for bad in ["0 %", "100 %", "5", "%", "-5 %", "1e1 %", "0.00001 %", "5,5 %"] {
        let said = Share::parse(bad).unwrap_err();
        assert!(said.contains("%") && said.contains("write "), "{bad}: {said}");
    }
}

#[test]
fn waves_that_overlap_or_cannot_be_are_refused_with_line_and_remedy() {
    let cases = [
        (
            "[[wave]]\nname = \"a\"\n[[wave]]\nname = \"b\"\n",
            "takes them all; move",
        ),
        (
            "[[wave]]\nname = \"a\"\nmatch = { tag = [\"x\"] }\n[[wave]]\nname = \"b\"\nmatch = { tag = [\"x\"] }\n",
            "takes them all",
        ),
        (
            "[[wave]]\nname = \"a\"\nmatch = { tag = [\"x\"] }\n[[wave]]\nname = \"a\"\n",
            "two waves are named `a`; rename one",
        ),
        ("[[wave]]\nname = \"unmatched\"\n", "is always there"),
        ("[[wave]]\nname = \"No 1\"\n", "lower-case"),
        ("[[wave]]\nname = \"a\"\nmax_in_flight = 0\n", "max_in_flight is 0"),
        ("[[wave]]\nname = \"a\"\nstarts_per_hour = 0\n", "starts_per_hour is 0"),
        ("[[wave]]\nname = \"a\"\nafter = [\"b\"]\n", "no such wave"),
        ("[[wave]]\nname = \"a\"\nopens = \"by-gate\"\n", "let a person open it"),
        (
            "[[wave]]\nname = \"a\"\nmatch = { tag = [\"x\"] }\nafter = [\"b\"]\n[[wave]]\nname = \"b\"\nafter = [\"a\"]\n",
            "break the circle",
        ),
        ("[[wave]]\nname = \"a\"\nafter = [\"a\"]\n", "break the circle"),
        (
            "[[wave]]\nname = \"a\"\nmatch = { tag = [\"x\"] }\n[[wave]]\nname = \"b\"\nopens = \"by-gate\"\n",
            "opens by the gate of `a`, which has none",
        ),
        (
            "[[wave]]\nname = \"a\"\n[wave.gate]\nsuccess = \"99 %\"\nleast = 3\n",
            "is the least that could",
        ),
        (
            "[[wave]]\nname = \"a\"\nmatch = { except = {} }\n",
            "except asks for nothing",
        ),
        (
            "[[wave]]\nname = \"a\"\nmatch = { tags = [\"x\"] }\n",
            "unknown field `tags`",
        ),
        ("[[wave]]\nname = \"a\"\nshare = \"0 %\"\n", "is no part"),
        (
            "[[wave]]\nname = \"a\"\nmatch = { os_version = [\"ten\"] }\n",
            "no version",
        ),
    ];
    for (waves, expected) in cases {
        let said = refusal(waves);
        assert!(said.contains(expected), "{waves}: {said}");
        assert!(said.contains("line "), "{waves}: {said}");
    }
    let second = refusal("[[wave]]\nname = \"a\"\n[[wave]]\nname = \"b\"\n");
    let line = 1 + PRESETS[0].1.lines().position(|line| line == "[wave]").unwrap();
    // The name of the second wave is three lines below the first's head.
    assert!(
        second.starts_with(&format!("test.toml, line {}:", line + 3)),
        "{second}"
    );
}

#[test]
fn one_wave_may_be_a_table_of_its_own() {
    let campaign = Campaign::preset().unwrap();
    assert_eq!(campaign.waves, [Wave::everybody("all")]);
}

#[test]
fn scopes_hours_and_sites_that_make_no_sense_are_refused_with_line_and_remedy() {
    let wave = "[wave]\nname = \"all\"\n";
    let cases = [
        (
            "[[out_of_scope]]\nname = \"a\"\nwhy = \"w\"\nmatch = {}\n",
            "leave every host out",
        ),
        (
            "[[out_of_scope]]\nname = \"a\"\nwhy = \" \"\nmatch = { tag = [\"x\"] }\n",
            "write why",
        ),
        (
            "[[out_of_scope]]\nname = \"a\"\nwhy = \"w\"\nmatch = { tag = [\"x\"] }\n[[out_of_scope]]\nname = \"a\"\nwhy = \"w\"\nmatch = { tag = [\"y\"] }\n",
            "two rules have this name",
        ),
        (
            "[[window]]\ndays = []\nfrom = \"22:00\"\nto = \"05:00\"\n",
            "[[window]]: days",
        ),
        (
            "[[window]]\ndays = [\"mon\"]\nfrom = \"25:00\"\nto = \"05:00\"\n",
            "no time of day",
        ),
        (
            "[[blackout]]\nname = \"b\"\nfrom = 2027-01-03\nto = 2027-01-01\n",
            "is before from",
        ),
        ("[[site]]\nname = \"berlin\"\ntime_zone = \"Berlin\"\n", "IANA"),
    ];
    for (rules, expected) in cases {
        let said = refusal(&format!("{rules}{wave}"));
        assert!(said.contains(expected), "{rules}: {said}");
        assert!(said.contains("line "), "{rules}: {said}");
    }
}

#[test]
fn a_window_that_never_opens_before_the_target_is_warned_of() {
    let with = |rules: &str| {
        let text = format!("recovery_target = \"2027-02-01T00:00:00Z\"\n{rules}[wave]\nname = \"all\"\n");
        let warnings = parse(&text).unwrap().warnings(samples::instant("2027-01-04T09:00:00Z"));
        warnings.into_iter().map(|it| it.text).collect::<Vec<String>>()
    };
    let window = "[[window]]\ndays = [\"sat\"]\nfrom = \"22:00\"\nto = \"23:00\"\n";
    assert_eq!(with(window), [""; 0]);
    let shut = "[[blackout]]\nname = \"move\"\nfrom = 2027-01-01\nto = 2027-03-01\n";
    let said = with(&format!("{window}{shut}"));
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("never opens before 2027-02-01T00:00:00Z"),
        "{}",
        said[0]
    );
    let late = parse("[wave]\nname = \"all\"\n").unwrap();
    assert!(
        late.warnings(samples::instant("2027-01-04T09:00:00Z"))[0]
            .text
            .contains("recovery_target")
    );
}

#[test]
fn a_second_replacement_takes_the_firsts_place_and_both_count() {
    let base = PRESETS[0].1.to_owned();
    let with = |extra: &str| {
        let text = base.replace("product = \"clamav\"", &format!("product = \"clamav\"\n{extra}"));
        Campaign::parse("test.toml", &text, 1)
    };
    let first = with("second = \"defender-linux\"").unwrap();
    assert_eq!(first.replacements[0].effective().as_str(), "clamav");
    let second = with("second = \"defender-linux\"\nuse_second = true").unwrap();
    assert_eq!(second.replacements[0].effective().as_str(), "defender-linux");
    for campaign in [&first, &second] {
        let mut names: Vec<&str> = campaign.approved().into_iter().map(|it| it.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["clamav", "defender-linux"]);
    }
    for (extra, expected) in [
        ("second = \"clamav\"", "its own `second`"),
        ("use_second = true", "there is no `second`"),
        ("second = \"kesl\"", "cannot be both"),
    ] {
        let said = with(extra).expect_err(extra).to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn waves_that_are_no_tables_are_refused_with_how_they_are_written() {
    let mode = "mode = \"observe\"";
    let text = PRESETS[0]
        .1
        .replace("[wave]\nname = \"all\"\n", "")
        .replace(mode, &format!("{mode}\nwave = 3"));
    let refused = Campaign::parse("test.toml", &text, 1).unwrap_err().to_string();
    assert!(refused.contains("expected [wave] or [[wave]]"), "{refused}");
}

/// Another version that chose others would move hosts between the waves of a campaign that is under way.
#[test]
fn whom_a_share_takes_is_settled_for_good() {
    for (number, least) in [(1, 565_273), (2, 131_565), (3, 825_527)] {
        let takes = |parts: u32| {
            let share = format!("{}.{:04} %", parts / 10_000, parts % 10_000);
            Share::parse(&share).unwrap().takes("early", host(number))
        };
        assert_eq!([takes(least - 1), takes(least)], [false, true], "{number}");
    }
}
