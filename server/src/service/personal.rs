//! Names and free text of people: kept apart from the events that mention them, put back for those who may read, erased
//! on demand.

use std::collections::BTreeMap;

use cutover_core::plan::Personal;

use super::{Caller, Entropy, Service, ServiceError, access::Role};
use crate::store::{Reader, StreamName, WriteTx, host_habits, personal};

/// What is shown in place of a value that was erased.
const ERASED: &str = "(erased)";

/// A personal value on its way into events, with a salt of its own: the same name twice gives two digests.
#[derive(Clone)]
pub(super) struct PersonalValue {
    field: &'static str,
    value: String,
    salt: [u8; 16],
    mention: Personal,
}

impl PersonalValue {
    fn new(entropy: &Entropy, field: &'static str, value: &str) -> Result<Self, ServiceError> {
        let salt = entropy.bytes::<16>()?;
        let digest = personal::digest(&salt, field, value);
        let mention = Personal::of_digest(&digest).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        Ok(Self {
            field,
            value: value.to_owned(),
            salt,
            mention,
        })
    }

    /// What stands for it in inputs and events.
    pub(super) fn mention(&self) -> Personal {
        self.mention.clone()
    }

    /// Keeps the value for as long as this stream's values are kept.
    pub(super) fn keep(&self, tx: &mut WriteTx<'_>, stream: &StreamName) -> Result<(), ServiceError> {
        personal::put(tx, stream, self.field, &self.value, &self.salt)?;
        Ok(())
    }
}

/// A text for people: each personal value that it mentions is put in, or said to be erased.
pub(super) fn revealed(db: &mut impl Reader, text: String) -> Result<String, ServiceError> {
    let mentioned = Personal::mentioned_in(&text);
    if mentioned.is_empty() {
        return Ok(text);
    }
    let mut values = BTreeMap::new();
    for mention in mentioned {
        let value = personal::reveal(db, mention.digest())?.unwrap_or_else(|| ERASED.to_owned());
        values.insert(mention, value);
    }
    Ok(Personal::fill_in(&text, |mention| values[mention].clone()))
}

/// The same for several texts.
pub(super) fn all_revealed(db: &mut impl Reader, texts: Vec<String>) -> Result<Vec<String>, ServiceError> {
    texts.into_iter().map(|text| revealed(db, text)).collect()
}

impl Service {
    /// A person's name.
    pub(super) fn personal_user(&self, name: &str) -> Result<PersonalValue, ServiceError> {
        PersonalValue::new(&self.0.entropy, "user", name)
    }

    /// Free text.
    pub(super) fn personal_note(&self, text: &str) -> Result<PersonalValue, ServiceError> {
        PersonalValue::new(&self.0.entropy, "note", text)
    }

    /// Erases what people wrote about a host, and their names there; its events stay, and their chains still verify. Says
    /// what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller is no administrator, or the store fails.
    pub async fn erase_personal(&self, caller: Caller, wanted: String, dry_run: bool) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        self.0
            .store
            .write(move |tx| {
                let crate::store::hosts::HostRow { host_id, name, .. } = service.named_host(tx, &wanted)?;
                let streams = [
                    StreamName::host(&host_id),
                    StreamName::plan(service.campaign_id().as_str(), &host_id),
                ];
                let mut count = 0;
                for stream in &streams {
                    count += if dry_run {
                        personal::of_stream(tx, stream)?.len() as u64
                    } else {
                        personal::erase(tx, stream)?
                    };
                }
                if dry_run {
                    return Ok(format!("would erase {count} names and notes about {name}"));
                }
                // When somebody is usually at a machine is of a person too.
                host_habits::erase(tx, &host_id)?;
                let detail = serde_json::json!({ "host": host_id, "values": count });
                service.audit(tx, super::access::HOSTS, &by, "personal-erased", detail)?;
                Ok::<_, ServiceError>(format!("erased {count} names and notes about {name}; its events stay"))
            })
            .await
    }
}
