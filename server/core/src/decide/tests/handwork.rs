//! Handwork: whose it is, by when, and what becomes of it.

use super::*;
use crate::{
    plan::{Personal, Reason},
    samples::carrying,
    waiting::WakeKind,
};

/// A host that a person must look at, since a step was interrupted that must not run twice.
fn host_by_hand() -> Host {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::StepBegun, 2, None);
    host.report(RecordEvent::StepInterrupted, 2, Some(FailureCause::Interrupted));
    assert_eq!(host.plan.phase, Phase::Handwork);
    host
}

fn overdue(decision: &Decision) -> usize {
    let is_told = |effect: &&Effect| {
        matches!(
            effect,
            Effect::Alarm {
                kind: AlarmKind::HandworkOverdue,
                ..
            }
        )
    };
    decision.effects.iter().filter(is_told).count()
}

/// Wakes at this time, whatever is due.
fn wake(host: &mut Host) -> Decision {
    let last_seen_ms = host.last_seen_ms;
    host.send(Input::Woke { last_seen_ms })
}

fn due(host: &Host) -> Option<i64> {
    host.plan.handwork_due_ms(&host.campaign)
}

#[test]
fn handwork_that_nobody_arranged_is_due_by_the_policy_and_told_of_once() {
    let mut host = host_by_hand();
    let policy = &host.campaign.policy;
    let by_policy = policy.end_ms(policy.handwork_within, host.plan.phase_since_ms);
    assert_eq!(due(&host), Some(by_policy));
    host.last_seen_ms = by_policy;
    host.now_ms = by_policy - 1;
    assert_eq!(overdue(&wake(&mut host)), 0);
    host.now_ms = by_policy;
    assert_eq!(overdue(&wake(&mut host)), 1);
    assert!(
        host.plan
            .handwork_text(&host.campaign, host.now_ms)
            .unwrap()
            .contains("which is past")
    );
    host.now_ms += 30 * DAY;
    host.last_seen_ms = host.now_ms;
    assert_eq!(overdue(&wake(&mut host)), 0, "it was told of");
    assert_eq!(host.plan.phase, Phase::Handwork);
    assert_ne!(host.next_wake().map(|wake| wake.kind), Some(WakeKind::Handwork));
}

#[test]
fn what_is_arranged_counts_and_another_date_is_told_of_anew() {
    let mut host = host_by_hand();
    let arrange = |host: &Host, days: i64| Input::HandworkAssigned {
        by: "ann".into(),
        owner: "bob".into(),
        reference: Some("ticket 7".into()),
        due_ms: Some(host.now_ms + days * DAY),
    };
    let (begun, first) = (host.now_ms, arrange(&host, 1));
    host.send(first);
    assert_eq!(due(&host), Some(begun + DAY));
    let text = host.plan.handwork_text(&host.campaign, host.now_ms).unwrap();
    for part in [Personal::from("bob"), "ticket 7".into(), "ann".into()] {
        assert!(text.contains(&part.to_string()), "{part} in {text}");
    }
    host.now_ms += DAY;
    host.last_seen_ms = host.now_ms;
    assert_eq!(overdue(&wake(&mut host)), 1);
    let later = arrange(&host, 2);
    host.send(later);
    assert_eq!(overdue(&wake(&mut host)), 0);
    host.now_ms += 2 * DAY;
    host.last_seen_ms = host.now_ms;
    assert_eq!(overdue(&wake(&mut host)), 1);
    // A date that is past is no date to agree on.
    assert!(host.try_send(&arrange(&host, 0)).is_err());
    host.send(Input::HandworkDone {
        by: "bob".into(),
        evidence: "photo".into(),
    });
    assert_eq!(
        (host.plan.phase, host.plan.handwork.clone(), due(&host)),
        (Phase::Verifying, None, None)
    );
}

#[test]
fn nobody_is_given_handwork_where_none_is_open() {
    let mut host = Host::new();
    host.look(&carrying());
    let refused = host
        .try_send(&Input::HandworkAssigned {
            by: "ann".into(),
            owner: "bob".into(),
            reference: None,
            due_ms: None,
        })
        .unwrap_err();
    assert!(refused.why.contains("no handwork is open"), "{refused}");
    assert!(!matches!(host.plan.reason, Some(Reason::StepInterrupted { .. })));
}
