//! Whatever an order fails for, time and again: what follows comes to an end, and a person is told.

use cutover_proto::record::{FailureCause, RecordEvent};

use super::*;
use crate::{
    catalog::{Exit, ExitMeaning},
    plan::Owner,
    samples::{carrying, replaced},
};

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
        if host.plan.phase == Phase::Blocked {
            // A look that shows what was asked for brings it back by itself.
            host.pass(1000).look(&carrying());
        }
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

/// A host whose order fails in its first removal, by an installer that ends with this code, which means so much.
fn failing(means: Option<ExitMeaning>) -> Host {
    let mut host = Host::new();
    if let Some(means) = means {
        let exit = Exit {
            installer: None,
            code: CODE,
            means,
            fact: "a test".to_owned(),
        };
        for recipe in host.catalog.recipes.values_mut() {
            recipe.exits = vec![exit.clone()];
        }
    }
    host.look(&carrying());
    host
}

const CODE: i32 = 1234;

/// The next order fails so. Says whether it was one that only restarts the machine: that one is done.
fn fail(host: &mut Host) -> bool {
    host.start_and_fetch();
    let order = host.plan.order.clone().unwrap();
    if order.is_restart_alone() {
        host.work();
        return true;
    }
    let is_removal =
        |step: &cutover_proto::step::Step| step.action.kind() == cutover_proto::step::StepKind::RemovePackages;
    let at = u32::try_from(order.steps.iter().position(is_removal).unwrap()).unwrap();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.pass(1000).report(RecordEvent::StepBegun, at, None);
    let mut record = host.record(RecordEvent::StepFailed, at, Some(FailureCause::ToolFailed));
    record.exit_code = Some(CODE);
    record.detail = "the installer says no".to_owned();
    host.send(Input::Recorded(Box::new(record)));
    host.report(RecordEvent::OrderFailed, at, None);
    false
}

/// Until the next try is due.
fn wait(host: &mut Host) {
    let due_ms = host.plan.retry_at_ms.expect("a next try is never at once");
    host.pass(due_ms - host.now_ms).look(&carrying());
    host.wake();
}

fn reason(host: &Host) -> (String, String, Owner) {
    let reason = host.plan.reason.as_ref().unwrap();
    (reason.text(), reason.remedy(), reason.owner())
}

#[test]
fn an_exit_code_that_means_nothing_keeps_its_log_and_uses_an_attempt() {
    let mut host = failing(None);
    fail(&mut host);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 1));
    let chain = history::why_chain(&host.plan, &host.events, None).join("\n");
    assert!(
        chain.contains("tool-failed, exit code 1234 (the installer says no)"),
        "{chain}"
    );
}

#[test]
fn an_installer_that_is_busy_is_a_hindrance() {
    let mut host = failing(Some(ExitMeaning::Busy));
    fail(&mut host);
    assert_eq!(
        (host.plan.phase, host.plan.attempts_used, host.plan.hindrances),
        (Phase::Queued, 0, 1)
    );
}

#[test]
fn a_password_that_is_wrong_is_tried_once_and_never_again_by_itself() {
    let mut host = failing(Some(ExitMeaning::Secret));
    fail(&mut host);
    assert_eq!(
        (host.plan.phase, host.plan.attempts_used, host.plan.retry_at_ms),
        (Phase::Blocked, 1, None)
    );
    let (text, remedy, owner) = reason(&host);
    assert_eq!(
        text,
        "kesl-gui asks for a password or token, and what the order had was missing or wrong, exit code 1234: the installer \
         says no"
    );
    assert!(
        remedy.contains("find the password") && remedy.contains("cutover hosts retry"),
        "{remedy}"
    );
    assert_eq!(owner, Owner::Operator);
    for _ in 0..30 {
        host.pass(DAY).look(&carrying());
        host.wake();
    }
    assert_eq!((host.plan.phase, host.plan.order.is_none()), (Phase::Blocked, true));
    host.send(Input::Retried { by: "ops".into() });
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    // Another wrong one: again one try, and no more.
    fail(&mut host);
    assert_eq!(host.plan.phase, Phase::Blocked);
}

#[test]
fn what_a_policy_forbids_blocks_and_uses_no_attempt() {
    let mut host = failing(Some(ExitMeaning::Forbidden));
    fail(&mut host);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 0));
    let (text, remedy, owner) = reason(&host);
    assert!(
        text.starts_with("a policy of the machine") && remedy.starts_with("lift the policy"),
        "{text}; {remedy}"
    );
    assert_eq!(owner, Owner::Helpdesk);
}

#[test]
fn an_installer_that_somebody_ended_is_a_hindrance() {
    let mut host = failing(Some(ExitMeaning::Cancelled));
    fail(&mut host);
    assert_eq!(
        (host.plan.phase, host.plan.attempts_used, host.plan.hindrances),
        (Phase::Queued, 0, 1)
    );
}

#[test]
fn what_is_wrong_with_a_machines_own_installer_blocks_it_and_uses_no_attempt() {
    for (means, says, mends) in [
        (
            ExitMeaning::Gone,
            "which its installer does not know",
            "delete the entry",
        ),
        (
            ExitMeaning::Package,
            "copy of the package",
            "give the machine the package",
        ),
    ] {
        let mut host = failing(Some(means));
        fail(&mut host);
        assert_eq!(
            (host.plan.phase, host.plan.attempts_used),
            (Phase::Blocked, 0),
            "{means}"
        );
        let (text, remedy, owner) = reason(&host);
        assert!(text.contains(says) && remedy.starts_with(mends), "{text}; {remedy}");
        assert_eq!(owner, Owner::Helpdesk);
        // Nothing is tried by itself, however much time passes; a person's word brings it back.
        host.pass(30 * DAY).look(&carrying());
        host.wake();
        assert_eq!((host.plan.phase, host.plan.order.is_none()), (Phase::Blocked, true));
        host.send(Input::Retried { by: "ops".into() });
        assert_eq!(host.plan.phase, Phase::Queued, "{means}");
    }
}

#[test]
fn a_product_that_its_installer_does_not_know_holds_nothing_up_once_a_look_does_not_list_it() {
    let mut host = failing(Some(ExitMeaning::Gone));
    fail(&mut host);
    assert_eq!(host.plan.phase, Phase::Blocked);
    host.pass(HOUR).look(&replaced());
    assert_ne!(host.plan.phase, Phase::Blocked);
}

#[test]
fn what_this_program_asked_wrongly_is_no_hosts_fault() {
    let mut host = failing(Some(ExitMeaning::Ours));
    fail(&mut host);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 0));
    let (_, remedy, owner) = reason(&host);
    assert!(remedy.starts_with("report it"), "{remedy}");
    assert_eq!(owner, Owner::Catalog);
}

#[test]
fn an_installer_that_demands_a_restart_gets_one_and_if_it_still_does_uses_attempts() {
    for means in [ExitMeaning::RestartFirst, ExitMeaning::RestartAfter] {
        let mut host = failing(Some(means));
        fail(&mut host);
        assert_eq!(
            (host.plan.phase, host.plan.attempts_used),
            (Phase::Queued, 0),
            "{means}"
        );
        wait(&mut host);
        assert!(
            fail(&mut host),
            "{means}: the next order restarts the machine and does nothing else"
        );
        let (mut restarts, mut orders) = (0, 0);
        while host.plan.phase != Phase::Failed && orders < 100 {
            let mut shown = carrying();
            restarts += 1;
            shown.boot_id = format!("boot-after-{restarts}");
            host.pass(HOUR).look(&shown);
            host.pass(DAY).check_in();
            if host.plan.phase == Phase::Queued {
                fail(&mut host);
                orders += 1;
            }
        }
        assert_eq!(
            (host.plan.phase, host.plan.attempts_used),
            (Phase::Failed, host.campaign.policy.attempts),
            "{means}"
        );
        assert!(orders <= 3 * host.campaign.policy.attempts, "{means}: {orders}");
    }
}

#[test]
fn a_full_disk_blocks_until_a_look_shows_room_and_uses_no_attempt_the_first_time() {
    let full = || {
        let mut shown = carrying();
        shown.facts.free_disk_mib = Some(16);
        shown
    };
    let fill = |host: &mut Host| {
        host.start_and_fetch();
        host.report(RecordEvent::OrderAccepted, 0, None);
        host.pass(1000).report(RecordEvent::StepBegun, 0, None);
        host.report(RecordEvent::StepFailed, 0, Some(FailureCause::DiskFull));
        host.effects.clear();
        host.report(RecordEvent::OrderFailed, 0, None);
    };
    let mut host = failing(None);
    fill(&mut host);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 0));
    assert!(
        host.effects.contains(&Effect::WantLook),
        "whether there is room is asked at once"
    );
    let (text, remedy, owner) = reason(&host);
    assert_eq!(
        (text.as_str(), owner),
        ("the last attempt found the disk full", Owner::Helpdesk)
    );
    assert!(remedy.starts_with("free room on the host"), "{remedy}");
    // Looks that show none keep it there, whatever time passes.
    for _ in 0..5 {
        host.pass(DAY).look(&full());
        assert_eq!(host.plan.phase, Phase::Blocked);
    }
    host.pass(HOUR).look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "a look that shows room brings it back");
    // Full again, in spite of what the look showed.
    fill(&mut host);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 1));
    // What an agent does not tell is left to the next attempt, which is bounded.
    let mut untold = carrying();
    untold.facts.free_disk_mib = None;
    host.pass(HOUR).look(&untold);
    assert_eq!(host.plan.phase, Phase::Queued);
}

#[test]
fn what_an_installer_completes_only_after_a_restart_owes_one() {
    let mut host = failing(Some(ExitMeaning::RestartAfter));
    host.start_and_fetch();
    let order = host.plan.order.clone().unwrap();
    let is_removal =
        |step: &cutover_proto::step::Step| step.action.kind() == cutover_proto::step::StepKind::RemovePackages;
    let at = u32::try_from(order.steps.iter().position(is_removal).unwrap()).unwrap();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, at, None);
    let mut record = host.record(RecordEvent::StepDone, at, None);
    record.exit_code = Some(CODE);
    host.send(Input::Recorded(Box::new(record)));
    let owed = host.plan.restart_owed.as_ref().expect("the installer said so");
    assert_eq!(owed.need, crate::catalog::RestartNeed::Due);
}
