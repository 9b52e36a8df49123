//! Enrolment tokens: made here, used by hosts, kept as hashes.

use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    entropy,
};
use crate::store::{
    enrol_tokens,
    image_pools::{self, PoolToken},
};

const HOUR_MS: i64 = 3_600_000;
/// Longer names of pools, images and people fit no table.
const NAME_MAX: usize = 100;
/// Longer than this nobody would remember what was asked for.
const DAYS_MAX: u32 = 366;

/// A token good for longer than this would be forgotten.
const HOURS_MAX: u32 = 24 * 366;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// How many hosts may enrol with it.
    pub uses: u32,
    /// For how long it is good.
    pub hours: u32,
    /// The pool of machines that may enrol with it, where they come and go from one image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolImage>,
}

/// An image from which machines of a pool are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolImage {
    /// The pool; it is made where there is none of this name.
    pub pool: String,
    /// What this image is called.
    pub image: String,
    /// Who answers for it.
    pub owner: String,
    /// How many days another image may take.
    pub within_days: u32,
}

impl PoolImage {
    fn checked(&self) -> Result<PoolToken, ServiceError> {
        for (what, text) in [("pool", &self.pool), ("image", &self.image), ("owner", &self.owner)] {
            if text.trim().is_empty() || text.chars().count() > NAME_MAX || text.chars().any(char::is_control) {
                let why = format!("the {what} needs a name of at most {NAME_MAX} printable characters");
                return Err(ServiceError::Invalid { why });
            }
        }
        if self.within_days == 0 || self.within_days > DAYS_MAX {
            let why = format!("another image may take between 1 and {DAYS_MAX} days");
            return Err(ServiceError::Invalid { why });
        }
        Ok(PoolToken {
            pool: self.pool.trim().to_owned(),
            image: self.image.trim().to_owned(),
            owner: self.owner.trim().to_owned(),
            within_ms: i64::from(self.within_days) * 24 * HOUR_MS,
        })
    }
}

/// A token, in plain this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenMade {
    /// In plain.
    pub token: String,
    /// How many hosts may enrol with it.
    pub uses: u32,
    /// Its end, in milliseconds since the epoch.
    pub ends_ms: i64,
    /// What agents pin.
    pub ca_fingerprint: String,
}

impl Service {
    /// Makes an enrolment token.
    ///
    /// # Errors
    /// When the caller may not, or a number makes no sense.
    pub async fn create_token(&self, caller: Caller, ask: NewToken) -> Result<TokenMade, ServiceError> {
        caller.must_be(Role::Operator)?;
        if ask.uses == 0 || ask.hours == 0 || ask.hours > HOURS_MAX {
            let why = format!("a token needs at least one use and between 1 and {HOURS_MAX} hours");
            return Err(ServiceError::Invalid { why });
        }
        let pool = ask.pool.as_ref().map(PoolImage::checked).transpose()?;
        let token = format!("enrol_{}", self.0.entropy.hex::<24>()?);
        let now_ms = self.real_now_ms();
        let ends_ms = now_ms + i64::from(ask.hours) * HOUR_MS;
        let (token_hash, service) = (entropy::hash(&token), self.clone());
        let by = self.personal_user(caller.name())?;
        self.0
            .store
            .write(move |tx| {
                let row = enrol_tokens::EnrolTokenRow {
                    token_hash: token_hash.clone(),
                    name: format!("by {}", caller.name()),
                    created_ms: now_ms,
                    ends_ms,
                    uses_left: i64::from(ask.uses),
                    tags: "[]".to_owned(),
                    revoked_ms: None,
                };
                enrol_tokens::insert(tx, &row)?;
                let mut detail = serde_json::json!({ "uses": ask.uses, "ends_ms": ends_ms });
                if let Some(pool) = &pool {
                    image_pools::add_token(tx, &token_hash, pool)?;
                    detail["pool"] = pool.pool.as_str().into();
                    detail["image"] = pool.image.as_str().into();
                }
                service.audit(tx, access::TOKENS, &by, "token-created", detail)
            })
            .await?;
        let ca_fingerprint = self.with_pki(|pki| pki.fingerprint().to_owned());
        Ok(TokenMade {
            token,
            uses: ask.uses,
            ends_ms,
            ca_fingerprint,
        })
    }
}
