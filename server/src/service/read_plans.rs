//! Plans as they were read last. A plan is read several times in a check-in and again in the passes that follow, and its text is
//! long; the row itself is read each time, so what the store says is what counts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cutover_core::plan::Plan;

use super::{ServiceError, plan_edit::read_plan};
use crate::store::plans::PlanRow;

/// So many are kept, of a few kilobytes each.
const KEPT: usize = 512;

/// By host, with the text that it was read from: only the same text is the same plan.
#[derive(Debug, Default)]
pub(super) struct ReadPlans(Mutex<HashMap<String, (String, Arc<Plan>)>>);

impl ReadPlans {
    /// The plan of a row.
    ///
    /// # Errors
    /// As [`read_plan`].
    pub(super) fn read(&self, row: &PlanRow) -> Result<Arc<Plan>, ServiceError> {
        let known = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let same = kept.get(&row.host_id).filter(|(text, _)| *text == row.state);
            same.map(|(_, plan)| Arc::clone(plan))
        };
        if let Some(plan) = known {
            return Ok(plan);
        }
        let plan = Arc::new(read_plan(row)?);
        self.put(row, Arc::clone(&plan));
        Ok(plan)
    }

    fn put(&self, row: &PlanRow, plan: Arc<Plan>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Begun anew when it is full: what is read again and again is there again soon.
        if kept.len() >= KEPT && !kept.contains_key(&row.host_id) {
            kept.clear();
        }
        kept.insert(row.host_id.clone(), (row.state.clone(), plan));
    }
}

#[cfg(test)]
mod tests {
    use cutover_proto::ids::{CampaignId, HostId};

    use super::*;

    fn row(plan: &Plan) -> PlanRow {
        PlanRow {
            campaign_id: plan.campaign_id.to_string(),
            host_id: plan.host_id.to_string(),
            seq: 1,
            phase: plan.phase.as_str().to_owned(),
            wave: String::new(),
            site: String::new(),
            stale: false,
            late: false,
            closed: false,
            carried: false,
            cover: "unobserved".to_owned(),
            state: serde_json::to_string(plan).unwrap(),
            wake_at_ms: None,
            latest_start_ms: None,
            updated_ms: 0,
            outcome: "none".to_owned(),
            tried_in: String::new(),
            round: 0,
            ready_at_ms: 0,
        }
    }

    fn plan(number: u128) -> Plan {
        Plan::unborn(HostId::new(uuid::Uuid::from_u128(number)), CampaignId::new("us-2024"))
    }

    #[test]
    fn a_plan_is_read_once_for_each_text_and_never_from_another_one() {
        let (read, first) = (ReadPlans::default(), row(&plan(1)));
        let one = read.read(&first).unwrap();
        assert!(Arc::ptr_eq(&one, &read.read(&first).unwrap()));
        // Another replica, a transaction that was undone, a look at what was: whatever it is, the row's own text counts,
        // though its number is the same.
        let other = row(&Plan {
            hindrances: 7,
            ..plan(1)
        });
        assert_eq!(read.read(&other).unwrap().hindrances, 7);
        assert_eq!(read.read(&first).unwrap().hindrances, 0);
        let broken = PlanRow {
            state: "{}".to_owned(),
            ..first.clone()
        };
        assert!(read.read(&broken).is_err());
        assert_eq!(*read.read(&first).unwrap(), plan(1));
    }

    #[test]
    fn no_more_plans_are_kept_than_was_set_however_large_the_fleet_is() {
        let read = ReadPlans::default();
        for number in 0..3 * KEPT as u128 {
            assert_eq!(*read.read(&row(&plan(number))).unwrap(), plan(number));
        }
        assert!(read.0.lock().unwrap().len() <= KEPT);
    }
}
