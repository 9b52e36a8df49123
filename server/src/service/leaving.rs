//! The last statement of a host: verified, made durable, and only then acknowledged. With it the host is concluded and its
//! keys are worth nothing any more.

use cutover_core::{decide::Input, leaving::stays, plan::Phase};
use cutover_proto::{envelope, ids::HostId, inventory::HostFacts, leaving::LastStatement, v1};
use prost::Message as _;

use super::{
    CallError, Service, ServiceError,
    campaign::{broken_id, last_seen},
    plan_edit::{PlanEdit, signed},
    tags,
};
use crate::store::{
    StreamName, WriteTx, events, host_habits, hosts, image_pools,
    last_statements::{self, Said},
};

/// A statement whose signature holds.
#[derive(Debug, Clone)]
struct SignedStatement {
    host: HostId,
    statement: LastStatement,
    said: Said,
    /// The key that speaks was revoked: by the acknowledgement that was lost, or by a person.
    is_revoked: bool,
}

impl Service {
    /// Takes the last statement of the host that speaks by the key `spki_der`, or answers it again as it was answered.
    /// `is_revoked` says that this key is good for nothing but that.
    ///
    /// # Errors
    /// When the statement is not the host's own, the key was revoked and this is not what was taken, or the store fails. What
    /// is the host's own and cannot be taken is answered with why.
    pub async fn leave(
        &self,
        host: HostId,
        spki_der: &[u8],
        is_revoked: bool,
        request: v1::LeaveRequest,
    ) -> Result<v1::LeaveReply, CallError> {
        let invalid = |why: String| CallError::Invalid { why };
        let signed = request
            .statement
            .ok_or_else(|| invalid("the request brings no last statement".to_owned()))?;
        let keys = self.keys_that_signed(host, spki_der, std::iter::once(&signed)).await?;
        let statement = LastStatement::open(&signed, &keys).map_err(|error| invalid(error.to_string()))?;
        if statement.host_id != host {
            return Err(invalid("the last statement is another host's".to_owned()));
        }
        let digest = envelope::digest(&signed);
        let it = SignedStatement {
            host,
            statement,
            said: Said {
                digest: hex::encode(digest),
                envelope: signed.encode_to_vec(),
                received_ms: self.now_ms(),
            },
            is_revoked,
        };
        let (service, taken) = (self.clone(), it.clone());
        let why_not = self.0.store.write(move |tx| service.conclude(tx, &taken)).await?;
        match why_not {
            None => {
                tracing::info!(%host, digest = it.said.digest, "the host has left with its last statement");
                Ok(v1::LeaveReply {
                    durable: digest.to_vec(),
                    why_not: String::new(),
                })
            }
            Some(why_not) => {
                tracing::info!(%host, why_not, "a last statement is not taken");
                Ok(v1::LeaveReply {
                    durable: Vec::new(),
                    why_not,
                })
            }
        }
    }

    /// Why it was not taken; `None` where it is durable.
    fn conclude(&self, tx: &mut WriteTx<'_>, it: &SignedStatement) -> Result<Option<String>, CallError> {
        let id = it.host.to_string();
        let row = last_statements::load(tx, &id)?;
        let before = row.as_ref().and_then(|row| row.said.as_ref());
        if before.is_some_and(|said| said.digest == it.said.digest) {
            return Ok(None);
        }
        if it.is_revoked {
            return Err(CallError::Revoked);
        }
        let not = |why: &str| Ok(Some(why.to_owned()));
        if before.is_some() {
            return not("this host has made another last statement already");
        }
        if row.is_none_or(|row| row.request_id != it.statement.request_id) {
            return not("the last statement answers a request that this server did not make");
        }
        let host = hosts::load(tx, &id)?.ok_or(CallError::UnknownHost)?;
        if signed(it.statement.highest_order_begun) < host.highest_begun {
            return not("the last statement knows of fewer orders than this host has begun");
        }
        if host.inventory_digest != Some(hex::encode(&it.statement.inventory_digest)) {
            return not("the final inventory is not the one that this server has; it is sent first");
        }
        let in_force = self.in_force(tx)?;
        let mut edit = PlanEdit::load(tx, self, it.host)?;
        if let Some(stays) = stays(&edit.plan, &in_force.campaign, in_force.run, self.now_ms()) {
            return Ok(Some(format!("the host is asked no longer: {}", stays.text())));
        }
        if !last_statements::keep(tx, &id, &it.statement.request_id, &it.said)? {
            return Err(tx.conflict("the last statement").into());
        }
        edit.told_at(it.statement.at_ms);
        edit.take(&Input::Concluded, &in_force.cx(self))?;
        // The bytes too: whoever enrols again is asked anew one day, and what was proven before stays provable.
        let body = serde_json::json!({
            "request": it.statement.request_id,
            "digest": it.said.digest,
            "envelope": hex::encode(&it.said.envelope),
        });
        let event = self.host_event("last-statement", &body, Some(it.statement.at_ms));
        events::append_next(tx, &StreamName::host(&id), &[event])?;
        let last_seen_ms = last_seen(tx, it.host)?.max(self.now_ms());
        edit.save(tx, self, &in_force, last_seen_ms)?;
        // The connection stays: the acknowledgement goes over it, and the next call is denied.
        self.end_keys(tx, &id, None, false)?;
        host_habits::erase(tx, &id)?;
        Ok(None)
    }

    /// The host that left as this machine, where there is exactly one: it is that again when it enrols. None for machines that
    /// an image makes, which come and go. Several machines may say the same of themselves; the first that comes is it.
    pub(super) async fn left_as(&self, facts: HostFacts, token_hash: String) -> Result<Option<HostId>, CallError> {
        if facts.machine_id.is_empty() {
            return Ok(None);
        }
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                if image_pools::of_token(tx, &token_hash)?.is_some() {
                    return Ok(None);
                }
                let mut found = Vec::new();
                for row in hosts::by_name(tx, &facts.hostname)? {
                    let host: HostId = row.host_id.parse().map_err(broken_id)?;
                    // Facts of a version that this one cannot read are nobody's.
                    let is_same = serde_json::from_str(&row.facts).is_ok_and(|before| is_same_machine(&before, &facts));
                    if is_same && PlanEdit::load(tx, &service, host)?.plan.phase == Phase::Concluded {
                        found.push(host);
                    }
                }
                Ok::<_, CallError>(match found.as_slice() {
                    [host] => Some(*host),
                    [] | [_, ..] => None,
                })
            })
            .await
    }

    /// What is known of a host that left and is here again is what it says now; its agent begins a journal of its own.
    pub(super) fn take_back(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        before: hosts::HostRow,
        now: hosts::HostRow,
    ) -> Result<(), CallError> {
        if PlanEdit::load(tx, self, host)?.plan.phase != Phase::Concluded {
            // Another one that says the same of itself was faster: asked again, this one becomes a host of its own.
            return Err(CallError::Busy);
        }
        // What people said of it stays; what its token grants comes to that.
        let mut tags = tags::read(&before)?;
        for tag in tags::read(&now)? {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        let tags = serde_json::to_string(&tags).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        hosts::set_tags(tx, &before.host_id, &before.tags, &tags)?;
        hosts::forget_begun(tx, &before.host_id)?;
        last_statements::forget(tx, &before.host_id)?;
        let site = before.site.clone();
        hosts::update(tx, &hosts::HostRow { site, ..now })?;
        Ok(())
    }
}

fn is_same_machine(before: &HostFacts, now: &HostFacts) -> bool {
    let said = |facts: &HostFacts| {
        (
            facts.machine_id.clone(),
            facts.system_uuid.clone(),
            facts.serial.clone(),
        )
    };
    said(before) == said(now)
}
