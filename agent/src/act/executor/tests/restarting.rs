//! Restarts: told, put off, called off, asked for once, proven; and the same wherever the agent ends.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cutover_proto::{
    envelope::{Context, seal_message},
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    step::Action,
    v1,
};

use super::{
    super::{DeferRefused, Deferral, End, Executor, defer, restart_state},
    bystanders::{Busy, Chrooted},
    world::{World, fetch},
};
use crate::{act::journal::SharedJournal, host::sandbox::Behaviour};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const NOTICE_MS: i64 = 5 * MINUTE_MS;

fn with_notice(defer_hours: u64) -> Action {
    Action::Restart {
        reason: "drivers of the removed product".to_owned(),
        notice: Duration::from_secs(300),
        defer: Duration::from_secs(defer_hours * 3600),
    }
}

pub(super) fn order(world: &World) -> WorkOrder {
    world.order(&[(fetch(), true), (with_notice(24), true), (fetch(), true)])
}

fn told(world: &World) -> String {
    fs::read_to_string(world.root.path().join(".sandbox/console")).unwrap_or_default()
}

fn minutes_since_start(world: &World, at_ms: i64) -> i64 {
    (at_ms - world.start_ms) / MINUTE_MS
}

pub(super) fn restarts(world: &World) -> usize {
    let ledger = world.ledger.lock().unwrap();
    ledger.iter().filter(|did| did.starts_with("restart")).count()
}

pub(super) fn of(records: &[StepRecord], event: RecordEvent) -> Vec<StepRecord> {
    records.iter().filter(|record| record.event == event).cloned().collect()
}

/// That the restart is done.
pub(super) fn restarted(records: &[StepRecord]) -> Vec<StepRecord> {
    let mut done = of(records, RecordEvent::StepDone);
    done.retain(|record| record.step == 1);
    done
}

/// An executor that does something whenever its clock went on: what users and servers do meanwhile.
pub(super) fn meanwhile(world: &World, act: impl Fn(&SharedJournal, i64) + Send + 'static) -> Executor {
    let mut executor = world.executor();
    let journal = executor.parts.journal.clone();
    executor.parts.clock = Arc::new(Busy {
        inner: world.clock.clone(),
        act: Mutex::new(Box::new(move |now_ms| act(&journal, now_ms))),
    });
    executor
}

fn put_off(world: &World, journal: &SharedJournal, now_ms: i64, minutes: u64) -> Result<Deferral, DeferRefused> {
    let length = Duration::from_secs(minutes * 60);
    defer(
        journal,
        &world.identity,
        now_ms,
        "6f6b0f5e-0000-4000-8000-000000000001",
        length,
    )
}

/// Puts the restart off once, as soon as so many minutes have gone by.
fn put_off_at(world: &World, at_minutes: i64, by_minutes: u64) -> impl Fn(&SharedJournal, i64) + Send + use<> {
    let (identity, start_ms) = (world.identity.clone(), world.start_ms);
    let done = AtomicBool::new(false);
    move |journal, now_ms| {
        let is_time = now_ms - start_ms >= at_minutes * MINUTE_MS;
        let is_due = journal
            .try_lock()
            .is_ok_and(|journal| restart_state(&journal).is_some());
        if is_time && is_due && !done.swap(true, Ordering::SeqCst) {
            let length = Duration::from_secs(by_minutes * 60);
            defer(journal, &identity, now_ms, "boot", length).unwrap();
        }
    }
}

#[test]
fn whoever_is_logged_in_is_told_before_the_machine_restarts() {
    let world = World::new(Behaviour::default());
    let end = world.run(&order(&world)).unwrap();
    assert_eq!(end, End::Completed { number: 1 });
    let records = world.records();
    let notice = of(&records, RecordEvent::RestartNoticed);
    assert_eq!(notice.len(), 1);
    assert_eq!(notice[0].step, 1);
    assert_eq!(minutes_since_start(&world, notice[0].until_ms.unwrap()), 5);
    assert_eq!(notice[0].detail, "console and sessions were told");
    let done = restarted(&records);
    assert!(done[0].detail.starts_with("new kernel session"), "{}", done[0].detail);
    assert!(
        done[0].at_ms >= world.start_ms + NOTICE_MS,
        "not before the notice is over"
    );
    assert!(
        done[0].at_ms < world.start_ms + NOTICE_MS + MINUTE_MS,
        "and not long after it"
    );
    let text = told(&world);
    assert!(text.contains("drivers of the removed product"), "{text}");
    assert!(
        text.contains("cutover-agent defer 2h") && text.contains("UTC"),
        "{text}"
    );
    assert_eq!(restarts(&world), 1);
}

#[test]
fn a_machine_of_a_german_locale_is_told_in_german_and_then_in_english() {
    let world = World::new(Behaviour::default());
    fs::write(world.root.path().join("etc/locale.conf"), "LANG=de_DE.UTF-8\n").unwrap();
    assert_eq!(world.run(&order(&world)).unwrap(), End::Completed { number: 1 });
    let text = told(&world);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let german = at("Neustart dieses Computers");
    assert!(german < at("Neustart aufschieben, spätestens bis"), "{text}");
    assert!(at("Neustart aufschieben") < at("this machine restarts at"), "{text}");
    assert_eq!(
        text.matches("drivers of the removed product").count(),
        2,
        "as it was given"
    );
    let notice = of(&world.records(), RecordEvent::RestartNoticed);
    assert_eq!(
        notice[0].detail, "console and sessions were told",
        "a record is for operators"
    );

    let world = World::new(Behaviour::default());
    fs::create_dir_all(world.root.path().join("etc/default")).unwrap();
    fs::write(world.root.path().join("etc/default/locale"), "LANG=nl_NL.UTF-8\n").unwrap();
    world.run(&order(&world)).unwrap();
    assert!(
        told(&world).starts_with("Cutover: this machine restarts at"),
        "{}",
        told(&world)
    );
    assert_eq!(told(&world).matches("restarts at").count(), 1, "once");
}

#[test]
fn an_order_of_before_there_were_notices_restarts_at_once_and_tells_nobody() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(super::world::restart(), true)]);
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    assert_eq!(told(&world), "");
    assert_eq!(of(&world.records(), RecordEvent::RestartNoticed), []);
    assert!(world.clock_ms() < world.start_ms + MINUTE_MS);
}

#[test]
fn put_off_at_any_moment_it_comes_when_it_was_put_off_to() {
    for at_minutes in 0..5 {
        let world = World::new(Behaviour::default());
        let envelope = world.sign(&order(&world));
        let end = meanwhile(&world, put_off_at(&world, at_minutes, 120))
            .run(&envelope)
            .unwrap();
        assert_eq!(end, End::Completed { number: 1 }, "{at_minutes}");
        let records = world.records();
        let deferred = of(&records, RecordEvent::RestartDeferred);
        assert_eq!(deferred.len(), 1);
        let until_ms = deferred[0].until_ms.unwrap();
        assert_eq!(minutes_since_start(&world, until_ms), at_minutes + 120);
        let done = restarted(&records);
        assert!(done[0].at_ms >= until_ms, "{at_minutes}: not earlier than acknowledged");
        assert!(done[0].at_ms < until_ms + MINUTE_MS, "{at_minutes}: nor much later");
        let reminders = told(&world).matches("this machine restarts at").count();
        assert_eq!(reminders, 2, "{at_minutes}: told again before it comes");
        assert_eq!(restarts(&world), 1);
    }
}

#[test]
fn it_cannot_be_put_off_beyond_the_budget_nor_to_before_it_comes_anyhow() {
    let world = World::new(Behaviour::default());
    let envelope = world.sign(&order(&world));
    let said = Arc::new(Mutex::new(Vec::new()));
    let (heard, identity, start_ms) = (said.clone(), world.identity.clone(), world.start_ms);
    let act = move |journal: &SharedJournal, now_ms: i64| {
        let is_told = journal
            .try_lock()
            .is_ok_and(|journal| restart_state(&journal).is_some_and(|due| due.comes_ms.is_some()));
        if !is_told || !heard.lock().unwrap().is_empty() {
            return;
        }
        let try_it = |minutes: u64| {
            defer(journal, &identity, now_ms, "boot", Duration::from_secs(minutes * 60))
                .map(|deferral| (deferral.until_ms - now_ms) / MINUTE_MS)
        };
        let latest_of = |refused: DeferRefused| match refused {
            DeferRefused::TooLong { latest_ms } => format!("too long, {}", (latest_ms - start_ms) / HOUR_MS),
            DeferRefused::Earlier { comes_ms, latest_ms } => {
                format!(
                    "at {}, {}",
                    (comes_ms - start_ms) / MINUTE_MS,
                    (latest_ms - start_ms) / HOUR_MS
                )
            }
            other @ (DeferRefused::NothingDue
            | DeferRefused::NotAllowed
            | DeferRefused::TooLate
            | DeferRefused::NotKept(_)) => other.to_string(),
        };
        let mut heard = heard.lock().unwrap();
        for minutes in [24 * 60 + 1, 1, 600, 300, 24 * 60 - 1] {
            heard.push(try_it(minutes).map_err(latest_of));
        }
    };
    assert_eq!(
        meanwhile(&world, act).run(&envelope).unwrap(),
        End::Completed { number: 1 }
    );
    let expected = [
        Err("too long, 24".to_owned()),
        Err("at 5, 24".to_owned()),
        Ok(600),
        Err("at 600, 24".to_owned()),
        Ok(24 * 60 - 1),
    ];
    assert_eq!(*said.lock().unwrap(), expected);
    assert_eq!(
        of(&world.records(), RecordEvent::RestartDeferred).len(),
        2,
        "what was refused is not told"
    );
}

#[test]
fn where_none_is_due_or_none_may_be_put_off_nothing_is() {
    let world = World::new(Behaviour::default());
    let journal = Arc::new(Mutex::new(world.journal()));
    let refused = put_off(&world, &journal, world.start_ms, 10).unwrap_err();
    assert!(matches!(refused, DeferRefused::NothingDue), "{refused}");
    drop(journal);

    let envelope = world.sign(&world.order(&[(with_notice(0), true)]));
    let refusals = Arc::new(Mutex::new(Vec::new()));
    let (heard, identity) = (refusals.clone(), world.identity.clone());
    let act = move |journal: &SharedJournal, now_ms: i64| {
        if journal
            .try_lock()
            .is_ok_and(|journal| restart_state(&journal).is_some())
        {
            let refused = defer(journal, &identity, now_ms, "boot", Duration::from_secs(600)).unwrap_err();
            heard.lock().unwrap().push(refused.to_string());
        }
    };
    assert_eq!(
        meanwhile(&world, act).run(&envelope).unwrap(),
        End::Completed { number: 1 }
    );
    let heard = refusals.lock().unwrap();
    assert!(heard.iter().any(|why| why.contains("allows no deferral")), "{heard:?}");
    assert!(
        heard
            .iter()
            .all(|why| why.contains("allows no") || why.contains("restarting already")),
        "{heard:?}"
    );
    assert!(!told(&world).contains("defer"), "nobody is offered what is not allowed");
}

#[test]
fn a_cancel_calls_it_off_until_it_is_asked_for() {
    for at_minutes in [0, 3, 100] {
        let world = World::new(Behaviour::default());
        let cancel = v1::Cancel {
            host_id: world.identity.host_id.to_string(),
            order_number: 1,
            reason: "emergency stop".to_owned(),
        };
        let cancel = seal_message(Context::Cancel, &cancel, &world.server).unwrap();
        let (control, identity, start_ms) = (world.control.clone(), world.identity.clone(), world.start_ms);
        let later = put_off_at(&world, 1, 120);
        let act = move |journal: &SharedJournal, now_ms: i64| {
            if at_minutes > 5 {
                later(journal, now_ms);
            }
            let is_due = journal
                .try_lock()
                .is_ok_and(|journal| restart_state(&journal).is_some());
            if is_due && now_ms - start_ms >= at_minutes * MINUTE_MS {
                control.take_cancel(&cancel, &identity).unwrap();
            }
        };
        let end = meanwhile(&world, act).run(&world.sign(&order(&world))).unwrap();
        assert!(
            matches!(&end, End::Cancelled { why, .. } if why.contains("emergency stop")),
            "{at_minutes}: {end:?}"
        );
        assert_eq!(restarts(&world), 0, "{at_minutes}");
        let text = told(&world);
        assert!(
            text.contains("called off"),
            "{at_minutes}: whoever was told is told again: {text}"
        );
    }
}

#[test]
fn a_cancel_does_not_act_where_the_step_before_is_no_safe_point() {
    let world = World::new(Behaviour::default());
    fs::write(world.state.path().join("hold"), "").unwrap();
    let hold = world.state.path().join("hold");
    let order = world.order(&[(fetch(), false), (with_notice(24), true)]);
    let mut executor = world.executor();
    // The hold comes once the order has begun.
    fs::remove_file(&hold).unwrap();
    executor.parts.on_record = Box::new(move || fs::write(&hold, "").unwrap());
    let end = executor.run(&world.sign(&order)).unwrap();
    assert!(matches!(end, End::Cancelled { .. }), "before the first step: {end:?}");

    let world = World::new(Behaviour::default());
    let hold = world.state.path().join("hold");
    let order = world.order(&[(fetch(), false), (with_notice(24), true)]);
    let act = move |journal: &SharedJournal, _: i64| {
        if journal
            .try_lock()
            .is_ok_and(|journal| restart_state(&journal).is_some())
        {
            fs::write(&hold, "").unwrap();
        }
    };
    let end = meanwhile(&world, act).run(&world.sign(&order)).unwrap();
    assert_eq!(end, End::Completed { number: 1 });
}

#[test]
fn an_installation_at_work_is_not_cut_off_and_not_waited_for_without_end() {
    let lock = "var/lib/dpkg/lock-frontend";
    let world = World::new(Behaviour::default());
    fs::write(world.root.path().join(lock), "").unwrap();
    let (path, start_ms) = (world.root.path().join(lock), world.start_ms);
    let act = move |_: &SharedJournal, now_ms: i64| {
        if now_ms - start_ms >= 20 * MINUTE_MS && path.exists() {
            fs::remove_file(&path).unwrap();
        }
    };
    let end = meanwhile(&world, act).run(&world.sign(&order(&world))).unwrap();
    assert_eq!(end, End::Completed { number: 1 });
    let done = restarted(&world.records());
    assert_eq!(minutes_since_start(&world, done[0].at_ms), 20);

    let world = World::new(Behaviour::default());
    fs::write(world.root.path().join(lock), "").unwrap();
    let end = world.run(&order(&world)).unwrap();
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::Locked);
    assert!(why.contains("cut off an installation"), "{why}");
    assert_eq!(
        (restarts(&world), minutes_since_start(&world, world.clock_ms())),
        (0, 35)
    );
}

#[test]
fn a_machine_that_slept_through_its_notice_is_told_anew() {
    let world = World::new(Behaviour::default());
    let uptime = world.root.path().join("proc/uptime");
    fs::create_dir_all(uptime.parent().unwrap()).unwrap();
    fs::write(&uptime, "1000.00 1.00\n").unwrap();
    let (clock, start_ms, slept) = (world.clock.clone(), world.start_ms, AtomicBool::new(false));
    let act = move |journal: &SharedJournal, now_ms: i64| {
        let is_due = journal
            .try_lock()
            .is_ok_and(|journal| restart_state(&journal).is_some());
        if is_due && now_ms - start_ms >= 2 * MINUTE_MS && !slept.swap(true, Ordering::SeqCst) {
            clock.sleep(8 * HOUR_MS);
            fs::write(&uptime, "29920.00 1.00\n").unwrap();
        }
    };
    let end = meanwhile(&world, act).run(&world.sign(&order(&world))).unwrap();
    assert_eq!(end, End::Completed { number: 1 });
    let records = world.records();
    let notices = of(&records, RecordEvent::RestartNoticed);
    assert_eq!(notices.len(), 2, "{notices:?}");
    let done = restarted(&records);
    let woke_ms = world.start_ms + 8 * HOUR_MS + 2 * MINUTE_MS;
    assert!(done[0].at_ms >= woke_ms + NOTICE_MS, "the notice is whole again");
}

#[test]
fn another_boot_id_of_a_kernel_that_runs_on_is_no_restart() {
    for (uptime, is_restart) in [("86400.00 1.00\n", false), ("2.00 1.00\n", true)] {
        let world = World::new(Behaviour {
            restarts: false,
            ..Behaviour::default()
        });
        let proc_uptime = world.root.path().join("proc/uptime");
        fs::create_dir_all(proc_uptime.parent().unwrap()).unwrap();
        fs::write(&proc_uptime, "80000.00 1.00\n").unwrap();
        let boot_id = world.root.path().join(".sandbox/boot-id.json");
        let ledger = world.ledger.clone();
        let act = move |_: &SharedJournal, _: i64| {
            if ledger.lock().unwrap().iter().any(|did| did.starts_with("restart")) {
                fs::write(&boot_id, "\"6f6b0f5e-0000-4000-8000-00000000000f\"").unwrap();
                fs::write(&proc_uptime, uptime).unwrap();
            }
        };
        let end = meanwhile(&world, act).run(&world.sign(&order(&world))).unwrap();
        if is_restart {
            assert_eq!(end, End::Completed { number: 1 });
        } else {
            let End::Failed { cause, why, .. } = end else {
                panic!("{end:?}");
            };
            assert_eq!(cause, FailureCause::Interrupted);
            assert!(why.contains("no restart of the kernel"), "{why}");
        }
    }
}

#[test]
fn a_restart_that_cannot_be_is_not_announced() {
    let world = World::new(Behaviour::default());
    let end = world
        .executor_with(Box::new(Chrooted))
        .run(&world.sign(&world.order(&[(with_notice(24), true)])))
        .unwrap();
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::Unsupported);
    assert!(why.contains("chroot"), "{why}");
    assert_eq!(of(&world.records(), RecordEvent::RestartNoticed), []);
}
