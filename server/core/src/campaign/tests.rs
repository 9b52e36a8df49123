use super::*;
use crate::catalog::Catalog;

fn preset_with(change: impl Fn(String) -> String) -> Result<Campaign, CampaignError> {
    Campaign::parse("test.toml", &change(crate::samples::preset()), 1)
}

fn refusal(change: impl Fn(String) -> String) -> String {
    preset_with(change).expect_err("must be refused").to_string()
}

#[test]
fn every_preset_is_sound_and_served_by_the_catalog() {
    let catalog = Catalog::built_in().unwrap();
    for (file, text) in PRESETS {
        let campaign = Campaign::parse(file, text, 1).unwrap();
        assert_eq!(format!("{}.toml", campaign.id), *file);
        assert!(!campaign.scope.is_empty(), "{file} says whom it reaches");
        for milestone in &campaign.milestones {
            let is_certain = file.contains("us-2024") && milestone.name == "updates";
            assert!(is_certain || !milestone.note.is_empty(), "{file}: {}", milestone.name);
        }
        campaign.check_against(&catalog).unwrap();
        assert_eq!(campaign.mode, Mode::Observe, "a new campaign only looks");
    }
}

#[test]
fn the_us_preset_has_its_instants_and_bans_no_use() {
    let campaign = Campaign::preset().unwrap();
    assert_eq!(campaign.kind, CampaignKind::SaleAndUpdateBan);
    let instants: Vec<(&str, String)> = campaign
        .milestones
        .iter()
        .map(|it| (it.name.as_str(), zone::utc(it.at_ms)))
        .collect();
    assert_eq!(
        instants,
        [
            ("sale", "2024-07-20T04:00:00Z".to_owned()),
            ("vendor-updates", "2024-09-10T04:00:00Z".to_owned()),
            ("updates", "2024-09-29T04:00:00Z".to_owned()),
        ]
    );
    assert_eq!(campaign.cutoff_ms(), Some(campaign.milestones[2].at_ms));
    assert!(campaign.milestones[0].note.contains("time of day"));
    assert!(!campaign.accepts(cutover_proto::verdict::Protection::OnDemand));
}

#[test]
fn a_bare_date_is_refused_with_line_and_remedy() {
    let said = refusal(|text| text.replace("\"2024-09-29T04:00:00Z\"", "2024-09-29"));
    assert!(said.contains("line 42") && said.contains("`updates`.at"), "{said}");
    assert!(said.contains("2024-09-29T00:00:00-04:00"), "{said}");
    let said = refusal(|text| text.replace("2024-09-29T04:00:00Z", "2024-09-29T04:00:00"));
    assert!(said.contains("names no instant"), "{said}");
}

#[test]
fn an_instant_may_have_an_offset_a_zone_or_be_a_toml_datetime() {
    for spelling in [
        "\"2024-09-29T00:00:00-04:00\"",
        "\"2024-09-29T00:00[America/New_York]\"",
        "2024-09-29T00:00:00-04:00",
    ] {
        let campaign = preset_with(|text| text.replace("\"2024-09-29T04:00:00Z\"", spelling)).unwrap();
        assert_eq!(campaign.cutoff_ms(), Some(1_727_582_400_000), "{spelling}");
    }
}

#[test]
fn presets_say_what_is_forbidden_by_when_and_what_is_to_be_reported() {
    let told: Vec<String> = PRESETS
        .iter()
        .map(|(file, text)| {
            let it = Campaign::parse(file, text, 1).unwrap();
            let cutoff = it.cutoff_ms().map_or_else(|| "no cutoff".to_owned(), zone::utc);
            let duties: Vec<String> = it
                .duties
                .iter()
                .map(|duty| format!("; {} {:?} {:?}", duty.on, duty.within, duty.follow_up))
                .collect();
            format!("{} {} {cutoff}{}", it.id, it.kind, duties.concat())
        })
        .collect();
    assert_eq!(
        told,
        [
            "kaspersky-us-2024 sale-and-update-ban 2024-09-29T04:00:00Z",
            "kaspersky-us-bod-17-01 use-ban no cutoff",
            "kaspersky-us-ndaa-1634 use-ban 2018-10-01T04:00:00Z",
            "kaspersky-us-far-52-204-23 use-ban 2018-07-16T04:00:00Z; target-found Some(WorkingDays(3)) \
             Some(WorkingDays(10))",
            "kaspersky-us-fcc-covered-list advice no cutoff",
            "kaspersky-au-pspf-2025 use-ban 2025-03-31T13:00:00Z; campaign-done None None",
            "kaspersky-ca-mobile-2023 use-ban 2023-10-30T04:00:00Z",
            "kaspersky-lt-2017 use-ban no cutoff",
            "kaspersky-de-bsi-2022 advice no cutoff",
        ]
    );
}

/// The preset's targets, as its file spells them.
fn targets() -> &'static str {
    let text = super::PRESETS[0].1;
    let from = text.find("targets = ").unwrap() + "targets = ".len();
    let end = text[from..].find(']').unwrap();
    &text[from..=from + end]
}

/// A product that must go and is in no preset would be seen and counted nowhere.
#[test]
fn the_preset_names_every_target_of_the_catalog() {
    let campaign = Campaign::preset().unwrap();
    let catalog = Catalog::built_in().unwrap();
    let missing: Vec<_> = catalog
        .rules
        .values()
        .filter(|rule| rule.role == cutover_proto::rule::Role::Target && !campaign.targets.contains(&rule.product))
        .map(|rule| rule.product.as_str())
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// One letter more than a name may have.
const A_LONG_ID: &str = "id = \"a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-12345\"";

#[test]
fn what_just_makes_sense_is_taken() {
    for (from, to) in [
        ("id = \"kaspersky-us-2024\"", A_LONG_ID.replace("12345", "1234")),
        (
            "[wave]",
            "[policy]\nrestart_notice = \"1h\"\nrestart_within = \"1h\"\n[wave]".to_owned(),
        ),
        (
            "[wave]",
            "[policy]\nfetch_within = \"2h\"\norder_life = \"2h\"\n[wave]".to_owned(),
        ),
        (
            "[wave]",
            "[policy]\nretry_base = \"2h\"\nretry_cap = \"2h\"\n[wave]".to_owned(),
        ),
        (
            "[wave]",
            "[[site]]\nname = \"a\"\ntime_zone = \"UTC\"\n[[site]]\nname = \"b\"\nbandwidth = \"1 Mbit/s\"\n[wave]"
                .to_owned(),
        ),
    ] {
        let taken = preset_with(|text| text.replace(from, &to));
        assert!(taken.is_ok(), "{to}: {taken:?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_remedy() {
    let cases: [(&str, &str, &str); 25] = [
        ("schema = 1", "schema = 9", "reads schema 1"),
        ("mode = \"observe\"", "mode = \"obsever\"", "observe"),
        ("mode = \"observe\"", "moode = \"observe\"", "moode"),
        ("cutoff = true", "cutoff = false", "cutoff = true"),
        (targets(), "[]", "targets"),
        (targets(), "[\"kesl\", \"kesl\"]", "twice"),
        ("product = \"clamav\"", "product = \"kesl\"", "cannot be both"),
        (
            "accepted_grades = []",
            "accepted_grades = [\"passive\"]",
            "no protection",
        ),
        ("name = \"vendor-updates\"", "name = \"sale\"", "rename"),
        ("[wave]", "[policy]\nattempts = 0\n[wave]", "at least 1"),
        ("[wave]", "[policy]\nsoak = \"1 day\"\n[wave]", "policy.soak"),
        (
            "[wave]",
            "[policy]\nrestart_notice = \"2h\"\nrestart_within = \"1h\"\n[wave]",
            "restart_notice is above policy.restart_within",
        ),
        (
            "[wave]",
            "[policy]\nrestart_time = \"0s\"\n[wave]",
            "restart_time is zero",
        ),
        (
            "[wave]",
            "[policy]\npending_restart = \"last\"\n[wave]",
            "expected one of: first, ignore",
        ),
        ("[wave]", "[policy]\ntime_zone = \"Mars/Base\"\n[wave]", "IANA"),
        (
            "[wave]",
            "[policy]\nfetch_within = \"3h\"\norder_life = \"2h\"\n[wave]",
            "fetch_within is above policy.order_life",
        ),
        (
            "[wave]",
            "[executor]\nname = \" \"\nowner = \"ann\"\nwithin = \"14d\"\n[wave]",
            "[executor] names nobody",
        ),
        (
            "[wave]",
            "[executor]\nname = \"intune\"\nowner = \"\"\nwithin = \"14d\"\n[wave]",
            "[executor] names nobody",
        ),
        (
            "[wave]",
            "[executor]\nname = \"intune\"\nowner = \"ann\"\nwithin = \"0d\"\n[wave]",
            "executor.within is nothing",
        ),
        (
            "[wave]",
            "[[site]]\nname = \" \"\ntime_zone = \"UTC\"\n[wave]",
            "its name is empty",
        ),
        (
            "[wave]",
            "[[site]]\nname = \"a\"\ntime_zone = \"UTC\"\n[[site]]\nname = \"a\"\ntime_zone = \"UTC\"\n[wave]",
            "another site has it",
        ),
        ("id = \"kaspersky-us-2024\"", "id = \"\"", "lower-case letters"),
        ("id = \"kaspersky-us-2024\"", "id = \"Kaspersky\"", "lower-case letters"),
        ("id = \"kaspersky-us-2024\"", A_LONG_ID, "at most 64"),
        (
            "mode = \"observe\"",
            "mode = \"observe\"\nno_cutoff = \"nobody set one\"",
            "no_cutoff says why there is none",
        ),
    ];
    for (from, to, expected) in cases {
        let said = refusal(|text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        assert!(said.contains(expected), "{to}: {said}");
        assert!(said.starts_with("test.toml"), "{said}");
    }
}

#[test]
fn a_recovery_target_must_lie_after_the_cutoff_and_then_counts() {
    let with = |target: &str| {
        let line = format!("recovery_target = \"{target}\"\n\n[wave]");
        preset_with(move |text| text.replace("[wave]", &line))
    };
    assert!(with("2024-09-01T00:00:00Z").is_err());
    let campaign = with("2027-01-31T00:00:00-05:00").unwrap();
    assert_eq!(campaign.target_ms(), campaign.recovery_target_ms);
    assert_ne!(campaign.target_ms(), campaign.cutoff_ms());
}

#[test]
fn grace_counts_full_working_days_in_the_campaigns_zone() {
    let policy = Policy {
        time_zone: "America/New_York".to_owned(),
        ..Policy::default()
    };
    let end = |from: &str| zone::utc(policy.grace_end_ms(from.parse::<jiff::Timestamp>().unwrap().as_millisecond()));
    // Friday afternoon: Monday, Tuesday, Wednesday.
    assert_eq!(end("2024-09-06T19:00:00Z"), "2024-09-11T19:00:00Z");
    // Saturday counts from Monday's first minute, New York time.
    assert_eq!(end("2024-09-07T19:00:00Z"), "2024-09-12T04:00:00Z");
    // Sunday 02:00 UTC is Saturday evening there.
    assert_eq!(end("2024-09-08T02:00:00Z"), "2024-09-12T04:00:00Z");
    // Over the change of clocks it stays at the same time of day.
    assert_eq!(end("2024-11-01T14:00:00Z"), "2024-11-06T15:00:00Z");
}

#[test]
fn backoff_doubles_is_capped_and_spreads_by_seed() {
    let policy = Policy::default();
    let base = span::ms(policy.retry_base);
    for seed in 0..200 {
        for nth in 1..80 {
            let full = base
                .saturating_mul(1 << (nth - 1).min(20))
                .min(span::ms(policy.retry_cap));
            let wait = policy.backoff_ms(nth, seed);
            assert!(wait <= full && wait >= full - full / 4, "{nth} {seed} {wait}");
        }
    }
    // The whole quarter is used, not its edge alone: hosts that failed together come back over minutes.
    let waits: Vec<i64> = (0..200).map(|seed| policy.backoff_ms(1, seed)).collect();
    let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(*first < base - base / 5 && *last > base - base / 20, "{first} {last}");
    assert_ne!(policy.backoff_ms(1, 1), policy.backoff_ms(1, 2));
    assert_eq!(policy.backoff_ms(2, 7), policy.backoff_ms(2, 7));
}

#[test]
fn lengths_of_time_have_units() {
    assert_eq!(span::parse("90s").unwrap().as_secs(), 90);
    assert_eq!(span::parse(" 250ms ").unwrap().as_millis(), 250);
    assert_eq!(span::parse("7d").unwrap().as_secs(), 604_800);
    // What is longer than any file may say stays far, and an instant can still be counted with it.
    let endless = span::ms(std::time::Duration::MAX);
    assert!(endless > span::ms(span::parse("3650000d").unwrap()) && endless.checked_mul(3).is_some());
    for bad in ["", "5", "m", "1.5h", "-3s", "99999999999999999999d", "9999999999d"] {
        assert!(span::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_a_campaign_says_of_restarts_is_read_and_has_defaults() {
    let policy = |text: &'static str| {
        let line = format!("{text}\n[wave]");
        let campaign = preset_with(move |preset| preset.replace("[wave]", &line)).unwrap();
        campaign.policy
    };
    let minutes = |length: std::time::Duration| length.as_secs() / 60;
    let default = policy("");
    let lengths = [default.restart_notice, default.restart_within, default.restart_time].map(minutes);
    assert_eq!(lengths, [5, 24 * 60, 30]);
    assert_eq!(default.pending_restart, PendingRestart::First);
    let own = policy(
        "[policy]\nrestart_notice = \"15m\"\nrestart_within = \"8h\"\nrestart_time = \"1h\"\npending_restart = \"ignore\"",
    );
    let lengths = [own.restart_notice, own.restart_within, own.restart_time].map(minutes);
    assert_eq!(lengths, [15, 8 * 60, 60]);
    assert_eq!(own.pending_restart, PendingRestart::Ignore);
}

#[test]
fn duties_of_two_names_stand_beside_each_other_and_of_one_name_do_not() {
    let duty = |name: &str| format!("[[duty]]\nname = \"{name}\"\non = \"target-found\"\nto = \"the board\"\n");
    let with = |duties: String| preset_with(|preset| preset.replace("[wave]", &format!("{duties}\n[wave]")));
    let both = with(duty("first") + &duty("second")).unwrap();
    let names: Vec<&str> = both.duties.iter().map(|duty| duty.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    let twice = with(duty("first") + &duty("first")).unwrap_err().to_string();
    assert!(twice.contains("another duty has it"), "{twice}");
}

fn with_replacements(rules: &str) -> Result<Campaign, CampaignError> {
    preset_with(|preset| {
        let (head, _) = preset.split_once("[[replacement]]").unwrap();
        format!("{head}{rules}")
    })
}

#[test]
fn the_two_commonest_keys_of_a_replacement_stand_in_its_match_or_beside_it_and_not_in_both() {
    for (key, value) in [("os_family", "linux"), ("os_id", "debian")] {
        let beside = format!("{key} = [\"{value}\"]\n");
        let within = format!("match = {{ {key} = [\"{value}\"] }}\n");
        let rule = |keys: &str| with_replacements(&format!("[[replacement]]\n{keys}product = \"clamav\"\n"));
        let hosts = |keys: &str| rule(keys).unwrap().replacements[0].hosts.clone();
        assert_eq!(hosts(&beside), hosts(&within), "{key}");
        let twice = rule(&(beside + &within)).unwrap_err().to_string();
        assert!(
            twice.contains(&format!("has {key} in `match` and beside it")),
            "{twice}"
        );
    }
}

/// How a product is set up, where a campaign says all that it can.
const HOW: &str = "settings = { private-mirror = [\"https://a\"] }\nsource = \"artifacts\"\ndownload = \"350 MB\"";

#[test]
fn two_rules_of_one_product_set_it_up_in_one_way() {
    let two = |ours: &str, others: &str| {
        let rule =
            |id: &str, how: &str| format!("[[replacement]]\nos_id = [\"{id}\"]\nproduct = \"clamav-daemon\"\n{how}\n");
        with_replacements(&(rule("debian", HOW) + &rule("ubuntu", &HOW.replace(ours, others))))
    };
    assert!(two("350 MB", "350MB").is_ok());
    for (ours, others) in [
        ("https://a", "https://b"),
        ("\"artifacts\"", "\"distribution\""),
        ("350 MB", "351 MB"),
    ] {
        let refused = two(ours, others).unwrap_err().to_string();
        assert!(
            refused.contains("different settings, sources or downloads"),
            "{others}: {refused}"
        );
    }
}

#[test]
fn over_a_limited_line_comes_what_is_told_by_its_files_or_by_the_campaign() {
    let limited = |more: &str| {
        let rule = format!("[[replacement]]\nproduct = \"clamav\"\n{more}\n[policy]\nbandwidth = \"2 Mbit/s\"");
        with_replacements(&rule)
            .unwrap()
            .check_against(&Catalog::built_in().unwrap())
    };
    assert_eq!(limited("download = \"350 MB\""), Ok(()));
    assert_eq!(limited("source = \"artifacts\""), Ok(()));
    assert!(limited("").unwrap_err().why.contains("nothing tells how many bytes"));
}

#[test]
fn every_selector_that_asks_for_something_is_listed_with_its_line() {
    let campaign = preset_with(|preset| {
        let more = "[[window]]\ndays = [\"sat\"]\nfrom = \"22:00\"\nto = \"23:00\"\nmatch = { tag = [\"a\"] }\n\
                    [[blackout]]\nname = \"fair\"\nwhy = \"w\"\nfrom = 2027-01-01\nto = 2027-01-02\nmatch = { tag = [\"b\"] }\n\
                    [[blackout]]\nname = \"all\"\nwhy = \"w\"\nfrom = 2027-01-01\nto = 2027-01-02\n\
                    [[out_of_scope]]\nname = \"maps\"\nwhy = \"w\"\nmatch = { tag = [\"c\"] }\n\
                    [[priority]]\nname = \"vip\"\nby = \"1d\"\nmatch = { tag = [\"d\"] }\n\
                    [notice]\nbefore = [\"1d\"]\nfrom = \"f\"\nwhy = \"w\"\ncontact = \"c\"\nmatch = { tag = [\"e\"] }\n\
                    [[wave]]\nname = \"pilot\"\nmatch = { tag = [\"f\"] }\n[[wave]]\n";
        preset.replace("[wave]\n", more)
    })
    .unwrap();
    let lines: Vec<&str> = campaign.source.lines().collect();
    let listed: Vec<(String, &str)> = campaign
        .selectors()
        .into_iter()
        .map(|(what, way, _)| (what, lines[campaign.line(&way).unwrap() - 1]))
        .collect();
    let listed: Vec<(&str, &str)> = listed.iter().map(|(what, line)| (what.as_str(), *line)).collect();
    assert_eq!(
        listed,
        [
            ("[[window]] sat 22:00 to 23:00", "match = { tag = [\"a\"] }"),
            ("[[blackout]] fair", "match = { tag = [\"b\"] }"),
            ("[[out_of_scope]] maps", "match = { tag = [\"c\"] }"),
            ("[[priority]] vip", "match = { tag = [\"d\"] }"),
            ("[[replacement]] clamav", "[[replacement]]"),
            ("[[wave]] pilot", "match = { tag = [\"f\"] }"),
            ("[notice]", "match = { tag = [\"e\"] }"),
        ]
    );
}

#[test]
fn a_warning_names_its_line_where_it_has_one() {
    let of = |line| Warning {
        line,
        text: "it is so".to_owned(),
    };
    assert_eq!(of(Some(7)).to_string(), "line 7: it is so");
    assert_eq!(of(None).to_string(), "it is so");
    assert_eq!(of(Some(7)).of_file("my.toml"), "my.toml, line 7: it is so");
    assert_eq!(of(None).of_file("my.toml"), "my.toml: it is so");
}

#[test]
fn what_a_product_downloads_is_what_the_rule_says_that_names_it_first_or_second() {
    let campaign = with_replacements(
        "[[replacement]]\nos_id = [\"debian\"]\nproduct = \"sophos\"\n\
         [[replacement]]\nproduct = \"clamav\"\nsecond = \"clamav-daemon\"\ndownload = \"350 MB\"\n",
    )
    .unwrap();
    let said = ["sophos", "clamav", "clamav-daemon", "eset"].map(|product| campaign.download_of(&product.into()));
    assert_eq!(said, [None, Some(350_000_000), Some(350_000_000), None]);
}
