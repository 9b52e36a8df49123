//! What is asked of a plan.

use super::{Plan, Pool, Reason, Verify};
use crate::{
    campaign::{Campaign, External, Traits},
    standing::Bucket,
};

impl Plan {
    /// Who does the work, where it is not this server.
    #[must_use]
    pub fn executor(&self, campaign: &Campaign) -> Option<External> {
        let of_pool = self.pool.as_ref().map(Pool::executor);
        of_pool.or_else(|| campaign.executor.clone())
    }

    /// What selectors ask of it.
    #[must_use]
    pub const fn traits(&self) -> Traits<'_> {
        Traits {
            host: self.host_id,
            known: &self.known,
            looked: self.assessment.as_ref(),
        }
    }

    /// Whether its first event has happened.
    #[must_use]
    pub const fn is_enrolled(&self) -> bool {
        self.seq > 0
    }

    /// Whether it waits for a person's word, whatever looks show.
    #[must_use]
    pub const fn is_persons_to_end(&self) -> bool {
        matches!(
            self.reason,
            Some(Reason::StepInterrupted { .. } | Reason::RestartOverdue { .. })
        )
    }

    /// Whether the host is no longer watched.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.phase.is_closed()
    }

    /// Whether the host gets on by itself from here: a phase that moves, a host that is heard of, and nothing that holds
    /// it. The demo ends when no plan does.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.phase.is_moving() && !self.stale && self.holds.is_empty() && self.local_hold.is_none()
    }

    /// Whether the next reply should ask for a fresh look (`want_look`).
    #[must_use]
    pub fn wants_look(&self) -> bool {
        let verifying = match &self.verify {
            Some(Verify::FirstContact | Verify::FirstLook { .. } | Verify::LastContact | Verify::LastLook { .. }) => {
                true
            }
            Some(Verify::Soaking { .. }) | None => false,
        };
        verifying || self.journal_fault.is_some() || self.assessment.is_none()
    }

    /// The number of the order that the reply to a check-in may carry: one is open, nobody asked it to end, and the
    /// check-in says that none is running. Safe to send again: the host keeps the highest number begun.
    #[must_use]
    pub fn order_to_send(&self, running: Option<u64>) -> Option<u64> {
        let order = self.order.as_ref()?;
        (running.is_none() && order.cancelling.is_none() && order.records_mark == 0).then_some(order.number)
    }

    /// The order that the reply to a check-in must cancel, and why.
    #[must_use]
    pub fn order_to_cancel(&self) -> Option<(u64, &str)> {
        let order = self.order.as_ref()?;
        Some((order.number, order.cancelling.as_deref()?))
    }

    /// An order that the host says is running and that is not, or is no longer, the open one: to be cancelled too.
    #[must_use]
    pub fn stray_order(&self, running: Option<u64>) -> Option<u64> {
        let open = self.order.as_ref().map(|order| order.number);
        running.filter(|number| Some(*number) != open)
    }

    /// The bucket that it is counted in.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        Bucket {
            campaign: self.campaign_id.clone(),
            phase: self.phase,
            wave: self.wave.clone(),
            site: self.site.clone(),
            stale: self.stale,
            late: self.late,
            closed: self.is_closed(),
            carried: self.ever_carried,
        }
    }
}
