//! Listings of hosts, a page at a time by key.

use cutover_core::{
    plan::{Phase, Plan},
    rollout::Groups,
    standing::{self, Standing},
    waiting,
};
use cutover_proto::inventory::HostFacts;

use super::{
    super::{HostFilter, Service, ServiceError, campaign::InForce, personal::revealed, plan_edit::read_state},
    HostList, HostRow, NOT_KEPT,
    summary::standing_word,
};
use crate::store::{Reader, plans::PlanFilter, views as store_views};

/// Rows on a page.
const PAGE: usize = 100;

/// How many rows one read takes; filters on what is derived drop some.
const READ: i64 = 500;

impl Service {
    /// One page of hosts.
    ///
    /// # Errors
    /// When the filter names what there is not, or the store fails.
    pub async fn hosts(&self, filter: HostFilter) -> Result<HostList, ServiceError> {
        let as_of = filter.as_of.clone();
        let wanted = Wanted::check(filter)?;
        self.read_as_of(as_of, move |then, tx| then.page(tx, &wanted)).await
    }

    fn page(&self, db: &mut impl Reader, wanted: &Wanted) -> Result<HostList, ServiceError> {
        let in_force = self.in_force(db)?;
        let groups = self.groups(db, &in_force)?;
        let mut hosts = Vec::new();
        let mut after = wanted.after.clone();
        loop {
            let id = self.campaign_id().as_str();
            let lines = store_views::host_lines(db, id, &wanted.stored, after.as_deref(), READ)?;
            let Some(last) = lines.last() else {
                return Ok(HostList { hosts, next: None });
            };
            let end = last.host_id.clone();
            for line in lines {
                if hosts.len() == PAGE {
                    let next = hosts.last().map(|host: &HostRow| host.host_id.clone());
                    return Ok(HostList { hosts, next });
                }
                let row = self.row(db, &in_force, &groups, &line)?;
                if wanted.fits(&row) {
                    hosts.push(row);
                }
            }
            after = Some(end);
        }
    }

    /// A line of a listing.
    pub(super) fn row(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        groups: &Groups,
        line: &store_views::HostLine,
    ) -> Result<HostRow, ServiceError> {
        let plan = read_state(&line.state)?;
        let (now_ms, seen_ms) = (in_force.figures_ms(self.now_ms()), line.seen_ms.unwrap_or(0));
        let standing = standing::standing(&plan.bucket(), now_ms, &in_force.campaign);
        let waits = waiting::why(&plan, &groups.of(&plan.wave), seen_ms, &in_force.campaign, now_ms);
        Ok(HostRow {
            host_id: line.host_id.clone(),
            name: line.name.clone(),
            system: system(&line.facts),
            phase: plan.phase.to_string(),
            standing: standing_word(standing).to_owned(),
            protection: plan.account.grade.to_string(),
            wave: line.wave.clone(),
            reason: revealed(db, reason(&plan, waits.as_ref()))?,
            last_contact_ms: if self.is_gone_back() { NOT_KEPT } else { seen_ms },
        })
    }
}

fn reason(plan: &Plan, waits: Option<&waiting::Waiting>) -> String {
    let texts = [
        plan.reason.as_ref().map(|reason| reason.text()),
        waits.map(waiting::Waiting::text),
    ];
    said_once(texts)
}

/// What a plan waits for may be its reason too.
fn said_once(texts: [Option<String>; 2]) -> String {
    let mut said: Vec<String> = texts.into_iter().flatten().collect();
    said.dedup();
    said.join("; ")
}

fn system(facts: &str) -> String {
    serde_json::from_str::<HostFacts>(facts).map_or_else(
        |_| "unknown".to_owned(),
        |facts| format!("{} {}", facts.os_name, facts.architecture),
    )
}

/// A filter that was checked.
#[derive(Debug, Clone)]
struct Wanted {
    stored: PlanFilter,
    standing: Option<&'static str>,
    name: Option<String>,
    after: Option<String>,
}

impl Wanted {
    fn check(filter: HostFilter) -> Result<Self, ServiceError> {
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        let invalid = |error: cutover_proto::spelling::UnknownWord| ServiceError::Invalid { why: error.to_string() };
        let phase = given(filter.phase)
            .map(|phase| Phase::parse(&phase))
            .transpose()
            .map_err(invalid)?;
        let standing = match given(filter.standing) {
            Some(word) if word == standing_word(None) => Some(standing_word(None)),
            Some(word) => Some(Standing::parse(&word).map_err(invalid)?.as_str()),
            None => None,
        };
        let stored = PlanFilter {
            phase: phase.map(|phase| phase.as_str().to_owned()),
            ..PlanFilter::default()
        };
        Ok(Self {
            stored,
            standing,
            name: given(filter.name).map(|name| name.to_lowercase()),
            after: given(filter.after),
        })
    }

    fn fits(&self, row: &HostRow) -> bool {
        self.standing.is_none_or(|standing| row.standing == standing)
            && self
                .name
                .as_ref()
                .is_none_or(|name| row.name.to_lowercase().starts_with(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_is_what_the_plan_waits_for_is_said_once() {
        let [room, away] = ["128 MiB are free", "the host is away"].map(|text| Some(text.to_owned()));
        assert_eq!(said_once([room.clone(), room.clone()]), "128 MiB are free");
        assert_eq!(said_once([room, away.clone()]), "128 MiB are free; the host is away");
        assert_eq!(said_once([None, away]), "the host is away");
    }
}
