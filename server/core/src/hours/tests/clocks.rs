use super::*;

fn nights() -> Calendar {
    Calendar {
        windows: vec![window("mon-fri", "22:00", "05:00")],
        blackouts: Vec::new(),
        needs_window: false,
    }
}

fn only(window: Window) -> Calendar {
    Calendar {
        windows: vec![window],
        blackouts: Vec::new(),
        needs_window: false,
    }
}

#[test]
fn without_windows_and_blackouts_work_may_always_start() {
    let (always, utc) = (Calendar::default(), TimeZone::UTC);
    let now = at("2024-09-29T04:00:00Z");
    assert!(always.is_open(now, &utc));
    assert_eq!(always.next_open_ms(now, &utc), Some(now));
    assert_eq!(always.closes_ms(now, &utc), None);
    assert_eq!(always.latest_start_ms(now, 60_000, &utc), Some(now - 60_000));
}

#[test]
fn hours_are_the_same_before_1970_and_beyond_the_ends_of_the_calendar() {
    let berlin = in_zone("Europe/Berlin");
    let closes = |text: &str| shown(nights().closes_ms(at(text), &berlin), &berlin);
    assert_eq!(closes("1969-12-01T23:00:00+01:00"), "1969-12-02 05:00:00+01:00");
    let latest = nights().latest_start_ms(at("1969-12-02T12:00:00+01:00"), 0, &berlin);
    assert_eq!(shown(latest, &berlin), "1969-12-02 04:59:59.999+01:00");
    // Before there were zones the clock showed the sun's time; after the end of the database it shows the last rule's.
    let ahead_ms = |at_ms: i64| crate::hours::turn::local_ms(at_ms, &berlin) - at_ms;
    assert_eq!(ahead_ms(-1_000_000_000_000_000), 3_208_000);
    assert_eq!(ahead_ms(1_000_000_000_000_000), 3_600_000);
}

#[test]
fn a_night_belongs_to_the_day_on_which_it_begins() {
    let berlin = in_zone("Europe/Berlin");
    let open = |text: &str| nights().is_open(at(text), &berlin);
    assert!(open("2024-09-27T22:00:00+02:00"), "Friday's begins");
    assert!(open("2024-09-28T04:59:59.999+02:00"), "and goes into Saturday");
    assert!(!open("2024-09-28T05:00:00+02:00"));
    assert!(!open("2024-09-28T22:00:00+02:00"), "Saturday has none");
    assert!(
        !open("2024-09-30T04:00:00+02:00"),
        "nor has Monday morning the end of Sunday's"
    );
    let saturday = at("2024-09-28T05:00:00+02:00");
    let next = nights().next_open_ms(saturday, &berlin);
    assert_eq!(shown(next, &berlin), "2024-09-30 22:00:00+02:00");
    let closes = nights().closes_ms(next.unwrap(), &berlin);
    assert_eq!(shown(closes, &berlin), "2024-10-01 05:00:00+02:00");
}

#[test]
fn the_latest_safe_start_begins_in_the_hours_and_ends_before_the_deadline() {
    let new_york = in_zone("America/New_York");
    let before = at("2024-09-29T00:00:00-04:00");
    let latest = |needed_ms| shown(nights().latest_start_ms(before, needed_ms, &new_york), &new_york);
    // Friday night's window ends on Saturday at 05:00; the work may last into the day.
    assert_eq!(latest(2 * 3_600_000), "2024-09-28 04:59:59.999-04:00");
    // So much work that it must begin within that night.
    assert_eq!(latest(20 * 3_600_000), "2024-09-28 04:00:00-04:00");
    assert_eq!(latest(27 * 3_600_000), "2024-09-27 04:59:59.999-04:00");
}

#[test]
fn a_window_that_begins_in_a_gap_begins_at_its_end() {
    let berlin = in_zone("Europe/Berlin");
    let calendar = only(window("sun", "02:30", "04:00"));
    let next = calendar.next_open_ms(at("2024-03-31T00:00:00+01:00"), &berlin);
    assert_eq!(shown(next, &berlin), "2024-03-31 03:00:00+02:00");
    assert_eq!(
        shown(calendar.closes_ms(next.unwrap(), &berlin), &berlin),
        "2024-03-31 04:00:00+02:00"
    );
}

#[test]
fn a_window_that_lies_in_a_gap_does_not_open_on_that_day() {
    let berlin = in_zone("Europe/Berlin");
    let next = only(window("sun", "02:15", "02:45")).next_open_ms(at("2024-03-31T00:00:00+01:00"), &berlin);
    assert_eq!(shown(next, &berlin), "2024-04-07 02:15:00+02:00");
}

#[test]
fn an_hour_that_the_clock_shows_twice_is_open_twice() {
    let berlin = in_zone("Europe/Berlin");
    let whole = only(window("sun", "02:00", "03:00"));
    let first = at("2024-10-27T02:00:00+02:00");
    assert_eq!(whole.next_open_ms(first - 1, &berlin), Some(first));
    assert_eq!(whole.closes_ms(first, &berlin), Some(first + 2 * 3_600_000));

    let until_half_past = only(window("sat", "22:00", "02:30"));
    let closes = until_half_past.closes_ms(first, &berlin);
    assert_eq!(shown(closes, &berlin), "2024-10-27 02:30:00+02:00");
    let again = until_half_past.next_open_ms(closes.unwrap(), &berlin);
    assert_eq!(shown(again, &berlin), "2024-10-27 02:00:00+01:00");
    assert_eq!(
        shown(until_half_past.closes_ms(again.unwrap(), &berlin), &berlin),
        "2024-10-27 02:30:00+01:00"
    );
}

#[test]
fn of_a_window_on_a_day_that_was_left_out_only_the_next_morning_is_left() {
    // Apia went from Thursday 2011-12-29 to Saturday 2011-12-31.
    let apia = in_zone("Pacific/Apia");
    let thursday = at("2011-12-29T12:00:00-10:00");
    let friday_noon = only(window("fri", "10:00", "14:00")).next_open_ms(thursday, &apia);
    assert_eq!(shown(friday_noon, &apia), "2012-01-06 10:00:00+14:00");
    let friday_night = only(window("fri", "22:00", "05:00")).next_open_ms(thursday, &apia);
    assert_eq!(shown(friday_night, &apia), "2011-12-31 00:00:00+14:00");
    let thursday_night = only(window("thu", "22:00", "05:00")).closes_ms(at("2011-12-29T23:00:00-10:00"), &apia);
    assert_eq!(shown(thursday_night, &apia), "2011-12-31 00:00:00+14:00");
}

#[test]
fn a_blackout_of_days_holds_by_the_calendar_of_each_host() {
    let calendar = Calendar {
        windows: Vec::new(),
        blackouts: vec![blackout("2024-12-20", "2025-01-03")],
        needs_window: false,
    };
    for (name, first, after) in [
        (
            "Pacific/Kiritimati",
            "2024-12-20T00:00:00+14:00",
            "2025-01-04T00:00:00+14:00",
        ),
        (
            "Pacific/Pago_Pago",
            "2024-12-20T00:00:00-11:00",
            "2025-01-04T00:00:00-11:00",
        ),
    ] {
        let host = in_zone(name);
        assert!(calendar.is_open(at(first) - 1, &host), "{name}");
        assert!(!calendar.is_open(at(first), &host), "{name}");
        assert_eq!(calendar.next_open_ms(at(first), &host), Some(at(after)), "{name}");
        assert_eq!(calendar.closes_ms(at(first) - 5, &host), Some(at(first)), "{name}");
        assert_eq!(calendar.latest_start_ms(at(after), 0, &host), Some(at(after)), "{name}");
        assert_eq!(
            calendar.latest_start_ms(at(after), 1, &host),
            Some(at(first) - 1),
            "{name}"
        );
    }
}

#[test]
fn a_blackout_of_instants_holds_everywhere_at_once_and_not_at_its_end() {
    let calendar = Calendar {
        windows: Vec::new(),
        blackouts: vec![blackout("2024-12-20T18:00:00-05:00", "2024-12-21T06:00:00-05:00")],
        needs_window: false,
    };
    for name in ["Pacific/Kiritimati", "America/New_York", "UTC"] {
        let host = in_zone(name);
        assert!(!calendar.is_open(at("2024-12-20T23:00:00Z"), &host));
        let next = calendar.next_open_ms(at("2024-12-20T23:00:00Z"), &host);
        assert_eq!(next, Some(at("2024-12-21T11:00:00Z")), "{name}");
    }
}

#[test]
fn what_shuts_is_named_and_a_blackout_comes_before_the_hours() {
    let mut calendar = nights();
    calendar.blackouts.push(blackout("2024-09-26", "2024-09-26"));
    let mut longer = blackout("2024-09-25", "2024-09-27");
    longer.name = "longer".to_owned();
    calendar.blackouts.push(longer);
    let closed = |text: &str| calendar.closed_by(at(text), &TimeZone::UTC);
    assert!(matches!(closed("2024-09-26T12:00:00Z"), Some(Closed::Blackout(it)) if it.name == "longer"));
    assert_eq!(closed("2024-09-24T12:00:00Z"), Some(Closed::Hours));
    assert_eq!(closed("2024-09-24T23:00:00Z"), None);
}

#[test]
fn a_window_with_a_zone_of_its_own_is_the_same_everywhere() {
    let headquarters = WindowInFile {
        zone: Some("America/New_York".to_owned()),
        ..in_file("mon-sun", "22:00", "23:00")
    };
    let calendar = only(headquarters.read().unwrap());
    for name in ["Pacific/Kiritimati", "Asia/Kathmandu", "UTC"] {
        let next = calendar.next_open_ms(at("2024-07-01T00:00:00Z"), &in_zone(name));
        assert_eq!(next, Some(at("2024-07-01T02:00:00Z")), "{name}");
    }
}

#[test]
fn what_never_opens_within_two_years_is_said_to_be_never() {
    let calendar = Calendar {
        windows: vec![window("mon-sun", "00:00", "24:00")],
        blackouts: vec![blackout("2024-01-01", "2026-12-31")],
        needs_window: false,
    };
    let utc = TimeZone::UTC;
    let after = at("2024-01-01T00:00:00Z");
    assert_eq!(calendar.next_open_ms(after, &utc), None);
    assert!(!calendar.opens_before(after, after + HORIZON_MS, &utc));
    assert_eq!(calendar.latest_start_ms(at("2026-12-31T00:00:00Z"), 0, &utc), None);
    assert_eq!(
        calendar.latest_start_ms(at("2024-06-01T00:00:00Z"), 0, &utc),
        Some(after - 1)
    );
}

#[test]
fn an_opening_at_the_deadline_is_too_late() {
    let utc = TimeZone::UTC;
    let (noon, opens) = (at("2024-09-24T12:00:00Z"), at("2024-09-24T22:00:00Z"));
    assert!(!nights().opens_before(noon, opens, &utc));
    assert!(nights().opens_before(noon, opens + 1, &utc));
}

#[test]
fn instants_beyond_every_calendar_are_answered_too() {
    let berlin = in_zone("Europe/Berlin");
    let mut calendar = nights();
    calendar.blackouts.push(blackout("2024-09-26", "2024-09-26"));
    for at_ms in [
        i64::MIN,
        i64::MIN + 1,
        -400_000_000_000_000,
        400_000_000_000_000,
        i64::MAX - 1,
        i64::MAX,
    ] {
        let _ = calendar.is_open(at_ms, &berlin);
        assert!(
            calendar
                .next_open_ms(at_ms, &berlin)
                .is_none_or(|open_ms| open_ms >= at_ms)
        );
        assert!(
            calendar
                .closes_ms(at_ms, &berlin)
                .is_none_or(|close_ms| close_ms > at_ms)
        );
        assert!(
            calendar
                .latest_start_ms(at_ms, 1, &berlin)
                .is_none_or(|start_ms| start_ms <= at_ms)
        );
    }
}

#[test]
fn an_opening_is_looked_for_two_years_ahead_and_no_further() {
    let utc = TimeZone::UTC;
    let begins = "2026-01-01T00:00:00Z";
    let next = |ends: &str| {
        let calendar = Calendar {
            blackouts: vec![blackout(begins, ends)],
            ..Calendar::default()
        };
        shown(calendar.next_open_ms(at(begins), &utc), &utc)
    };
    assert_eq!(next("2028-01-03T00:00:00Z"), "2028-01-03 00:00:00+00:00");
    assert_eq!(next("2028-01-04T00:00:00Z"), "never");
}
