//! No order leaves a host without protection for longer than its recipe bears without an alarm.

use cutover_proto::record::{FailureCause, RecordEvent};

use super::Host;
use crate::{
    catalog::Beside,
    decide::{AlarmKind, Decision, Effect},
    plan::Phase,
    samples::{carrying, inventory},
    waiting::WakeKind,
};

const HOUR_MS: i64 = 3_600_000;

/// A host in the middle of an order that removes first: kesl is gone, nothing is in its place.
fn in_the_gap() -> (Host, u32) {
    let mut host = Host::new();
    let clamav = host.catalog.recipes.get_mut(&"clamav".into()).unwrap();
    clamav.install.as_mut().unwrap().beside = Beside::Never;
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    // fetch, kesl-gui, kesl
    for step in 0..3 {
        host.pass(1000).report(RecordEvent::StepBegun, step, None);
        host.pass(1000).report(RecordEvent::StepDone, step, None);
    }
    assert!(host.plan.gap.is_some());
    (host, 3)
}

fn alarms(decision: &Decision) -> Vec<(AlarmKind, String)> {
    decision
        .effects
        .iter()
        .filter_map(|effect| {
            let Effect::Alarm { kind, text } = effect else {
                return None;
            };
            Some((*kind, text.clone()))
        })
        .collect()
}

#[test]
fn a_gap_that_outlasts_the_recipes_bound_is_an_alarm_once() {
    let (mut host, _) = in_the_gap();
    let began = host.plan.gap.unwrap().since_ms;
    // The host is heard of all the while; its order only does not come to an end.
    while host.now_ms < began + HOUR_MS - 60_000 {
        host.pass(60_000).report(RecordEvent::StepBegun, 3, None);
        assert_eq!(alarms(&host.check_in()), []);
    }
    let wake = host.next_wake().unwrap();
    assert_eq!((wake.kind, wake.at_ms), (WakeKind::Gap, began + HOUR_MS));
    let told = alarms(&host.wake());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, AlarmKind::Unprotected);
    assert!(told[0].1.contains("longer than the 1h"), "{}", told[0].1);
    assert_ne!(host.next_wake().map(|wake| wake.kind), Some(WakeKind::Gap));
}

#[test]
fn the_bound_goes_on_when_the_order_failed_in_the_gap() {
    let (mut host, step) = in_the_gap();
    host.report(RecordEvent::StepFailed, step, Some(FailureCause::ServiceNotActive));
    host.report(RecordEvent::OrderFailed, step, Some(FailureCause::ServiceNotActive));
    assert!(host.plan.order.is_none());
    host.look(&inventory());
    assert!(host.plan.gap.is_some(), "{}", host.told());
    let gap = host.plan.gap.unwrap();
    host.now_ms = gap.since_ms + gap.bound_ms;
    let woken = host.wake();
    assert!(
        alarms(&woken).iter().any(|(kind, _)| *kind == AlarmKind::Unprotected),
        "{}",
        host.told()
    );
}

#[test]
fn protection_that_counts_closes_the_gap_and_unobserved_does_not() {
    let (mut host, _) = in_the_gap();
    let mut dark = inventory();
    dark.protection = cutover_proto::verdict::Protection::Unobserved;
    host.look(&dark);
    assert!(host.plan.gap.is_some(), "nobody knows, so it is not over");
    host.look(&crate::samples::replaced());
    assert_eq!(host.plan.gap, None);
    assert_eq!(host.plan.phase, Phase::Migrating);
}

#[test]
fn a_service_that_does_not_come_up_uses_an_attempt() {
    let (mut host, step) = in_the_gap();
    host.report(RecordEvent::StepFailed, step, Some(FailureCause::ServiceNotActive));
    host.report(RecordEvent::OrderFailed, step, Some(FailureCause::ServiceNotActive));
    assert_eq!(host.plan.attempts_used, 1);
}
