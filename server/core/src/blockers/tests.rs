use std::collections::BTreeMap;

use cutover_proto::{ids::CampaignId, record::FailureCause};
use jiff::civil::{Date, date};

use super::*;
use crate::{
    campaign::{Campaign, Mode},
    catalog::Unmet,
    plan::{Hold, HoldKind, Owner, Personal, Phase, Plan, Reason},
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
}

#[test]
fn a_day_is_the_campaigns_day() {
    // 2026-11-30T23:30:00Z.
    let at = 1_796_081_400_000;
    assert_eq!(day_of(at, "UTC"), date(2026, 11, 30));
    assert_eq!(day_of(at, "Europe/Berlin"), date(2026, 12, 1));
}
