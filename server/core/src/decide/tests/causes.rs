//! Whatever an order fails for, time and again: what follows comes to an end, and a person is told.

use cutover_proto::record::{FailureCause, RecordEvent};

use super::*;
use crate::samples::carrying;

/// Fails each order for a cause until none comes any more; says how many there were, and how many used an attempt.
fn fail_always(cause: FailureCause) -> (Host, u32, u32) {
    let mut host = Host::new();
    host.look(&carrying());
    let (mut orders, mut attempts) = (0, 0);
    while host.plan.phase == Phase::Queued && orders < 1000 {
        let before = host.plan.attempts_used;
        host.start_and_fetch();
        host.report(RecordEvent::OrderAccepted, 0, None);
        host.pass(1000).report(RecordEvent::StepBegun, 0, None);
        if cause == FailureCause::Interrupted {
            host.report(RecordEvent::StepInterrupted, 0, Some(cause));
        } else {
            host.report(RecordEvent::StepFailed, 0, Some(cause));
            host.report(RecordEvent::OrderFailed, 0, Some(cause));
        }
        orders += 1;
        attempts += host.plan.attempts_used - before;
        if host.plan.phase == Phase::Queued {
            let due_ms = host.plan.retry_at_ms.expect("a next try is never at once");
            assert!(due_ms > host.now_ms, "{cause}");
            host.pass(due_ms - host.now_ms).look(&carrying());
            host.wake();
        }
    }
    (host, orders, attempts)
}

#[test]
fn no_cause_makes_an_endless_loop_of_orders() {
    for cause in FailureCause::ALL {
        let (host, orders, attempts) = fail_always(*cause);
        let policy = &host.campaign.policy;
        assert!(orders <= policy.attempts * (policy.hindrances + 1), "{cause}: {orders}");
        assert!(attempts <= policy.attempts, "{cause}: {attempts}");
        assert!(
            matches!(host.plan.phase, Phase::Failed | Phase::Handwork),
            "{cause}: {}",
            host.plan.phase
        );
        let reason = host.plan.reason.as_ref().expect("a person can read why");
        assert!(!reason.text().is_empty() && !reason.remedy().is_empty(), "{cause}");
        let is_told = |effect: &Effect| matches!(effect, Effect::Alarm { .. });
        assert!(host.effects.iter().any(is_told), "{cause}");
    }
}

#[test]
fn a_hindrance_uses_an_attempt_once_there_were_too_many_in_a_row_and_an_interruption_ends_it_at_once() {
    let policy = Host::new().campaign.policy;
    let all = policy.attempts * (policy.hindrances + 1);
    let orders = |cause| fail_always(cause).1;
    assert_eq!(orders(FailureCause::Locked), all);
    assert_eq!(orders(FailureCause::ToolFailed), policy.attempts);
    assert_eq!(orders(FailureCause::Interrupted), 1);
}
