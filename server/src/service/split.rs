//! One identity on several machines: each that still has it gets one of its own by it, without a person at the machine.
//!
//! What this grants is little: a host under a hold. `docs/decisions/0021-clones-enrol-by-the-identity-they-share.md`.

use cutover_core::{
    decide::Input,
    plan::{Hold, HoldKind},
    trail::SESSIONS_MAX,
};
use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    inventory::HostFacts,
    v1,
};
use sha2::{Digest, Sha256};

use super::{
    CallError, Service,
    campaign::last_seen,
    check_in::CloneWords,
    enroll::{checked_sealing_key, insert_key},
    plan_edit::PlanEdit,
};
use crate::{
    pki::{Certificate, CsrKey},
    store::{StreamName, WriteTx, clones, enrolments, events, host_sessions, hosts},
};

/// From so many machines of an identity on, nothing is left that is that identity.
const GONE_FROM: usize = 2;

/// A machine that asks for an identity of its own, checked for form.
#[derive(Debug, Clone)]
struct Comer {
    spki_hash: String,
    sealing_key: Vec<u8>,
    facts: HostFacts,
    agent_version: String,
    boot_id: String,
}

impl Service {
    /// Gives one of the machines that speak by the key `spki_der` an identity of its own, or answers again to one whose
    /// reply was lost.
    ///
    /// # Errors
    /// When nobody disputes the identity, the machine has one already, the request is not good, or the store fails.
    pub async fn split(
        &self,
        ancestor: HostId,
        spki_der: &[u8],
        request: v1::SplitRequest,
    ) -> Result<v1::EnrollReply, CallError> {
        let csr_der = request.csr_der.clone();
        let comer = Comer::check(spki_der, request)?;
        let known = self.host_of_key(comer.spki_hash.clone()).await?;
        let host = match known {
            Some(host) => host,
            None => self.0.entropy.host_id(self.real_now_ms())?,
        };
        let certificate = self.issue(&csr_der, host)?;
        let words = CloneWords::draw(self)?;
        let (service, stored) = (self.clone(), certificate.clone());
        let epoch = self
            .0
            .store
            .write(move |tx| {
                service.split_off(tx, ancestor, host, &comer, &stored, &words)?;
                Ok::<_, CallError>(Self::store_epoch(tx)?)
            })
            .await?;
        tracing::info!(%ancestor, %host, again = known.is_some(), "a machine got an identity of its own");
        Ok(self.enroll_reply(host, &certificate, epoch))
    }

    fn split_off(
        &self,
        tx: &mut WriteTx<'_>,
        ancestor: HostId,
        host: HostId,
        comer: &Comer,
        certificate: &Certificate,
        words: &CloneWords,
    ) -> Result<(), CallError> {
        let (from, id) = (ancestor.to_string(), host.to_string());
        let may = clones::incident(tx, &from)?.is_some_and(|incident| incident.refused_ms.is_none());
        if !may {
            return Err(invalid(
                "no other machine is known to have this identity, or an operator decided that none gets another by it; \
                 enrol with a token",
            ));
        }
        let members = clones::members(tx, &from)?;
        if let Some(enrolment) = enrolments::load(tx, &comer.spki_hash)? {
            if enrolment.host_id != id {
                return Err(tx.conflict("enrolment").into());
            }
            if !members.iter().any(|member| member.host_id == id) {
                return Err(invalid("this key is another host's; make new keys"));
            }
            return Ok(insert_key(tx, &id, certificate)?);
        }
        if host_sessions::load(tx, &from, &comer.boot_id)?.is_none() {
            return Err(invalid("this kernel session has not checked in; check in first"));
        }
        if members.iter().any(|member| member.boot_id == comer.boot_id) {
            return Err(invalid(
                "a machine of this kernel session has its own identity already; restart this one, or enrol it with a token",
            ));
        }
        if members.len() >= SESSIONS_MAX {
            return Err(invalid(
                "too many machines came of this identity; enrol this one with a token",
            ));
        }
        let before = hosts::load(tx, &from)?.ok_or(CallError::UnknownHost)?;
        self.add_host(
            tx,
            host,
            &comer.facts,
            &comer.sealing_key,
            &comer.agent_version,
            before.tags,
        )?;
        insert_key(tx, &id, certificate)?;
        let enrolment = enrolments::EnrolmentRow {
            spki_hash: comer.spki_hash.clone(),
            // No token has this hash.
            token_hash: format!("identity:{from}"),
            host_id: id.clone(),
            at_ms: self.now_ms(),
        };
        enrolments::insert(tx, &enrolment)?;
        let member = clones::MemberRow {
            ancestor_id: from.clone(),
            boot_id: comer.boot_id.clone(),
            host_id: id.clone(),
            at_ms: self.now_ms(),
            settled_ms: None,
        };
        clones::join(tx, &member)?;
        let head = events::head(tx, &StreamName::host(&from))?;
        let body = serde_json::json!({
            "key": certificate.spki_hash, "facts": comer.facts, "forked_from": from, "at": head.seq,
        });
        events::append_next(tx, &StreamName::host(&id), &[self.host_event("enrolled", &body, None)])?;
        let body = serde_json::json!({ "to": id, "boot_id": comer.boot_id });
        events::append_next(tx, &StreamName::host(&from), &[self.host_event("forked", &body, None)])?;
        self.fork_plan(tx, ancestor, host, members.len() + 1, words)
    }

    /// The plan of the machine: looked at anew, under a hold, and with what was true of the disk that it is a copy of.
    fn fork_plan(
        &self,
        tx: &mut WriteTx<'_>,
        ancestor: HostId,
        host: HostId,
        machines: usize,
        words: &CloneWords,
    ) -> Result<(), CallError> {
        let in_force = self.open_campaign(tx)?;
        let mut old = PlanEdit::load(tx, self, ancestor)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        let cx = in_force.cx(self);
        // What was said of the one identity was said of each of its machines, as far as anybody knows.
        let known = old.plan.known.clone();
        edit.take(&Input::Enrolled { known }, &cx)?;
        let forked = Input::Forked {
            from: ancestor,
            first_carried_ms: old.plan.first_carried_ms.filter(|_| old.plan.ever_carried),
        };
        edit.take(&forked, &cx)?;
        for hold in inherited(old.plan.holds.values(), self.now_ms()).chain([words.hold()]) {
            edit.take(&Input::HoldPlaced(hold), &cx)?;
        }
        words.who.keep(tx, &edit.stream())?;
        words.why.keep(tx, &edit.stream())?;
        edit.save(tx, self, &in_force, self.now_ms())?;
        if machines >= GONE_FROM && !old.plan.is_closed() {
            let gone = Input::Retired {
                by: words.who.mention(),
                why: words.why.mention(),
            };
            words.who.keep(tx, &old.stream())?;
            words.why.keep(tx, &old.stream())?;
            old.take(&gone, &cx)?;
            let last_seen_ms = last_seen(tx, ancestor)?;
            old.save(tx, self, &in_force, last_seen_ms)?;
        }
        Ok(())
    }
}

impl Comer {
    fn check(spki_der: &[u8], request: v1::SplitRequest) -> Result<Self, CallError> {
        let key = CsrKey::check(&request.csr_der).map_err(|error| invalid(error.to_string()))?;
        let shared = PublicKey::host(spki_der).map_err(|error| invalid(error.to_string()))?;
        let proof = request
            .proof
            .as_ref()
            .ok_or_else(|| invalid("the request brings no proof by the key that several machines have"))?;
        let proven = envelope::open(proof, Context::Split, &[shared]).map_err(|error| invalid(error.to_string()))?;
        let mut expected = Sha256::digest(&request.csr_der).to_vec();
        expected.extend(request.boot_id.as_bytes());
        if proven != expected.as_slice() {
            return Err(invalid("the proof is for another request"));
        }
        let facts = request
            .facts
            .ok_or_else(|| invalid("the request brings no facts about the host"))?
            .try_into()
            .map_err(|error: cutover_proto::WireError| invalid(error.to_string()))?;
        Ok(Self {
            sealing_key: checked_sealing_key(request.sealing_key, &key.spki_der)?,
            spki_hash: key.spki_hash,
            facts,
            agent_version: request.agent_version,
            boot_id: request.boot_id,
        })
    }
}

/// What held the machine before holds each copy: a legal hold is about what lies on the disk.
fn inherited<'a>(holds: impl Iterator<Item = &'a Hold>, now_ms: i64) -> impl Iterator<Item = Hold> {
    let goes_on = move |hold: &&Hold| hold.until_ms.is_none_or(|until_ms| until_ms > now_ms);
    holds
        .filter(|hold| hold.kind != HoldKind::Clone)
        .filter(goes_on)
        .cloned()
}

fn invalid(why: impl Into<String>) -> CallError {
    CallError::Invalid { why: why.into() }
}

#[cfg(test)]
mod tests {
    use cutover_core::plan::Personal;

    use super::*;

    #[test]
    fn a_hold_that_has_not_ended_holds_each_copy() {
        let somebody = Personal::of_digest(&"ab".repeat(32)).expect("a digest");
        let hold = |kind, until_ms| Hold {
            kind,
            who: somebody.clone(),
            why: somebody.clone(),
            until_ms,
        };
        let holds = [
            hold(HoldKind::Clone, None),
            hold(HoldKind::Operator, Some(100)),
            hold(HoldKind::Legal, None),
        ];
        assert_eq!(inherited(holds.iter(), 100).collect::<Vec<_>>(), [holds[2].clone()]);
        assert_eq!(inherited(holds.iter(), 99).collect::<Vec<_>>(), holds[1..]);
    }
}
