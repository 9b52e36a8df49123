//! Who encrypts hosts' disks, where no look can tell: two people attest it, one of them perhaps by an imported report.

use std::collections::BTreeMap;

use cutover_core::{
    campaign::{instant_ms, zone::utc},
    coverage::import::DiskReport,
    decide::Input,
    plan::{DiskAttestation, DiskSignature, DiskWord, Personal, Plan},
};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    campaign::{InForce, broken_id, last_seen},
    named::{Change, NamedPlan, future_ms, said},
    personal::PersonalValue,
    plan_edit::PlanEdit,
};
use crate::store::{
    Reader, StoreError, WriteTx,
    assets::{self, AssetRow},
    disks, ending, personal,
};

mod list;

pub use list::{DiskSignatureView, DisksFilter, DisksList, DisksView};

/// What is attested of hosts' disks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttestDisks {
    /// Hosts by id or name: all of them, or none.
    pub hosts: Vec<String>,
    /// not-encrypted-by-target, decrypted or keys-escrowed; left out where a report says it of each.
    pub says: Option<String>,
    /// The source of an imported report that says it. Who imported it counts as the first of the two.
    pub reported_by: Option<String>,
    /// The day of what it rests on: an instant with its offset or zone. May be left out where the report says it.
    pub rests_on: Option<String>,
    /// Its end: an instant with its offset or zone.
    pub until: String,
    /// By what it is known.
    pub why: String,
    /// Only say what would be noted.
    pub dry_run: bool,
}

/// What was attested is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawDisks {
    /// Why.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// One person's words about one host, as events name them.
#[derive(Clone)]
struct Said {
    by: PersonalValue,
    why: PersonalValue,
    /// In whose words the import of a report is told.
    reported: PersonalValue,
}

/// What is asked, read.
#[derive(Clone)]
struct Asked {
    says: Option<DiskWord>,
    source: Option<String>,
    rests_on_ms: Option<i64>,
    until_ms: i64,
}

/// What reports say of a host, and who signed before.
#[derive(Default)]
struct Before {
    /// A source that says that the product encrypts.
    by_target: Option<String>,
    report: Option<disks::ReportRow>,
    /// Names by mentions; who was erased is not among them.
    names: BTreeMap<Personal, String>,
}

impl Service {
    /// Attests who encrypts hosts' disks, of all of them or none; says what was noted, or would be.
    ///
    /// # Errors
    /// When the caller may not or signed before, something that must be said is not, or it cannot be attested of a host: each is
    /// named.
    pub async fn attest_disks(&self, caller: Caller, ask: AttestDisks) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let asked = asked(&ask, self.now_ms())?;
        let audited = self.personal_user(caller.name())?;
        // Of each host its own: what is said of one is erased without that of another.
        let words = ask.hosts.iter().map(|_| self.said_of_disks(&caller, &ask));
        let words = words.collect::<Result<Vec<_>, ServiceError>>()?;
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let in_force = service.open_campaign(tx)?;
                let mut before = Vec::new();
                for host in &ask.hosts {
                    before.push(service.said_before(tx, host, asked.source.as_deref())?);
                }
                let plans = service.named_plans(tx, &ask.hosts, |place, edit| {
                    let disks = service.signed(&edit.plan, &asked, &words[place], &before[place], &caller)?;
                    edit.take(&Input::DisksAttested(disks), &in_force.cx(&service))
                })?;
                let which = plans.iter().map(now_and_then).collect::<Vec<_>>().join(", ");
                let what = format!(
                    "the disks of {} hosts until {}: {which}",
                    plans.len(),
                    utc(asked.until_ms)
                );
                if ask.dry_run {
                    return Ok(format!("would attest {what}"));
                }
                let hosts: Vec<_> = plans.iter().map(|it| audit_line(&it.edit.plan)).collect();
                let detail = serde_json::json!({ "hosts": hosts, "until_ms": asked.until_ms });
                service.audit(tx, access::HOSTS, &audited, "disks-attested", detail)?;
                for named in plans {
                    words[named.place].keep(tx, &named)?;
                    named.save(tx, &service, &in_force)?;
                }
                Ok::<_, ServiceError>(format!("attested {what}"))
            })
            .await
    }

    /// Takes back what was attested of a host's disks; one person is enough. Says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, nothing is attested of it, no reason is given, or the caller may not.
    pub async fn withdraw_disks(
        &self,
        caller: Caller,
        wanted: String,
        ask: WithdrawDisks,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said("why", &ask.why, "the reason for which it is taken back")?;
        let (by, why) = (self.personal_user(caller.name())?, self.personal_note(&ask.why)?);
        let withdrawn = Input::DisksWithdrawn {
            by: by.mention(),
            why: why.mention(),
        };
        let change = Change {
            input: Box::new(move |_| Ok(withdrawn.clone())),
            personal: vec![by, why],
            words: (
                "would take back what was attested of the disks of",
                "took back what was attested of the disks of",
            ),
            audit: "disks-withdrawn",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }

    /// A plan has changed: what is attested of its disks is listed while it holds.
    pub(super) fn keep_disks(
        &self,
        tx: &mut WriteTx<'_>,
        before: Option<&DiskAttestation>,
        plan: &Plan,
    ) -> Result<(), ServiceError> {
        let (campaign, host) = (plan.campaign_id.to_string(), plan.host_id.to_string());
        match in_force(plan) {
            now if now == before => Ok(()),
            Some(attested) => {
                let row = ending::EndingRow {
                    campaign_id: campaign,
                    host_id: host,
                    until_ms: attested.until_ms,
                    since_ms: self.now_ms(),
                };
                Ok(disks::put(tx, &row)?)
            }
            None => Ok(disks::remove(tx, &campaign, &host)?),
        }
    }

    /// A report that says that the product encrypts a host's disks ends what was attested of them.
    pub(super) fn doubt_disks(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        host_id: &str,
    ) -> Result<(), ServiceError> {
        let host: HostId = host_id.parse().map_err(broken_id)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        // Of a closed campaign nothing changes any more.
        if edit.plan.disks.is_none() || edit.plan.is_closed() || in_force.must_be_open().is_err() {
            return Ok(());
        }
        for (asset, report, says) in reports(tx, host_id)? {
            let Some(by) = mention(&report.imported_by).filter(|_| says == DiskReport::ByTarget) else {
                continue;
            };
            let why = self.personal_note(&format!(
                "{} says that the product that is to go encrypts them",
                asset.source
            ))?;
            why.keep(tx, &edit.stream())?;
            let withdrawn = Input::DisksWithdrawn { by, why: why.mention() };
            edit.take(&withdrawn, &in_force.cx(self))?;
            let last_seen_ms = last_seen(tx, host)?;
            edit.save(tx, self, in_force, last_seen_ms)?;
            return Ok(());
        }
        Ok(())
    }

    fn said_of_disks(&self, caller: &Caller, ask: &AttestDisks) -> Result<Said, ServiceError> {
        let source = ask.reported_by.as_deref().unwrap_or_default();
        Ok(Said {
            by: self.personal_user(caller.name())?,
            why: self.personal_note(ask.why.trim())?,
            reported: self.personal_note(&format!("brought the report of {source}"))?,
        })
    }

    /// What is known of a host before it is attested; nothing where it is not there, which is said elsewhere.
    fn said_before(&self, db: &mut impl Reader, wanted: &str, source: Option<&str>) -> Result<Before, ServiceError> {
        let host = match self.named_host(db, wanted) {
            Ok(host) => host,
            Err(ServiceError::NotFound { .. } | ServiceError::Invalid { .. }) => return Ok(Before::default()),
            Err(error) => return Err(error),
        };
        let mut before = Before::default();
        for (asset, report, says) in reports(db, &host.host_id)? {
            if says == DiskReport::ByTarget {
                before.by_target = Some(asset.source);
            } else if Some(asset.source.as_str()) == source {
                before.report = Some(report);
            }
        }
        let plan = PlanEdit::load(db, self, host.host_id.parse().map_err(broken_id)?)?.plan;
        let signed = plan
            .disks
            .iter()
            .flat_map(|disks| &disks.signatures)
            .map(|it| it.by.clone());
        let imported = before.report.iter().filter_map(|report| mention(&report.imported_by));
        for by in signed.chain(imported).collect::<Vec<_>>() {
            if let Some(name) = personal::reveal(db, by.digest())? {
                before.names.insert(by, name);
            }
        }
        Ok(before)
    }

    /// What is said of a host's disks once this person has signed.
    fn signed(
        &self,
        plan: &Plan,
        asked: &Asked,
        words: &Said,
        before: &Before,
        caller: &Caller,
    ) -> Result<DiskAttestation, ServiceError> {
        let refused = |why: String| Err(ServiceError::Refused { why });
        if let Some(source) = &before.by_target {
            return refused(format!(
                "{source} says that the product that is to go encrypts its disks, and nothing attests that away; decrypt them, \
                 and import a report that says so"
            ));
        }
        let (says, rests_on_ms, first) = match (asked.says, &asked.source, &before.report) {
            (Some(says), _, _) => (says, asked.rests_on_ms, None),
            (None, Some(source), None) => return refused(format!("no report of {source} says anything of its disks")),
            (None, _, Some(report)) => {
                let Some(says) = read_report(report)?.word() else {
                    return refused("its report says that the product encrypts".to_owned());
                };
                // What was asked may be older than what the report heard last, and the other way round.
                let rests_on_ms = asked.rests_on_ms.into_iter().chain(report.seen_ms).min();
                let by = mention(&report.imported_by).map(|by| DiskSignature {
                    by,
                    why: words.reported.mention(),
                    at_ms: report.imported_ms,
                });
                (says, rests_on_ms, by)
            }
            (None, None, None) => return refused("nothing is said of its disks".to_owned()),
        };
        let Some(rests_on_ms) = rests_on_ms else {
            return refused("its report does not say of which day it is; say it: `rests_on`".to_owned());
        };
        let of = |signature: DiskSignature| DiskAttestation {
            says,
            rests_on_ms,
            until_ms: asked.until_ms,
            signatures: vec![signature],
        };
        let told = of(DiskSignature {
            by: words.by.mention(),
            why: words.why.mention(),
            at_ms: self.now_ms(),
        });
        let known = plan.disks.clone().or_else(|| first.map(of));
        let is_another = |signature: &DiskSignature| before.names.get(&signature.by).map(|name| name != caller.name());
        told.signed(known.as_ref(), self.now_ms(), is_another)
            .map_err(|error| ServiceError::Refused { why: error.to_string() })
    }
}

impl Said {
    fn keep(&self, tx: &mut WriteTx<'_>, named: &NamedPlan) -> Result<(), ServiceError> {
        let stream = named.edit.stream();
        let signed = named.edit.plan.disks.iter().flat_map(|disks| &disks.signatures);
        let mentioned: Vec<Personal> = signed.flat_map(|it| [it.by.clone(), it.why.clone()]).collect();
        for value in [&self.by, &self.why, &self.reported] {
            if mentioned.contains(&value.mention()) {
                value.keep(tx, &stream)?;
            }
        }
        Ok(())
    }
}

/// What is attested of a plan that is watched.
pub(super) fn in_force(plan: &Plan) -> Option<&DiskAttestation> {
    plan.disks.as_ref().filter(|_| !plan.is_closed())
}

fn asked(ask: &AttestDisks, now_ms: i64) -> Result<Asked, ServiceError> {
    let invalid = |why: String| ServiceError::Invalid { why };
    said("why", &ask.why, "by what it is known, and where that can be seen")?;
    let source = ask
        .reported_by
        .as_deref()
        .map(str::trim)
        .filter(|source| !source.is_empty());
    let says = match (ask.says.as_deref(), source) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "say it yourself, or let a report say it of each host: `says` or `reported_by`, not both".to_owned(),
            ));
        }
        (None, None) => {
            return Err(invalid(
                "`says` is missing: not-encrypted-by-target, decrypted or keys-escrowed; or `reported_by`, the source of an \
                 imported report that says it"
                    .to_owned(),
            ));
        }
        (None, Some(_)) => None,
        (Some(says), None) => Some(DiskWord::parse(says).map_err(|error| invalid(error.to_string()))?),
    };
    let rests_on_ms = match &ask.rests_on {
        None if says.is_some() => {
            let why = "`rests_on` is missing: the day of the report or of the look that it rests on, such as \
                       2026-11-30T00:00:00Z";
            return Err(invalid(why.to_owned()));
        }
        None => None,
        Some(text) => {
            let at_ms = instant_ms(text).map_err(|error| invalid(format!("`rests_on` is `{text}`: {error}")))?;
            Some(at_ms)
        }
    };
    Ok(Asked {
        says,
        source: source.map(str::to_owned),
        rests_on_ms,
        until_ms: future_ms("until", &ask.until, now_ms)?,
    })
}

/// What reports say of a host's disks: of each record that its source names still.
fn reports(db: &mut impl Reader, host_id: &str) -> Result<Vec<(AssetRow, disks::ReportRow, DiskReport)>, ServiceError> {
    let mut found = Vec::new();
    for asset in assets::by_hosts(db, [&host_id.to_owned()])? {
        if asset.missing_ms.is_none()
            && let Some(report) = disks::report_of(db, &asset.asset_id)?
        {
            let says = read_report(&report)?;
            found.push((asset, report, says));
        }
    }
    Ok(found)
}

fn read_report(report: &disks::ReportRow) -> Result<DiskReport, ServiceError> {
    DiskReport::parse(&report.says).map_err(|error| {
        ServiceError::Store(StoreError::Corrupt {
            what: format!("report on the disks of asset {}", report.asset_id),
            why: error.to_string(),
        })
    })
}

/// A person, as a row mentions them.
fn mention(text: &str) -> Option<Personal> {
    Personal::mentioned_in(text).into_iter().next()
}

fn now_and_then(named: &NamedPlan) -> String {
    let counts = named.edit.plan.disks.as_ref().is_some_and(DiskAttestation::counts);
    let then = named.now_and_then();
    if counts {
        then
    } else {
        format!("{then}: the first of two signatures, another person's is missing")
    }
}

fn audit_line(plan: &Plan) -> serde_json::Value {
    serde_json::json!({
        "host": plan.host_id.to_string(),
        "says": plan.disks.as_ref().map(|disks| disks.says),
        "signatures": plan.disks.as_ref().map_or(0, |disks| disks.signatures.len()),
    })
}
