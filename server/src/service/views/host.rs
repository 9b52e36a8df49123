//! One host, whole: what was found, what was done, why it is where it is.

use cutover_core::{
    campaign::zone::zone,
    coverage::Ownership,
    history,
    plan::Plan,
    rollout::may_start,
    upkeep::upkeep_lines,
    waiting::{self, Contact},
};
use cutover_proto::{
    ids::HostId,
    inventory::{HostFacts, Inventory},
    record::StepRecord,
    v1,
    verdict::{Evidence, EvidenceOutcome, Sighting, Verdict},
};
use prost::Message as _;

use super::{
    super::{
        FindingView, LookView, ProofView, Service, ServiceError,
        campaign::{InForce, broken_id, present_inventory},
        check_in::{Network, OwnProgram, Vitals},
        clones::identity_lines,
        personal::{all_revealed, revealed},
        plan_edit::{read_event, read_state, signed},
        tags,
    },
    EventView, HostDetail, ProtectionTime, StepView, VerdictView,
};
use crate::store::{
    Reader, StreamName, events, hosts, plans::PlanFilter, step_records, views as store_views, work_orders,
};

/// What is kept only as it is now.
#[derive(Debug, Default)]
struct OnlyNow {
    ahead: Vec<String>,
    ownership: Option<String>,
    hours: Option<String>,
    identity: Vec<String>,
    grade: String,
    findings: Vec<FindingView>,
    proofs: Vec<ProofView>,
    looks: Vec<LookView>,
}

/// How many events of a host are shown; the export has all.
const TIMELINE: i64 = 500;

impl Service {
    /// One host by id or name.
    ///
    /// # Errors
    /// When there is none, or the name fits several.
    pub async fn host(&self, wanted: String) -> Result<HostDetail, ServiceError> {
        self.host_as_of(wanted, None).await
    }

    /// One host as it was at an instant, or is now. What is kept only as it is now is left out of what was: other machines of
    /// its identity, findings, date proofs, imported looks, the grade of the evidence, who says whose it is, and when it is usually
    /// heard of.
    ///
    /// # Errors
    /// When there was none, the name fitted several, or the instant cannot be answered.
    pub async fn host_as_of(&self, wanted: String, as_of: Option<String>) -> Result<HostDetail, ServiceError> {
        self.read_as_of(as_of, move |then, tx| {
            let mut detail = then.host_in(tx, &wanted)?;
            // Whether events are as they were written is asked of all there are.
            tx.come_back();
            detail.chain_verified = then.chains_hold(tx, &detail.row.host_id)?;
            Ok(detail)
        })
        .await
    }

    fn host_in(&self, db: &mut impl Reader, wanted: &str) -> Result<HostDetail, ServiceError> {
        let named = self.named_host(db, wanted)?;
        let host: HostId = named.host_id.parse().map_err(broken_id)?;
        let in_force = self.in_force(db)?;
        let line = self.line(db, &named.host_id)?;
        let plan = read_state(&line.state)?;
        let groups = self.groups(db, &in_force)?;
        let row = self.row(db, &in_force, &groups, &line)?;
        let now_ms = self.now_ms();
        let waits = waiting::why(
            &plan,
            &groups.of(&plan.wave),
            line.seen_ms.unwrap_or(0),
            &in_force.campaign,
            now_ms,
        );
        let stream = StreamName::plan(self.campaign_id().as_str(), &named.host_id);
        let stored = events::load(db, &stream, 1, TIMELINE)?;
        let told = stored.iter().map(read_event).collect::<Result<Vec<_>, _>>()?;
        let mut timeline = Vec::with_capacity(stored.len());
        for (stored, event) in stored.iter().zip(&told) {
            timeline.push(EventView {
                pos: stored.pos,
                at_ms: stored.at_ms,
                host_id: named.host_id.clone(),
                host: named.name.clone(),
                text: revealed(db, history::line(event))?,
            });
        }
        let known = hosts::load(db, &named.host_id)?;
        let network = known.as_ref().and_then(|known| Network::of(&known.reported));
        let program = known
            .as_ref()
            .map(|known| OwnProgram::of(&known.reported).in_words(&known.agent_version));
        let tags = known.as_ref().map(tags::read).transpose()?.unwrap_or_default();
        let now = if self.is_gone_back() {
            OnlyNow::default()
        } else {
            let contact = self.contact(&plan, line.seen_ms.unwrap_or(0));
            OnlyNow {
                ahead: waiting::ahead(
                    &plan,
                    waits.as_ref(),
                    contact,
                    &in_force.campaign,
                    &self.outages(),
                    now_ms,
                ),
                ..self.only_now(db, &in_force, &plan, known.as_ref())?
            }
        };
        let mut machine = machine(&line.facts);
        machine.extend(Vitals::in_words(
            known.as_ref().and_then(|known| Vitals::of(&known.reported)).as_ref(),
        ));
        machine.extend(now.ownership);
        machine.extend(now.hours);
        if !tags.is_empty() {
            machine.push(format!("tags: {}", tags.join(", ")));
        }
        let waiting = plan.order.as_ref().filter(|order| order.fetched_ms.is_none());
        let untold = match waiting.filter(|_| !self.is_gone_back()) {
            Some(order) => self.waits_to_be_told(db, host, signed(order.number))?,
            None => None,
        };
        Ok(HostDetail {
            program: program.unwrap_or_default(),
            network: network.map(|network| network.in_words()).unwrap_or_default(),
            why: all_revealed(db, history::why_chain(&plan, &told, waits.as_ref()))?,
            set: all_revealed(
                db,
                plan.set_on_it()
                    .into_iter()
                    .chain(plan.notices_in_words())
                    .chain(plan.handwork_text(&in_force.campaign, now_ms))
                    .chain(priority_line(&plan, &in_force))
                    .chain(untold)
                    .collect(),
            )?,
            ahead: all_revealed(db, now.ahead)?,
            restart_pending: restart_pending(&line.facts),
            machine,
            ownership: plan.known.ownership.map_or("unknown", Ownership::as_str).to_owned(),
            tags,
            identity: now.identity,
            grade: now.grade,
            findings: now.findings,
            proofs: now.proofs,
            looks: now.looks,
            verdicts: present_inventory(db, host)?.as_ref().map(verdicts).unwrap_or_default(),
            protection_seconds: protection(&plan, now_ms),
            steps: self.steps(db, &named.host_id)?,
            timeline,
            chain_verified: false,
            row,
        })
    }

    fn contact(&self, plan: &Plan, last_ms: i64) -> Contact {
        Contact {
            last_ms,
            every_ms: self.longest_interval_ms(plan.order.is_some()),
        }
    }

    fn only_now(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        plan: &Plan,
        known: Option<&hosts::HostRow>,
    ) -> Result<OnlyNow, ServiceError> {
        let id = plan.host_id.to_string();
        let owned = known
            .map(|known| tags::owned(db, known))
            .transpose()?
            .unwrap_or_default();
        Ok(OnlyNow {
            ahead: Vec::new(),
            ownership: Some(format!("ownership: {}", owned.in_words())),
            hours: Some(format!("contact: {}", self.hours_in_words(db, &id)?)),
            identity: [identity_lines(db, &id)?, self.pool_lines(db, in_force, &id)?].concat(),
            grade: self.grade_in_words(db, plan, &in_force.campaign)?,
            findings: self.findings_of(db, &id)?,
            proofs: self.host_proofs(db, plan, in_force)?,
            looks: self.looks_at_host(db, &id)?,
        })
    }

    fn line(&self, db: &mut impl Reader, host: &str) -> Result<store_views::HostLine, ServiceError> {
        if let Some(line) = store_views::host_line(db, self.campaign_id().as_str(), host)? {
            return Ok(line);
        }
        let pool = if self.is_gone_back() {
            None
        } else {
            self.pool_of(db, host)?
        };
        Err(match pool {
            Some(pool) => ServiceError::Invalid {
                why: format!("`{host}` is a machine of pool `{pool}` and has no plan of its own; ask for `{pool}`"),
            },
            None => ServiceError::NotFound {
                what: format!("plan of host `{host}` in this campaign"),
            },
        })
    }

    fn steps(&self, db: &mut impl Reader, host: &str) -> Result<Vec<StepView>, ServiceError> {
        let mut steps = Vec::new();
        for order in work_orders::of_host(db, host)? {
            let actions = actions(&order.body);
            for row in step_records::list(db, host, order.number, 1)? {
                steps.push(step(&row, &actions)?);
            }
        }
        Ok(steps)
    }

    /// Whether the chains of a host's own events and of its plan's verify.
    pub(in super::super) fn chains_hold(&self, db: &mut impl Reader, host: &str) -> Result<bool, ServiceError> {
        for stream in [
            StreamName::host(host),
            StreamName::plan(self.campaign_id().as_str(), host),
        ] {
            match events::verify_chain(db, &stream)? {
                events::ChainState::Whole { .. } => {}
                events::ChainState::Broken { seq, why } => {
                    tracing::error!(stream = stream.as_str(), seq, why, "hash chain does not verify");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Recomputes every chain of the campaign; says how many hold and how many do not.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify_chains(&self) -> Result<(usize, usize), ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let (mut whole, mut broken, mut after) = (0, 0, None::<String>);
                loop {
                    let filter = PlanFilter::default();
                    let id = service.campaign_id().as_str();
                    let lines = store_views::host_lines(tx, id, &filter, after.as_deref(), 200)?;
                    for line in &lines {
                        for stream in [StreamName::host(&line.host_id), StreamName::plan(id, &line.host_id)] {
                            match events::verify_chain(tx, &stream)? {
                                events::ChainState::Whole { .. } => whole += 1,
                                events::ChainState::Broken { .. } => broken += 1,
                            }
                        }
                    }
                    match lines.last() {
                        Some(last) => after = Some(last.host_id.clone()),
                        None => return Ok::<_, ServiceError>((whole, broken)),
                    }
                }
            })
            .await
    }
}

/// Its priority in the queue, while it may still come into one.
fn priority_line(plan: &Plan, in_force: &InForce) -> Option<String> {
    let priority = in_force.campaign.priority_for(&plan.traits())?;
    may_start(plan.phase).then(|| priority.text())
}

pub(super) fn protection(plan: &Plan, now_ms: i64) -> ProtectionTime {
    let spent = plan.account.at(now_ms);
    ProtectionTime {
        protected: spent.protected_ms / 1000,
        unprotected: spent.unprotected_ms / 1000,
        unobserved: spent.unobserved_ms / 1000,
    }
}

fn restart_pending(facts: &str) -> String {
    let Ok(facts) = serde_json::from_str::<HostFacts>(facts) else {
        return "unknown".to_owned();
    };
    match (facts.restart_pending, facts.restart_reasons.is_empty()) {
        (None, true) => "unknown".to_owned(),
        (None, false) => format!("unknown: {}", facts.restart_reasons.join(", ")),
        (Some(false), _) => "no".to_owned(),
        (Some(true), true) => "yes".to_owned(),
        (Some(true), false) => format!("yes: {}", facts.restart_reasons.join(", ")),
    }
}

fn machine(facts: &str) -> Vec<String> {
    let Ok(facts) = serde_json::from_str::<HostFacts>(facts) else {
        return Vec::new();
    };
    let told = |what: Option<bool>| match what {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let because = match facts.encryption_reasons.as_slice() {
        [] => String::new(),
        reasons => format!(" ({})", reasons.join("; ")),
    };
    let mut roles: Vec<&str> = facts.roles.iter().map(|role| role.as_str()).collect();
    if !facts.roles_told {
        roles.push("unknown");
    } else if roles.is_empty() {
        roles.push("none");
    }
    vec![
        format!("disk encryption: {}{because}", facts.encryption),
        format!("roles: {}", roles.join(", ")),
        format!("battery: {}", told(facts.has_battery)),
        format!("in a domain: {}", told(facts.domain_joined)),
        zone_line(&facts.time_zone),
    ]
}

/// A name that means nothing here is shown all the same: it tells what the machine is set to.
fn zone_line(name: &str) -> String {
    match name {
        "" => "time zone: unknown".to_owned(),
        name if zone(name).is_some() => format!("time zone: {name}"),
        name => format!("time zone: {name}, which this server does not know"),
    }
}

fn verdicts(inventory: &Inventory) -> Vec<VerdictView> {
    inventory
        .sightings
        .iter()
        .filter(|sighting| sighting.verdict != Verdict::Absent)
        .map(verdict)
        .collect()
}

/// Every product that was looked for, the absent ones too.
pub(in super::super) fn every_verdict(inventory: &Inventory) -> Vec<VerdictView> {
    inventory.sightings.iter().map(verdict).collect()
}

fn verdict(sighting: &Sighting) -> VerdictView {
    let mut evidence: Vec<String> = sighting.evidence.iter().map(trace).collect();
    if let Some(health) = &sighting.health {
        evidence.push(format!("health: {} {}", health.state, health.why).trim_end().to_owned());
    }
    evidence.extend(sighting.upkeep.iter().flat_map(upkeep_lines));
    let verdict = match sighting.verdict {
        Verdict::Unknown => format!("unknown: {}", sighting.why),
        Verdict::Installed | Verdict::Running | Verdict::Remnant | Verdict::Embedded | Verdict::Absent => {
            sighting.verdict.to_string()
        }
    };
    VerdictView {
        product: sighting.product.to_string(),
        verdict,
        version: sighting.version.clone().unwrap_or_default(),
        evidence,
    }
}

fn trace(evidence: &Evidence) -> String {
    match evidence.outcome {
        EvidenceOutcome::Seen => format!("{}: {}", evidence.kind, evidence.detail),
        EvidenceOutcome::Nothing => format!("{}: nothing", evidence.kind),
        EvidenceOutcome::NotChecked => format!("{}: not checked, {}", evidence.kind, evidence.detail),
    }
}

/// What each step of an order does, in words; empty where the order cannot be read.
fn actions(body: &[u8]) -> Vec<String> {
    let order = v1::WorkOrder::decode(body)
        .ok()
        .and_then(|wire| cutover_proto::order::WorkOrder::try_from(wire).ok());
    order
        .map(|order| order.steps.iter().map(|step| step.action.describe()).collect())
        .unwrap_or_default()
}

fn step(row: &step_records::StepRecordRow, actions: &[String]) -> Result<StepView, ServiceError> {
    let broken = |why: String| ServiceError::Broken {
        why: format!("stored step record: {why}"),
    };
    let envelope = v1::Envelope::decode(row.envelope.as_slice()).map_err(|error| broken(error.to_string()))?;
    let wire = v1::StepRecord::decode(envelope.body.as_slice()).map_err(|error| broken(error.to_string()))?;
    let record = StepRecord::try_from(wire).map_err(|error| broken(error.to_string()))?;
    let about_step = record.event.as_str().starts_with("step-");
    let what = usize::try_from(record.step)
        .ok()
        .and_then(|index| actions.get(index))
        .filter(|_| about_step);
    let cause = record.cause.map(|cause| format!("{cause}: ")).unwrap_or_default();
    Ok(StepView {
        order: record.order_number,
        sequence: record.sequence,
        step: what.cloned().unwrap_or_default(),
        event: record.event.to_string(),
        at_ms: record.at_ms,
        exit_code: record.exit_code,
        detail: format!("{cause}{}", record.detail),
        log_tail: record.log_tail,
    })
}
