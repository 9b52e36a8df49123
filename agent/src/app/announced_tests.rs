use super::*;
use crate::words::to_all;

const HOUR_MS: i64 = 3_600_000;
const STARTS_MS: i64 = 1_727_582_400_000;
const NOW_MS: i64 = STARTS_MS - 72 * HOUR_MS;

fn notice(number: u32) -> v1::StartNotice {
    v1::StartNotice {
        code: "K7QM-2RTX".into(),
        number,
        of: 2,
        starts_ms: STARTS_MS,
        from: "IT".into(),
        why: "it is replaced".into(),
        contact: "4711\u{1b}[31m".into(),
        put_offs_left: 2,
        longest_seconds: 8 * 3600,
        latest_ms: Some(STARTS_MS + 100 * HOUR_MS),
        ..v1::StartNotice::default()
    }
}

fn shown(number: u32, somebody: Option<bool>) -> Shown {
    Shown {
        round: 0,
        number,
        at_ms: 5,
        somebody,
        how: "told".into(),
    }
}

/// Takes it with what was said so far; nobody is here.
fn take(announced: &mut Announced, notice: &v1::StartNotice) -> Tell {
    let told = announced.said();
    announced.take(Some(notice), &told, NOW_MS, || Some(false))
}

fn is_shown(tell: &Tell) -> bool {
    matches!(tell, Tell::Show(_))
}

/// One that was told of.
fn announced() -> Announced {
    let mut announced = Announced::default();
    assert!(is_shown(&take(&mut announced, &notice(1))));
    announced.shown(shown(1, Some(false)));
    announced
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[test]
fn a_notice_is_shown_once_and_said_for_as_long_as_it_holds() {
    let mut announced = Announced::default();
    assert!(is_shown(&take(&mut announced, &notice(1))));
    assert_eq!(announced.said().shown, [], "what was not shown is not said");
    assert!(
        is_shown(&take(&mut announced, &notice(1))),
        "the agent ended before it was"
    );
    announced.shown(shown(1, Some(true)));
    assert_eq!(take(&mut announced, &notice(1)), Tell::Nothing);
    assert_eq!(announced.said().shown[0].number, 1);
    assert!(is_shown(&take(&mut announced, &notice(2))), "the next is another");
    assert!(
        is_shown(&take(&mut announced, &v1::StartNotice { round: 1, ..notice(2) })),
        "told anew"
    );
    let said = announced.said();
    assert_eq!(announced.take(None, &said, NOW_MS, || None), Tell::Nothing);
    assert_eq!(
        (announced.said(), announced.state()),
        (session::Announced::default(), None)
    );
}

#[test]
fn who_was_not_there_is_told_when_they_are() {
    let mut announced = announced();
    let told = announced.said();
    let tell = announced.take(Some(&notice(1)), &told, NOW_MS, || Some(true));
    assert!(is_shown(&tell));
    announced.shown(Shown {
        at_ms: 9,
        ..shown(1, Some(true))
    });
    let said = announced.said().shown.remove(0);
    assert_eq!(
        (said.somebody, said.shown_ms),
        (Some(true), 5),
        "when it was shown first stays"
    );
    assert_eq!(
        announced.take(Some(&notice(1)), &told, NOW_MS, || panic!("nobody need be looked for")),
        Tell::Nothing
    );
}

#[test]
fn that_the_work_begins_is_said_until_the_server_heard_it() {
    let mut announced = announced();
    let before = announced.said();
    assert!(is_shown(&announced.take(Some(&notice(0)), &before, NOW_MS, || None)));
    announced.shown(shown(0, None));
    announced.take(None, &before, NOW_MS, || None);
    let said = announced.said();
    assert_eq!(said.shown[0].number, 0);
    announced.take(None, &said, NOW_MS, || None);
    assert_eq!(announced.said().shown, []);
}

#[test]
fn a_start_is_put_off_from_when_it_would_come_within_the_budget() {
    let mut announced = announced();
    let now_ms = STARTS_MS - 10 * HOUR_MS;
    let refused = announced.put_off(now_ms, hours(9)).unwrap_err();
    assert!(matches!(refused, StartRefused::TooLong { latest_ms } if latest_ms == STARTS_MS + 8 * HOUR_MS));
    let deferral = announced.put_off(now_ms, hours(8)).unwrap();
    assert_eq!((deferral.until_ms, deferral.left), (STARTS_MS + 8 * HOUR_MS, 1));
    assert!(matches!(
        announced.put_off(now_ms, hours(1)),
        Err(StartRefused::Pending)
    ));
    let state = announced.state().unwrap();
    assert_eq!(
        (state.starts_ms, state.is_put_off, state.left),
        (STARTS_MS + 8 * HOUR_MS, true, 1)
    );
    // Another comes once the server has the first, and counts from it.
    let known = v1::StartNotice {
        put_off_ms: Some(STARTS_MS + 8 * HOUR_MS),
        put_offs_left: 1,
        ..notice(1)
    };
    assert_eq!(take(&mut announced, &known), Tell::Nothing);
    assert_eq!(
        announced.put_off(now_ms, hours(1)).unwrap().until_ms,
        STARTS_MS + 9 * HOUR_MS
    );

    let near = v1::StartNotice {
        no_put_off: "too near".into(),
        round: 1,
        ..notice(1)
    };
    take(&mut announced, &near);
    assert!(
        announced
            .put_off(now_ms, hours(1))
            .unwrap_err()
            .to_string()
            .contains("too near")
    );
    assert!(matches!(
        Announced::default().put_off(0, hours(1)),
        Err(StartRefused::NothingAnnounced)
    ));
}

#[test]
fn a_deferral_holds_until_the_server_says_that_it_does_not() {
    let mut announced = announced();
    let until_ms = announced.put_off(0, hours(8)).unwrap().until_ms;
    // This answers a call that went out before.
    assert_eq!(
        announced.take(Some(&notice(1)), &session::Announced::default(), NOW_MS, || None),
        Tell::Nothing
    );
    assert_eq!(announced.put_off_ms(), Some(until_ms));
    assert_eq!(announced.said().put_off.unwrap().until_ms, until_ms);
    assert_eq!(take(&mut announced, &notice(1)), Tell::NotPutOff(until_ms));
    assert_eq!(announced.put_off_ms(), None);
}

#[test]
fn what_was_put_off_stops_an_order_that_was_issued_meanwhile() {
    let mut announced = announced();
    let until_ms = announced.put_off(NOW_MS, hours(1)).unwrap().until_ms;
    assert_eq!(
        take(&mut announced, &notice(0)),
        Tell::Nothing,
        "nobody is told that it begins"
    );
    assert_eq!(announced.put_off_ms(), Some(until_ms));
    let told = announced.said();
    assert!(
        is_shown(&announced.take(Some(&notice(0)), &told, until_ms, || None)),
        "its time is over"
    );
    assert_eq!(announced.put_off_ms(), None);
}

#[test]
fn what_people_read_says_who_why_when_whom_to_ask_and_by_which_code() {
    let when = |at_ms: i64| format!("at {at_ms}");
    let text = Announcement::from(&notice(1)).text(&when, Language::English);
    for part in [
        "IT: it is replaced",
        "at 1727582400000",
        "K7QM-2RTX",
        "by 8h at a time",
        "cutover-agent defer",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "a server writes no escapes into terminals");
    let begins = Announcement::from(&notice(0)).text(&when, Language::English);
    assert!(begins.contains("begins now") && !begins.contains("defer"), "{begins}");
}

#[test]
fn the_organisations_own_text_stays_as_it_is_in_every_language() {
    let when = |at_ms: i64| format!("at {at_ms}");
    let own = v1::StartNotice {
        from: "Informatique – 情報システム部".into(),
        why: "{when} <why> 100 % Überprüfung".into(),
        contact: "«4711»".into(),
        ..notice(1)
    };
    let mut announced = Announced::default();
    take(&mut announced, &own);
    let state = announced.state().unwrap();
    for language in Language::ALL {
        let all = to_all(*language, |language| Announcement::from(&own).text(&when, language));
        for text in [all, state.text(&when, *language)] {
            for part in [
                "Informatique – 情報システム部",
                "{when} <why> 100 % Überprüfung",
                "«4711»",
                "K7QM-2RTX",
                "at 1727582400000",
                "8h",
            ] {
                assert!(text.contains(part), "{language}: {part}: {text}");
            }
        }
    }
}

#[test]
fn what_is_told_to_all_is_no_longer_than_what_a_program_takes_as_an_argument() {
    // execve(2): 128 KiB; what shows a message in a window has no limit that is known, and is spared.
    let most = 16 << 10;
    let long = "\u{20b9f}".repeat(1000);
    let own = v1::StartNotice {
        code: long.clone(),
        from: long.clone(),
        why: long.clone(),
        contact: long,
        ..notice(1)
    };
    for language in Language::ALL {
        let text = to_all(*language, |language| {
            Announcement::from(&own).text(&|_| "at noon".to_owned(), language)
        });
        assert!(text.len() < most, "{language}: {}", text.len());
    }
}

#[test]
fn why_a_start_is_not_put_off_is_told_in_the_language_of_who_asks() {
    let when = |at_ms: i64| format!("at {at_ms}");
    let german = |refused: StartRefused| refused.text(&when, Language::German);
    assert_eq!(
        german(StartRefused::TooLong { latest_ms: 7 }),
        "Das ist länger als erlaubt. Aufschieben können Sie bis spätestens at 7."
    );
    assert_eq!(
        german(StartRefused::NotAllowed("too near".into())),
        "Der Beginn lässt sich nicht aufschieben (too near).",
        "the server says why in English"
    );
    let mut announced = announced();
    take(
        &mut announced,
        &v1::StartNotice {
            put_offs_left: 0,
            ..notice(1)
        },
    );
    let refused = announced.put_off(NOW_MS, hours(1)).unwrap_err();
    assert!(matches!(refused, StartRefused::UsedUp));
    assert_eq!(german(refused), "Der Beginn lässt sich nicht weiter aufschieben.");
}

#[test]
fn all_of_it_survives_the_agent_and_what_a_later_one_adds_is_left_out() {
    let mut announced = announced();
    announced.put_off(0, hours(1)).unwrap();
    let mut json = serde_json::to_value(&announced).unwrap();
    json["later"] = 1.into();
    assert_eq!(serde_json::from_value::<Announced>(json).unwrap(), announced);
}
