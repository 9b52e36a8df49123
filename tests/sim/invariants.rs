//! What must hold, whatever happens. Each is one function over a [`View`]; a new rule of the server gets its own here.

use cutover_core::{
    campaign::Mode,
    decide::Fact,
    plan::{OrderEnd, Phase},
    rollout::{BreakerState, WaveState},
};

use crate::view::{Fresh, View};

/// When it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// After every step that brought events.
    Step,
    /// At intervals, on a reading of the whole store.
    Recount,
}

/// Something that must hold.
pub(crate) struct Invariant {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) holds: fn(&View) -> Result<(), String>,
}

const fn step(name: &'static str, holds: fn(&View) -> Result<(), String>) -> Invariant {
    Invariant {
        name,
        when: When::Step,
        holds,
    }
}

const fn recount(name: &'static str, holds: fn(&View) -> Result<(), String>) -> Invariant {
    Invariant {
        name,
        when: When::Recount,
        holds,
    }
}

/// All of them. Hours, limits, gates and what people were told are counted event by event in `course.rs`. Beside these the
/// machines watch over what they are asked to do (`encrypted-untouched`, `fetched-before-removal`, `no-bad-order`), and the world
/// over whole chains, its end (`liveness`) and faults of the program (`no-fault`).
pub(crate) const ALL: &[Invariant] = &[
    step("no-order-for-held", |view| {
        no_order(view, |it| !it.before.holds.is_empty() || it.before.local_hold.is_some())
    }),
    step("no-order-for-exempt", |view| {
        no_order(view, |it| it.before.exemption.is_some())
    }),
    step("no-order-out-of-scope", |view| {
        no_order(view, |it| it.before.scoped_out_by.is_some())
    }),
    step("no-order-for-machines-of-others", |view| {
        no_order(view, |it| !it.before.known.is_ours())
    }),
    step("no-order-for-retired", |view| {
        no_order(view, |it| it.before.phase.is_closed())
    }),
    step("no-order-for-encrypted", no_order_for_encrypted),
    step("no-order-out-of-wave", no_order_out_of_wave),
    step("no-order-in-a-halted-wave", |view| {
        no_order(view, |it| {
            let breaker = view.rules.breakers.of(&it.before.wave);
            matches!(breaker.state, BreakerState::Tripped(_))
        })
    }),
    step("no-order-while-stopped", |view| no_order(view, |_| view.rules.stopped)),
    step("no-order-unless-the-mode-allows", no_order_unless_allowed),
    step("no-order-in-grace", no_order_in_grace),
    step("one-order-at-a-time", |view| none(&view.doubled)),
    step("migrated-only-when-true", migrated_is_true),
    step("attempts-only-by-failure-or-silence", attempts_have_a_cause),
    step("events-fit", |view| none(&view.misfits)),
    recount("totals-are-a-recount", |view| {
        none(&found(view, |it| it.totals_fault.iter().cloned().collect()))
    }),
    recount("tallies-are-a-recount", |view| {
        none(&found(view, |it| it.tallies_fault.iter().cloned().collect()))
    }),
    recount("rows-are-their-events", rows_are_events),
    recount("every-watched-plan-wakes", every_plan_wakes),
    recount("nobody-waits-without-a-reason", everyone_has_a_reason),
    recount("acknowledged-is-durable", |view| {
        none(&found(view, |it| it.lost_marks.clone()))
    }),
    recount("slots-are-orders-out", |view| {
        none(&found(view, |it| it.slots_fault.iter().cloned().collect()))
    }),
];

fn found(view: &View, look: impl FnOnce(&crate::view::Recount) -> Vec<String>) -> Vec<String> {
    view.recount.as_ref().map(look).unwrap_or_default()
}

fn none(faults: &[String]) -> Result<(), String> {
    match faults {
        [] => Ok(()),
        [first] => Err(first.clone()),
        [first, rest @ ..] => Err(format!("{first} (and {} more)", rest.len())),
    }
}

fn issued(view: &View) -> impl Iterator<Item = &Fresh> {
    view.fresh
        .iter()
        .filter(|it| matches!(it.event.fact, Fact::OrderIssued { .. }))
}

fn no_order(view: &View, forbidden: impl Fn(&Fresh) -> bool) -> Result<(), String> {
    let faults: Vec<String> = issued(view)
        .filter(|it| forbidden(it))
        .map(|it| format!("an order was issued for {} in phase {}", it.host, it.before.phase))
        .collect();
    none(&faults)
}

fn no_order_for_encrypted(view: &View) -> Result<(), String> {
    no_order(view, |it| {
        let newest = view
            .looks
            .get(&it.host)
            .and_then(|looks| looks.iter().max_by_key(|look| look.taken_ms));
        newest.is_some_and(|look| look.is_locked) && !view.shared.contains(&it.host)
    })
}

fn no_order_out_of_wave(view: &View) -> Result<(), String> {
    no_order(view, |it| {
        view.rules.waves.get(&it.before.wave) != Some(&WaveState::Open)
    })
}

fn no_order_unless_allowed(view: &View) -> Result<(), String> {
    no_order(view, |it| match view.rules.campaign.mode {
        Mode::Observe => true,
        Mode::Approve => it.before.approval.is_none(),
        Mode::Automatic => false,
    })
}

fn no_order_in_grace(view: &View) -> Result<(), String> {
    let policy = &view.rules.campaign.policy;
    no_order(view, |it| it.event.at_ms < policy.grace_end_ms(it.before.grace_from_ms))
}

/// The newest look that reached the server before showed a machine on which both halves were true.
fn migrated_is_true(view: &View) -> Result<(), String> {
    let moved = view.fresh.iter().filter(|it| {
        let is_move = matches!(
            it.event.fact,
            Fact::Moved {
                to: Phase::Migrated,
                ..
            }
        );
        is_move && it.before.pool.is_none() && !view.shared.contains(&it.host)
    });
    let faults: Vec<String> = moved
        .filter_map(|it| {
            let looks = view.looks.get(&it.host)?;
            match looks.iter().max_by_key(|look| look.taken_ms) {
                Some(look) if look.is_done => None,
                Some(_) => Some(format!(
                    "{} is called migrated, and its newest look was of a machine that is not",
                    it.host
                )),
                None => Some(format!("{} is called migrated, and no look of it ever came", it.host)),
            }
        })
        .collect();
    none(&faults)
}

fn attempts_have_a_cause(view: &View) -> Result<(), String> {
    let used = view
        .fresh
        .iter()
        .filter(|it| it.after.attempts_used > it.before.attempts_used);
    let faults: Vec<String> = used
        .filter_map(|it| attempt_without_cause(view, it).map(|what| format!("{}: {what}", it.host)))
        .collect();
    none(&faults)
}

fn attempt_without_cause(view: &View, it: &Fresh) -> Option<String> {
    if let Fact::NotConfirmed { .. } = it.event.fact {
        let looks = view.looks.get(&it.host)?;
        let newest = looks.iter().max_by_key(|look| look.taken_ms);
        let is_true = newest.is_some_and(|look| look.is_done) && !view.shared.contains(&it.host);
        return is_true.then(|| "an attempt counts as not confirmed on a machine that is done".to_owned());
    }
    let Fact::OrderEnded { number, end, .. } = &it.event.fact else {
        return Some(format!("{} used an attempt up", it.event.fact.name()));
    };
    match end {
        OrderEnd::Silent => {
            let policy = &view.rules.campaign.policy;
            let is_restart = it.before.phase == Phase::Rebooting;
            let least = if is_restart {
                policy.restart_time
            } else {
                policy.silence
            };
            let order = it.before.order.as_ref()?;
            let silent_ms = view.available_ms(order.last_progress_ms, it.event.at_ms);
            let is_short = u128::try_from(silent_ms).unwrap_or(0) < least.as_millis();
            is_short.then(|| format!("order {number} counts as silent after {silent_ms} ms"))
        }
        OrderEnd::Failed | OrderEnd::Refused | OrderEnd::Interrupted => {
            let is_told = view.failures.contains(&(it.host, *number));
            (!is_told).then(|| format!("order {number} counts as failed, and no record says so"))
        }
        OrderEnd::Completed
        | OrderEnd::Cancelled
        | OrderEnd::Withdrawn
        | OrderEnd::JournalLost
        | OrderEnd::Abandoned => Some(format!("order {number} ended as {end}, which uses no attempt")),
    }
}

fn rows_are_events(view: &View) -> Result<(), String> {
    let faults = found(view, |it| {
        let mut faults: Vec<String> = Vec::new();
        for row in &it.rows {
            let replayed = row.host_id.parse().ok().and_then(|host| view.plans.get(&host));
            let is_same = replayed.is_some_and(|plan| {
                let stored: Result<cutover_core::plan::Plan, _> = serde_json::from_str(&row.state);
                stored.is_ok_and(|stored| stored == **plan) && row.phase == plan.phase.as_str()
            });
            if !is_same {
                faults.push(format!("the plan of {} is not what its events come to", row.host_id));
            }
        }
        if it.rows.len() != view.plans.len() {
            faults.push(format!(
                "{} plans have rows, {} have events",
                it.rows.len(),
                view.plans.len()
            ));
        }
        faults
    });
    none(&faults)
}

/// One that went stale waits for its host alone, and its next check-in moves it.
fn every_plan_wakes(view: &View) -> Result<(), String> {
    none(&found(view, |it| {
        let asleep = it
            .rows
            .iter()
            .filter(|row| !row.closed && !row.stale && row.wake_at_ms.is_none());
        asleep
            .map(|row| format!("{} in phase {} has no wake", row.host_id, row.phase))
            .collect()
    }))
}

fn everyone_has_a_reason(view: &View) -> Result<(), String> {
    none(&found(view, |it| {
        let silent = it.listed.iter().filter(|(_, phase, reason)| {
            let is_done = phase == Phase::Clear.as_str() || phase == Phase::Migrated.as_str();
            !is_done && reason.trim().is_empty()
        });
        silent
            .map(|(name, phase, _)| format!("{name} is {phase} and nothing says why"))
            .collect()
    }))
}
