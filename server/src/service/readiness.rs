//! The readiness list: people attest its items, or waive them, or take back what was said.

use cutover_core::{
    campaign::{Mode, ReadinessItem},
    readiness::{Answer, ItemState, ProofFile, Signature, WAIVERS},
};
use cutover_proto::artifact::ArtifactDigest;
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::InForce,
    personal::{PersonalValue, revealed},
};
use crate::store::{Reader, StreamName, WriteTx, personal};

/// A file that shows an item, as the one who attests read it. The file itself is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestedFile {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// What an item is attested with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestItem {
    /// What it rests on.
    pub why: String,
    /// What shows it.
    #[serde(default)]
    pub file: Option<AttestedFile>,
    /// Only say what would be noted.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an item is waived with, or what was said of it taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignItem {
    /// Why.
    pub why: String,
    /// Only say what would be noted.
    #[serde(default)]
    pub dry_run: bool,
}

/// Who said something of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureView {
    /// Who.
    pub by: String,
    /// What it rests on, or why.
    pub why: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// An item of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessView {
    /// Its name.
    pub name: String,
    /// What must be so.
    pub title: String,
    /// What goes wrong otherwise.
    pub why: String,
    /// What shows it.
    pub proof: String,
    /// Whether mode automatic starts nobody without it.
    pub required: bool,
    /// Open, after-others, half-waived, attested, waived.
    pub state: String,
    /// Items before it that are open.
    pub waits_for: Vec<String>,
    /// Who attested or waived it.
    pub signed: Vec<SignatureView>,
    /// The file that shows it.
    pub file: Option<AttestedFile>,
}

impl InForce {
    /// Items of the readiness list without which nobody may start, and that are open; none in another mode than automatic.
    pub(super) fn not_ready(&self) -> Vec<String> {
        if self.campaign.mode != Mode::Automatic {
            return Vec::new();
        }
        let open = self.progress.readiness.open(&self.campaign.readiness);
        open.into_iter().map(str::to_owned).collect()
    }

    fn item(&self, name: &str) -> Result<ReadinessItem, ServiceError> {
        let item = self.campaign.readiness.iter().find(|it| it.name == name);
        item.cloned().ok_or_else(|| ServiceError::NotFound {
            what: format!("item `{name}` in the readiness list; `cutover readiness list` shows all"),
        })
    }
}

impl Service {
    /// The readiness list of the version in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn readiness(&self) -> Result<Vec<ReadinessView>, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                let items = &in_force.campaign.readiness;
                items.iter().map(|item| view(tx, &in_force, item)).collect()
            })
            .await
    }

    /// Notes that an item is so; says what was noted, or would be.
    ///
    /// # Errors
    /// When there is no such item, one before it is open, it is settled already, nothing is said of what it rests on, or the
    /// caller may not.
    pub async fn attest_item(&self, caller: Caller, name: String, ask: AttestItem) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let said = self.said(&caller, &ask.why, "what it rests on")?;
        let file = ask.file.as_ref().map(|file| self.file(file)).transpose()?;
        let service = self.clone();
        let write = move |tx: &mut WriteTx<'_>| {
            let mut in_force = service.open_campaign(tx)?;
            let item = in_force.item(&name)?;
            let signature = said.signature(service.now_ms());
            let kept = file.as_ref().map(|(_, file)| file.clone());
            let answers = &mut in_force.progress.readiness;
            answers
                .attest(&in_force.campaign.readiness, &item, signature, kept.clone())
                .map_err(refused)?;
            if ask.dry_run {
                return Ok(format!("would note that it is so: {}", item.title));
            }
            let body = serde_json::json!({
                "item": name, "by": said.by.mention(), "why": said.why.mention(), "file": kept,
            });
            let names = file.iter().map(|(name, _)| name);
            service.note(tx, &in_force, names.chain(said.values()), "readiness-attested", body)?;
            Ok(format!("noted that it is so: {}{}", item.title, left(&in_force)))
        };
        self.0.store.write(write).await
    }

    /// Notes that an item need not be so. Two different people have to.
    ///
    /// # Errors
    /// When there is no such item, it is settled already, the caller signed before, gives no reason, or may not.
    pub async fn waive_item(&self, caller: Caller, name: String, ask: SignItem) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let said = self.said(&caller, &ask.why, "why it need not be so")?;
        let service = self.clone();
        let write = move |tx: &mut WriteTx<'_>| {
            let mut in_force = service.open_campaign(tx)?;
            let item = in_force.item(&name)?;
            let mut signers = Vec::new();
            if let Some(Answer::Waived { signatures }) = in_force.progress.readiness.of(&name) {
                for signature in signatures {
                    signers.push((signature.clone(), personal::reveal(tx, signature.by.digest())?));
                }
            }
            let is_another = |signature: &Signature| {
                let (_, signer) = signers.iter().find(|(known, _)| known == signature)?;
                signer.as_ref().map(|signer| signer != caller.name())
            };
            let answers = &mut in_force.progress.readiness;
            let count = answers
                .waive(&item, said.signature(service.now_ms()), is_another)
                .map_err(refused)?;
            let what = if count < WAIVERS {
                "the first of two signatures; another person's is missing"
            } else {
                "two people have signed that it need not be so"
            };
            if ask.dry_run {
                return Ok(format!("would note for {name}: {what}"));
            }
            let body = serde_json::json!({
                "item": name, "by": said.by.mention(), "why": said.why.mention(), "signatures": count,
            });
            service.note(tx, &in_force, said.values(), "readiness-waived", body)?;
            Ok(format!("noted for {name}: {what}{}", left(&in_force)))
        };
        self.0.store.write(write).await
    }

    /// Takes back what was said of an item. Where mode automatic needs it, nothing starts from the moment of the answer on.
    ///
    /// # Errors
    /// When there is no such item, nothing was said of it, no reason is given, or the caller may not.
    pub async fn withdraw_item(&self, caller: Caller, name: String, ask: SignItem) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let said = self.said(&caller, &ask.why, "why it is taken back")?;
        let service = self.clone();
        let write = move |tx: &mut WriteTx<'_>| {
            let mut in_force = service.open_campaign(tx)?;
            let item = in_force.item(&name)?;
            in_force.progress.readiness.withdraw(&item).map_err(refused)?;
            let stops = !in_force.not_ready().is_empty();
            let consequence = if stops {
                ": nothing starts until it is settled; orders that are out run to their end"
            } else {
                ""
            };
            if ask.dry_run {
                return Ok(format!("would take back what was said of {name}{consequence}"));
            }
            if stops {
                // Who issues an order at this moment holds on to the epoch, and is refused.
                in_force.row.epoch += 1;
            }
            let body = serde_json::json!({ "item": name, "by": said.by.mention(), "why": said.why.mention() });
            service.note(tx, &in_force, said.values(), "readiness-withdrawn", body)?;
            Ok(format!("took back what was said of {name}{consequence}"))
        };
        self.0.store.write(write).await
    }

    fn note<'a>(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        values: impl Iterator<Item = &'a PersonalValue>,
        kind: &str,
        body: serde_json::Value,
    ) -> Result<(), ServiceError> {
        let stream = StreamName::campaign(self.campaign_id().as_str());
        for value in values {
            value.keep(tx, &stream)?;
        }
        self.put_campaign(tx, in_force, Some((kind, body)))
    }

    fn said(&self, caller: &Caller, why: &str, what: &str) -> Result<Said, ServiceError> {
        let why = why.trim();
        if why.is_empty() {
            let why = format!("nothing is said of {what}; say it with --why, for whoever reads it later");
            return Err(ServiceError::Invalid { why });
        }
        Ok(Said {
            by: self.personal_user(caller.name())?,
            why: self.personal_note(why)?,
        })
    }

    fn file(&self, file: &AttestedFile) -> Result<(PersonalValue, ProofFile), ServiceError> {
        let sha256: ArtifactDigest = file.sha256.parse().map_err(|_| ServiceError::Invalid {
            why: format!("`{}` is no SHA-256; it takes 64 hex digits in lower case", file.sha256),
        })?;
        let name = self.personal_note(&file.name)?;
        let kept = ProofFile {
            name: name.mention(),
            sha256,
            size: file.size,
        };
        Ok((name, kept))
    }
}

/// Who says something, and in which words.
struct Said {
    by: PersonalValue,
    why: PersonalValue,
}

impl Said {
    fn signature(&self, at_ms: i64) -> Signature {
        Signature {
            by: self.by.mention(),
            why: self.why.mention(),
            at_ms,
        }
    }

    fn values(&self) -> impl Iterator<Item = &PersonalValue> {
        [&self.by, &self.why].into_iter()
    }
}

fn refused(why: cutover_core::readiness::NotSaid) -> ServiceError {
    ServiceError::Refused { why: why.to_string() }
}

/// What of the list is open still.
fn left(in_force: &InForce) -> String {
    let open = in_force.progress.readiness.open(&in_force.campaign.readiness);
    if open.is_empty() {
        "; nothing that is required is open any more".to_owned()
    } else {
        format!("; required and open still: {}", open.join(", "))
    }
}

fn view(db: &mut impl Reader, in_force: &InForce, item: &ReadinessItem) -> Result<ReadinessView, ServiceError> {
    let (items, answers) = (&in_force.campaign.readiness, &in_force.progress.readiness);
    let (signatures, file) = match answers.of(&item.name) {
        None => (Vec::new(), None),
        Some(Answer::Attested { signature, file }) => (vec![signature.clone()], file.clone()),
        Some(Answer::Waived { signatures }) => (signatures.clone(), None),
    };
    let mut signed = Vec::new();
    for signature in signatures {
        signed.push(SignatureView {
            by: revealed(db, signature.by.to_string())?,
            why: revealed(db, signature.why.to_string())?,
            at_ms: signature.at_ms,
        });
    }
    let file = match file {
        None => None,
        Some(file) => Some(AttestedFile {
            name: revealed(db, file.name.to_string())?,
            sha256: file.sha256.to_string(),
            size: file.size,
        }),
    };
    let state = answers.state(items, item);
    let waits_for = match state {
        ItemState::AfterOthers => answers.before(items, item),
        ItemState::Open | ItemState::HalfWaived | ItemState::Attested | ItemState::Waived => Vec::new(),
    };
    Ok(ReadinessView {
        name: item.name.clone(),
        title: item.title.clone(),
        why: item.why.clone(),
        proof: item.proof.clone(),
        required: item.required,
        state: state.to_string(),
        waits_for: waits_for.into_iter().map(str::to_owned).collect(),
        signed,
        file,
    })
}
