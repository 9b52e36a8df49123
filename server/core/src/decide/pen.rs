//! Writes a decision: every fact is applied as it is written, so that what follows sees the plan as it then is.

use cutover_proto::verdict::Protection;

use super::{AlarmKind, Cx, Decision, Effect, Event, Fact, Refused, apply::apply_to};
use crate::{
    campaign::span,
    plan::{Cover, Phase, Plan, Reason},
};

pub(super) struct Pen<'a> {
    /// The plan with everything that was written so far.
    pub(super) plan: Plan,
    pub(super) cx: &'a Cx<'a>,
    input: &'static str,
    decision: Decision,
}

impl<'a> Pen<'a> {
    pub(super) fn new(plan: &Plan, input: &'static str, cx: &'a Cx<'a>) -> Self {
        Self {
            plan: plan.clone(),
            cx,
            input,
            decision: Decision::default(),
        }
    }

    /// What was written, and the plan that it makes.
    pub(super) fn finish(self) -> (Decision, Plan) {
        (self.decision, self.plan)
    }

    pub(super) fn refuse(&self, why: impl Into<String>) -> Refused {
        Refused {
            state: self.plan.phase,
            input: self.input,
            why: why.into(),
        }
    }

    /// Writes a fact. A fact that does not fit the plan refuses the whole input: nothing half-decided gets out.
    pub(super) fn write(&mut self, fact: Fact) -> Result<(), Refused> {
        let event = Event {
            at_ms: self.cx.now_ms,
            fact,
        };
        let phase = self.plan.phase;
        apply_to(&mut self.plan, &event).map_err(|error| Refused {
            state: phase,
            input: self.input,
            why: error.to_string(),
        })?;
        self.decision.events.push(event);
        Ok(())
    }

    /// What was written so far.
    pub(super) fn written(&self) -> &[Event] {
        &self.decision.events
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        if !self.decision.effects.contains(&effect) {
            self.decision.effects.push(effect);
        }
    }

    pub(super) fn alarm(&mut self, kind: AlarmKind, text: String) {
        self.effect(Effect::Alarm { kind, text });
    }

    /// Moves to a phase, or turns the reason where the plan is there already. Writes nothing where both hold.
    pub(super) fn go(&mut self, to: Phase, reason: Option<Reason>) -> Result<(), Refused> {
        if self.plan.phase != to {
            return self.write(Fact::Moved { to, reason });
        }
        self.turn_reason(reason)
    }

    pub(super) fn turn_reason(&mut self, reason: Option<Reason>) -> Result<(), Refused> {
        if self.plan.reason == reason {
            return Ok(());
        }
        self.write(Fact::ReasonTurned { reason })
    }

    /// What a grade of protection counts as under the campaign.
    fn cover(&self, grade: Protection) -> Cover {
        match grade {
            Protection::Unobserved => Cover::Unobserved,
            Protection::RealTime | Protection::OnDemand if self.cx.campaign.accepts(grade) => Cover::Protected,
            Protection::RealTime | Protection::OnDemand | Protection::Passive | Protection::None => Cover::Unprotected,
        }
    }

    pub(super) fn turn_protection(&mut self, grade: Protection, since_ms: i64) -> Result<(), Refused> {
        let cover = self.cover(grade);
        if self.plan.account.grade == grade && self.plan.account.cover == cover {
            return Ok(());
        }
        self.write(Fact::ProtectionTurned { grade, cover, since_ms })?;
        let bound = self
            .plan
            .order
            .as_ref()
            .and_then(|order| self.cx.catalog.installation(&order.replacement))
            .map(|install| span::ms(install.max_gap));
        match bound {
            Some(bound_ms) if cover == Cover::Unprotected && self.plan.gap.is_none() => {
                self.write(Fact::GapBegan { bound_ms })
            }
            Some(_) | None => Ok(()),
        }
    }
}
