//! Plans of hosts that an operator names, all of them or none; and what must be said with a change.

use cutover_core::{
    campaign::{instant_ms, zone::utc},
    decide::Input,
    plan::{Phase, Plan},
};
use cutover_proto::ids::HostId;

use super::{
    Service, ServiceError, access,
    campaign::{InForce, broken_id, last_seen},
    personal::PersonalValue,
    plan_edit::PlanEdit,
};
use crate::store::{Reader, WriteTx};

/// How many hosts one change names at most.
const MOST: usize = 1000;

/// How many faults are named at most; the others are counted.
const FAULTS_NAMED: usize = 10;

/// A plan that is being moved, with the name of its host and where it was.
#[derive(Debug)]
pub(super) struct NamedPlan {
    /// Its place among those that were named.
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) from: Phase,
    pub(super) edit: PlanEdit,
}

impl NamedPlan {
    /// A host with where it was, and what becomes of it.
    pub(super) fn now_and_then(&self) -> String {
        let (name, from, to) = (&self.name, self.from, self.edit.plan.phase);
        let order = self.edit.plan.order.as_ref().filter(|order| order.cancelling.is_some());
        let ends = match order {
            Some(order) => format!(", until order {} has ended at its next safe point", order.number),
            None => String::new(),
        };
        if from == to {
            format!("{name} (stays {from}{ends})")
        } else {
            format!("{name} ({from}, then {to}{ends})")
        }
    }

    /// Writes it.
    pub(super) fn save(self, tx: &mut WriteTx<'_>, service: &Service, in_force: &InForce) -> Result<(), ServiceError> {
        let last_seen_ms = last_seen(tx, self.edit.plan.host_id)?;
        self.edit.save(tx, service, in_force, last_seen_ms)?;
        Ok(())
    }
}

/// The input that a plan is to take, as it is.
type InputOf = dyn Fn(&Plan) -> Result<Input, ServiceError> + Send;

/// What an operator does to one host.
pub(super) struct Change {
    /// The input, by the plan as it is.
    pub(super) input: Box<InputOf>,
    /// Values that it mentions.
    pub(super) personal: Vec<PersonalValue>,
    /// What would be done, and what was, before the host's name.
    pub(super) words: (&'static str, &'static str),
    /// The audit's word for it.
    pub(super) audit: &'static str,
    /// Who, for the audit.
    pub(super) audited: PersonalValue,
    /// Only say what would be done.
    pub(super) dry_run: bool,
}

impl Service {
    /// The plans of these hosts, each changed by `change`, which is told the host's place among those that were named. In
    /// the order in which rows are touched.
    ///
    /// # Errors
    /// When a host is not there or cannot be changed so: each is named, and nothing is changed.
    pub(super) fn named_plans(
        &self,
        db: &mut impl Reader,
        wanted: &[String],
        mut change: impl FnMut(usize, &mut PlanEdit) -> Result<(), ServiceError>,
    ) -> Result<Vec<NamedPlan>, ServiceError> {
        if wanted.is_empty() || wanted.len() > MOST {
            return Err(ServiceError::Invalid {
                why: format!("name hosts, from one to {MOST} at once"),
            });
        }
        let (mut plans, mut faults) = (Vec::<NamedPlan>::new(), Vec::new());
        for (place, host) in wanted.iter().enumerate() {
            match self.named_plan(db, host, place, &mut change) {
                Ok(named) if plans.iter().any(|it| it.edit.plan.host_id == named.edit.plan.host_id) => {}
                Ok(named) => plans.push(named),
                Err(error @ (ServiceError::Store(_) | ServiceError::Broken { .. })) => return Err(error),
                Err(error) => faults.push(error),
            }
        }
        match faults.len() {
            0 => {}
            1 if wanted.len() == 1 => return Err(faults.remove(0)),
            count => {
                let mut named: Vec<String> = faults.iter().take(FAULTS_NAMED).map(ToString::to_string).collect();
                if count > FAULTS_NAMED {
                    named.push(format!("and {} more", count - FAULTS_NAMED));
                }
                return Err(ServiceError::Refused {
                    why: format!("nothing was changed; {}", named.join("; ")),
                });
            }
        }
        plans.sort_by_key(|named| named.edit.plan.host_id);
        Ok(plans)
    }

    /// One host's plan, changed by an input; says what becomes of it.
    ///
    /// # Errors
    /// When it is not there or cannot be changed so.
    pub(super) async fn change_named(&self, wanted: String, change: Change) -> Result<String, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let in_force = service.open_campaign(tx)?;
                let hosts = [wanted.clone()];
                let plans = service.named_plans(tx, &hosts, |_, edit| {
                    let input = (change.input)(&edit.plan)?;
                    edit.take(&input, &in_force.cx(&service))
                })?;
                let which = plans.iter().map(NamedPlan::now_and_then).collect::<Vec<_>>().join(", ");
                let (would, did) = change.words;
                if change.dry_run {
                    return Ok(format!("{would} {which}"));
                }
                for named in plans {
                    let stream = named.edit.stream();
                    for value in &change.personal {
                        value.keep(tx, &stream)?;
                    }
                    let detail = serde_json::json!({ "host": named.edit.plan.host_id.to_string() });
                    service.audit(tx, access::HOSTS, &change.audited, change.audit, detail)?;
                    named.save(tx, &service, &in_force)?;
                }
                Ok::<_, ServiceError>(format!("{did} {which}"))
            })
            .await
    }

    fn named_plan(
        &self,
        db: &mut impl Reader,
        wanted: &str,
        place: usize,
        change: &mut impl FnMut(usize, &mut PlanEdit) -> Result<(), ServiceError>,
    ) -> Result<NamedPlan, ServiceError> {
        let row = self.named_host(db, wanted)?;
        let host: HostId = row.host_id.parse().map_err(broken_id)?;
        let mut edit = PlanEdit::load(db, self, host)?;
        if !edit.plan.is_enrolled()
            && let Some(pool) = self.pool_of(db, &row.host_id)?
        {
            return Err(ServiceError::Invalid {
                why: format!(
                    "{} is a machine of pool `{pool}` and has no plan of its own; name `{pool}`",
                    row.name
                ),
            });
        }
        let from = edit.plan.phase;
        change(place, &mut edit).map_err(|error| match error {
            ServiceError::Refused { why } => ServiceError::Refused {
                why: format!("{}: {why}", row.name),
            },
            error @ (ServiceError::NotFound { .. }
            | ServiceError::Invalid { .. }
            | ServiceError::Denied { .. }
            | ServiceError::Store(_)
            | ServiceError::Broken { .. }) => error,
        })?;
        Ok(NamedPlan {
            place,
            name: row.name,
            from,
            edit,
        })
    }
}

/// Lets only text pass that says something.
pub(super) fn said(key: &str, text: &str, what: &str) -> Result<(), ServiceError> {
    if text.trim().is_empty() {
        return Err(ServiceError::Invalid {
            why: format!("`{key}` is missing: say {what}"),
        });
    }
    Ok(())
}

/// An instant in the future, as an operator writes it.
pub(super) fn future_ms(key: &str, text: &str, now_ms: i64) -> Result<i64, ServiceError> {
    let invalid = |why: String| ServiceError::Invalid { why };
    said(key, text, "an instant, such as 2027-01-31T00:00:00Z")?;
    let at_ms = instant_ms(text).map_err(|error| invalid(format!("`{key}` is `{text}`: {error}")))?;
    if at_ms <= now_ms {
        let why = format!(
            "`{key}` is {}, which is past; give an instant in the future",
            utc(at_ms)
        );
        return Err(invalid(why));
    }
    Ok(at_ms)
}
