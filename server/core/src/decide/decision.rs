//! `decide` and what comes out of it.

use cutover_proto::{ids::ProductId, step::Step, words};

use super::{
    Cx, Event, Input, campaign, canaries, disks, drain, group, look, notice, order, pen::Pen, people, records, wake,
};
use crate::{
    plan::{Phase, Plan},
    rollout::{Fetches, RunState, Slot},
    secret::Tries,
};

words! {
    /// What somebody must be told at once.
    pub enum AlarmKind("alarm") {
        /// The target came back.
        Regression = "regression",
        /// The replacement is not healthy beyond the bound.
        ProtectionLost = "protection-lost",
        /// An order left the host without protection for longer than the recipe bears.
        Unprotected = "unprotected",
        /// Attempts are used up.
        Failed = "failed",
        /// A step that must not run twice was interrupted.
        Interrupted = "interrupted",
        /// The host's journal cannot be trusted.
        Journal = "journal",
        /// Handwork was not done by its date.
        HandworkOverdue = "handwork-overdue",
        /// Whoever is to drain the host did not in time.
        NotDrained = "not-drained",
        /// The host is drained for long, or its release was not taken.
        NotReleased = "not-released",
    }
}

/// What is to be done after the events are committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Sign and store this order; it leaves in a reply.
    IssueOrder {
        /// Its number on this host.
        number: u64,
        /// Which attempt, from 1.
        attempt: u32,
        /// The campaign's epoch.
        epoch: u64,
        /// May not begin earlier.
        not_before_ms: i64,
        /// May not begin later.
        expires_ms: i64,
        /// The replacement.
        replacement: ProductId,
        /// What to do.
        steps: Vec<Step>,
        /// Of the recipes.
        catalog_revision: u64,
        /// What it takes of what is limited: all of it or nothing.
        slots: Vec<Slot>,
        /// The secrets that it brings, sealed to the host when it is stored.
        secrets: Vec<Tries>,
        /// What it makes the host fetch, and until when that counts on lines.
        fetches: Fetches,
    },
    /// Take an order back that no host has; free its slots.
    WithdrawOrder {
        /// Its number.
        number: u64,
        /// What it took.
        slots: Vec<String>,
    },
    /// Sign a cancel; it leaves in the next reply and acts at the next safe point.
    CancelOrder {
        /// Its number.
        number: u64,
        /// Why.
        why: String,
    },
    /// The order is over: free its slots.
    FreeSlots {
        /// The order's number.
        number: u64,
        /// What it took.
        slots: Vec<String>,
    },
    /// Give back what was held past the end of an order.
    GiveBack {
        /// What it took.
        slots: Vec<String>,
    },
    /// Recipes succeeded on this host that have not soaked yet. Once everybody who went first with one is through, it is as any
    /// other, and hosts that waited for it are decided anew.
    RecipesSucceeded {
        /// Which.
        recipes: Vec<String>,
        /// Places that stay taken until then; they are the host's no more.
        places: Vec<String>,
    },
    /// Ask whoever drains the host to do that, as its plan says.
    AskDrain {
        /// What it takes of what is limited: all of it or nothing.
        slots: Vec<Slot>,
    },
    /// Tell them to release it, as its plan says.
    ReleaseDrained,
    /// Ask for a fresh look in the next reply ([`Plan::wants_look`] says so until it came).
    WantLook,
    /// Tell the host to check in.
    Nudge,
    /// Tell people.
    Alarm {
        /// Of what.
        kind: AlarmKind,
        /// For a person.
        text: String,
    },
}

/// What follows from an input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// To be appended, in this order. Empty when nothing changed.
    pub events: Vec<Event>,
    /// To be done after the commit.
    pub effects: Vec<Effect>,
}

/// An input that cannot be in this state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a plan in phase {state} cannot take {input}: {why}")]
pub struct Refused {
    /// The phase.
    pub state: Phase,
    /// The input's name.
    pub input: &'static str,
    /// Why, and what to do.
    pub why: String,
}

/// What follows from an input. Appending its events with [`apply`](super::apply()) gives the next plan.
///
/// # Errors
/// When the input cannot be in this state. What is merely late, repeated or out of order is no error.
pub fn decide(plan: &Plan, input: &Input, cx: &Cx<'_>) -> Result<Decision, Refused> {
    Ok(decide_and_apply(plan, input, cx)?.0)
}

/// The same, with the next plan beside it: the one that the events give.
///
/// # Errors
/// As [`decide`].
pub fn decide_and_apply(plan: &Plan, input: &Input, cx: &Cx<'_>) -> Result<(Decision, Plan), Refused> {
    let mut pen = Pen::new(plan, input.name(), cx);
    if cx.run == RunState::Closed {
        campaign::closed(&pen, input)?;
        return Ok(pen.finish());
    }
    if !plan.is_enrolled() && !matches!(input, Input::Enrolled { .. }) {
        return Err(pen.refuse("the host has not enrolled; enrol it first"));
    }
    match input {
        Input::Enrolled { known } => people::enrolled(&mut pen, known)?,
        Input::Described { known } => group::described(&mut pen, known)?,
        Input::Pooled(pool) => people::pooled(&mut pen, pool)?,
        Input::Forked { from, first_carried_ms } => people::forked(&mut pen, *from, *first_carried_ms)?,
        Input::Looked {
            assessment,
            looked_at_ms,
            boot_id,
        } => {
            look::seen(&mut pen, Some(*looked_at_ms), boot_id, Some(assessment.as_ref()))?;
        }
        Input::CheckedIn {
            looked_at_ms,
            boot_id,
            running: _,
        } => look::seen(&mut pen, *looked_at_ms, boot_id, None)?,
        Input::OrderFetched { number } => order::fetched(&mut pen, *number)?,
        Input::Recorded(record) => records::recorded(&mut pen, record)?,
        Input::Woke { last_seen_ms } => wake::woke(&mut pen, *last_seen_ms)?,
        Input::WaveOpened => campaign::wave_opened(&mut pen)?,
        Input::Approved { by } => people::approved(&mut pen, by, false)?,
        Input::ApprovedByName { by } => people::approved(&mut pen, by, true)?,
        Input::Halted => campaign::halted(&mut pen)?,
        Input::Started { order_number, epoch } => order::started(&mut pen, *order_number, *epoch)?,
        Input::CampaignChanged { assessment } => campaign::campaign_changed(&mut pen, assessment.as_deref())?,
        Input::HoldPlaced(hold) => people::hold_placed(&mut pen, hold)?,
        Input::HoldLifted { kind, by } => people::hold_lifted(&mut pen, *kind, by)?,
        Input::HeldLocally { why } => people::held_locally(&mut pen, why.as_deref())?,
        Input::SaidSteps { lacking } => people::said_steps(&mut pen, lacking)?,
        Input::Notified(given) => notice::given(&mut pen, given)?,
        Input::StartPutOff {
            round,
            asked_ms,
            until_ms,
        } => notice::put_off(&mut pen, *round, *asked_ms, *until_ms)?,
        Input::Drain(word) => drain::said(&mut pen, word)?,
        Input::Exempted(exemption) => people::exempted(&mut pen, exemption)?,
        Input::ExemptionRevoked { by, why } => people::exemption_revoked(&mut pen, by, why)?,
        Input::DisksAttested(said) => disks::attested(&mut pen, said)?,
        Input::DisksWithdrawn { by, why } => disks::withdrawn(&mut pen, by, why)?,
        Input::Retried { by } => people::retried(&mut pen, by)?,
        Input::HandworkAssigned { .. } => people::handwork_assigned(&mut pen, input)?,
        Input::HandworkDone { by, evidence } => people::handwork_done(&mut pen, by, evidence)?,
        Input::JournalDistrusted { fault } => order::journal_distrusted(&mut pen, *fault)?,
        Input::Forecast { late } => people::forecast(&mut pen, *late)?,
        Input::Retired { by, why } => people::retired(&mut pen, by, why)?,
        Input::Concluded => people::concluded(&mut pen)?,
    }
    canaries::follow(&mut pen, plan)?;
    drain::follow(&mut pen)?;
    Ok(pen.finish())
}
