//! Whether the agent that checks in is asked to leave.

use cutover_core::{
    leaving::stays,
    plan::{Phase, Plan},
};
use cutover_proto::v1;

use super::{
    super::{CallError, Service},
    arrival::Arrival,
};
use crate::store::{Reader, StreamName, events, hosts::HostRow, last_statements};

/// By which request; `None` where it was never asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DueLeave(Option<String>);

impl Service {
    /// Only an agent that can, from which nothing more is to come and whose newest inventory is durable.
    pub(super) fn leave_for(
        &self,
        db: &mut impl Reader,
        host: &HostRow,
        arrival: &Arrival,
        plan: &Plan,
    ) -> Result<Option<DueLeave>, CallError> {
        let is_done = plan.phase == Phase::Migrated
            && arrival.can_leave
            && arrival.running.is_none()
            && arrival.records.is_empty()
            && arrival.journal_fault.is_none()
            && arrival.hold.is_none()
            && arrival.ending.is_none()
            && arrival.highest_order_begun <= plan.highest_order
            && !arrival.digest.is_empty()
            && host.inventory_digest.as_deref() == Some(arrival.digest.as_str());
        if !is_done || plan.wants_look() {
            return Ok(None);
        }
        let in_force = self.in_force(db)?;
        if stays(plan, &in_force.campaign, in_force.run, self.now_ms()).is_some() {
            return Ok(None);
        }
        let asked = last_statements::load(db, &host.host_id)?;
        Ok(Some(DueLeave(asked.map(|row| row.request_id))))
    }

    /// The same request for as long as it is not answered: it is durable before the host hears of it.
    pub(super) async fn ask_to_leave(&self, arrival: &Arrival, due: DueLeave) -> Result<v1::LeaveAsked, CallError> {
        if let Some(request_id) = due.0 {
            return Ok(v1::LeaveAsked { request_id });
        }
        let (service, host, drawn) = (self.clone(), arrival.host.to_string(), self.0.entropy.hex::<16>()?);
        let request_id = self
            .0
            .store
            .write(move |tx| {
                if last_statements::ask(tx, &host, &drawn, service.now_ms())? {
                    let body = serde_json::json!({ "request": drawn });
                    let asked = service.host_event("asked-to-leave", &body, None);
                    events::append_next(tx, &StreamName::host(&host), &[asked])?;
                    return Ok(drawn.clone());
                }
                let row = last_statements::load(tx, &host)?;
                row.map(|row| row.request_id)
                    .ok_or_else(|| CallError::from(tx.conflict("the request to leave")))
            })
            .await?;
        tracing::info!(host = %arrival.host, request_id, "the host is done; its agent is asked to leave");
        Ok(v1::LeaveAsked { request_id })
    }
}
