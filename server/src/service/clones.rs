//! Several machines under one identity, as operators see it, and the one decision that they take.

use cutover_core::{decide::Input, plan::HoldKind};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    campaign::{broken_id, last_seen},
    personal::PersonalValue,
    plan_edit::PlanEdit,
};
use crate::store::{Reader, WriteTx, clones, host_sessions, hosts};

/// How many incidents a listing shows.
const SHOWN: i64 = 500;

/// What becomes of the machines that came of one identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CloneDecision {
    /// They are ours: each goes on as itself.
    Keep,
    /// They are not: each is retired, and nobody gets an identity by this one any more.
    Refuse,
}

/// A decision about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleClones {
    /// What becomes of the machines.
    pub decision: CloneDecision,
    /// Why, and who says so.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A machine that got an identity of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneView {
    /// Its id since.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// When it got it.
    pub at_ms: i64,
    /// Whether an operator decided about it.
    pub settled: bool,
}

/// One identity that was on several machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneIncident {
    /// That identity.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// When it was noticed.
    pub opened_ms: i64,
    /// How many kernel sessions spoke under it.
    pub sessions: u64,
    /// How many machines wait for the decision.
    pub waiting: u64,
    /// Whether nobody gets an identity by it any more.
    pub refused: bool,
    /// The machines that came of it.
    pub machines: Vec<CloneView>,
}

impl Service {
    /// Every identity that was on several machines.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clone_incidents(&self) -> Result<Vec<CloneIncident>, ServiceError> {
        self.0
            .store
            .read(move |tx| {
                let rows = clones::list(tx, None, SHOWN)?;
                rows.iter().map(|row| incident_view(tx, row)).collect()
            })
            .await
    }

    /// Decides about the machines that came of an identity; says what was done, or would be. Machines that come later
    /// wait for another decision, unless this one refuses them.
    ///
    /// # Errors
    /// When there is no such incident, the caller may not, or no reason is given.
    pub async fn settle_clones(
        &self,
        caller: Caller,
        wanted: String,
        ask: SettleClones,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        if ask.why.trim().is_empty() {
            let why = "a decision about machines has a reason: what they are, and who says so".to_owned();
            return Err(ServiceError::Invalid { why });
        }
        let service = self.clone();
        let (by, audited) = (self.personal_user(caller.name())?, self.personal_user(caller.name())?);
        let why = self.personal_note(&ask.why)?;
        let (decision, dry_run) = (ask.decision, ask.dry_run);
        self.0
            .store
            .write(move |tx| {
                service.open_campaign(tx)?;
                let row = service.disputed_host(tx, &wanted)?;
                let waiting: Vec<clones::MemberRow> = clones::members(tx, &row.host_id)?
                    .into_iter()
                    .filter(|member| member.settled_ms.is_none() || decision == CloneDecision::Refuse)
                    .collect();
                let count = waiting.len();
                if dry_run {
                    let what = match decision {
                        CloneDecision::Keep => "let go on as themselves",
                        CloneDecision::Refuse => "retire, with their keys revoked,",
                    };
                    return Ok(format!(
                        "would {what} {count} machines that had the identity of {}",
                        row.name
                    ));
                }
                for member in &waiting {
                    let host: HostId = member.host_id.parse().map_err(broken_id)?;
                    let input = match decision {
                        CloneDecision::Keep => Input::HoldLifted {
                            kind: HoldKind::Clone,
                            by: by.mention(),
                        },
                        CloneDecision::Refuse => Input::Retired {
                            by: by.mention(),
                            why: why.mention(),
                        },
                    };
                    service.decide_about(tx, host, &input, [&by, &why])?;
                    clones::settle(tx, &member.host_id, service.now_ms())?;
                    if decision == CloneDecision::Refuse {
                        service.revoke_keys(tx, &member.host_id, None)?;
                    }
                }
                let ancestor: HostId = row.host_id.parse().map_err(broken_id)?;
                let gone = Input::Retired {
                    by: by.mention(),
                    why: why.mention(),
                };
                service.decide_about(tx, ancestor, &gone, [&by, &why])?;
                if decision == CloneDecision::Refuse {
                    clones::refuse(tx, &row.host_id, service.now_ms())?;
                    service.revoke_keys(tx, &row.host_id, None)?;
                }
                let detail = serde_json::json!({
                    "host": row.host_id, "decision": decision, "machines": count, "why": why.mention(),
                });
                service.audit(tx, access::HOSTS, &audited, "clones-settled", detail)?;
                why.keep(tx, &crate::store::StreamName::audit(access::HOSTS))?;
                let what = match decision {
                    CloneDecision::Keep => "go on as themselves",
                    CloneDecision::Refuse => "are retired",
                };
                Ok::<_, ServiceError>(format!("{count} machines that had the identity of {} {what}", row.name))
            })
            .await
    }

    /// One plan takes the decision, unless it left in the meantime.
    fn decide_about(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        input: &Input,
        words: [&PersonalValue; 2],
    ) -> Result<(), ServiceError> {
        let in_force = self.in_force(tx)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        let is_held = edit.plan.holds.contains_key(&HoldKind::Clone);
        let lifts = matches!(input, Input::HoldLifted { .. });
        if edit.plan.is_closed() || (lifts && !is_held) {
            return Ok(());
        }
        edit.take(input, &in_force.cx(self))?;
        for word in words {
            word.keep(tx, &edit.stream())?;
        }
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, &in_force, last_seen_ms)?;
        Ok(())
    }

    /// The identity that an operator means: by its id or name, or by one of the machines that came of it.
    fn disputed_host(&self, db: &mut impl Reader, wanted: &str) -> Result<hosts::HostRow, ServiceError> {
        let none = || ServiceError::NotFound {
            what: format!("identity on several machines called `{wanted}`; `cutover clones list` has them"),
        };
        let candidates = match wanted.parse::<HostId>() {
            Ok(id) => hosts::load(db, &id.to_string())?.into_iter().collect(),
            Err(_) => hosts::by_name(db, wanted)?,
        };
        let mut found: Vec<String> = Vec::new();
        for row in candidates {
            let ancestor = match clones::of_member(db, &row.host_id)? {
                Some(member) => Some(member.ancestor_id),
                None => clones::incident(db, &row.host_id)?.map(|incident| incident.host_id),
            };
            found.extend(ancestor);
        }
        found.sort();
        found.dedup();
        match found.as_slice() {
            [] => Err(none()),
            [one] => hosts::load(db, one)?.ok_or_else(none),
            several => Err(ServiceError::Invalid {
                why: format!(
                    "several identities fit `{wanted}`; name one by its id: {}",
                    several.join(", ")
                ),
            }),
        }
    }
}

/// What the page of a host says about its identity; nothing where it is one machine's alone.
pub(super) fn identity_lines(db: &mut impl Reader, host_id: &str) -> Result<Vec<String>, ServiceError> {
    let mut lines = Vec::new();
    if let Some(member) = clones::of_member(db, host_id)? {
        lines.push(format!(
            "before, it was one of several machines with the identity {}; its history until then is there",
            member.ancestor_id
        ));
        if member.settled_ms.is_none() {
            lines.push(format!(
                "no work until an operator decides: `cutover clones settle {}`",
                member.ancestor_id
            ));
        }
    }
    if let Some(row) = clones::incident(db, host_id)? {
        let view = incident_view(db, &row)?;
        lines.push(format!(
            "{} kernel sessions of several machines spoke under this identity",
            view.sessions
        ));
        for machine in &view.machines {
            let state = if machine.settled {
                "settled"
            } else {
                "waits for a decision"
            };
            lines.push(format!(
                "one of them is {} now ({}), {state}",
                machine.name, machine.host_id
            ));
        }
        if view.waiting > 0 || view.machines.is_empty() {
            lines.push(format!(
                "one decision for all of them: `cutover clones settle {host_id}`"
            ));
        }
    }
    Ok(lines)
}

fn incident_view(db: &mut impl Reader, row: &clones::IncidentRow) -> Result<CloneIncident, ServiceError> {
    let mut machines = Vec::new();
    for member in clones::members(db, &row.host_id)? {
        machines.push(CloneView {
            name: hosts::load(db, &member.host_id)?
                .map(|host| host.name)
                .unwrap_or_default(),
            host_id: member.host_id,
            at_ms: member.at_ms,
            settled: member.settled_ms.is_some(),
        });
    }
    Ok(CloneIncident {
        host_id: row.host_id.clone(),
        name: hosts::load(db, &row.host_id)?.map(|host| host.name).unwrap_or_default(),
        opened_ms: row.opened_ms,
        sessions: host_sessions::of_host(db, &row.host_id)?.len() as u64,
        waiting: machines.iter().filter(|machine| !machine.settled).count() as u64,
        refused: row.refused_ms.is_some(),
        machines,
    })
}
