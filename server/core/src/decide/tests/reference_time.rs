//! A second model beside `decide`, of what time, sessions of the kernel, scope and others bring: written from the table of phases
//! and the rules below it in `docs/phases.md`. It keeps a few facts of what was sent and when, and says after each input what a
//! plan must be by now, or cannot be yet.

use cutover_proto::{
    ids::ProductId,
    record::{FailureCause, RecordEvent},
    step::StepKind,
};
use proptest::{prelude::*, test_runner::Config};

use super::{reference::cases, *};
use crate::{
    catalog::RestartNeed,
    plan::{Exemption, Hold, HoldKind},
    samples::{carrying, replaced, tagged},
};

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A fresh look: whether it shows the target, or else a healthy replacement in its place.
    Look {
        carries: bool,
    },
    Hours(i64),
    Start,
    Fetch,
    /// The host does all of its order, and restarts where the order says so.
    Work,
    /// It does all up to the restart, which does not come.
    NoRestart,
    /// Its first step fails.
    Fail,
    /// It is restarted by somebody.
    Reboot,
    Hold(i64),
    Exempt(i64),
    Kiosk(bool),
    Retry,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => prop::bool::weighted(0.35).prop_map(|carries| Act::Look { carries }),
        8 => (2..20_i64).prop_map(Act::Hours),
        7 => Just(Act::Start),
        6 => Just(Act::Fetch),
        6 => Just(Act::Work),
        2 => Just(Act::NoRestart),
        3 => Just(Act::Fail),
        1 => Just(Act::Reboot),
        1 => (1..40_i64).prop_map(Act::Hold),
        1 => (1..40_i64).prop_map(Act::Exempt),
        1 => any::<bool>().prop_map(Act::Kiosk),
        1 => Just(Act::Retry),
    ]
}

/// As the campaign below says.
const ATTEMPTS: u32 = 2;
const SOAK: i64 = 6 * HOUR;
const SILENCE: i64 = 12 * HOUR;
const FETCH: i64 = HOUR;
/// No retry waits longer.
const RETRY: i64 = HOUR;
/// After so many returns of the target a person looks for the cause.
const RETURNS: u32 = 2;

const POLICY: &str = "[policy]\ngrace = \"0s\"\nsoak = \"6h\"\nsilence = \"12h\"\nfetch_within = \"1h\"\nattempts = 2\n\
                      retry_base = \"30m\"\nretry_cap = \"1h\"\nstale_after = \"9000d\"\n";
const OTHERS: &str = "[executor]\nname = \"intune\"\nowner = \"the endpoint team\"\nwithin = \"14d\"\n";

/// An order that is out.
#[derive(Debug, Clone, Copy)]
struct Out {
    issued_ms: i64,
    fetched_ms: Option<i64>,
}

/// What was sent so far, and what follows of it.
#[derive(Debug, Clone, Default)]
struct Facts {
    has_executor: bool,
    carries: Option<bool>,
    has_carried: bool,
    order: Option<Out>,
    attempts: u32,
    failed_ms: Option<i64>,
    returns: u32,
    is_migrated: bool,
    /// An order of ours ended well, and no look has said yet whether that is so.
    is_ours: bool,
    held_until: Option<i64>,
    exempt_until: Option<i64>,
    is_kiosk: bool,
    boot: u32,
    /// The target was seen by a look that was not the one which was asked for: that one decides.
    lingers: bool,
    /// In which session something was removed whose removal is complete after a restart, while none was seen.
    owed_in: Option<u32>,
    /// When looks showed a healthy replacement and no target, with nothing owed and nothing at work, since one that did not.
    good: Vec<i64>,
}

impl Facts {
    /// What has come to its time by now is over.
    fn time(&mut self, now_ms: i64) {
        if self.held_until.is_some_and(|until| until <= now_ms) {
            self.held_until = None;
        }
        if self.exempt_until.is_some_and(|until| until <= now_ms) {
            self.exempt_until = None;
        }
        match self.order {
            Some(Out {
                fetched_ms: Some(at), ..
            }) if now_ms >= at + SILENCE => self.ends_badly(at + SILENCE),
            Some(Out {
                fetched_ms: None,
                issued_ms,
            }) if now_ms >= issued_ms + FETCH => self.order = None,
            Some(_) | None => {}
        }
    }

    fn ends_badly(&mut self, now_ms: i64) {
        self.order = None;
        self.attempts += 1;
        self.failed_ms = Some(now_ms);
    }

    /// What stands against any start, and takes back an order that no host has.
    fn is_free(&self) -> bool {
        self.exempt_until.is_none() && !self.is_kiosk
    }

    fn take_back(&mut self) {
        if self.order.is_some_and(|order| order.fetched_ms.is_none()) {
            self.order = None;
        }
    }

    fn is_owed(&self) -> bool {
        self.owed_in.is_some()
    }

    /// The host spoke out of this session.
    fn spoke(&mut self) {
        if self.owed_in.is_some_and(|boot| boot != self.boot) {
            self.owed_in = None;
        }
    }

    /// Whether work is due: a target is there, or a restart is owed.
    fn is_due(&self) -> bool {
        self.is_free()
            && (self.carries == Some(true) && self.returns < RETURNS || self.carries == Some(false) && self.is_owed())
    }

    /// Whether it may start; `None` where a retry's date, which is drawn, may have come or not.
    fn may_start(&self, phase: Phase, now_ms: i64) -> Option<bool> {
        let is_sure = self.failed_ms.is_none_or(|at| now_ms > at + RETRY);
        let may = phase == Phase::Queued && self.held_until.is_none() && !self.has_executor && self.is_free();
        if may && !is_sure { None } else { Some(may) }
    }
}

struct Stage {
    host: Host,
    facts: Facts,
}

impl Stage {
    fn new(has_executor: bool) -> Self {
        let text = if has_executor {
            format!("{OTHERS}{POLICY}")
        } else {
            POLICY.to_owned()
        };
        let mut host = Host::of(samples::campaign(&text));
        let recipe = host.catalog.recipes.get_mut(&ProductId::new("kesl")).unwrap();
        recipe.remove.as_mut().unwrap().restart = RestartNeed::Due;
        let facts = Facts {
            has_executor,
            ..Facts::default()
        };
        Self { host, facts }
    }

    fn boot_id(&self) -> String {
        format!("boot-{}", self.facts.boot)
    }

    fn report(&mut self, event: RecordEvent, step: u32, cause: Option<FailureCause>) {
        let mut record = self.host.record(event, step, cause);
        record.boot_id = self.boot_id();
        self.host.last_seen_ms = self.host.now_ms;
        self.host.send(Input::Recorded(Box::new(record)));
    }

    /// Everything that a plan asks to be woken for until then, and nothing else.
    fn pass(&mut self, ms: i64) {
        let until_ms = self.host.now_ms + ms;
        for _ in 0..100 {
            let Some(wake) = self.host.next_wake().filter(|wake| wake.at_ms <= until_ms) else {
                break;
            };
            self.host.now_ms = self.host.now_ms.max(wake.at_ms);
            let last_seen_ms = self.host.last_seen_ms;
            self.host.send(Input::Woke { last_seen_ms });
        }
        self.host.now_ms = until_ms;
        self.facts.time(until_ms);
    }

    fn look(&mut self, carries: bool) {
        let mut shown = if carries { carrying() } else { replaced() };
        shown.boot_id = self.boot_id();
        self.host.look(&shown);
        let (now_ms, facts) = (self.host.now_ms, &mut self.facts);
        facts.spoke();
        facts.lingers = carries && self.host.plan.phase == Phase::Verifying && !facts.lingers;
        if carries {
            if facts.is_migrated {
                (facts.returns, facts.is_migrated) = (facts.returns + 1, false);
            } else if facts.is_ours && facts.order.is_none() && !facts.lingers {
                // The look does not agree with what the order says.
                facts.attempts += 1;
                facts.failed_ms = Some(now_ms);
            }
        }
        facts.is_ours &= !carries || facts.lingers;
        facts.has_carried |= carries;
        facts.carries = Some(carries);
        if !carries && facts.order.is_some() && !facts.is_owed() {
            // Somebody else did it: what no host has is taken back.
            facts.take_back();
        }
        let is_good = !carries && facts.order.is_none() && !facts.is_owed() && facts.is_free() && facts.has_carried;
        if is_good {
            facts.good.push(now_ms);
        } else {
            facts.good.clear();
        }
    }

    /// The order's steps, as far as they come.
    fn work(&mut self, restarts: bool) {
        let Some(order) = self.host.plan.order.clone() else {
            return;
        };
        self.facts.order = Some(Out {
            issued_ms: order.issued_ms,
            fetched_ms: Some(self.host.now_ms),
        });
        self.report(RecordEvent::OrderAccepted, 0, None);
        for (step, at) in order.steps.iter().zip(0..) {
            let kind = step.action.kind();
            self.report(RecordEvent::StepBegun, at, None);
            if kind == StepKind::Restart && !restarts {
                self.report(RecordEvent::OrderFailed, at, Some(FailureCause::ToolFailed));
                self.facts.ends_badly(self.host.now_ms);
                return;
            }
            self.facts.boot += u32::from(kind == StepKind::Restart);
            self.report(RecordEvent::StepDone, at, None);
            if kind == StepKind::RemovePackages {
                self.facts.owed_in = Some(self.facts.boot);
            }
            self.facts.spoke();
        }
        self.report(RecordEvent::OrderCompleted, 0, None);
        self.facts.order = None;
        self.facts.is_ours = self.facts.is_free();
        self.facts.good.clear();
    }

    fn take(&mut self, act: Act) -> Result<(), TestCaseError> {
        self.pass(1_000);
        let now_ms = self.host.now_ms;
        match act {
            Act::Look { carries } => self.look(carries),
            Act::Hours(hours) => self.pass(hours * HOUR),
            Act::Start => self.start()?,
            Act::Fetch => {
                let number = self.host.plan.highest_order;
                self.host.send(Input::OrderFetched { number });
                if let Some(order) = &mut self.facts.order {
                    order.fetched_ms.get_or_insert(order.issued_ms);
                }
            }
            Act::Work => self.work(true),
            Act::NoRestart => self.work(false),
            Act::Fail if self.host.plan.order.is_some() => {
                self.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
                self.facts.ends_badly(now_ms);
            }
            Act::Fail => {}
            Act::Reboot => self.facts.boot += 1,
            Act::Hold(hours) => {
                self.facts.held_until = Some(now_ms + hours * HOUR);
                self.facts.take_back();
                self.host.send(Input::HoldPlaced(Hold {
                    kind: HoldKind::Operator,
                    who: "ops".into(),
                    why: "payroll".into(),
                    until_ms: self.facts.held_until,
                }));
            }
            Act::Exempt(hours) => {
                let until_ms = Some(now_ms + hours * HOUR);
                let exemption = Exemption {
                    why: "a lathe".into(),
                    by: None,
                    owner: "plant".into(),
                    control: None,
                    until_ms,
                };
                if self.host.try_send(&Input::Exempted(exemption)).is_ok() {
                    self.facts.exempt_until = until_ms;
                    self.leaves();
                }
            }
            Act::Kiosk(is_kiosk) => {
                let known = if is_kiosk { tagged("kiosk") } else { Known::default() };
                self.host.send(Input::Described { known });
                self.facts.is_kiosk = is_kiosk;
                if is_kiosk {
                    self.leaves();
                }
            }
            Act::Retry => {
                if self.host.try_send(&Input::Retried { by: "ops".into() }).is_ok() {
                    (self.facts.attempts, self.facts.failed_ms) = (0, None);
                }
            }
        }
        Ok(())
    }

    /// Out of scope or exempt: nothing of before counts when it comes back.
    fn leaves(&mut self) {
        self.facts.take_back();
        self.facts.good.clear();
        (self.facts.is_ours, self.facts.is_migrated, self.facts.lingers) = (false, false, false);
    }

    fn start(&mut self) -> Result<(), TestCaseError> {
        let now_ms = self.host.now_ms;
        let may = self.facts.may_start(self.host.plan.phase, now_ms);
        let before = self.host.plan.highest_order;
        let start = Input::Started {
            order_number: before + 1,
            epoch: 1,
        };
        let has_started = self.host.try_send(&start).is_ok() && self.host.plan.highest_order > before;
        if let Some(may) = may {
            prop_assert_eq!(has_started, may, "{:?}\n{}", self.facts, self.host.told());
        }
        if has_started {
            self.facts.order = Some(Out {
                issued_ms: now_ms,
                fetched_ms: None,
            });
        }
        Ok(())
    }

    /// What must be so by now.
    fn holds(&mut self) -> Result<(), TestCaseError> {
        let plan = &self.host.plan;
        let told = || format!("{:?}\n{}", self.facts, self.host.told());
        let facts = &self.facts;
        prop_assert_eq!(
            plan.order.is_some(),
            facts.order.is_some(),
            "an order is out\n{}",
            told()
        );
        prop_assert_eq!(plan.holds.is_empty(), facts.held_until.is_none(), "held\n{}", told());
        prop_assert_eq!(
            plan.exemption.is_some(),
            facts.exempt_until.is_some(),
            "exempt\n{}",
            told()
        );
        if plan.phase != Phase::Migrated && !facts.is_migrated {
            prop_assert_eq!(plan.attempts_used, facts.attempts, "attempts\n{}", told());
        }
        let is_past = plan.retry_at_ms.is_some_and(|at| at <= self.host.now_ms);
        prop_assert!(!is_past, "a retry's time has come\n{}", told());
        if facts.has_executor {
            prop_assert!(plan.highest_order == 0, "others do the work\n{}", told());
        }
        if facts.order.is_none() {
            prop_assert_eq!(plan.phase == Phase::OutOfScope, facts.is_kiosk, "scope\n{}", told());
            if !facts.is_kiosk {
                prop_assert_eq!(plan.phase == Phase::Exempt, facts.exempt_until.is_some(), "{}", told());
            }
            let phase = if facts.attempts >= ATTEMPTS && !facts.has_executor {
                Phase::Failed
            } else {
                Phase::Queued
            };
            // What an order of ours did is judged by the next look.
            let is_due = facts.is_due() && !facts.is_ours && !facts.lingers && plan.phase != Phase::Migrated;
            prop_assert!(!is_due || plan.phase == phase, "{phase} is due\n{}", told());
        }
        let is_called_done = matches!(plan.phase, Phase::Migrated | Phase::Verifying);
        prop_assert!(
            !is_called_done || facts.is_migrated || !facts.is_owed() || facts.carries != Some(false),
            "a restart is owed\n{}",
            told()
        );
        // So many looks there were since the soak was over, if the nth was the one from which it counts.
        let after = |nth: usize| {
            let from = facts.good.get(nth).map_or(i64::MAX, |at| at + SOAK);
            facts.good.iter().filter(|at| **at >= from).count()
        };
        let soaked = after(0) > 0;
        let is_news = plan.phase == Phase::Migrated && !facts.is_migrated;
        prop_assert!(!is_news || soaked, "migrated before its soak was over\n{}", told());
        // One look is that it is heard of, one the first that was asked for, and both again at the end.
        let must_be = after(2) >= 3 && facts.is_free();
        prop_assert!(!must_be || plan.phase == Phase::Migrated, "it soaked\n{}", told());
        if is_news {
            (self.facts.is_migrated, self.facts.attempts, self.facts.failed_ms) = (true, 0, None);
            self.facts.is_ours = false;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { cases: cases(), ..Config::default() })]

    #[test]
    fn what_time_restarts_scope_and_others_bring_is_what_the_documents_say(
        has_executor in prop::bool::weighted(0.2),
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut stage = Stage::new(has_executor);
        for act in acts {
            stage.take(act)?;
            stage.holds()?;
        }
    }
}
