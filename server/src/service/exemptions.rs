//! Exemptions: waivers with a reason, somebody who answers, something done instead, and an end.

use cutover_core::{
    campaign::zone::utc,
    decide::Input,
    plan::{Exemption, Plan},
};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    named::{Change, NamedPlan, future_ms, said},
    personal::{PersonalValue, all_revealed},
    plan_edit::read_state,
};
use crate::store::{Reader, WriteTx, exemptions};

/// Rows on a page.
const PAGE: usize = 100;

/// An exemption that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewExemption {
    /// Hosts by id or name: all of them, or none.
    pub hosts: Vec<String>,
    /// Why they are let off.
    pub why: String,
    /// Who answers for it.
    pub owner: String,
    /// What is done instead.
    pub control: String,
    /// Its end: an instant with its offset or zone.
    pub until: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// The end of an exemption before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeExemption {
    /// Why.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// An exemption that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExemptionView {
    /// The host's id.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// Its phase: `exempt`, or another while an order of before ends, or where a rule leaves it out of scope.
    pub phase: String,
    /// Why it is let off.
    pub why: String,
    /// Who answers for it.
    pub owner: String,
    /// What is done instead.
    pub control: String,
    /// Who granted it.
    pub by: String,
    /// When it was granted.
    pub since_ms: i64,
    /// When it ends by itself; none: until revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

/// A page of exemptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExemptionList {
    /// The one that ends first before the others.
    pub exemptions: Vec<ExemptionView>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExemptionFilter {
    /// What the page before gave as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The instant of which it is asked; left out: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
}

/// What is said of an exemption, as events name it.
#[derive(Clone)]
struct Said {
    why: PersonalValue,
    owner: PersonalValue,
    control: PersonalValue,
    by: PersonalValue,
}

impl Service {
    /// Exempts hosts, all of them or none; says what was done, or would be.
    ///
    /// # Errors
    /// When the caller may not, something that must be said is not, or a host cannot be exempted: each is named.
    pub async fn exempt(&self, caller: Caller, ask: NewExemption) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said("why", &ask.why, "the reason for which the hosts are let off")?;
        said("owner", &ask.owner, "who answers for it")?;
        said(
            "control",
            &ask.control,
            "what is done instead, such as `off the network`",
        )?;
        let until_ms = future_ms("until", &ask.until, self.now_ms())?;
        let audited = self.personal_user(caller.name())?;
        // Of each host its own: what is said of one is erased without that of another.
        let words = ask.hosts.iter().map(|_| self.said_of_exemption(&caller, &ask));
        let words = words.collect::<Result<Vec<_>, ServiceError>>()?;
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let in_force = service.open_campaign(tx)?;
                let plans = service.named_plans(tx, &ask.hosts, |place, edit| {
                    edit.take(
                        &Input::Exempted(words[place].exemption(until_ms)),
                        &in_force.cx(&service),
                    )
                })?;
                let until = utc(until_ms);
                let which = plans.iter().map(NamedPlan::now_and_then).collect::<Vec<_>>().join(", ");
                if ask.dry_run {
                    return Ok(format!("would exempt {} hosts until {until}: {which}", plans.len()));
                }
                let ids: Vec<String> = plans.iter().map(|it| it.edit.plan.host_id.to_string()).collect();
                let detail = serde_json::json!({ "hosts": ids, "until_ms": until_ms });
                service.audit(tx, access::HOSTS, &audited, "hosts-exempted", detail)?;
                let done = format!("exempted {} hosts until {until}: {which}", plans.len());
                for named in plans {
                    words[named.place].keep(tx, &named)?;
                    named.save(tx, &service, &in_force)?;
                }
                Ok::<_, ServiceError>(done)
            })
            .await
    }

    fn said_of_exemption(&self, caller: &Caller, ask: &NewExemption) -> Result<Said, ServiceError> {
        Ok(Said {
            why: self.personal_note(&ask.why)?,
            owner: self.personal_user(&ask.owner)?,
            control: self.personal_note(&ask.control)?,
            by: self.personal_user(caller.name())?,
        })
    }

    /// Ends a host's exemption; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, it has no exemption, the caller may not, or no reason is given.
    pub async fn revoke_exemption(
        &self,
        caller: Caller,
        wanted: String,
        ask: RevokeExemption,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said("why", &ask.why, "the reason for which it ends before its time")?;
        let (by, why) = (self.personal_user(caller.name())?, self.personal_note(&ask.why)?);
        let revoked = Input::ExemptionRevoked {
            by: by.mention(),
            why: why.mention(),
        };
        let change = Change {
            input: Box::new(move |_| Ok(revoked.clone())),
            personal: vec![by, why],
            words: ("would revoke the exemption of", "revoked the exemption of"),
            audit: "exemption-revoked",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }

    /// A page of the exemptions that are in force, whatever phase their hosts are in.
    ///
    /// # Errors
    /// When `after` is none that a page gave, or the store fails.
    pub async fn exemptions(&self, filter: ExemptionFilter) -> Result<ExemptionList, ServiceError> {
        let after = place(filter.after.as_deref())?;
        self.read_as_of(filter.as_of, move |then, tx| {
            let id = then.campaign_id().as_str();
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX) + 1;
            let mut lines = exemptions::list(tx, id, (after.0, &after.1), limit)?;
            let more = lines.len() > PAGE;
            lines.truncate(PAGE);
            let next = lines.last().filter(|_| more).map(|last| {
                let (until_ms, host) = last.row.place();
                format!("{until_ms}/{host}")
            });
            let exemptions = lines
                .into_iter()
                .map(|line| view(tx, line))
                .collect::<Result<Vec<_>, ServiceError>>()?;
            Ok(ExemptionList { exemptions, next })
        })
        .await
    }

    /// A plan has changed: its exemption is listed while it is in force.
    pub(super) fn keep_exemption(
        &self,
        tx: &mut WriteTx<'_>,
        before: Option<&Exemption>,
        plan: &Plan,
    ) -> Result<(), ServiceError> {
        let (campaign, host) = (plan.campaign_id.to_string(), plan.host_id.to_string());
        match in_force(plan) {
            now if now == before => Ok(()),
            Some(exemption) => {
                let row = exemptions::ExemptionRow {
                    campaign_id: campaign,
                    host_id: host,
                    until_ms: exemption.until_ms,
                    since_ms: self.now_ms(),
                };
                Ok(exemptions::put(tx, &row)?)
            }
            None => Ok(exemptions::remove(tx, &campaign, &host)?),
        }
    }
}

impl Said {
    fn exemption(&self, until_ms: i64) -> Exemption {
        Exemption {
            why: self.why.mention(),
            owner: self.owner.mention(),
            control: Some(self.control.mention()),
            until_ms: Some(until_ms),
            by: Some(self.by.mention()),
        }
    }

    fn keep(&self, tx: &mut WriteTx<'_>, named: &NamedPlan) -> Result<(), ServiceError> {
        let stream = named.edit.stream();
        for value in [&self.why, &self.owner, &self.control, &self.by] {
            value.keep(tx, &stream)?;
        }
        Ok(())
    }
}

/// The exemption of a plan that is watched.
pub(super) fn in_force(plan: &Plan) -> Option<&Exemption> {
    plan.exemption.as_ref().filter(|_| !plan.is_closed())
}

pub(super) fn place(after: Option<&str>) -> Result<(i64, String), ServiceError> {
    let Some(after) = after.filter(|after| !after.is_empty()) else {
        return Ok((i64::MIN, String::new()));
    };
    let read = after
        .split_once('/')
        .and_then(|(until_ms, host)| Some((until_ms.parse().ok()?, host.to_owned())));
    read.ok_or_else(|| ServiceError::Invalid {
        why: format!("`{after}` is no beginning of a page; give what the page before gave as `next`"),
    })
}

fn view(db: &mut impl Reader, line: exemptions::ExemptionLine) -> Result<ExemptionView, ServiceError> {
    let plan = read_state(&line.state)?;
    let words = match &plan.exemption {
        Some(it) => [Some(&it.why), Some(&it.owner), it.control.as_ref(), it.by.as_ref()],
        None => [None; 4],
    };
    let words = words.map(|word| word.map(ToString::to_string).unwrap_or_default());
    let mut words = all_revealed(db, words.to_vec())?.into_iter();
    let mut word = || words.next().unwrap_or_default();
    Ok(ExemptionView {
        why: word(),
        owner: word(),
        control: word(),
        by: word(),
        host_id: line.row.host_id,
        name: line.name,
        phase: plan.phase.to_string(),
        since_ms: line.row.since_ms,
        until_ms: line.row.until_ms,
    })
}
