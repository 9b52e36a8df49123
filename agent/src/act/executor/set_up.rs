//! Has a replacement brought into a state, and waits until a look shows it there: a cloud answers in minutes, and the first
//! signatures come from there.

use std::time::Duration;

use cutover_proto::{
    ids::ProductId,
    record::{FailureCause, RecordEvent},
    rule::{Role, Rule},
    step::{Action, SetUpState},
    verdict::{HealthState, Protection, Verdict},
};

use super::{Executor, judge::Aim, records::Entry};
use crate::{
    act::cause,
    host::hands::{Run, ToolRun},
};

/// Between two looks; each is a whole one.
const BETWEEN: Duration = Duration::from_secs(15);

impl Executor {
    /// Whether a replacement is to leave the work to something else, and nothing else is there that does it: what stands back then
    /// only takes the protection away. What a look cannot tell may be there.
    pub(super) fn has_nothing_to_stand_back_for(&mut self, action: &Action) -> bool {
        let Action::SetUp {
            state: SetUpState::StandingBack,
            ..
        } = action
        else {
            return false;
        };
        let rules = self.parts.rules.clone();
        let os = self.parts.looker.os_family();
        let inventory = self.parts.looker.look();
        let may_protect = |rule: &&Rule| {
            rules.role(&rule.product) != Role::Replacement
                && matches!(rule.protection, Protection::RealTime | Protection::OnDemand)
                && rule.looks_on(os).next().is_some()
        };
        let may_be_there = |rule: &Rule| match inventory.sighting(&rule.product).map(|seen| seen.verdict) {
            Some(Verdict::Absent | Verdict::Remnant) => false,
            Some(Verdict::Installed | Verdict::Running | Verdict::Embedded | Verdict::Unknown) | None => true,
        };
        rules.refused().is_empty() && !rules.rules().iter().filter(may_protect).any(may_be_there)
    }

    /// Whether a replacement is in a state, by what a look says of its health.
    pub(super) fn in_state(&mut self, product: &ProductId, state: SetUpState, tenant: Option<&str>) -> Aim {
        let inventory = self.parts.looker.look();
        let Some(health) = inventory.sighting(product).and_then(|seen| seen.health.as_ref()) else {
            return Aim::Missed(format!("{product} is not there"));
        };
        // Whose it is counts before how it is: what is another's is never made ready.
        if let Some(wanted) = tenant
            && let Some(own) = health.tenant.as_deref()
            && health.is_of(wanted) == Some(false)
        {
            return Aim::Missed(format!(
                "{product} belongs to tenant {own}, and the campaign names {wanted}; join it to the right one"
            ));
        }
        let why = || health.why.clone();
        match (state, health.state, health.grade) {
            (SetUpState::StandingBack, _, Protection::Passive) => Aim::Reached,
            (_, HealthState::Unknown, _) => Aim::CannotTell(why()),
            (SetUpState::StandingBack, HealthState::Healthy, _) => {
                Aim::Missed(format!("{product} protects, though it was told to stand back"))
            }
            (SetUpState::Onboarded, HealthState::Healthy, _) if tenant.is_some() && health.tenant.is_none() => {
                Aim::CannotTell(format!("{product} does not tell whose it is; see its console"))
            }
            (SetUpState::Onboarded, HealthState::Healthy, _)
            | (SetUpState::Active, HealthState::Healthy, Protection::RealTime | Protection::OnDemand) => Aim::Reached,
            (
                SetUpState::Active,
                HealthState::Healthy,
                Protection::Passive | Protection::None | Protection::Unobserved,
            )
            | (_, HealthState::Unhealthy, _) => Aim::Missed(why()),
        }
    }

    /// Has it brought there, again while its tools fail, and looks until it is or the step's time is over.
    pub(super) fn set_up(
        &mut self,
        action: &Action,
        product: &ProductId,
        state: SetUpState,
        run: &mut Run<'_>,
    ) -> Entry {
        let from = self.parts.clock.ticks_ms();
        let limit = run.time_limit;
        let mut last = ToolRun::default();
        if state == SetUpState::Onboarded {
            run.said = self.secrets.said(product, 0);
        }
        loop {
            let spent = Duration::from_millis(self.parts.clock.ticks_ms().saturating_sub(from));
            let left = limit.saturating_sub(spent);
            if last.exit_code != Some(0) {
                run.time_limit = left;
                match self.parts.hands.set_up(product, state, run) {
                    Ok(ran) => last = ran,
                    Err(error) => {
                        return Entry::failed(RecordEvent::StepFailed, cause::of_error(&error), &error.to_string());
                    }
                }
            }
            let why = match self.aim_now(action) {
                Aim::Reached => {
                    return Entry {
                        exit_code: last.exit_code,
                        log: last.log_tail,
                        ..Entry::of(RecordEvent::StepDone)
                    };
                }
                Aim::Missed(why) => why,
                Aim::CannotTell(why) => format!("the look after it could not tell: {why}"),
            };
            if left <= BETWEEN {
                return Entry {
                    exit_code: last.exit_code,
                    log: last.log_tail,
                    ..Entry::failed(RecordEvent::StepFailed, FailureCause::NotSetUp, &why)
                };
            }
            self.parts.clock.wait(BETWEEN);
        }
    }
}
