use std::collections::BTreeMap;

use cutover_proto::{ids::CampaignId, record::FailureCause};
use jiff::civil::{Date, date};

use super::*;
use crate::{
    campaign::{Campaign, Mode},
    catalog::Unmet,
    plan::{Given, Hold, HoldKind, Owner, Personal, Phase, Plan, Reason},
    samples,
};

fn plan(phase: Phase, reason: Option<Reason>) -> Plan {
    Plan {
        phase,
        reason,
        ..Plan::unborn(samples::host(), CampaignId::new("c"))
    }
}

fn key(plan: &Plan, campaign: &Campaign) -> String {
    cause(plan, campaign).map_or_else(String::new, |cause| cause.key)
}

fn room(free: u32) -> Reason {
    Reason::Unmet(Unmet {
        product: "clamav".into(),
        name: "room".to_owned(),
        seen: format!("{free} MiB are free, 1024 MiB are needed"),
        is_unknown: false,
        reason: "there is too little room".to_owned(),
        remedy: "free it".to_owned(),
        owner: Owner::Helpdesk,
    })
}

#[test]
fn hosts_that_differ_in_figures_alone_have_one_cause() {
    let campaign = samples::campaign("");
    let of = |reason| cause(&plan(Phase::Blocked, Some(reason)), &campaign).unwrap();
    assert_eq!(of(room(100)), of(room(200)));
    let it = of(room(100));
    assert_eq!(
        (it.key.as_str(), it.text.as_str(), it.remedy.as_str(), it.owner),
        (
            "blocked/unmet/clamav/room",
            "there is too little room",
            "free it",
            Owner::Helpdesk
        )
    );
    let used = |last| Reason::AttemptsUsed {
        attempts: 3,
        last,
        detail: "at 12:00".to_owned(),
    };
    let failed = |last| key(&plan(Phase::Failed, Some(used(last))), &campaign);
    assert_eq!(failed(Some(FailureCause::DiskFull)), "failed/attempts-used/disk-full");
    assert_eq!(failed(None), "failed/attempts-used/silence");
    let overdue = |since_ms| {
        key(
            &plan(Phase::Handwork, Some(Reason::RestartOverdue { since_ms })),
            &campaign,
        )
    };
    assert_eq!(overdue(1), overdue(2));
    let long = Reason::NoRecipe { why: "ä".repeat(300) };
    assert!(key(&plan(Phase::Unplanned, Some(long)), &campaign).len() <= 200);
    let long = Reason::NoRecipe { why: "a".repeat(300) };
    assert_eq!(
        key(&plan(Phase::Unplanned, Some(long)), &campaign).len(),
        200,
        "no more is cut than must be"
    );
}

#[test]
fn what_is_not_known_of_a_condition_is_counted_apart_from_what_fails() {
    let campaign = samples::campaign("");
    let Reason::Unmet(fails) = room(100) else {
        panic!("it is unmet")
    };
    let not_known = Unmet {
        seen: "free room where packages go".to_owned(),
        is_unknown: true,
        ..fails
    };
    let it = cause(&plan(Phase::Blocked, Some(Reason::Unmet(not_known))), &campaign).unwrap();
    assert_eq!(it.key, "blocked/unknown/clamav/room");
    assert!(it.text.starts_with("not known: free room"), "{}", it.text);
    assert!(
        it.remedy.starts_with("see why the look does not tell it"),
        "{}",
        it.remedy
    );
}

#[test]
fn what_came_back_is_counted_by_who_is_held_to_put_it_back_and_else_by_whether_its_agent_is_there() {
    let campaign = samples::campaign("");
    let by = |agents: &[&str]| Reason::CameBack {
        products: vec!["kesl".into()],
        times: 2,
        agents: agents.iter().map(|agent| (*agent).into()).collect(),
        installed_day: None,
        suspect: None,
    };
    let of = |agents| cause(&plan(Phase::Blocked, Some(by(agents))), &campaign).unwrap();
    assert_eq!(of(&[]).key, "blocked/came-back");
    assert!(!of(&[]).text.contains("agent"), "{}", of(&[]).text);
    assert_eq!(of(&["klnagent64"]).key, "blocked/came-back-by-agent");
    assert!(of(&["klnagent64"]).text.ends_with("its management agent is there"));
}

#[test]
fn a_host_whose_user_is_to_be_told_waits_for_that_word_only_once_it_was_asked_for() {
    let campaign = samples::campaign(
        "[policy]\napproval_for = []\n[notice]\nbefore = [\"3d\", \"1d\"]\nfrom = \"IT\"\nwhy = \"it is replaced\"\n\
         contact = \"4711\"\n",
    );
    let mut host = plan(Phase::Queued, None);
    assert_eq!(key(&host, &campaign), "", "no notice was asked for yet");
    host.notices.asked = 1;
    assert_eq!(key(&host, &campaign), "queued/notice");
    host.notices.given.push(Given {
        at_ms: 1,
        shown_ms: 1,
        somebody: Some(true),
        how: String::new(),
    });
    assert_eq!(
        key(&host, &campaign),
        "",
        "it was given; only time is left until the next"
    );
    host.notices.asked = 2;
    assert_eq!(key(&host, &campaign), "queued/notice");
    host.stale = true;
    assert_eq!(key(&host, &campaign), "queued/away");
}

#[test]
fn a_queued_host_has_the_cause_that_a_person_can_end() {
    let mut campaign = samples::campaign("[policy]\napproval_for = []\n");
    let mut host = plan(Phase::Queued, None);
    assert_eq!(key(&host, &campaign), "");
    host.stale = true;
    assert_eq!(key(&host, &campaign), "queued/away");
    campaign.mode = Mode::Approve;
    assert_eq!(key(&host, &campaign), "queued/approval");
    host.local_hold = Some("an exam".to_owned());
    assert_eq!(key(&host, &campaign), "queued/held-locally");
    let who = Personal::of_digest(&"a".repeat(64)).unwrap();
    let hold = Hold {
        kind: HoldKind::Legal,
        who: who.clone(),
        why: who,
        until_ms: None,
    };
    host.holds.insert(HoldKind::Legal, hold);
    let held = cause(&host, &campaign).unwrap();
    assert_eq!(held.key, "queued/held-legal");
    assert!(
        Personal::mentioned_in(&format!("{held:?}")).is_empty(),
        "no person is in what is counted by"
    );
    host.agent_perhaps_lost = true;
    assert_eq!(key(&host, &campaign), "queued/agent-perhaps-lost");
    for phase in [Phase::Planned, Phase::Migrating, Phase::Clear] {
        assert_eq!(key(&plan(phase, None), &campaign), "");
    }
}

/// Monday, 2026-11-30.
const TODAY: Date = date(2026, 11, 30);

#[test]
fn the_pace_is_of_whole_working_days_and_known_from_a_few_hosts_on() {
    let done = |days: &[(Date, u64)]| Pace::of(&days.iter().copied().collect::<BTreeMap<_, _>>(), TODAY);
    assert_eq!(done(&[]), Pace::default());
    assert_eq!(done(&[(TODAY, 100)]), Pace::default(), "today is not over");
    // Friday and the weekend after it: one working day.
    let weekend = done(&[(date(2026, 11, 27), 6), (date(2026, 11, 29), 2)]);
    assert_eq!((weekend.hosts, weekend.working_days), (8, 1));
    assert_eq!(weekend.tenths_for(8), Some(10));
    assert_eq!(weekend.tenths_for(9), Some(12), "rounded up");
    assert_eq!(weekend.tenths_for(0), Some(0));
    // Ten working days before it reach back to Monday, two weeks ago; what lies before does not count.
    let long = done(&[
        (date(2026, 11, 13), 500),
        (date(2026, 11, 16), 10),
        (date(2026, 11, 27), 10),
    ]);
    assert_eq!((long.hosts, long.working_days), (20, 10));
    assert_eq!(long.tenths_for(30), Some(150));
    let few = done(&[(date(2026, 11, 27), LEAST - 1)]);
    assert_eq!(few.tenths_for(1), None);
    assert!(few.text().contains("not known: 4 hosts") && long.text().contains("20 hosts were done"));
    assert_eq!(long.tenths_for(u64::MAX), None, "what has no number is not told");
    // A day on which none was done is none to begin with, and a weekend alone is no working day.
    let late = done(&[(date(2026, 11, 16), 0), (date(2026, 11, 27), 6)]);
    assert_eq!((late.hosts, late.working_days), (6, 1));
    let sunday = done(&[(date(2026, 11, 29), 8)]);
    assert_eq!((sunday.hosts, sunday.working_days), (8, 0));
    assert_eq!(sunday.tenths_for(1), None);
    assert!(sunday.text().contains("not known: 8 hosts"), "{}", sunday.text());
}

#[test]
fn a_day_is_the_campaigns_day() {
    // 2026-11-30T23:30:00Z.
    let at = 1_796_081_400_000;
    assert_eq!(day_of(at, "UTC"), date(2026, 11, 30));
    assert_eq!(day_of(at, "Europe/Berlin"), date(2026, 12, 1));
    // Beyond the calendar it is the calendar's end on that side.
    let years = [i64::MIN, i64::MAX].map(|at_ms| day_of(at_ms, "UTC").year());
    assert_eq!(years, [-9999, 9999]);
}
