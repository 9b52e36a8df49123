use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::rollout::{Cause, Left, Tally};

const NOW_MS: i64 = 1_799_053_200_000;
const HOUR_MS: i64 = 3_600_000;

fn percent(percent: u32) -> Rate {
    Rate::of_million(percent * 10_000)
}

proptest! {
    #[test]
    fn a_rate_reads_as_it_is_written(parts in 0_u32..=1_000_000) {
        let rate = Rate::of_million(parts);
        prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
    }

    #[test]
    fn a_gate_never_goes_from_holding_to_not_by_a_success_nor_the_other_way_by_a_failure(
        good in 0_u32..400, failed in 0_u32..20, dark in 0_u32..20, not_back in 0_u32..3
    ) {
        let gate = parsed("success = \"90 %\"\nconfidence = \"90 %\"\nmost_failures = 15\nmost_dark = 15").unwrap();
        let holds = |tally: &Tally| gate.verdict(&facts(tally)) == GateVerdict::Holds;
        let tally = Tally { under_way: 0, succeeded: good, failed, dark, not_back, unfit: 0 };
        if holds(&tally) {
            let better = Tally { succeeded: good + 1, ..tally };
            prop_assert!(holds(&better));
        } else {
            for worse in [
                Tally { failed: failed + 1, ..tally },
                Tally { dark: dark + 1, ..tally },
                Tally { not_back: not_back + 1, ..tally },
            ] {
                prop_assert!(!holds(&worse));
            }
        }
    }
}

#[test]
fn a_gate_outside_is_asked_where_the_file_says_and_nowhere_else() {
    let of = |url: &str| {
        parsed(&format!(
            "least = 5\n[external]\nname = \"board\"\nwithin = \"2d\"\nurl = \"{url}\""
        ))
    };
    let gate = of("https://changes.example.org/cutover").unwrap();
    let url = gate.external.and_then(|external| external.url);
    assert_eq!(url.as_deref(), Some("https://changes.example.org/cutover"));
    let said = of("http://changes.example.org/").unwrap_err();
    assert!(said.starts_with("gate.external.url: "), "{said}");
}

#[test]
fn what_is_no_percentage_is_refused_with_one_that_is() {
    for text in [
        "+5 %",
        "5",
        "5. %",
        ". %",
        ".5 %",
        "00005 %",
        "1.00001 %",
        "100.0001 %",
        "five %",
        "",
    ] {
        let said = Rate::parse(text).unwrap_err();
        assert!(
            said.contains(&format!("`{text}`")) && said.contains("\"99.5 %\""),
            "{said}"
        );
    }
    assert_eq!(Rate::parse(" 099.5000% "), Ok(Rate::of_million(995_000)));
}

fn parsed(text: &str) -> Result<Gate, String> {
    let file: GateInFile = toml::from_str(text).map_err(|error| error.to_string())?;
    Gate::from_file(file)
}

fn facts(tally: &Tally) -> GateFacts<'_> {
    GateFacts {
        tally,
        left: Left {
            untried: 1000,
            again: 0,
        },
        sample_since_ms: None,
        is_approved: false,
        external: None,
        now_ms: NOW_MS,
    }
}

fn tally(succeeded: u32, failed: u32) -> Tally {
    Tally {
        succeeded,
        failed,
        ..Tally::default()
    }
}

#[test]
fn a_gate_reads_with_defaults_that_can_be_reached() {
    let gate = parsed("success = \"95 %\"").unwrap();
    assert_eq!(gate.least, 88);
    assert_eq!(gate.success.unwrap().confidence, percent(95));
    assert_eq!(
        (gate.most_failures, gate.most_dark, gate.soak),
        (None, None, Duration::ZERO)
    );
    let gate = parsed(
        "least = 20\nmost_failures = 0\nmost_dark = 2\nsoak = \"24h\"\napproval = \"security\"\n\
         external = { name = \"change board\", within = \"3d\" }",
    )
    .unwrap();
    assert_eq!((gate.least, gate.most_failures, gate.most_dark), (20, Some(0), Some(2)));
    assert_eq!(gate.external.unwrap().within, Duration::from_secs(3 * 86_400));
}

#[test]
fn a_gate_that_cannot_be_meant_is_refused_with_what_to_write_instead() {
    for (text, why) in [
        ("", "asks for nothing"),
        ("confidence = \"95 %\"", "a confidence in nothing"),
        ("least = 0", "write at least 1"),
        ("success = \"0 %\"", "which every wave reaches"),
        ("success = \"100 %\"", "most_failures = 0"),
        ("success = \"101 %\"", "no percentage from 0 % to 100 %"),
        ("success = \"95\"", "write for example \"95 %\""),
        ("success = \"-5 %\"", "no percentage"),
        ("success = \"95.00001 %\"", "no percentage"),
        ("success = \". %\"", "no percentage"),
        ("success = 95", "expected a string"),
        ("success = \"90 %\"\nconfidence = \"49 %\"", "write 50 % to 99.9 %"),
        ("success = \"90 %\"\nconfidence = \"99.95 %\"", "write 50 % to 99.9 %"),
        ("success = \"99 %\"\nleast = 3", "write least = 449"),
        ("soak = \"0s\"", "gate.soak is zero"),
        ("soak = \"soon\"", "gate.soak: `soon`"),
        ("approval = \" \"", "gate.approval is empty"),
        (
            "external = { name = \"\", within = \"1h\" }",
            "gate.external.name is empty",
        ),
        (
            "external = { name = \"board\", within = \"0h\" }",
            "gate.external.within is zero",
        ),
        ("external = { name = \"board\" }", "missing field `within`"),
        ("most_failure = 3", "unknown field `most_failure`"),
        ("most_failures = -1", "invalid value: integer `-1`"),
    ] {
        let error = parsed(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn the_least_sample_that_is_recommended_is_accepted_and_one_fewer_is_not() {
    for success in ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"] {
        for confidence in ["50 %", "95 %", "99.9 %"] {
            let given = format!("success = \"{success}\"\nconfidence = \"{confidence}\"");
            let least = parsed(&given).unwrap().least;
            assert!(parsed(&format!("{given}\nleast = {least}")).is_ok());
            if least > 1 {
                assert!(parsed(&format!("{given}\nleast = {}", least - 1)).is_err());
            }
        }
    }
}

#[test]
fn a_gate_says_what_is_lacking_from_the_sample_to_the_change_board() {
    let gate = parsed(
        "success = \"90 %\"\nconfidence = \"90 %\"\nsoak = \"24h\"\napproval = \"security\"\n\
         external = { name = \"change board\", within = \"3d\" }",
    )
    .unwrap();
    let first = |tally: &Tally, facts: GateFacts<'_>| match gate.verdict(&GateFacts { tally, ..facts }) {
        GateVerdict::NotYet(not_yet) => not_yet.text(),
        GateVerdict::Holds => "Holds".to_owned(),
        GateVerdict::Breached(cause) => cause.text(),
    };
    let few = tally(20, 0);
    assert_eq!(
        first(&few, facts(&few)),
        "the sample is too small: 20 of at least 34 hosts have come to something"
    );
    let unsure = tally(38, 2);
    assert_eq!(
        first(&unsure, facts(&unsure)),
        "38 of 40 hosts succeeded, which shows 81.985 % at 90 % confidence, below 90 %; 35 more without a failure would \
         show it"
    );
    let good = tally(100, 3);
    let since = GateFacts {
        sample_since_ms: Some(NOW_MS - HOUR_MS),
        ..facts(&good)
    };
    let until_ms = NOW_MS + 23 * HOUR_MS;
    assert_eq!(gate.verdict(&since), GateVerdict::NotYet(NotYet::Soak { until_ms }));
    // Nobody noted yet since when: the whole soak is ahead.
    let GateVerdict::NotYet(soak) = gate.verdict(&facts(&good)) else {
        panic!()
    };
    assert_eq!(soak.until_ms(), Some(NOW_MS + 24 * HOUR_MS));
    let soaked = GateFacts {
        sample_since_ms: Some(NOW_MS - 24 * HOUR_MS),
        ..since
    };
    assert_eq!(first(&good, soaked), "nobody with the role security has approved");
    let approved = GateFacts {
        is_approved: true,
        ..soaked
    };
    assert_eq!(first(&good, approved), "change board is to be asked");
    // It is asked when the sample has shown something, not before.
    assert_eq!(
        gate.lacking(&GateFacts {
            is_approved: true,
            ..since
        })
        .len(),
        1
    );

    let answer = |granted, at_ms| ExternalAnswer {
        granted,
        change: "CHG-17".to_owned(),
        at_ms,
    };
    let ask = |asked_ms, answer| ExternalAsked {
        at_ms: asked_ms,
        answer,
        is_overdue_told: false,
    };
    let (day, three_days) = (24 * HOUR_MS, 72 * HOUR_MS);
    for (asked, expected) in [
        (ask(NOW_MS - day, None), "has not answered; it has until"),
        (ask(NOW_MS - three_days, None), "has not answered"),
        (ask(NOW_MS - three_days - 1, None), "did not answer until"),
        (
            ask(NOW_MS - day, Some(answer(false, NOW_MS))),
            "said no, in change CHG-17",
        ),
        (ask(NOW_MS - day, Some(answer(true, NOW_MS))), "Holds"),
        (ask(NOW_MS - 10 * day, Some(answer(true, NOW_MS - 8 * day))), "Holds"),
        (
            ask(NOW_MS - 10 * day, Some(answer(true, NOW_MS - day))),
            "did not answer until",
        ),
    ] {
        let text = first(
            &good,
            GateFacts {
                external: Some(&asked),
                ..approved
            },
        );
        assert!(text.contains(expected), "{asked:?}: {text}");
    }
}

#[test]
fn hosts_that_went_dark_or_did_not_come_back_are_no_successes() {
    let gate = parsed("success = \"90 %\"\nconfidence = \"90 %\"").unwrap();
    let all_well = tally(60, 0);
    assert_eq!(gate.verdict(&facts(&all_well)), GateVerdict::Holds);
    for worse in [
        Tally { failed: 4, ..all_well },
        Tally { dark: 4, ..all_well },
        Tally {
            dark: 3,
            not_back: 1,
            ..all_well
        },
    ] {
        assert!(matches!(
            gate.verdict(&facts(&worse)),
            GateVerdict::NotYet(NotYet::Bound { settled: 64, .. })
        ));
    }
}

#[test]
fn a_wave_that_is_too_small_to_show_it_says_so_at_once() {
    let gate = parsed("success = \"95 %\"").unwrap();
    let of = |tally: &Tally, untried, again| {
        let left = Left { untried, again };
        gate.lacking(&GateFacts { left, ..facts(tally) }).into_iter().next()
    };
    assert_eq!(
        of(&tally(10, 0), 10, 0),
        Some(NotYet::OutOfHosts {
            hosts: 20,
            against: 0,
            least: 88
        })
    );
    // With one that failed for good, 100 hosts are too few; while it is to be tried again, they may still do.
    assert!(matches!(
        of(&tally(10, 1), 82, 0),
        Some(NotYet::OutOfHosts {
            hosts: 93,
            against: 1,
            ..
        })
    ));
    assert!(matches!(
        of(&tally(10, 1), 82, 1),
        Some(NotYet::Sample { settled: 11, least: 88 })
    ));
}

#[test]
fn hosts_that_are_under_way_may_still_make_the_sample_and_a_wave_below_it_never_does() {
    let gate = parsed("least = 10").unwrap();
    let first = |under_way, untried| {
        let tally = Tally {
            under_way,
            ..tally(4, 0)
        };
        let left = Left { untried, again: 0 };
        gate.lacking(&GateFacts { left, ..facts(&tally) }).into_iter().next()
    };
    assert_eq!(first(6, 0), Some(NotYet::Sample { settled: 4, least: 10 }));
    assert_eq!(first(0, 6), Some(NotYet::Sample { settled: 4, least: 10 }));
    for (under_way, untried) in [(5, 0), (0, 5)] {
        assert_eq!(
            first(under_way, untried),
            Some(NotYet::OutOfHosts {
                hosts: 9,
                against: 0,
                least: 10
            })
        );
    }
}

#[test]
fn a_limit_is_broken_when_it_is_exceeded_and_not_when_it_is_reached() {
    // ansible/ansible#32255: a run stopped one host early or late, for "more than" and "as many as" were mixed up.
    let gate = parsed("least = 10\nmost_failures = 2\nmost_dark = 1").unwrap();
    let breached = |tally: Tally| match gate.verdict(&facts(&tally)) {
        GateVerdict::Breached(cause) => Some(cause),
        GateVerdict::Holds | GateVerdict::NotYet(_) => None,
    };
    assert_eq!(breached(tally(10, 2)), None);
    assert_eq!(breached(tally(10, 3)), Some(Cause::Failures { failed: 3, most: 2 }));
    let dark = |dark, not_back| Tally {
        dark,
        not_back,
        ..tally(10, 0)
    };
    assert_eq!(breached(dark(1, 0)), None);
    assert_eq!(breached(dark(2, 0)), Some(Cause::Dark { gone: 2, most: 1 }));
    assert_eq!(breached(dark(1, 1)), Some(Cause::Dark { gone: 2, most: 1 }));
    // 20 % of 10 may fail: two do not put 80 % out of reach, three do.
    let rate = parsed("success = \"80 %\"\nconfidence = \"50 %\"").unwrap();
    let of_ten = |failed: u32| {
        let tally = tally(0, failed);
        let left = Left {
            untried: 10 - failed,
            again: 0,
        };
        rate.verdict(&GateFacts { left, ..facts(&tally) })
    };
    assert!(!matches!(of_ten(2), GateVerdict::Breached(Cause::OutOfReach { .. })));
    let confident = parsed("success = \"80 %\"\nconfidence = \"99.9 %\"").unwrap();
    let failed_of_ten = |failed: u32| {
        let tally = tally(0, failed);
        let left = Left {
            untried: 10 - failed,
            again: 0,
        };
        confident.verdict(&GateFacts { left, ..facts(&tally) })
    };
    assert!(matches!(failed_of_ten(2), GateVerdict::NotYet(_)));
    assert_eq!(
        failed_of_ten(3),
        GateVerdict::Breached(Cause::OutOfReach {
            against: 3,
            hosts: 10,
            success: percent(80)
        })
    );
}

#[test]
fn hosts_that_leave_the_fleet_take_no_failure_with_them() {
    // eclipse/hawkbit PR 328: thresholds were reckoned over what was left after targets were deleted.
    let gate = parsed("success = \"80 %\"\nconfidence = \"99 %\"\nmost_failures = 5").unwrap();
    let tally = tally(30, 6);
    for untried in [1000, 4, 0] {
        let left = Left { untried, again: 0 };
        assert_eq!(
            gate.verdict(&GateFacts { left, ..facts(&tally) }),
            GateVerdict::Breached(Cause::Failures { failed: 6, most: 5 })
        );
    }
}

#[test]
fn what_only_time_or_more_hosts_bring_has_no_remedy_and_what_a_person_must_do_names_it() {
    let name = || "change board".to_owned();
    let until_ms = NOW_MS;
    for quiet in [
        NotYet::Sample { settled: 1, least: 2 },
        NotYet::Soak { until_ms },
        NotYet::ExternalUnasked { name: name() },
        NotYet::ExternalMissing { name: name(), until_ms },
    ] {
        assert_eq!(quiet.remedy(), "", "{}", quiet.text());
    }
    let change = "CHG-7".to_owned();
    for (loud, says) in [
        (
            NotYet::Approval {
                role: "approver".to_owned(),
            },
            "with the role approver: cutover wave approve",
        ),
        (
            NotYet::ExternalRejected { name: name(), change },
            "settle it with change board",
        ),
        (
            NotYet::ExternalOutOfTime { name: name(), until_ms },
            "see why change board did not answer",
        ),
    ] {
        assert!(loud.remedy().contains(says), "{}", loud.remedy());
        assert_ne!(loud.text(), "");
    }
}
