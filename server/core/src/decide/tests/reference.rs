//! A second, naive way to say where a plan is: written from `docs/phases.md` alone, with one look, one order and flat rules. It
//! knows no events, wakes or reasons. After each of many random inputs both have to agree.

use std::collections::BTreeSet;

use cutover_proto::{
    inventory::DiskEncryption,
    record::{FailureCause, RecordEvent},
    verdict::Verdict,
};
use proptest::{prelude::*, test_runner::Config};

use super::*;
use crate::{
    plan::{Exemption, Hold, HoldKind},
    samples::{carrying, inventory, replaced, with},
};

/// What a machine shows, as the model tells machines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Carries,
    Encrypted,
    Unknown,
    Embedded,
    Replaced,
    Bare,
}

impl Shown {
    fn inventory(self) -> Inventory {
        match self {
            Self::Carries => carrying(),
            Self::Encrypted => {
                let mut it = carrying();
                it.facts.encryption = DiskEncryption::ByTarget;
                it
            }
            Self::Unknown => with(inventory(), "kesl", Verdict::Unknown),
            Self::Embedded => with(inventory(), "kesl", Verdict::Embedded),
            Self::Replaced => replaced(),
            Self::Bare => inventory(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Look(Shown),
    Later,
    Start,
    Fetch,
    Work,
    Fail,
    Cancelled,
    Hold(HoldKind),
    Lift(HoldKind),
    Exempt,
    Revoke,
    Wave(WaveState),
    Run(RunState),
    Retry,
    Retire,
}

fn act() -> impl Strategy<Value = Act> {
    let shown = prop_oneof![
        5 => Just(Shown::Carries),
        1 => Just(Shown::Encrypted),
        1 => Just(Shown::Unknown),
        1 => Just(Shown::Embedded),
        4 => Just(Shown::Replaced),
        2 => Just(Shown::Bare),
    ];
    let kind = || prop_oneof![Just(HoldKind::Legal), Just(HoldKind::Operator)];
    prop_oneof![
        10 => shown.prop_map(Act::Look),
        4 => Just(Act::Later),
        8 => Just(Act::Start),
        5 => Just(Act::Fetch),
        6 => Just(Act::Work),
        4 => Just(Act::Fail),
        2 => Just(Act::Cancelled),
        1 => kind().prop_map(Act::Hold),
        3 => kind().prop_map(Act::Lift),
        1 => Just(Act::Exempt),
        2 => Just(Act::Revoke),
        2 => prop_oneof![4 => Just(WaveState::Open), 1 => Just(WaveState::Paused), 1 => Just(WaveState::Closed)]
            .prop_map(Act::Wave),
        2 => prop_oneof![4 => Just(RunState::Running), 1 => Just(RunState::Paused), 1 => Just(RunState::Stopped)]
            .prop_map(Act::Run),
        2 => Just(Act::Retry),
        1 => Just(Act::Retire),
    ]
}

/// Attempts until a person must look.
const ATTEMPTS: u32 = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    phase: Phase,
    shown: Option<Shown>,
    has_carried: bool,
    /// How often the target came back after it was replaced.
    returns: u32,
    /// An order is out; whether the host has it.
    order: Option<bool>,
    attempts: u32,
    /// The next try has a date that has not come.
    waits: bool,
    holds: BTreeSet<HoldKind>,
    is_exempt: bool,
    /// What is verified was done by an order of ours.
    is_ours: bool,
    wave: WaveState,
    run: RunState,
}

impl Model {
    fn new() -> Self {
        Self {
            phase: Phase::Unassessed,
            shown: None,
            has_carried: false,
            returns: 0,
            order: None,
            attempts: 0,
            waits: false,
            holds: BTreeSet::new(),
            is_exempt: false,
            is_ours: false,
            wave: WaveState::Open,
            run: RunState::Running,
        }
    }

    /// The table "from verdicts to a phase".
    fn belongs(&self) -> Phase {
        let due = if self.attempts >= ATTEMPTS {
            Phase::Failed
        } else if self.wave == WaveState::Closed && !self.phase.has_order() {
            Phase::Planned
        } else {
            Phase::Queued
        };
        match self.shown {
            _ if self.is_exempt => Phase::Exempt,
            None | Some(Shown::Unknown) => Phase::Unassessed,
            // Twice is enough for a person to ask why.
            Some(Shown::Carries) if self.returns >= 2 => Phase::Handwork,
            Some(Shown::Carries) => due,
            Some(Shown::Encrypted) => Phase::Blocked,
            Some(Shown::Embedded) => Phase::Handwork,
            Some(Shown::Replaced | Shown::Bare) if !self.has_carried => Phase::Clear,
            Some(Shown::Replaced) => Phase::Verifying,
            Some(Shown::Bare) => due,
        }
    }

    fn go(&mut self, to: Phase) {
        self.phase = to;
        self.waits &= matches!(to, Phase::Queued | Phase::Planned);
        if to == Phase::Migrated {
            self.attempts = 0;
        }
    }

    fn settle(&mut self) {
        if self.order.is_none() {
            let to = self.belongs();
            if to == Phase::Verifying && self.phase != Phase::Verifying {
                self.is_ours = false;
            }
            self.go(to);
        }
    }

    /// An order that nobody has is taken back; one that a host has runs to its next safe point.
    fn call_back(&mut self) {
        if self.order == Some(false) {
            self.order = None;
            self.settle();
        }
    }

    fn use_attempt(&mut self) {
        self.attempts += 1;
        self.settle();
        self.waits |= matches!(self.phase, Phase::Queued | Phase::Planned);
    }

    fn look(&mut self, shown: Shown) {
        self.shown = Some(shown);
        self.has_carried |= matches!(shown, Shown::Carries | Shown::Encrypted | Shown::Embedded);
        match (self.phase, shown) {
            (Phase::Migrating, _) => {
                if !matches!(self.belongs(), Phase::Queued | Phase::Planned) {
                    self.call_back();
                }
            }
            (Phase::Verifying, Shown::Replaced) => self.go(Phase::Migrated),
            (Phase::Verifying, Shown::Carries | Shown::Encrypted) if self.is_ours => self.use_attempt(),
            (Phase::Verifying, Shown::Bare | Shown::Unknown) => {}
            // Its replacement is gone, and may come back within its bound.
            (Phase::Migrated, Shown::Replaced | Shown::Bare) => {}
            (Phase::Migrated, Shown::Carries | Shown::Encrypted | Shown::Embedded) => {
                self.returns += 1;
                self.settle();
            }
            _ => self.settle(),
        }
    }

    fn may_start(&self) -> bool {
        self.phase == Phase::Queued
            && self.holds.is_empty()
            && self.run == RunState::Running
            && self.wave == WaveState::Open
            && !self.waits
    }

    /// What an act does, by the documents.
    fn take(&mut self, act: Act) {
        // Nothing moves a host that is gone; what was said of it may be taken back.
        if self.phase == Phase::Retired && !matches!(act, Act::Lift(_) | Act::Revoke) {
            return;
        }
        match act {
            Act::Look(shown) => self.look(shown),
            Act::Later => self.waits = false,
            Act::Start if self.may_start() => {
                self.order = Some(false);
                self.go(Phase::Migrating);
            }
            Act::Start => {}
            Act::Fetch => self.order = self.order.map(|_| true),
            Act::Work if self.order.is_some() => {
                self.order = None;
                if self.is_exempt {
                    self.settle();
                } else {
                    self.is_ours = true;
                    self.go(Phase::Verifying);
                }
            }
            Act::Fail if self.order.is_some() => {
                self.order = None;
                self.use_attempt();
            }
            Act::Cancelled if self.order.is_some() => {
                self.order = None;
                self.settle();
            }
            Act::Work | Act::Fail | Act::Cancelled => {}
            Act::Hold(kind) => {
                self.holds.insert(kind);
                self.call_back();
            }
            Act::Lift(kind) => {
                self.holds.remove(&kind);
            }
            Act::Exempt => {
                self.is_exempt = true;
                self.call_back();
                self.settle();
            }
            Act::Revoke => {
                if std::mem::take(&mut self.is_exempt) && self.phase == Phase::Exempt {
                    self.settle();
                }
            }
            Act::Wave(to) => {
                self.wave = to;
                if to == WaveState::Open && self.phase == Phase::Planned {
                    self.settle();
                }
            }
            Act::Run(to) => {
                self.run = to;
                if to != RunState::Running {
                    self.call_back();
                }
            }
            Act::Retry => {
                if matches!(self.phase, Phase::Failed | Phase::Queued | Phase::Planned) {
                    (self.attempts, self.waits) = (0, false);
                    self.settle();
                }
            }
            Act::Retire => {
                self.order = None;
                self.go(Phase::Retired);
            }
        }
    }

    fn of(host: &Host) -> Self {
        let plan = &host.plan;
        Self {
            phase: plan.phase,
            order: plan.order.as_ref().map(|order| order.fetched_ms.is_some()),
            attempts: plan.attempts_used,
            holds: plan.holds.keys().copied().collect(),
            is_exempt: plan.exemption.is_some(),
            ..Self::new()
        }
    }

    /// What both say.
    fn said(&self) -> (Phase, Option<bool>, u32, &BTreeSet<HoldKind>, bool) {
        (self.phase, self.order, self.attempts, &self.holds, self.is_exempt)
    }
}

/// The same act, to the real thing. What is refused is no change.
fn send(host: &mut Host, act: Act) {
    let input = match act {
        Act::Look(shown) => {
            if host.plan.phase != Phase::Retired {
                host.look(&shown.inventory());
            }
            return;
        }
        Act::Later => {
            host.now_ms += 2 * DAY;
            return;
        }
        Act::Start => Input::Started {
            order_number: host.plan.highest_order + 1,
            epoch: 1,
        },
        Act::Fetch => Input::OrderFetched {
            number: host.plan.highest_order,
        },
        Act::Work => {
            if host.plan.order.is_some() {
                host.work();
            }
            return;
        }
        Act::Fail | Act::Cancelled => {
            let is_failure = matches!(act, Act::Fail);
            let (event, cause) = if is_failure {
                (RecordEvent::OrderFailed, Some(FailureCause::ToolFailed))
            } else {
                (RecordEvent::OrderCancelled, None)
            };
            if host.plan.order.is_some() {
                host.report(event, 0, cause);
            }
            return;
        }
        Act::Hold(kind) => Input::HoldPlaced(Hold {
            kind,
            who: "law".into(),
            why: "case 3".into(),
            until_ms: None,
        }),
        Act::Lift(kind) => Input::HoldLifted { kind, by: "law".into() },
        Act::Exempt => Input::Exempted(Exemption {
            why: "a lathe".into(),
            by: Some("compliance".into()),
            owner: "plant".into(),
            control: None,
            until_ms: None,
        }),
        Act::Revoke => Input::ExemptionRevoked {
            by: "plant".into(),
            why: "it is sold".into(),
        },
        Act::Wave(to) => {
            host.turn_wave(to);
            Input::WaveOpened
        }
        Act::Run(to) => {
            host.run = to;
            Input::Halted
        }
        Act::Retry => Input::Retried { by: "ops".into() },
        Act::Retire => Input::Retired {
            by: "ops".into(),
            why: "scrapped".into(),
        },
    };
    let _refused = host.try_send(&input);
}

/// How many courses of a life are tried.
pub(super) fn cases() -> u32 {
    let set = std::env::var("CUTOVER_MODEL_CASES").ok();
    set.and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(Config { cases: cases(), ..Config::default() })]

    #[test]
    fn a_naive_model_of_the_documents_is_where_decide_is_after_every_input(acts in proptest::collection::vec(act(), 1..60)) {
        let policy = "[policy]\ngrace = \"0s\"\nsoak = \"0s\"\nattempts = 2\nretry_cap = \"1d\"\n";
        let (mut host, mut model) = (Host::of(samples::campaign(policy)), Model::new());
        for act in acts {
            let before = model.clone();
            host.now_ms += 1_000;
            send(&mut host, act);
            model.take(act);
            let real = Model::of(&host);
            prop_assert_eq!(real.said(), model.said(), "{:?} after {:?}\n{}", act, before, host.told());
        }
    }
}
