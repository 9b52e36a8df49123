//! What whoever works at a machine is told before work begins there, and what they put off.

use cutover_core::{
    decide::Input,
    notice::{self, ToShow},
    plan::{Phase, Plan},
    waiting::hindrance,
};
use cutover_proto::v1;

use super::{
    super::{CallError, Service, ServiceError, campaign::InForce, plan_edit::PlanEdit},
    arrival::Arrival,
};
use crate::store::Reader;

impl Service {
    /// Decides on what the host says that was shown, and was put off. A deferral that cannot be does not spoil the check-in:
    /// the reply says how it stands.
    pub(super) fn take_notices(
        &self,
        edit: &mut PlanEdit,
        in_force: &InForce,
        arrival: &Arrival,
    ) -> Result<(), ServiceError> {
        for given in &arrival.notices {
            edit.take(&Input::Notified(given.clone()), &in_force.cx(self))?;
        }
        let Some(put_off) = arrival.put_off else {
            return Ok(());
        };
        let input = Input::StartPutOff {
            round: put_off.round,
            asked_ms: put_off.asked_ms,
            until_ms: put_off.until_ms,
        };
        match edit.take(&input, &in_force.cx(self)) {
            Err(ServiceError::Refused { why }) => {
                tracing::info!(host = %arrival.host, why, "the start is not put off");
                Ok(())
            }
            taken => taken,
        }
    }

    /// What the host is to hold and to show. `starts` where an order goes out with the reply.
    pub(super) fn notice_for(
        &self,
        db: &mut impl Reader,
        plan: &Plan,
        starts: bool,
    ) -> Result<Option<v1::StartNotice>, CallError> {
        if plan.phase != Phase::Queued && !starts {
            return Ok(None);
        }
        let in_force = self.in_force(db)?;
        let campaign = &in_force.campaign;
        let Some(texts) = notice::of(plan, campaign) else {
            return Ok(None);
        };
        let words = v1::StartNotice {
            code: notice::code(plan.host_id, &plan.campaign_id),
            round: plan.notices.round,
            from: texts.from.clone(),
            why: texts.why.clone(),
            contact: texts.contact.clone(),
            ..v1::StartNotice::default()
        };
        if starts {
            return Ok(Some(words));
        }
        let now_ms = self.now_ms();
        let waiting = if notice::is_due(plan, campaign, now_ms) {
            let group = self.groups(db, &in_force)?.of(&plan.wave);
            hindrance(plan, &group, now_ms, campaign, now_ms)
        } else {
            None
        };
        let shown = notice::to_show(plan, campaign, waiting.as_ref(), now_ms);
        Ok(shown.map(|shown| with_terms(words, shown)))
    }
}

fn with_terms(words: v1::StartNotice, it: ToShow) -> v1::StartNotice {
    let (allowed, why_not) = match it.allowed {
        Ok(allowed) => (Some(allowed), String::new()),
        Err(why) => (None, why),
    };
    v1::StartNotice {
        round: it.round,
        number: it.number,
        of: it.of,
        starts_ms: it.starts_ms,
        put_offs_left: allowed.map_or(0, |allowed| allowed.left),
        longest_seconds: allowed.map_or(0, |allowed| allowed.longest.as_secs()),
        latest_ms: allowed.and_then(|allowed| allowed.target_ms),
        no_put_off: why_not,
        put_off_ms: it.put_off_ms,
        ..words
    }
}
