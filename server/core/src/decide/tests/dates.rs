//! Dates as they came: the summer and autumn of 2024 at every instant that counts, and a fleet that begins 785 days late.

use cutover_proto::{
    ids::HostId,
    inventory::{DiskEncryption, OsFamily},
    verdict::Verdict,
};
use jiff::Timestamp;

use super::*;
use crate::{
    forecast,
    report::Schedule,
    rollout::{Candidate, choose},
    samples::{carrying, inventory, sighting, with},
    standing::{Standing, overdue_since, standing},
};

/// The last instant at which an update was allowed, and the first at which none was.
const CUTOFF: &str = "2024-09-29T04:00:00Z";

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn utc(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

/// A host that enrols at this instant.
fn enrolled(campaign: &Campaign, text: &str) -> Host {
    let mut host = Host::of(campaign.clone());
    (host.plan, host.now_ms) = (Plan::unborn(samples::host(), host.plan.campaign_id.clone()), at(text));
    (host.last_seen_ms, host.looked_at_ms) = (host.now_ms, host.now_ms);
    host.events.clear();
    host.send(Input::Enrolled {
        known: Known::default(),
    });
    host
}

fn stands(host: &Host, now_ms: i64) -> (Option<Standing>, Option<String>) {
    let bucket = host.plan.bucket();
    (
        standing(&bucket, now_ms, &host.campaign),
        overdue_since(&bucket, now_ms, &host.campaign).map(utc),
    )
}

#[test]
fn milestones_pass_and_reports_are_due_at_their_instants_in_2024() {
    let campaign = samples::campaign("");
    let milestones: Vec<_> = campaign
        .milestones
        .iter()
        .map(|it| (it.name.as_str(), utc(it.at_ms)))
        .collect();
    assert_eq!(
        milestones,
        [
            ("sale", "2024-07-20T04:00:00Z".to_owned()),
            ("vendor-updates", "2024-09-10T04:00:00Z".to_owned()),
            ("updates", CUTOFF.to_owned()),
        ]
    );
    // Each Monday at six by New York's clock, which is UTC-4 until November.
    let schedule = Schedule::parse("0 6 * * MON", "America/New_York").unwrap();
    let due = schedule.due_periods(at("2024-06-20T00:00:00Z"), at("2024-10-31T23:59:59Z"), 100);
    let first = at("2024-06-24T10:00:00Z");
    let expected: Vec<String> = (0..19).map(|week| utc(first + week * 7 * DAY)).collect();
    assert_eq!(
        due.iter().map(|period| period.key.as_str()).collect::<Vec<_>>(),
        expected
    );
    assert_eq!(expected.last().unwrap(), "2024-10-28T10:00:00Z");
}

#[test]
fn hosts_that_are_not_done_turn_overdue_with_the_cutoff_and_not_a_millisecond_before() {
    let campaign = samples::campaign("[policy]\nsoak = \"24h\"\n");
    let cutoff_ms = at(CUTOFF);
    let mut queued = enrolled(&campaign, "2024-06-20T12:00:00Z");
    queued.look(&carrying());
    assert_eq!(queued.plan.phase, Phase::Queued);
    let mut encrypted = carrying();
    encrypted.facts.encryption = DiskEncryption::ByTarget;
    let mut blocked = enrolled(&campaign, "2024-06-20T12:00:00Z");
    blocked.look(&encrypted);
    assert_eq!(blocked.plan.phase, Phase::Blocked);
    let mut done = enrolled(&campaign, "2024-06-20T12:00:00Z");
    done.look(&carrying());
    done.now_ms = at("2024-08-01T09:00:00Z");
    done.migrate_with_soak();
    let overdue = (Some(Standing::Overdue), Some(CUTOFF.to_owned()));
    for day in ["2024-06-20T12:00:00Z", "2024-07-20T04:00:00Z", "2024-09-10T04:00:00Z"] {
        assert_eq!(stands(&queued, at(day)), (Some(Standing::OnTrack), None), "{day}");
    }
    assert_eq!(stands(&queued, cutoff_ms - 1), (Some(Standing::OnTrack), None));
    assert_eq!(stands(&blocked, cutoff_ms - 1), (Some(Standing::AtRisk), None));
    assert_eq!(stands(&queued, cutoff_ms), overdue);
    assert_eq!(stands(&blocked, cutoff_ms), overdue);
    assert_eq!(stands(&done, cutoff_ms), (Some(Standing::Compliant), None));
    // Four hours of work and a day of soak before the cutoff the last safe start is over.
    let latest_ms = forecast::latest_start_ms(&queued.plan, &campaign);
    assert_eq!(utc(latest_ms), "2024-09-28T00:00:00Z");
    assert_eq!(forecast::late(&queued.plan, &campaign, latest_ms), Some(false));
    assert_eq!(forecast::late(&queued.plan, &campaign, latest_ms + 1), Some(true));
    assert_eq!(forecast::late(&queued.plan, &campaign, cutoff_ms), None);
    assert!(
        forecast::no_target_text(&campaign, cutoff_ms)
            .unwrap()
            .contains("recovery_target")
    );
}

/// In the week from 19 September 2024 on the vendor put another product in the place of its own on machines of consumers.
#[test]
fn in_the_week_of_ultraav_a_target_vanishes_and_what_nobody_approved_is_named() {
    let campaign = samples::campaign("");
    let mut host = enrolled(&campaign, "2024-09-02T08:00:00Z");
    let mut windows = inventory();
    (windows.facts.os_family, windows.facts.os_id) = (OsFamily::Windows, "windows".to_owned());
    let before = with(windows.clone(), "kaspersky-consumer", Verdict::Running);
    let mut after = windows;
    after.sightings.retain(|it| it.product.as_str() != "ultraav");
    after.sightings.push(sighting("ultraav", Verdict::Running));
    host.look(&before);
    assert_eq!(host.plan.phase, Phase::Unplanned);
    assert!(host.plan.ever_carried);
    host.now_ms = at("2024-09-19T13:37:00Z");
    let decision = host.look(&after);
    let names: Vec<&str> = decision.events.iter().map(|event| event.fact.name()).collect();
    assert!(names.contains(&"target-vanished"), "{names:?}");
    assert!(
        decision
            .events
            .iter()
            .all(|event| utc(event.at_ms) == "2024-09-19T13:37:00Z")
    );
    assert_eq!(host.plan.phase, Phase::Unplanned);
    let reason = host.plan.reason.as_ref().unwrap();
    assert_eq!(
        reason,
        &crate::plan::Reason::UnapprovedReplacement {
            product: cutover_proto::ids::ProductId::new("ultraav")
        }
    );
    // It is nobody's success: the machine is no further, and no order goes out for it.
    assert_eq!(stands(&host, host.now_ms), (Some(Standing::AtRisk), None));
    assert!(
        host.refusal(&Input::Started {
            order_number: 1,
            epoch: 1
        })
        .contains("only a queued plan")
    );
    assert_eq!(host.look_again().events, [], "the same look again is no second event");
}

const LATE_HOSTS: u32 = 20_000;

/// 785 days after the cutoff, on a Monday morning, within an hour.
fn late_fleet(host: &mut Host) -> Vec<Plan> {
    let begin_ms = at("2026-11-23T14:00:00Z");
    assert_eq!((begin_ms - at(CUTOFF)) / DAY, 785);
    let assessment = Box::new(assess(&carrying(), &Known::default(), &host.campaign, &host.catalog));
    let inputs = [
        Input::Enrolled {
            known: Known::default(),
        },
        Input::Looked {
            assessment,
            looked_at_ms: begin_ms,
            boot_id: "boot-1".to_owned(),
        },
    ];
    (0..LATE_HOSTS)
        .map(|number| {
            host.now_ms = begin_ms + i64::from(number) * HOUR / i64::from(LATE_HOSTS);
            let id: HostId = format!("01890000-0000-7000-8000-{number:012}").parse().unwrap();
            let unborn = Plan::unborn(id, CampaignId::new(host.campaign.id.as_str()));
            inputs.iter().fold(unborn, |plan, input| {
                let decision = decide(&plan, input, &host.cx()).unwrap();
                assert!(
                    decision
                        .effects
                        .iter()
                        .all(|it| !matches!(it, Effect::IssueOrder { .. }))
                );
                replay(plan, &decision.events).unwrap()
            })
        })
        .collect()
}

fn chosen(fleet: &[Plan], host: &Host, now_ms: i64) -> (Vec<HostId>, Vec<(HostId, Waiting)>) {
    let candidates: Vec<Candidate<'_>> = fleet
        .iter()
        .map(|plan| Candidate {
            plan,
            last_seen_ms: now_ms,
        })
        .collect();
    let mut group = host.group();
    let chosen = choose(&candidates, &mut group, &host.campaign, now_ms);
    (chosen.starts, chosen.waiting)
}

#[test]
fn twenty_thousand_hosts_that_come_785_days_late_are_overdue_and_none_is_forced_within_three_working_days() {
    let text = "recovery_target = \"2027-01-31T00:00:00-05:00\"\n[policy]\nmax_in_flight = 500\n";
    let mut host = Host::of(samples::campaign(text));
    let fleet = late_fleet(&mut host);
    let begin_ms = fleet[0].enrolled_ms;
    for plan in &fleet {
        assert_eq!(plan.phase, Phase::Queued);
        let bucket = plan.bucket();
        // The cutoff is past, and said so; whether they are in time goes by the recovery target.
        assert_eq!(standing(&bucket, host.now_ms, &host.campaign), Some(Standing::OnTrack));
        assert_eq!(
            overdue_since(&bucket, host.now_ms, &host.campaign).map(utc).as_deref(),
            Some(CUTOFF)
        );
        assert_eq!(
            utc(forecast::latest_start_ms(plan, &host.campaign) + DAY),
            "2027-01-31T01:00:00Z"
        );
    }
    for since_ms in [HOUR, DAY, 2 * DAY, 3 * DAY - 1] {
        let (starts, waiting) = chosen(&fleet, &host, begin_ms + since_ms);
        assert!(starts.is_empty(), "{} started after {since_ms} ms", starts.len());
        for ((_, waiting), plan) in waiting.iter().zip(&fleet) {
            let until_ms = plan.enrolled_ms + 3 * DAY;
            assert_eq!(*waiting, Waiting::Grace { until_ms });
        }
    }
    // Not even where somebody chose it all the same.
    host.now_ms = begin_ms + 3 * DAY - 1;
    let start = Input::Started {
        order_number: 1,
        epoch: 1,
    };
    for plan in &fleet {
        let refused = decide(plan, &start, &host.cx()).unwrap_err();
        assert!(refused.why.contains("the end of grace"), "{refused}");
    }
    // The first to have come is the first to start, then as many as the limit lets.
    assert_eq!(chosen(&fleet, &host, begin_ms + 3 * DAY).0, [fleet[0].host_id]);
    assert_eq!(chosen(&fleet, &host, begin_ms + 3 * DAY + HOUR).0.len(), 500);
    host.now_ms = begin_ms + 3 * DAY;
    let decision = decide(&fleet[0], &start, &host.cx()).unwrap();
    assert!(
        decision
            .effects
            .iter()
            .any(|it| matches!(it, Effect::IssueOrder { .. }))
    );
}

#[test]
fn a_host_that_comes_back_after_weeks_has_its_grace_anew_and_one_of_a_late_campaign_without_a_target_is_overdue() {
    let mut host = enrolled(&samples::campaign(""), "2026-11-23T14:00:00Z");
    host.look(&carrying());
    assert_eq!(
        stands(&host, host.now_ms),
        (Some(Standing::Overdue), Some(CUTOFF.to_owned()))
    );
    assert_eq!(forecast::slack_ms(&host.plan, &host.campaign, host.now_ms), None);
    host.now_ms = at("2026-12-31T12:00:00Z");
    host.send(Input::Woke {
        last_seen_ms: host.last_seen_ms,
    });
    assert!(host.plan.stale);
    // A Friday noon: Monday, Tuesday and Wednesday are its three days.
    host.now_ms = at("2027-01-08T12:00:00Z");
    host.check_in();
    let start = Input::Started {
        order_number: 1,
        epoch: 1,
    };
    host.now_ms = at("2027-01-13T12:00:00Z") - 1;
    assert!(host.refusal(&start).contains("2027-01-13"));
    host.now_ms += 1;
    host.send(start);
    assert_eq!(host.plan.phase, Phase::Migrating);
}
