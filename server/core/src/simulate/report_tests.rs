use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    step::{Action, Step},
};

use super::{
    DayLoad, LeftOver, Mark, SiteLoad, WaveCourse,
    report::{End, Recorder},
    tests::{DAY, Fleet, HOUR, START, all, host},
};
use crate::{
    decide::{Event, Fact},
    plan::{OrderEnd, Phase, Plan},
};

const MINUTE: i64 = 60_000;
const MIB: u64 = 1 << 20;
/// Midnight before the fleet's start.
const MIDNIGHT: i64 = START - 9 * HOUR;

fn plan(number: usize, site: &str, phase: Phase) -> Plan {
    let mut plan = Fleet::of(1, all("")).hosts.remove(0).plan;
    (plan.host_id, plan.phase) = (host(number), phase);
    plan.known.site = site.to_owned();
    plan
}

fn at(at_ms: i64, fact: Fact) -> Event {
    Event { at_ms, fact }
}

/// An order that fetches files of these sizes.
fn issued(at_ms: i64, sizes: &[u64]) -> Event {
    let fetch = |size: &u64| Step {
        action: Action::FetchArtifact {
            artifact: ArtifactRef {
                sha256: ArtifactDigest::new([0; 32]),
                size: *size,
                file_name: "file.deb".to_owned(),
                urls: Vec::new(),
            },
        },
        time_limit: std::time::Duration::from_mins(5),
        safe_point_after: true,
    };
    let fact = Fact::OrderIssued {
        number: 1,
        attempt: 1,
        epoch: 1,
        replacement: "clamav".into(),
        steps: sizes.iter().map(fetch).collect(),
        expires_ms: at_ms,
        fetch_by_ms: at_ms,
        catalog_revision: 1,
        round: 0,
        slots: Vec::new(),
        recipes: Vec::new(),
        secrets: Vec::new(),
        grade: None,
    };
    at(at_ms, fact)
}

fn ended(at_ms: i64, used_attempt: bool) -> Event {
    let fact = Fact::OrderEnded {
        number: 1,
        end: OrderEnd::Failed,
        cause: None,
        detail: String::new(),
        used_attempt,
        exit_code: None,
        stop: None,
    };
    at(at_ms, fact)
}

fn moved(at_ms: i64, to: Phase) -> Event {
    at(at_ms, Fact::Moved { to, reason: None })
}

fn end<'a>(plan: &'a Plan, why: &str) -> End<'a> {
    End {
        plan,
        was_to_do: true,
        was_heard: true,
        why: (why.to_owned(), "do it".to_owned()),
    }
}

#[test]
fn a_site_bears_what_was_out_before_too_and_its_busiest_hour_is_the_first_of_its_kind() {
    let (here, there) = (plan(1, "here", Phase::Queued), plan(2, "there", Phase::Queued));
    let mut recorder = Recorder::default();
    recorder.note_out(&here);
    recorder.note_out(&here);
    recorder.note(&here, &issued(START, &[MIB, 1]));
    recorder.note(&here, &ended(START + MINUTE, false));
    recorder.note(&here, &issued(START + 30 * MINUTE, &[]));
    recorder.note(&there, &issued(START + 30 * MINUTE, &[]));
    // An hour after the first, that one no longer counts.
    recorder.note(&here, &issued(START + HOUR, &[MIB]));
    let said = recorder.finish([].into_iter(), Vec::new(), &[]);
    let of = |site: &str, starts, most_at_work, most_in_an_hour, fetched_mib| SiteLoad {
        site: site.to_owned(),
        starts,
        most_at_work,
        most_in_an_hour,
        busiest_ms: START + 30 * MINUTE,
        fetched_mib,
    };
    assert_eq!(said.sites, [of("here", 3, 4, 2, 3), of("there", 1, 1, 1, 0)]);
}

#[test]
fn a_day_is_one_of_utc_and_counts_what_happened_on_it() {
    let (one, other) = (plan(1, "", Phase::Migrated), plan(2, "", Phase::Migrated));
    let mut recorder = Recorder::default();
    let seen = |at_ms| {
        at(
            at_ms,
            Fact::RestartSeen {
                boot_id: "boot-2".to_owned(),
            },
        )
    };
    for plan in [&one, &other] {
        recorder.note(plan, &issued(MIDNIGHT, &[]));
        recorder.note(plan, &seen(MIDNIGHT + 2));
        recorder.note(plan, &ended(MIDNIGHT + DAY - 1, true));
        recorder.note(plan, &issued(MIDNIGHT + DAY, &[]));
        recorder.note(plan, &ended(MIDNIGHT + DAY + 1, false));
        recorder.note(plan, &moved(MIDNIGHT + DAY + 1, Phase::Migrated));
    }
    recorder.decisions = 17;
    let said = recorder.finish([].into_iter(), Vec::new(), &[]);
    let first = DayLoad {
        day_ms: MIDNIGHT,
        starts: 2,
        restarts: 2,
        done: 0,
        failed: 2,
    };
    let second = DayLoad {
        day_ms: MIDNIGHT + DAY,
        starts: 2,
        done: 2,
        ..DayLoad::default()
    };
    assert_eq!((said.days, said.decisions), (vec![first, second], 17));
}

#[test]
fn a_host_is_done_when_it_was_last_and_a_mark_counts_those_before_it() {
    let done = |number| plan(number, "", Phase::Migrated);
    let (one, other, open) = (done(1), done(2), plan(3, "", Phase::Queued));
    let mut recorder = Recorder::default();
    recorder.note(&one, &issued(START, &[]));
    recorder.note(&one, &moved(START + HOUR, Phase::Migrated));
    recorder.note(&one, &moved(START + 2 * HOUR, Phase::Queued));
    recorder.note(&one, &moved(START + 3 * HOUR, Phase::Migrated));
    recorder.note(&other, &issued(START + HOUR, &[]));
    recorder.note(&other, &moved(START + 4 * HOUR, Phase::Migrated));
    recorder.note(&open, &moved(START + HOUR, Phase::Migrated));
    recorder.note_opened("all", START);
    recorder.note_halted("all", "two failed".to_owned());
    let ends = [end(&one, ""), end(&other, ""), end(&open, "away")];
    let ended: Vec<_> = recorder
        .ends(&ends)
        .into_iter()
        .map(|it| (it.done_ms, it.why))
        .collect();
    let expected = [
        (Some(START + 3 * HOUR), ""),
        (Some(START + 4 * HOUR), ""),
        (None, "away"),
    ];
    assert_eq!(ended, expected.map(|(at_ms, why)| (at_ms, why.to_owned())));
    let marks = [3, 4, 5].map(|hour| (format!("{hour}"), START + hour * HOUR));
    let said = recorder.finish(["all", "none"].into_iter(), marks.to_vec(), &ends);
    let mark = |hour: i64, done| Mark {
        name: format!("{hour}"),
        at_ms: START + hour * HOUR,
        done,
    };
    assert_eq!(said.marks, [mark(3, 0), mark(4, 1), mark(5, 2)]);
    let shares: Vec<_> = said.shares.iter().map(|it| (it.percent, it.at_ms)).collect();
    let half = Some(START + 4 * HOUR);
    assert_eq!(shares[..2], [(50, half), (80, None)]);
    assert_eq!((said.hosts, said.to_do, said.done, said.never_reached), (3, 3, 2, 0));
    let wave = WaveCourse {
        name: "all".to_owned(),
        to_do: 3,
        done: 2,
        opened_ms: Some(START),
        first_start_ms: Some(START),
        half_ms: half,
        done_ms: None,
        halts: vec!["two failed".to_owned()],
    };
    let none = WaveCourse {
        name: "none".to_owned(),
        ..WaveCourse::default()
    };
    assert_eq!(said.waves, [wave, none]);
}

#[test]
fn who_is_left_is_counted_by_why_and_ten_of_each_are_named() {
    let mut plans: Vec<Plan> = (0..14).map(|number| plan(number, "", Phase::Queued)).collect();
    for (plan, number) in plans.iter_mut().zip(0..) {
        plan.assessment.as_mut().unwrap().hostname = format!("pc-{number}");
    }
    plans[0].assessment.as_mut().unwrap().hostname = String::new();
    plans[1].assessment = None;
    plans[13].phase = Phase::Exempt;
    let mut ends: Vec<End<'_>> = plans.iter().map(|plan| end(plan, "away")).collect();
    ends[2].why.0 = "held".to_owned();
    for end in &mut ends[..11] {
        end.was_heard = false;
    }
    let said = Recorder::default().finish([].into_iter(), Vec::new(), &ends);
    let named = |numbers: &[usize]| -> Vec<String> {
        let name = |number: &usize| match number {
            // Who has no name is called by its number.
            0 | 1 => host(*number).to_string(),
            number => format!("pc-{number}"),
        };
        numbers.iter().map(name).collect()
    };
    let left = |why: &str, hosts, numbers: &[usize]| LeftOver {
        why: why.to_owned(),
        remedy: "do it".to_owned(),
        hosts,
        named: named(numbers),
    };
    assert_eq!(
        said.left,
        [
            left("away", 12, &[0, 1, 3, 4, 5, 6, 7, 8, 9, 10]),
            left("held", 1, &[2])
        ],
        "an exempt host is not left"
    );
    assert_eq!(said.never_reached, 11);
    assert_eq!(said.never_reached_named, named(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
}
