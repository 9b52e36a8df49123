use std::collections::BTreeMap;

use cutover_proto::ids::CampaignId;

use super::*;
use crate::{
    campaign::zone::utc,
    coverage::AssetBucket,
    plan::{Phase, Plan, Reason, ShownBy},
    samples,
    standing::{Bucket, Totals},
    waiting::Waiting,
};

fn ms(at: &str) -> i64 {
    at.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn due(cron: &str, zone: &str, after: &str, until: &str) -> Vec<String> {
    let schedule = Schedule::parse(cron, zone).unwrap();
    schedule
        .due_periods(ms(after), ms(until), 100)
        .into_iter()
        .map(|period| period.key)
        .collect()
}

#[test]
fn periods_are_named_by_their_instant_in_utc() {
    assert_eq!(
        due(
            "0 6 * * MON",
            "Europe/Berlin",
            "2024-09-01T00:00:00Z",
            "2024-09-16T05:00:00Z"
        ),
        ["2024-09-02T04:00:00Z", "2024-09-09T04:00:00Z", "2024-09-16T04:00:00Z"]
    );
}

#[test]
fn a_period_that_is_due_is_due_once_whatever_was_asked_before() {
    let schedule = Schedule::parse("0 6 * * *", "UTC").unwrap();
    let first = schedule.due_periods(ms("2024-09-01T00:00:00Z"), ms("2024-09-03T12:00:00Z"), 100);
    assert_eq!(first.len(), 3);
    let after_the_last = first[2].at_ms;
    assert_eq!(
        schedule.due_periods(after_the_last, ms("2024-09-03T23:00:00Z"), 100),
        []
    );
    // Asked for in parts, the same ones come.
    let limited = schedule.due_periods(ms("2024-09-01T00:00:00Z"), ms("2024-09-03T12:00:00Z"), 2);
    assert_eq!(limited, first[..2]);
    assert_eq!(
        schedule.due_periods(limited[1].at_ms, ms("2024-09-03T12:00:00Z"), 2),
        first[2..]
    );
}

/// Berlin: on 2024-03-31 02:00 becomes 03:00, on 2024-10-27 03:00 becomes 02:00. New York: 2024-03-10 and 2024-11-03.
#[test]
fn where_clocks_change_a_fixed_time_is_due_exactly_once_that_day() {
    let vectors = [
        // The time does not exist: the first instant after the gap.
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2024-03-31",
            &["2024-03-31T01:00:00Z"][..],
        ),
        (
            "30 2 * * *",
            "America/New_York",
            "2024-03-10",
            &["2024-03-10T07:00:00Z"],
        ),
        // It comes twice: the first of the two.
        ("30 2 * * *", "Europe/Berlin", "2024-10-27", &["2024-10-27T00:30:00Z"]),
        (
            "30 1 * * *",
            "America/New_York",
            "2024-11-03",
            &["2024-11-03T05:30:00Z"],
        ),
        // Beside the change nothing is odd.
        ("0 6 * * *", "Europe/Berlin", "2024-03-31", &["2024-03-31T04:00:00Z"]),
        ("0 6 * * *", "Europe/Berlin", "2024-10-27", &["2024-10-27T05:00:00Z"]),
        // A zone whose clocks change by half an hour, and one whose day begins with the gap.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2024-10-06",
            &["2024-10-05T15:30:00Z"],
        ),
        ("0 0 * * *", "Africa/Cairo", "2024-04-26", &["2024-04-25T22:00:00Z"]),
    ];
    for (cron, zone, day, expected) in vectors {
        let from = format!("{day}T00:00:00").parse::<jiff::civil::DateTime>().unwrap();
        let from = from
            .to_zoned(crate::campaign::zone::zone(zone).unwrap())
            .unwrap()
            .timestamp()
            .as_millisecond();
        let next_day = from + 22 * 3_600_000;
        let schedule = Schedule::parse(cron, zone).unwrap();
        let keys: Vec<String> = schedule
            .due_periods(from - 1, next_day, 10)
            .into_iter()
            .map(|period| period.key)
            .collect();
        assert_eq!(keys, expected, "{cron} {zone} {day}");
    }
}

#[test]
fn what_recurs_within_the_hour_follows_the_clock() {
    let gap = due(
        "*/30 2 * * *",
        "Europe/Berlin",
        "2024-03-31T00:00:00Z",
        "2024-03-31T03:00:00Z",
    );
    assert_eq!(gap, Vec::<String>::new(), "that hour does not exist");
    let twice = due(
        "*/30 2 * * *",
        "Europe/Berlin",
        "2024-10-26T23:00:00Z",
        "2024-10-27T03:00:00Z",
    );
    assert_eq!(
        twice,
        [
            "2024-10-27T00:00:00Z",
            "2024-10-27T00:30:00Z",
            "2024-10-27T01:00:00Z",
            "2024-10-27T01:30:00Z"
        ]
    );
}

#[test]
fn a_bad_expression_and_an_unknown_zone_name_the_remedy() {
    let said = Schedule::parse("every monday", "UTC").unwrap_err().to_string();
    assert!(
        said.contains("`every monday`") && said.contains("0 6 * * MON"),
        "{said}"
    );
    let said = Schedule::parse("0 6 * * *", "Mars/Base").unwrap_err().to_string();
    assert!(said.contains("`Mars/Base`") && said.contains("Europe/Berlin"), "{said}");
    // It can be read, but never comes: nothing is due, and nothing hangs.
    let never = Schedule::parse("0 0 30 2 *", "UTC").unwrap();
    assert_eq!(never.due_periods(0, ms("2030-01-01T00:00:00Z"), 10), []);
}

fn totals() -> Totals {
    let bucket = |phase: Phase, carried| Bucket {
        campaign: CampaignId::new("kaspersky-us-2024"),
        phase,
        wave: "all".to_owned(),
        site: String::new(),
        stale: false,
        late: false,
        closed: phase.is_closed(),
        carried,
    };
    [
        (bucket(Phase::Migrated, true), 18),
        (bucket(Phase::Blocked, true), 2),
        (bucket(Phase::Clear, false), 4),
        (bucket(Phase::Retired, true), 1),
    ]
    .into_iter()
    .collect()
}

fn blocked() -> Plan {
    let mut plan = Plan::unborn(samples::host(), CampaignId::new("kaspersky-us-2024"));
    plan.phase = Phase::Blocked;
    plan.reason = Some(Reason::EncryptedByTarget);
    plan.phase_since_ms = 5;
    plan
}

#[test]
fn the_figures_of_a_report() {
    let campaign = samples::campaign("");
    let now_ms = ms("2024-09-20T12:00:00Z");
    let plan = blocked();
    let waiting = Waiting::Stuck(Reason::EncryptedByTarget);
    let stuck = StuckHost::of(&plan, Some(&waiting), &campaign, now_ms)
        .into_iter()
        .collect();
    let figures = figures(&totals(), stuck, &campaign, 1, now_ms);
    insta::assert_snapshot!(serde_json::to_string_pretty(&figures).unwrap());
    let sum = |parts: &[(String, i64)]| parts.iter().map(|(_, hosts)| hosts).sum::<i64>();
    assert_eq!((sum(&figures.phases), sum(&figures.standings)), (25, 25));
}

#[test]
fn days_count_whole_ones_to_and_past_each_milestone() {
    let campaign = samples::campaign("recovery_target = \"2027-01-31T00:00:00-05:00\"");
    let figures = figures(&Totals::default(), Vec::new(), &campaign, 1, ms("2024-09-29T03:59:59Z"));
    let days: BTreeMap<&str, (i64, bool)> = figures
        .milestones
        .iter()
        .map(|it| (it.name.as_str(), (it.days, it.past)))
        .collect();
    assert_eq!(days["sale"], (-70, true));
    assert_eq!(days["updates"], (0, false), "the last day is not past");
    assert_eq!(days["recovery target"].0, 854);
}

#[test]
fn a_past_cutoff_without_a_recovery_target_is_said_and_no_page_says_that_use_is_unlawful() {
    let now_ms = ms("2026-11-23T00:00:00Z");
    let said = figures(&Totals::default(), Vec::new(), &samples::campaign(""), 1, now_ms)
        .notes
        .join("\n");
    assert!(
        said.contains(&utc(samples::campaign("").cutoff_ms().unwrap())) && said.contains("recovery_target"),
        "{said}"
    );
    assert!(said.contains("does not forbid the use"), "{said}");
}

#[test]
fn a_host_that_goes_on_by_itself_is_not_stuck() {
    let campaign = samples::campaign("");
    let mut plan = blocked();
    plan.phase = Phase::Verifying;
    assert_eq!(
        StuckHost::of(&plan, Some(&Waiting::Soak { until_ms: 9 }), &campaign, 0),
        None
    );
    plan.phase = Phase::Migrated;
    plan.stale = true;
    assert!(StuckHost::of(&plan, Some(&Waiting::Away { last_seen_ms: 0 }), &campaign, 0).is_some());
    plan.phase = Phase::Queued;
    plan.stale = false;
    let away = Waiting::Away { last_seen_ms: 0 };
    assert!(
        StuckHost::of(&plan, Some(&away), &campaign, 0).is_some(),
        "somebody must switch it on"
    );
}

#[test]
fn assets_that_the_standings_count_beside_the_hosts_are_named_and_nothing_is_where_there_are_none() {
    let campaign = samples::campaign("");
    let notes = |totals: &Totals| figures(totals, Vec::new(), &campaign, 1, ms("2024-09-20T12:00:00Z")).notes;
    let of_assets = |notes: Vec<String>| notes.into_iter().find(|note| note.contains("assets"));
    let mut totals = totals();
    assert_eq!(of_assets(notes(&totals)), None);
    totals.add_assets(AssetBucket::Unknown, 3);
    totals.add_assets(AssetBucket::SeenClear, 2);
    assert_eq!(
        of_assets(notes(&totals)).as_deref(),
        Some("The standings count 5 assets without agent beside the 25 hosts: unknown 3, seen-clear 2.")
    );
}

#[test]
fn a_reports_files_are_called_by_its_period_and_by_whether_somebody_asked_for_it() {
    let period = "2024-09-02T04:00:00Z";
    assert_eq!(file_stem("weekly", period), "deadline-2024-09-02T040000Z");
    assert_eq!(file_stem(BY_HAND, period), "deadline-by-hand-2024-09-02T040000Z");
}

#[test]
fn the_reports_shares_by_grade_add_up_to_all_migrated() {
    let campaign = samples::campaign("");
    let made = |kept: &[(ShownBy, i64)]| {
        let figures = figures(&totals(), Vec::new(), &campaign, 1, ms("2024-09-20T12:00:00Z"));
        figures.with_grades(&kept.iter().copied().collect())
    };
    let migrated = |figures: &Figures| figures.phases.iter().find(|(phase, _)| phase == "migrated").unwrap().1;
    for kept in [
        &[][..],
        &[(ShownBy::Machine, 2), (ShownBy::Others, 1)][..],
        &[(ShownBy::Field, 1), (ShownBy::Untold, 2)][..],
    ] {
        let figures = made(kept);
        let all: i64 = figures.grades.iter().map(|(_, hosts)| hosts).sum();
        assert!(migrated(&figures) >= 3);
        assert_eq!(all, migrated(&figures), "{:?}", figures.grades);
        assert_eq!(figures.grades.len(), ShownBy::ALL.len(), "none is left out");
    }
    // Of whom nothing is kept, nothing is told.
    let figures = made(&[(ShownBy::Machine, 2)]);
    let of = |name: &str| figures.grades.iter().find(|(grade, _)| grade == name).unwrap().1;
    assert_eq!((of("machine"), of("untold")), (2, migrated(&figures) - 2));
}
