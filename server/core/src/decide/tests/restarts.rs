//! Restarts that are due: which order gets one, who waits for what, and what proves it.

use cutover_proto::{
    ids::ProductId,
    record::{FailureCause, RecordEvent},
    step::{Action, StepKind},
    verdict::Verdict,
};

use super::*;
use crate::{
    catalog::{Beside, RestartNeed},
    plan::{Origin, Owner, Reason, Verify},
    samples::{carrying, replaced, with},
};

const MINUTE: i64 = 60_000;

/// A host whose product's removal says this of restarts.
fn host(need: RestartNeed) -> Host {
    let mut host = Host::new();
    needs(&mut host, need);
    host
}

fn needs(host: &mut Host, need: RestartNeed) {
    let recipe = host.catalog.recipes.get_mut(&ProductId::new("kesl")).unwrap();
    recipe.remove.as_mut().unwrap().restart = need;
}

fn steps(host: &Host) -> String {
    let order = host.plan.order.as_ref().unwrap();
    let line = |step: &cutover_proto::step::Step| {
        let mark = if step.safe_point_after { "safe" } else { "----" };
        format!("{mark} {}\n", step.action.describe())
    };
    order.steps.iter().map(line).collect()
}

fn restart_step(host: &Host) -> u32 {
    let order = host.plan.order.as_ref().unwrap();
    let at = order
        .steps
        .iter()
        .position(|step| step.action.kind() == StepKind::Restart);
    u32::try_from(at.unwrap()).unwrap()
}

/// Reports every step before the restart, then that it is due and told.
fn up_to_the_restart(host: &mut Host) -> u32 {
    let restart = restart_step(host);
    host.report(RecordEvent::OrderAccepted, 0, None);
    for step in 0..restart {
        host.pass(1000).report(RecordEvent::StepBegun, step, None);
        host.pass(1000).report(RecordEvent::StepDone, step, None);
    }
    host.pass(1000).report(RecordEvent::StepBegun, restart, None);
    assert_eq!(host.plan.phase, Phase::Rebooting, "{}", host.told());
    tell(host, RecordEvent::RestartNoticed, 5 * MINUTE);
    restart
}

fn tell(host: &mut Host, event: RecordEvent, in_ms: i64) {
    let mut record = host.record(event, restart_step(host), None);
    record.until_ms = Some(host.now_ms + in_ms);
    host.send(Input::Recorded(Box::new(record)));
}

fn report_from(host: &mut Host, boot_id: &str, event: RecordEvent, step: u32) {
    let mut record = host.record(event, step, None);
    record.boot_id = boot_id.to_owned();
    host.last_seen_ms = host.now_ms;
    host.send(Input::Recorded(Box::new(record)));
}

fn in_session(mut inventory: Inventory, boot_id: &str) -> Inventory {
    inventory.boot_id = boot_id.to_owned();
    inventory
}

/// The rest of the order, out of the new kernel session.
fn after_the_restart(host: &mut Host, restart: u32) {
    report_from(host, "boot-2", RecordEvent::StepDone, restart);
    let steps = u32::try_from(host.plan.order.as_ref().unwrap().steps.len()).unwrap();
    for step in restart + 1..steps {
        report_from(host, "boot-2", RecordEvent::StepBegun, step);
        report_from(host, "boot-2", RecordEvent::StepDone, step);
    }
    report_from(host, "boot-2", RecordEvent::OrderCompleted, 0);
}

#[test]
fn a_restart_that_is_due_comes_once_after_protection_and_before_the_sweep() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    insta::assert_snapshot!(steps(&host), @r"
    safe fetch clamav
    safe install clamav
    safe test that clamav detects
    safe remove kesl-gui
    safe remove kesl
    safe remove klnagent64
    safe restart: the removal of kesl is complete only after a restart
    safe test that clamav detects
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
    let order = host.plan.order.as_ref().unwrap();
    let restart = &order.steps[usize::try_from(restart_step(&host)).unwrap()];
    let policy = &host.campaign.policy;
    assert_eq!(
        restart.action,
        Action::Restart {
            reason: "the removal of kesl is complete only after a restart".to_owned(),
            notice: policy.restart_notice,
            defer: policy.restart_within,
        }
    );
    assert_eq!(restart.time_limit, policy.restart_time);
}

#[test]
fn where_removal_comes_first_the_machine_is_protected_before_it_goes_down() {
    let mut host = host(RestartNeed::Due);
    let clamav = host.catalog.recipes.get_mut(&ProductId::new("clamav")).unwrap();
    clamav.install.as_mut().unwrap().beside = Beside::Never;
    host.look(&carrying());
    host.start_and_fetch();
    insta::assert_snapshot!(steps(&host), @r"
    safe fetch clamav
    safe remove kesl-gui
    ---- remove kesl
    ---- remove klnagent64
    ---- install clamav
    safe test that clamav detects
    safe restart: the removal of kesl is complete only after a restart
    safe test that clamav detects
    safe sweep 7 leftovers of kesl
    safe delete groups kesladmin kesluser keslaudit nokesl
    safe sweep certificates of kesl
    safe sweep 3 leftovers of klnagent64
    ");
}

#[test]
fn a_host_with_a_restart_goes_from_a_look_to_migrated() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    let restart = up_to_the_restart(&mut host);
    host.pass(MINUTE);
    tell(&mut host, RecordEvent::RestartDeferred, 2 * HOUR);
    host.pass(2 * HOUR + MINUTE);
    after_the_restart(&mut host, restart);
    assert_eq!(host.plan.phase, Phase::Verifying);
    // Still from before the restart: no proof, however it got here.
    let before_ms = host.looked_at_ms;
    host.send(Input::CheckedIn {
        looked_at_ms: Some(before_ms),
        boot_id: "boot-2".to_owned(),
        running: None,
    });
    assert!(matches!(host.plan.verify, Some(Verify::FirstLook { .. })));
    host.pass(MINUTE).look(&in_session(replaced(), "boot-2"));
    assert!(
        matches!(host.plan.verify, Some(Verify::Soaking { .. })),
        "{}",
        host.told()
    );
    host.wake();
    host.send(Input::CheckedIn {
        looked_at_ms: Some(host.looked_at_ms),
        boot_id: "boot-2".to_owned(),
        running: None,
    });
    host.looked_at_ms = host.now_ms + 1;
    host.send(Input::CheckedIn {
        looked_at_ms: Some(host.looked_at_ms),
        boot_id: "boot-2".to_owned(),
        running: None,
    });
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!((host.plan.restart_owed.clone(), host.plan.attempts_used), (None, 0));
    insta::assert_snapshot!(host.told());
}

#[test]
fn whoever_asks_why_reads_when_it_comes_and_how_long_it_can_be_put_off() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    let due_ms = host.now_ms;
    up_to_the_restart(&mut host);
    let waiting = host.waiting().unwrap();
    assert_eq!(waiting.owner(), Owner::User);
    let text = waiting.text();
    assert!(
        text.contains("a restart is due and comes at") && text.contains("may put it off until"),
        "{text}"
    );
    let since_ms = host.plan.order.as_ref().unwrap().restart.as_ref().unwrap().since_ms;
    assert!(since_ms > due_ms);
    let back_by_ms = since_ms + DAY + HOUR / 2;
    assert_eq!(waiting.until_ms(), Some(back_by_ms));
    assert_eq!(host.next_wake().unwrap().at_ms, back_by_ms);

    host.pass(MINUTE);
    tell(&mut host, RecordEvent::RestartDeferred, 2 * HOUR);
    let waiting = host.waiting().unwrap();
    let text = waiting.text();
    assert!(
        text.starts_with("user's deferral: the restart that is due comes at"),
        "{text}"
    );
    assert_eq!(
        waiting.until_ms(),
        Some(back_by_ms),
        "the limit counts from when it became due, whoever put it off"
    );
    assert!(
        host.told().contains("the user put the restart off until"),
        "{}",
        host.told()
    );
}

#[test]
fn one_that_does_not_come_back_is_a_persons_work_until_it_does() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    up_to_the_restart(&mut host);
    host.wake();
    assert_eq!(host.plan.phase, Phase::Handwork);
    assert!(matches!(host.plan.reason, Some(Reason::RestartOverdue { .. })));
    // The same session again: whoever is responsible still has to look at it.
    host.pass(MINUTE).look(&replaced());
    assert_eq!(host.plan.phase, Phase::Handwork);
    host.pass(MINUTE).look(&in_session(replaced(), "boot-2"));
    assert_eq!(host.plan.phase, Phase::Verifying, "{}", host.told());
    assert_eq!(host.plan.restart_owed, None);
}

#[test]
fn an_order_that_ends_before_its_restart_leaves_the_restart_owed() {
    for end in [RecordEvent::OrderCancelled, RecordEvent::OrderFailed] {
        let mut host = host(RestartNeed::Due);
        host.look(&carrying());
        host.start_and_fetch();
        let restart = up_to_the_restart(&mut host);
        if end == RecordEvent::OrderFailed {
            host.report(RecordEvent::StepFailed, restart, Some(FailureCause::Locked));
        }
        host.report(
            end,
            restart,
            (end == RecordEvent::OrderFailed).then_some(FailureCause::Locked),
        );
        host.pass(MINUTE).look(&replaced());
        assert_eq!(
            host.plan.phase,
            Phase::Queued,
            "gone and protected, but not restarted: {}",
            host.told()
        );
        host.pass(HOUR).check_in();
        if host.plan.retry_at_ms.is_some() {
            host.wake();
        }
        host.start_and_fetch();
        insta::allow_duplicates! {
            insta::assert_snapshot!(steps(&host), @r"
            safe restart: the removal of kesl is complete only after a restart
            safe test that clamav detects
            ");
        }
        let restart = up_to_the_restart(&mut host);
        after_the_restart(&mut host, restart);
        assert_eq!(host.plan.phase, Phase::Verifying);
        assert_eq!(host.plan.origin, Some(Origin::Order));
    }
}

#[test]
fn a_restart_by_other_hands_settles_what_is_owed() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    up_to_the_restart(&mut host);
    host.report(RecordEvent::OrderCancelled, 0, None);
    host.pass(MINUTE).look(&in_session(replaced(), "boot-2"));
    assert_eq!(host.plan.phase, Phase::Verifying, "{}", host.told());
    assert_eq!(host.plan.restart_owed, None);
}

#[test]
fn a_restart_if_pending_follows_only_where_one_waits_or_nobody_can_tell() {
    for (pending, is_owed) in [(Some(false), false), (Some(true), true), (None, true)] {
        let mut host = host(RestartNeed::IfPending);
        host.look(&carrying());
        host.start_and_fetch();
        assert!(!steps(&host).contains("restart"), "known only after the removal");
        host.work();
        assert_eq!(host.plan.phase, Phase::Verifying);
        let mut after = replaced();
        after.facts.restart_pending = pending;
        host.pass(MINUTE).look(&after);
        if !is_owed {
            assert!(matches!(host.plan.verify, Some(Verify::Soaking { .. })), "{pending:?}");
            continue;
        }
        assert_eq!(host.plan.phase, Phase::Queued, "{pending:?}: {}", host.told());
        host.start_and_fetch();
        assert!(
            steps(&host).starts_with("safe restart: the removal of kesl"),
            "{}",
            steps(&host)
        );
        let restart = up_to_the_restart(&mut host);
        after_the_restart(&mut host, restart);
        host.pass(MINUTE).look(&in_session(replaced(), "boot-2"));
        assert!(
            matches!(host.plan.verify, Some(Verify::Soaking { .. })),
            "{}",
            host.told()
        );
        assert_eq!(host.plan.attempts_used, 0);
    }
}

#[test]
fn a_pending_restart_is_answered_by_one_first_and_once() {
    let pending = |boot_id: &str| {
        let mut inventory = in_session(carrying(), boot_id);
        inventory.facts.restart_pending = Some(true);
        inventory
    };
    let mut host = Host::new();
    host.look(&pending("boot-1"));
    assert_eq!(host.plan.phase, Phase::Queued, "it blocks nothing");
    host.start_and_fetch();
    insta::assert_snapshot!(steps(&host), @"safe restart: an earlier installation or update waits for a restart
");
    let restart = up_to_the_restart(&mut host);
    after_the_restart(&mut host, restart);
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    // The sign is still there: a restart does not cure it, and none is made again for it.
    host.pass(MINUTE).look(&pending("boot-2"));
    host.start_and_fetch();
    assert!(!steps(&host).contains("restart"), "{}", steps(&host));
    assert_eq!(host.plan.attempts_used, 0);
    // In another session it is another sign.
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::Network));
    host.pass(MINUTE).look(&pending("boot-3"));
    host.wake();
    host.check_in();
    host.start_and_fetch();
    assert!(steps(&host).starts_with("safe restart: an earlier"), "{}", steps(&host));
}

#[test]
fn policy_and_need_decide_whether_a_pending_restart_comes_first() {
    let first_step = |host: &mut Host, inventory: &Inventory| {
        host.look(inventory);
        host.start_and_fetch();
        let order = host.plan.order.as_ref().unwrap();
        order.steps[0].action.kind()
    };
    let mut pending = carrying();
    pending.facts.restart_pending = Some(true);
    let mut host = Host::of(samples::campaign(
        "[policy]\ngrace = \"0s\"\npending_restart = \"ignore\"\n",
    ));
    assert_eq!(first_step(&mut host, &pending), StepKind::FetchPackages);
    let mut unknown = carrying();
    unknown.facts.restart_pending = None;
    assert_eq!(first_step(&mut Host::new(), &unknown), StepKind::FetchPackages);
    // What no order could follow is not restarted for nothing.
    let mut host = Host::new();
    pending.facts.package_managers.clear();
    host.look(&pending);
    assert_eq!(host.plan.phase, Phase::Blocked);
    // Nothing is there that must go.
    let mut clear = samples::inventory();
    clear.facts.restart_pending = Some(true);
    let mut host = Host::new();
    host.look(&clear);
    assert_eq!(host.plan.phase, Phase::Clear);
}

#[test]
fn nobody_is_restarted_within_grace() {
    let mut host = Host::of(samples::campaign("[policy]\ngrace = \"3d\"\n"));
    let mut pending = carrying();
    pending.facts.restart_pending = Some(true);
    host.look(&pending);
    let start = Input::Started {
        order_number: 1,
        epoch: 1,
    };
    assert!(host.refusal(&start).contains("grace"));
    host.pass(3 * DAY).check_in();
    assert_eq!(host.start(), 1);
}

#[test]
fn a_record_that_says_that_there_was_no_restart_proves_none() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    let restart = up_to_the_restart(&mut host);
    report_from(&mut host, "boot-2", RecordEvent::StepInterrupted, restart);
    assert_eq!(host.plan.phase, Phase::Handwork);
    assert!(!host.told().contains("came back from a restart"), "{}", host.told());
    assert!(host.plan.restart_owed.is_some());
}

#[test]
fn what_was_removed_before_owes_its_restart_beside_what_comes_later() {
    let mut host = host(RestartNeed::Due);
    host.look(&carrying());
    host.start_and_fetch();
    let agent = u32::try_from(5).unwrap();
    host.report(RecordEvent::OrderAccepted, 0, None);
    for step in 0..agent {
        host.report(RecordEvent::StepBegun, step, None);
        host.report(RecordEvent::StepDone, step, None);
    }
    host.report(RecordEvent::StepFailed, agent, Some(FailureCause::ToolFailed));
    host.report(RecordEvent::OrderFailed, agent, Some(FailureCause::ToolFailed));
    let left = with(replaced(), "klnagent64", Verdict::Installed);
    host.pass(MINUTE).look(&left);
    host.wake();
    host.check_in();
    host.start_and_fetch();
    let text = steps(&host);
    assert_eq!(text.matches("restart:").count(), 1, "{text}");
    assert!(
        text.contains("remove klnagent64\nsafe restart: the removal of kesl is complete"),
        "{text}"
    );
}
