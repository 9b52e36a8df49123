//! Enrolment: a token and a key become a host with a certificate. Idempotent by key.

use cutover_core::decide::Input;
use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    inventory::HostFacts,
    v1,
};

use super::{CallError, Service, ServiceError, campaign, entropy, known::known_of, plan_edit::PlanEdit};
use crate::{
    pki::{Certificate, CsrKey, HOST_LIFE},
    store::{StreamName, WriteTx, enrol_tokens, enrolments, events, host_keys, hosts, image_pools},
};

/// What an enrolment brings, checked for form.
#[derive(Debug, Clone)]
struct Newcomer {
    token_hash: String,
    spki_hash: String,
    sealing_key: Vec<u8>,
    facts: HostFacts,
    agent_version: String,
}

impl Service {
    /// Enrols a host, or answers again to one whose reply was lost.
    ///
    /// # Errors
    /// When token, key or facts are not good, or the store fails.
    pub async fn enroll(&self, request: v1::EnrollRequest) -> Result<v1::EnrollReply, CallError> {
        let csr_der = request.csr_der.clone();
        let newcomer = Newcomer::check(request)?;
        let known = self.host_of_key(newcomer.spki_hash.clone()).await?;
        let host = match known {
            Some(host) => host,
            None => match self
                .left_as(newcomer.facts.clone(), newcomer.token_hash.clone())
                .await?
            {
                Some(host) => host,
                None => self.0.entropy.host_id(self.real_now_ms())?,
            },
        };
        let certificate = self.issue(&csr_der, host)?;
        let (service, stored) = (self.clone(), certificate.clone());
        let epoch = self
            .0
            .store
            .write(move |tx| {
                service.admit(tx, host, &newcomer, &stored)?;
                Ok::<_, CallError>(Self::store_epoch(tx)?)
            })
            .await?;
        tracing::info!(%host, again = known.is_some(), "enrolled");
        Ok(self.enroll_reply(host, &certificate, epoch))
    }

    /// What a host gets with its identity.
    pub(super) fn enroll_reply(&self, host: HostId, certificate: &Certificate, store_epoch: String) -> v1::EnrollReply {
        self.with_pki(|pki| v1::EnrollReply {
            host_id: host.to_string(),
            certificate_chain: vec![certificate.der.clone()],
            trust_anchors: pki.roots().iter().map(|root| root.as_ref().to_vec()).collect(),
            signing_keys: pki.signing().wire(),
            store_epoch,
            server_time_ms: self.now_ms(),
        })
    }

    pub(super) async fn host_of_key(&self, spki_hash: String) -> Result<Option<HostId>, CallError> {
        let row = self
            .0
            .store
            .read(move |tx| Ok::<_, CallError>(enrolments::load(tx, &spki_hash)?))
            .await?;
        row.map(|row| {
            row.host_id
                .parse()
                .map_err(|error| CallError::from(campaign::broken_id(error)))
        })
        .transpose()
    }

    /// A certificate for a host, by the key of a request.
    pub(super) fn issue(&self, csr_der: &[u8], host: HostId) -> Result<Certificate, CallError> {
        self.with_pki(|pki| pki.issue_host(csr_der, host.uuid(), self.real_now_ms(), HOST_LIFE))
            .map_err(|error| CallError::Invalid { why: error.to_string() })
    }

    fn admit(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        newcomer: &Newcomer,
        certificate: &Certificate,
    ) -> Result<(), CallError> {
        let id = host.to_string();
        if let Some(enrolment) = enrolments::load(tx, &newcomer.spki_hash)? {
            if enrolment.host_id != id {
                // The same key enrolled at the same moment by another call; that one's host id counts.
                return Err(tx.conflict("enrolment").into());
            }
            return Ok(insert_key(tx, &id, certificate)?);
        }
        // Its plan would be one more of a campaign that is over.
        self.open_campaign(tx)?;
        let tags = self.use_token(tx, &newcomer.token_hash)?;
        self.add_host(
            tx,
            host,
            &newcomer.facts,
            &newcomer.sealing_key,
            &newcomer.agent_version,
            tags,
        )?;
        insert_key(tx, &id, certificate)?;
        let pool = image_pools::of_token(tx, &newcomer.token_hash)?;
        let enrolment = enrolments::EnrolmentRow {
            spki_hash: newcomer.spki_hash.clone(),
            token_hash: newcomer.token_hash.clone(),
            host_id: id.clone(),
            at_ms: self.now_ms(),
        };
        enrolments::insert(tx, &enrolment)?;
        let mut body = serde_json::json!({ "key": certificate.spki_hash, "facts": newcomer.facts });
        if let Some(pool) = &pool {
            body["pool"] = pool.pool.as_str().into();
            body["image"] = pool.image.as_str().into();
        }
        events::append_next(tx, &StreamName::host(&id), &[self.host_event("enrolled", &body, None)])?;
        if let Some(pool) = pool {
            return self.admit_to_pool(tx, host, &newcomer.facts, &pool);
        }
        let in_force = self.in_force(tx)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        let row = hosts::load(tx, &id)?.ok_or_else(|| tx.conflict(format!("host {id}")))?;
        let known = known_of(tx, &row)?;
        edit.take(&Input::Enrolled { known }, &in_force.cx(self))?;
        edit.save(tx, self, &in_force, self.now_ms())?;
        Ok(())
    }

    /// A host of which nothing is known yet but what it says of itself, or one that left and is here again.
    pub(super) fn add_host(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        facts: &HostFacts,
        sealing_key: &[u8],
        agent_version: &str,
        tags: String,
    ) -> Result<(), CallError> {
        let before = hosts::load(tx, &host.to_string())?;
        let row = hosts::HostRow {
            host_id: host.to_string(),
            created_ms: self.now_ms(),
            name: facts.hostname.clone(),
            site: None,
            tags,
            facts: serde_json::to_string(facts).map_err(|error| CallError::Broken {
                why: format!("facts: {error}"),
            })?,
            reported: "{}".to_owned(),
            agent_version: agent_version.to_owned(),
            rules_revision: 0,
            inventory_digest: None,
            inventory_at_ms: None,
            sealing_key: Some(sealing_key.to_vec()),
            next_order_number: 1,
            highest_begun: 0,
        };
        match before {
            None => Ok(hosts::insert(tx, &row)?),
            Some(before) => self.take_back(tx, host, before, row),
        }
    }

    fn use_token(&self, tx: &mut WriteTx<'_>, token_hash: &str) -> Result<String, CallError> {
        let refuse = |why: &str| Err(CallError::Token { why: why.to_owned() });
        match enrol_tokens::take_use(tx, token_hash, self.real_now_ms())? {
            enrol_tokens::TokenUse::Granted { tags } => Ok(tags),
            enrol_tokens::TokenUse::Unknown => refuse("the enrolment token is not known"),
            enrol_tokens::TokenUse::Revoked => refuse("the enrolment token was revoked"),
            enrol_tokens::TokenUse::Expired { .. } => refuse("the enrolment token has expired"),
            enrol_tokens::TokenUse::UsedUp => refuse("the enrolment token is used up"),
        }
    }

    /// An event of a host's own stream.
    pub(super) fn host_event(
        &self,
        kind: &str,
        body: &serde_json::Value,
        agent_at_ms: Option<i64>,
    ) -> events::NewEvent {
        events::NewEvent {
            kind: kind.to_owned(),
            schema_version: 1,
            body: body.to_string(),
            at_ms: self.now_ms(),
            agent_at_ms,
        }
    }
}

impl Newcomer {
    fn check(request: v1::EnrollRequest) -> Result<Self, CallError> {
        let invalid = |why: String| CallError::Invalid { why };
        let key = CsrKey::check(&request.csr_der).map_err(|error| invalid(error.to_string()))?;
        let sealing_key = checked_sealing_key(request.sealing_key, &key.spki_der)?;
        let facts: HostFacts = request
            .facts
            .ok_or_else(|| invalid("the enrolment brings no facts about the host".to_owned()))?
            .try_into()
            .map_err(|error: cutover_proto::WireError| invalid(error.to_string()))?;
        Ok(Self {
            token_hash: entropy::hash(&request.token),
            spki_hash: key.spki_hash,
            sealing_key,
            facts,
            agent_version: request.agent_version,
        })
    }
}

/// The X25519 key that the host's TLS key signed.
pub(super) fn checked_sealing_key(sealing: Option<v1::Envelope>, spki_der: &[u8]) -> Result<Vec<u8>, CallError> {
    let invalid = |why: String| CallError::Invalid { why };
    let sealing = sealing.ok_or_else(|| invalid("the request brings no sealing key".to_owned()))?;
    let signer = PublicKey::host(spki_der).map_err(|error| invalid(error.to_string()))?;
    let body = envelope::open(&sealing, Context::SealingKey, &[signer]).map_err(|error| invalid(error.to_string()))?;
    if body.len() == 32 {
        Ok(body.to_vec())
    } else {
        Err(invalid("the sealing key is not 32 bytes of X25519".into()))
    }
}

/// Maps a key to its host from here on; the same key again (a reply was lost) gets its newer certificate.
pub(super) fn insert_key(tx: &mut WriteTx<'_>, host: &str, certificate: &Certificate) -> Result<(), ServiceError> {
    if let Some(known) = host_keys::load(tx, &certificate.spki_hash)? {
        let again = known.host_id == host
            && host_keys::certify(tx, &known.spki_hash, certificate.not_after_ms, &certificate.der)?;
        if again {
            return Ok(());
        }
        let why = "this key was revoked, or is another host's; make new keys and enrol with a new token".to_owned();
        return Err(ServiceError::Invalid { why });
    }
    // A certificate begins at a full second. Keys of one host are told apart by their beginning, so a key that was renewed
    // within that second begins a moment later.
    let newest = host_keys::of_host(tx, host)?.iter().map(|key| key.from_ms).max();
    host_keys::insert(
        tx,
        &host_keys::HostKeyRow {
            spki_hash: certificate.spki_hash.clone(),
            host_id: host.to_owned(),
            from_ms: newest.map_or(certificate.not_before_ms, |ms| certificate.not_before_ms.max(ms + 1)),
            to_ms: certificate.not_after_ms,
            revoked_ms: None,
            certificate: certificate.der.clone(),
        },
    )?;
    Ok(())
}
