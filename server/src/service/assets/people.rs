//! What people decide and attest.

use std::collections::BTreeSet;

use cutover_core::coverage::{Claim, Pin};
use serde::{Deserialize, Serialize};

use super::{
    super::{Caller, Service, ServiceError, access::Role, campaign::broken_id},
    ASSETS, convert,
};
use crate::store::{
    Reader,
    assets::{self, AssetRow},
    identifiers::Owner,
    personal,
};

/// No attestation holds longer.
const LONGEST_MS: i64 = 400 * 86_400_000;

/// What is attested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestAsset {
    /// `clear`, `replaced`, `carries` or `gone`.
    pub claim: String,
    /// Until when, RFC 3339.
    pub until: String,
    /// By what it is known. Personal.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an asset is, by a person's word. Neither: the identifiers decide again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchAsset {
    /// This host, by id or name.
    #[serde(default)]
    pub host: Option<String>,
    /// None of the hosts.
    #[serde(default)]
    pub no_host: bool,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

impl Service {
    /// The asset that an operator means by id or by name.
    pub(super) fn named_asset(&self, db: &mut impl Reader, wanted: &str) -> Result<AssetRow, ServiceError> {
        let mut rows = assets::load_all(db, [&wanted.to_owned()])?;
        if rows.is_empty() {
            rows = assets::by_name(db, wanted)?;
        }
        match (rows.pop(), rows.as_slice()) {
            (Some(row), []) => Ok(row),
            (None, _) => Err(ServiceError::NotFound {
                what: format!("asset `{wanted}`"),
            }),
            (Some(last), others) => {
                let ids: Vec<String> = others
                    .iter()
                    .chain([&last])
                    .map(|row| format!("{} ({})", row.asset_id, row.source))
                    .collect();
                Err(ServiceError::Invalid {
                    why: format!(
                        "several assets are named `{wanted}`; name one by its id: {}",
                        ids.join(", ")
                    ),
                })
            }
        }
    }

    /// Attests what nobody can look at, until an end; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such asset, it is an enrolled host, the caller may not, or the end is not as it should be.
    pub async fn attest_asset(&self, caller: Caller, wanted: String, ask: AttestAsset) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let invalid = |why: String| ServiceError::Invalid { why };
        let claim = Claim::parse(&ask.claim).map_err(|error| invalid(error.to_string()))?;
        let until: jiff::Timestamp = ask.until.parse().map_err(|_| {
            invalid(format!(
                "`{}` is no instant; write one with its zone, such as 2027-01-31T00:00:00Z",
                ask.until
            ))
        })?;
        let (ends_ms, now_ms) = (until.as_millisecond(), self.now_ms());
        if ends_ms <= now_ms || ends_ms > now_ms.saturating_add(LONGEST_MS) {
            return Err(invalid(
                "an attestation ends in the future, and within 400 days".to_owned(),
            ));
        }
        if ask.why.trim().is_empty() {
            return Err(invalid("say by what it is known: --why".to_owned()));
        }
        let (by, why) = (self.personal_user(caller.name())?, self.personal_note(&ask.why)?);
        let audited = self.personal_user(caller.name())?;
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                service.open_campaign(tx)?;
                assets::take_turn(tx)?;
                let before = service.named_asset(tx, &wanted)?;
                if before.is_word == "host" {
                    return Err(ServiceError::Refused {
                        why: format!(
                            "{} is an enrolled host; its looks count, and nothing is attested of it",
                            before.name
                        ),
                    });
                }
                let what = format!("{} as {claim} until {until}", before.name);
                if ask.dry_run {
                    return Ok(format!("would attest {what}"));
                }
                let stream = convert::stream(&before.asset_id);
                by.keep(tx, &stream)?;
                why.keep(tx, &stream)?;
                let row = AssetRow {
                    claim: claim.as_str().to_owned(),
                    claimed_by: by.mention().to_string(),
                    claimed_why: why.mention().to_string(),
                    claim_ends_ms: Some(ends_ms),
                    claimed_ms: Some(now_ms),
                    updated_ms: now_ms,
                    ..before.clone()
                };
                assets::put(tx, &row, &before.bucket)?;
                let detail = serde_json::json!({
                    "asset": row.asset_id, "claim": claim, "ends_ms": ends_ms, "why": why.mention().to_string(),
                });
                service.audit(tx, ASSETS, &audited, "asset-attested", detail)?;
                service.place_around(tx, BTreeSet::from([Owner::Asset(row.asset_id)]))?;
                Ok(format!("attested {what}"))
            })
            .await
    }

    /// Says which host an asset is, or that it is none; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such asset or host, or the caller may not.
    pub async fn match_asset(&self, caller: Caller, wanted: String, ask: MatchAsset) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        if ask.host.is_some() && ask.no_host {
            return Err(ServiceError::Invalid {
                why: "name a host, or say that it is none of them, not both".to_owned(),
            });
        }
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        self.0
            .store
            .write(move |tx| {
                service.open_campaign(tx)?;
                assets::take_turn(tx)?;
                let before = service.named_asset(tx, &wanted)?;
                let (pin, what) = match &ask.host {
                    Some(host) => {
                        let host = service.named_host(tx, host)?;
                        let pin = Pin::Host(host.host_id.parse().map_err(broken_id)?);
                        (Some(pin), format!("{} with host {}", before.name, host.name))
                    }
                    None if ask.no_host => (Some(Pin::NoHost), format!("{} with no host", before.name)),
                    None => (None, format!("{} by its identifiers again", before.name)),
                };
                if ask.dry_run {
                    return Ok(format!("would match {what}"));
                }
                let row = AssetRow {
                    pin: pin.map(|pin| convert::json(&pin)).transpose()?.unwrap_or_default(),
                    updated_ms: service.now_ms(),
                    ..before.clone()
                };
                assets::put(tx, &row, &before.bucket)?;
                let detail = serde_json::json!({ "asset": row.asset_id, "is": pin });
                service.audit(tx, ASSETS, &by, "asset-matched", detail)?;
                // Whoever is linked with the host that it was, too.
                let mut first = BTreeSet::from([Owner::Asset(row.asset_id)]);
                if !before.host_id.is_empty() {
                    first.insert(Owner::Host(before.host_id));
                }
                service.place_around(tx, first)?;
                Ok(format!("matched {what}"))
            })
            .await
    }

    /// Erases who owns an asset, and who attested it and why; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such asset, or the caller is no administrator.
    pub async fn erase_asset_personal(
        &self,
        caller: Caller,
        wanted: String,
        dry_run: bool,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        self.0
            .store
            .write(move |tx| {
                let row = service.named_asset(tx, &wanted)?;
                let stream = convert::stream(&row.asset_id);
                if dry_run {
                    let count = personal::of_stream(tx, &stream)?.len();
                    return Ok(format!("would erase {count} names and notes about {}", row.name));
                }
                let count = personal::erase(tx, &stream)?;
                let detail = serde_json::json!({ "asset": row.asset_id, "values": count });
                service.audit(tx, ASSETS, &by, "personal-erased", detail)?;
                Ok::<_, ServiceError>(format!("erased {count} names and notes about {}", row.name))
            })
            .await
    }
}
