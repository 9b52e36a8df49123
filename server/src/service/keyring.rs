//! Which secrets there are, as decisions see them, and how an order gets its own: sealed to the one host that it is for.
//!
//! A check-in reads no more for it: the campaign's row, which is read anyhow, names what is set, and what is known by its name is not
//! read again.

use std::sync::{Arc, Mutex, PoisonError};

use cutover_core::{
    campaign::{Campaign, ReplacementRule},
    rollout::RunState,
    secret::{Held, Keyring, Tries},
};
use cutover_proto::{
    ids::{HostId, ProductId},
    secret::SecretUse,
    v1,
};
use zeroize::Zeroizing;

use super::{
    Service, ServiceError,
    campaign::Pass,
    customer,
    plan_edit::{signed, unsigned},
};
use crate::store::{
    Reader, WriteTx, hosts,
    secrets::{self, SecretRow},
};

/// What was read of secrets, by its name and the tenants that counted then; nothing before the first reading.
#[derive(Debug, Default)]
pub(super) struct KeyringCache(Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    name: String,
    tenants: Vec<(ProductId, String)>,
    keyring: Arc<Keyring>,
}

/// What became of a secret.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Set,
    Removed,
}

impl Service {
    /// The secrets of this name that orders of the campaign may bring, as the transaction sees them: what this server can open, and
    /// no id of another customer than the campaign names.
    pub(super) fn keyring(
        &self,
        db: &mut impl Reader,
        name: &str,
        campaign: &Campaign,
    ) -> Result<Arc<Keyring>, ServiceError> {
        let tenant = |rule: &ReplacementRule| Some((rule.product.clone(), rule.tenant.clone()?));
        let tenants: Vec<(ProductId, String)> = campaign.replacements.iter().filter_map(tenant).collect();
        let known = {
            let kept = self.0.keyring.0.lock().unwrap_or_else(PoisonError::into_inner);
            let same = kept.as_ref().filter(|it| it.name == name && it.tenants == tenants);
            same.map(|it| Arc::clone(&it.keyring))
        };
        if let Some(keyring) = known {
            return Ok(keyring);
        }
        // What does not open is as good as not there; `secret list` and the log of the start say so.
        let held = secrets::list(db)?.into_iter().filter_map(|row| {
            let values = self.opened(&row)?;
            if customer::anothers(campaign, &row, &values).is_some() {
                return None;
            }
            let digests = values
                .iter()
                .map(|value| self.0.secret_key.digest(&[&row.product, &row.name], value.as_bytes()));
            let held = Held {
                revision: unsigned(row.revision),
                values: digests.collect(),
            };
            Some(((row.product.as_str().into(), row.name), held))
        });
        let keyring = Arc::new(Keyring::new(held));
        *self.0.keyring.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            name: name.to_owned(),
            tenants,
            keyring: Arc::clone(&keyring),
        });
        Ok(keyring)
    }

    /// After a secret was set or removed: names what is set anew, and has hosts that may have waited for what is set decided anew. `name` is
    /// drawn for this change.
    pub(super) fn secrets_changed(
        &self,
        tx: &mut WriteTx<'_>,
        name: &str,
        row: &SecretRow,
        change: Change,
    ) -> Result<(), ServiceError> {
        // Before the first version of the campaign nobody waits, and once it is closed nobody does any more.
        if self.row_and_text(tx)?.is_none() {
            return Ok(());
        }
        let mut in_force = self.in_force(tx)?;
        if in_force.run == RunState::Closed {
            return Ok(());
        }
        name.clone_into(&mut in_force.progress.secrets);
        match change {
            Change::Set => Pass::Secrets.begin(&mut in_force.progress),
            // Nobody waits for that. A password without its login is not tried only because somebody is about to remove both.
            Change::Removed => {}
        }
        let body = serde_json::json!({ "product": row.product, "name": row.name, "revision": row.revision });
        self.put_campaign(tx, &in_force, Some(("secrets-changed", body)))
    }

    /// What an order brings, sealed to its host under its number: what was decided, and nothing else.
    ///
    /// # Errors
    /// When a secret changed since it was decided, or the host has no key to seal to: then the order is not issued.
    pub(super) fn sealed(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        order: u64,
        brings: &[Tries],
    ) -> Result<Vec<v1::SealedSecret>, ServiceError> {
        if brings.is_empty() {
            return Ok(Vec::new());
        }
        let refused = |why: String| ServiceError::Refused { why };
        let host_key = hosts::load(tx, &host.to_string())?
            .and_then(|row| row.sealing_key)
            .ok_or_else(|| {
                refused("the host has no key to which secrets are sealed; it has to enrol again".to_owned())
            })?;
        let rows = secrets::list(tx)?;
        let mut all = Vec::new();
        for of_product in brings {
            let product = &of_product.product;
            let takes = self
                .0
                .catalog
                .recipes
                .get(product)
                .map_or(&[][..], |recipe| &recipe.secrets);
            for (attempt, it) in (0..).zip(&of_product.tries) {
                for (name, place) in &it.values {
                    let changed = || refused(format!("secret {name} of {product} changed; the next order has it"));
                    let row = rows
                        .iter()
                        .find(|row| row.product == product.as_str() && row.name == *name)
                        .filter(|row| row.revision == signed(place.revision))
                        .ok_or_else(changed)?;
                    let values = self.opened(row).ok_or_else(changed)?;
                    let value = values.get(place.value).ok_or_else(changed)?;
                    let goes_to = takes
                        .iter()
                        .find(|secret| secret.name.as_str() == name)
                        .ok_or_else(changed)?;
                    let goes_to = SecretUse {
                        product: product.clone(),
                        attempt,
                        property: goes_to.property.clone(),
                        form: goes_to.form,
                    };
                    let sealed = goes_to.seal(&host_key, host, order, value.as_bytes());
                    all.push(sealed.map_err(|error| refused(format!("secret {name} of {product}: {error}")))?);
                }
            }
        }
        Ok(all)
    }

    /// The values of a secret; `None` where this server cannot open it.
    pub(super) fn opened(&self, row: &SecretRow) -> Option<Vec<Zeroizing<String>>> {
        let key = &self.0.secret_key;
        if row.key_id != key.id() {
            return None;
        }
        apart(&key.open(&[&row.product, &row.name], &row.sealed).ok()?)
    }
}

/// All values as they are sealed: each with its length in four bytes before it.
pub(super) fn together<'v>(values: impl Iterator<Item = &'v str> + Clone) -> Zeroizing<Vec<u8>> {
    // All of it at once: a buffer that grows would leave copies behind.
    let length = values.clone().map(|value| 4 + value.len()).sum();
    let mut plain = Zeroizing::new(Vec::with_capacity(length));
    for value in values {
        plain.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        plain.extend_from_slice(value.as_bytes());
    }
    plain
}

/// And apart again.
fn apart(mut plain: &[u8]) -> Option<Vec<Zeroizing<String>>> {
    let mut values = Vec::new();
    while !plain.is_empty() {
        let (length, rest) = plain.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        values.push(Zeroizing::new(std::str::from_utf8(value).ok()?.to_owned()));
        plain = rest;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_apart_as_they_were_put_together_and_damage_is_none() {
        for values in [&["one"][..], &["a", "пароль", ""], &[]] {
            let plain = together(values.iter().copied());
            let back: Vec<String> = apart(&plain).unwrap().iter().map(|it| it.to_string()).collect();
            assert_eq!(back, values);
        }
        let plain = together(["one", "two"].into_iter());
        for cut in [1, 3, 5, plain.len() - 1] {
            assert!(apart(&plain[..cut]).is_none(), "{cut}");
        }
        assert!(apart(&[0, 0, 0, 1, 0xff]).is_none());
    }
}
