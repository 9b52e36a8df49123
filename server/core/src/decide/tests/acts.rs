//! Arbitrary things that happen to a host, for the property tests.

use cutover_proto::{
    inventory::DiskEncryption,
    record::{FailureCause, RecordEvent},
    step::StepKind,
    verdict::{HealthState, Protection, Verdict},
};
use proptest::prelude::*;

use super::*;
use crate::{
    campaign::Mode,
    plan::{DiskAttestation, DiskSignature, DiskWord, Exemption, Hold, HoldKind, JournalFault},
    samples::{carrying, inventory, replaced, sighting, with, with_clamav},
};

/// What happens to a host. Values are chosen small, so that they meet.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Pass(i64),
    Look(usize),
    OldLook(usize),
    CheckIn {
        boot: bool,
    },
    LookAgain,
    Start,
    Fetch,
    Record {
        event: usize,
        step: u32,
        cause: Option<usize>,
        shift: i64,
        boot: bool,
    },
    Restart,
    Work,
    Fail,
    Cancelled,
    Wake,
    WakeNow {
        seen_ago: i64,
    },
    Wave(usize),
    Approve,
    Hold {
        kind: usize,
        ends: bool,
    },
    Lift(usize),
    Exempt {
        ends: bool,
    },
    Revoke,
    Attest {
        people: usize,
    },
    Doubt,
    Retry,
    Handwork,
    Journal(usize),
    Steps(usize),
    Scope(bool),
    Late(bool),
    Retire,
    Conclude,
    Enrol,
    Campaign {
        mode: usize,
        attempts: u32,
        grades: bool,
    },
}

const LOOKS: usize = 11;

fn shown(index: usize) -> Inventory {
    let mut encrypted = carrying();
    match index {
        0..=2 => carrying(),
        3 | 4 => replaced(),
        5 => inventory(),
        6 => with(
            with(inventory(), "kesl", Verdict::Remnant),
            "klnagent64",
            Verdict::Unknown,
        ),
        7 => with_clamav(inventory(), HealthState::Unhealthy),
        8 => with(inventory(), "kesl", Verdict::Embedded),
        9 => {
            encrypted.facts.encryption = DiskEncryption::Unknown;
            encrypted
        }
        _ => {
            // Another product took the place, and the distribution is one that no rule fits.
            let mut other = inventory();
            other.facts.os_id = "arch".to_owned();
            other.sightings.push(sighting("other", Verdict::Running));
            other
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let index = |len: usize| 0..len;
    let restart = (
        0_u32..9,
        proptest::option::of(index(FailureCause::ALL.len())),
        -1_i64..=1,
        any::<bool>(),
    );
    prop_oneof![
        4 => prop_oneof![Just(1_000_i64), Just(60_000), Just(HOUR), Just(DAY), Just(30 * DAY)].prop_map(Act::Pass),
        10 => index(LOOKS).prop_map(Act::Look),
        1 => index(LOOKS).prop_map(Act::OldLook),
        3 => any::<bool>().prop_map(|boot| Act::CheckIn { boot }),
        5 => Just(Act::LookAgain),
        10 => Just(Act::Start),
        6 => Just(Act::Fetch),
        8 => (index(RecordEvent::ALL.len()), restart).prop_map(|(event, (step, cause, shift, boot))| {
            Act::Record { event, step, cause, shift, boot }
        }),
        2 => Just(Act::Restart),
        4 => Just(Act::Work),
        2 => Just(Act::Fail),
        2 => Just(Act::Cancelled),
        8 => Just(Act::Wake),
        1 => (0..40 * DAY).prop_map(|seen_ago| Act::WakeNow { seen_ago }),
        2 => index(4).prop_map(Act::Wave),
        2 => Just(Act::Approve),
        1 => (index(3), any::<bool>()).prop_map(|(kind, ends)| Act::Hold { kind, ends }),
        2 => index(3).prop_map(Act::Lift),
        1 => any::<bool>().prop_map(|ends| Act::Exempt { ends }),
        2 => Just(Act::Revoke),
        2 => Just(Act::Retry),
        2 => Just(Act::Handwork),
        1 => index(3).prop_map(Act::Journal),
        1 => index(3).prop_map(Act::Steps),
        1 => any::<bool>().prop_map(Act::Scope),
        1 => any::<bool>().prop_map(Act::Late),
        1 => Just(Act::Retire),
        1 => Just(Act::Conclude),
        1 => Just(Act::Enrol),
        2 => (index(5), 1_u32..4, any::<bool>()).prop_map(|(mode, attempts, grades)| Act::Campaign { mode, attempts, grades }),
    ]
}

/// The same, and what people attest of disks. Apart, so that lives in which nobody does stay what they were.
pub(super) fn acts_with_attested_disks() -> impl Strategy<Value = Vec<Act>> {
    prop_oneof![
        20 => acts(),
        1 => (1..=2_usize).prop_map(|people| vec![Act::Attest { people }]),
        1 => Just(vec![Act::Doubt]),
    ]
}

/// The inputs that an act is, in the state that the host is in.
pub(super) fn inputs(host: &mut Host, act: &Act) -> Vec<Input> {
    let judged =
        |host: &Host, index: usize| Box::new(assess(&shown(index), &Known::default(), &host.campaign, &host.catalog));
    let boot = |new: bool| if new { "boot-2" } else { "boot-1" }.to_owned();
    let until = |host: &Host, ends: bool| ends.then_some(host.now_ms + 2 * DAY);
    vec![match act {
        Act::Pass(ms) => {
            host.now_ms += ms;
            return Vec::new();
        }
        Act::Look(index) => {
            host.looked_at_ms = host.looked_at_ms.max(host.now_ms) + 1;
            host.last_seen_ms = host.now_ms;
            Input::Looked {
                assessment: judged(host, *index),
                looked_at_ms: host.looked_at_ms,
                boot_id: boot(false),
            }
        }
        Act::OldLook(index) => Input::Looked {
            assessment: judged(host, *index),
            looked_at_ms: host.looked_at_ms - 10,
            boot_id: boot(false),
        },
        Act::CheckIn { boot: new } => {
            host.last_seen_ms = host.now_ms;
            Input::CheckedIn {
                looked_at_ms: Some(host.looked_at_ms),
                boot_id: boot(*new),
                running: None,
            }
        }
        Act::LookAgain => {
            host.looked_at_ms = host.looked_at_ms.max(host.now_ms) + 1;
            host.last_seen_ms = host.now_ms;
            Input::CheckedIn {
                looked_at_ms: Some(host.looked_at_ms),
                boot_id: boot(false),
                running: None,
            }
        }
        Act::Start => Input::Started {
            order_number: host.plan.highest_order + 1,
            epoch: 1,
        },
        Act::Fetch => Input::OrderFetched {
            number: host.plan.highest_order,
        },
        Act::Record {
            event,
            step,
            cause,
            shift,
            boot: new,
        } => {
            let mut record = host.record(RecordEvent::ALL[*event], *step, cause.map(|it| FailureCause::ALL[it]));
            record.sequence = record.sequence.saturating_add_signed(i32::try_from(*shift).unwrap());
            record.boot_id = boot(*new);
            Input::Recorded(Box::new(record))
        }
        Act::Restart => {
            // No recipe here restarts: the step is put in by hand, into event and row alike.
            let last = host
                .plan
                .order
                .as_ref()
                .map_or(0, |order| order.steps.len().saturating_sub(1));
            let restart = cutover_proto::step::Action::Restart {
                reason: "drivers".into(),
                notice: std::time::Duration::from_secs(300),
                defer: std::time::Duration::from_secs(86_400),
            };
            if let Some(step) = host.plan.order.as_mut().and_then(|order| order.steps.last_mut()) {
                step.action = restart.clone();
            }
            for event in &mut host.events {
                if let Fact::OrderIssued { number, steps, .. } = &mut event.fact
                    && host.plan.order.as_ref().is_some_and(|order| order.number == *number)
                    && let Some(step) = steps.last_mut()
                {
                    step.action = restart.clone();
                }
            }
            let record = host.record(RecordEvent::StepBegun, u32::try_from(last).unwrap(), None);
            Input::Recorded(Box::new(record))
        }
        Act::Work => Input::Recorded(Box::new(host.record(RecordEvent::OrderCompleted, 0, None))),
        Act::Fail => {
            let record = host.record(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
            Input::Recorded(Box::new(record))
        }
        Act::Cancelled => Input::Recorded(Box::new(host.record(RecordEvent::OrderCancelled, 0, None))),
        Act::Wake => {
            if let Some(wake) = host.next_wake() {
                host.now_ms = host.now_ms.max(wake.at_ms);
            }
            Input::Woke {
                last_seen_ms: host.last_seen_ms,
            }
        }
        Act::WakeNow { seen_ago } => {
            host.last_seen_ms = host.last_seen_ms.max(host.now_ms - seen_ago);
            Input::Woke {
                last_seen_ms: host.last_seen_ms,
            }
        }
        Act::Wave(index) => {
            host.turn_wave([WaveState::Open, WaveState::Open, WaveState::Paused, WaveState::Closed][*index]);
            Input::WaveOpened
        }
        Act::Approve => Input::Approved { by: "ann".into() },
        Act::Hold { kind, ends } => Input::HoldPlaced(Hold {
            kind: HoldKind::ALL[*kind],
            who: "ann".into(),
            why: "a reason".into(),
            until_ms: until(host, *ends),
        }),
        Act::Lift(kind) => Input::HoldLifted {
            kind: HoldKind::ALL[*kind],
            by: "ann".into(),
        },
        Act::Exempt { ends } => Input::Exempted(Exemption {
            why: "a reason".into(),
            owner: "eve".into(),
            control: None,
            until_ms: until(host, *ends),
            by: None,
        }),
        Act::Revoke => Input::ExemptionRevoked {
            by: "eve".into(),
            why: "it is over".into(),
        },
        Act::Attest { people } => Input::DisksAttested(attested(host, *people)),
        Act::Doubt => Input::DisksWithdrawn {
            by: "ann".into(),
            why: "another machine".into(),
        },
        Act::Retry => Input::Retried { by: "ann".into() },
        Act::Handwork => Input::HandworkDone {
            by: "bob".into(),
            evidence: "ticket 7".into(),
        },
        Act::Journal(fault) => Input::JournalDistrusted {
            fault: JournalFault::ALL[*fault],
        },
        Act::Steps(index) => Input::SaidSteps {
            lacking: [vec![], vec![StepKind::DetectionTest], vec![StepKind::WriteConfig]][*index].clone(),
        },
        Act::Scope(true) => Input::Described {
            known: samples::tagged("kiosk"),
        },
        Act::Scope(false) => Input::Described {
            known: Known::default(),
        },
        Act::Late(late) => Input::Forecast { late: *late },
        Act::Retire => Input::Retired {
            by: "ann".into(),
            why: "scrapped".into(),
        },
        Act::Conclude => Input::Concluded,
        Act::Enrol => Input::Enrolled {
            known: Known::default(),
        },
        Act::Campaign { mode, attempts, grades } => {
            use Mode::{Approve, Automatic, Observe};
            host.campaign.version += 1;
            host.campaign.mode = [Automatic, Automatic, Automatic, Approve, Observe][*mode];
            host.campaign.policy.attempts = *attempts;
            host.campaign.accepted_grades = grades.then_some(Protection::OnDemand).into_iter().collect();
            Input::CampaignChanged { assessment: None }
        }
    }]
}

/// Single acts, and rows of them that lead deep into the table, where single ones seldom get.
pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let begin = [
        Act::Enrol,
        Act::Lift(0),
        Act::Lift(1),
        Act::Lift(2),
        Act::Revoke,
        Act::Scope(false),
        Act::Wave(0),
    ];
    let start = [
        Act::Look(0),
        Act::Look(0),
        Act::Pass(HOUR),
        Act::LookAgain,
        Act::Start,
        Act::Fetch,
    ];
    let confirm = [
        Act::Work,
        Act::Pass(1_000),
        Act::Look(3),
        Act::Wake,
        Act::CheckIn { boot: false },
        Act::LookAgain,
    ];
    let observe = Act::Campaign {
        mode: 4,
        attempts: 2,
        grades: true,
    };
    let row = |parts: &[&[Act]]| Just(parts.concat());
    prop_oneof![
        20 => act().prop_map(|act| vec![act]),
        1 => row(&[&begin, &start]),
        1 => row(&[&begin, &start, &[Act::Restart]]),
        1 => row(&[&begin, &start, &[Act::Fail, Act::Wake, Act::CheckIn { boot: false }, Act::Start, Act::Fetch]]),
        1 => row(&[&begin, &start, &confirm]),
        1 => row(&[&begin, &start, &[Act::Restart, observe, Act::Fail]]),
        2 => (0..LOOKS).prop_map(|look| vec![Act::Scope(true), Act::Look(look), Act::Scope(false)]),
    ]
}

/// What so many people attest of its disks.
fn attested(host: &Host, people: usize) -> DiskAttestation {
    let signatures = ["ann", "bob"].into_iter().take(people).map(|who| DiskSignature {
        by: who.into(),
        why: "the console's report".into(),
        at_ms: host.now_ms,
    });
    DiskAttestation {
        says: DiskWord::Decrypted,
        rests_on_ms: host.now_ms,
        until_ms: host.now_ms + 3 * DAY,
        signatures: signatures.collect(),
    }
}
