//! Judges an order before its first step. What fails here changes nothing on the host.

use cutover_proto::{
    order::{OrderRefused, Standpoint, WorkOrder},
    record::{FailureCause, RecordEvent},
    secret::SecretUse,
    v1,
};
use prost::Message;

use super::{End, ExecuteError, Executor, records::Entry};
use crate::act::{
    attribution,
    scrub::{Secret, Secrets},
};

/// Why an order is not taken on.
pub(super) struct Refusal {
    number: u64,
    cause: FailureCause,
    why: String,
}

impl Executor {
    pub(super) fn admit(&mut self, envelope: &v1::Envelope) -> Result<WorkOrder, Refusal> {
        // Believed for nothing but the name under which the refusal is told.
        let claimed = v1::WorkOrder::decode(envelope.body.as_slice()).map_or(0, |order| order.number);
        let refuse = |refused: OrderRefused| Refusal {
            number: claimed,
            cause: refused.cause(),
            why: refused.to_string(),
        };
        let identity = self.parts.identity.clone();
        let order = WorkOrder::open(envelope, &identity.server_keys).map_err(refuse)?;
        let at = Standpoint {
            host_id: identity.host_id,
            highest_begun: self.journal().highest_begun(),
            now_ms: self.parts.clock.now_ms(),
        };
        order.check(&at).map_err(refuse)?;
        self.secrets = self.open_secrets(&order).map_err(|(cause, why)| Refusal {
            number: claimed,
            cause,
            why,
        })?;
        let facts = self.parts.looker.look().facts;
        for step in &order.steps {
            attribution::check(step, &self.parts.rules, &facts).map_err(|refused| Refusal {
                number: claimed,
                cause: refused.cause,
                why: format!("{}: {}", step.action.describe(), refused.why),
            })?;
        }
        Ok(order)
    }

    /// Opens an order's secrets, so that installers can be told them, and so that they can be blanked wherever they show up.
    pub(super) fn open_secrets(&self, order: &WorkOrder) -> Result<Secrets, (FailureCause, String)> {
        let identity = &self.parts.identity;
        order
            .secrets
            .iter()
            .map(|secret| {
                let failed = |cause, error: &dyn std::fmt::Display| (cause, format!("secret {}: {error}", secret.name));
                let goes_to = SecretUse::of(secret).map_err(|error| failed(FailureCause::UnknownStep, &error))?;
                let plain = identity
                    .sealing
                    .open(identity.host_id, order.number, secret)
                    .map_err(|error| failed(FailureCause::BadSignature, &error))?;
                Ok(Secret { plain, goes_to })
            })
            .collect::<Result<_, _>>()
            .map(Secrets::new)
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) -> Result<End, ExecuteError> {
        let Refusal { number, cause, why } = refusal;
        tracing::warn!(order = number, %cause, why, "work order refused");
        // The records of a number that was used are closed. A refusal that is on record already is not told twice, and
        // what names no order cannot be told at all.
        let told = cause == FailureCause::Replayed || number == 0 || self.journal().knows(number);
        if !told {
            let entry = Entry::failed(RecordEvent::OrderRefused, cause, &why);
            self.write_of(number, entry)?;
        }
        Ok(End::Refused { number, cause, why })
    }
}
