//! Secrets that orders need: uninstall passwords, tenants' tokens, onboarding files. They come in, and no use case gives one out.

use std::fmt;

use cutover_core::campaign::Campaign;
use cutover_proto::ids::ProductId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::{
    Caller, Service, ServiceError,
    access::{self, Role},
    customer,
    keyring::{Change, together},
    personal::revealed,
};
use crate::{
    pki::SEAL_NONCE,
    store::{
        Reader, StoreError,
        secrets::{self, SecretRow},
    },
};

/// More wrong passwords than these on one machine might lock it; no vendor states a number.
const VALUES_MAX: usize = 3;

/// The longest of several values, in bytes: these are passwords.
const VALUE_MAX: usize = 512;

/// The longest value that stands alone, in bytes: it may be a file.
const ALONE_MAX: usize = 32 * 1024;

/// The longest name.
const NAME_MAX: usize = 64;

/// One value of a secret on its way in. It is wiped when it is dropped, and never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretValue(pub(super) String);

impl SecretValue {
    /// This text, as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether it begins or ends with what cannot be seen: seldom meant, and sometimes so.
    #[must_use]
    pub fn has_blank_ends(&self) -> bool {
        self.0.trim() != self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue")
    }
}

impl Drop for SecretValue {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A secret that is to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// The product that it is for, as the catalog calls it.
    pub product: String,
    /// What it may be, the likeliest first.
    pub values: Vec<SecretValue>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A secret that is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecret {
    /// The product that it is for.
    pub product: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is told of a secret: everything but what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretView {
    /// The product that it is for.
    pub product: String,
    /// What it is called there.
    pub name: String,
    /// From 1; each time that it is set it gets the next.
    pub revision: i64,
    /// How many values it has.
    pub values: i64,
    /// When it was set.
    pub set_ms: i64,
    /// Who set it.
    pub by: String,
    /// Why it cannot be used, and what to do; none where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Service {
    /// Sets a secret, in the place of what it was; says what was done, or would be.
    ///
    /// # Errors
    /// When the caller is no administrator, product, name or a value is not as it should be, or other secrets were sealed with
    /// another key than this server's. No error holds anything of a value.
    pub async fn set_secret(&self, caller: Caller, name: String, new: NewSecret) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let product = self.product_of_secret(&new.product)?.to_string();
        check_name(&name)?;
        check_values(&new.values)?;
        self.check_belonging(&product, &name, &new.values)?;
        let nonce = self.0.entropy.bytes::<SEAL_NONCE>()?;
        let row = SecretRow {
            revision: 0,
            candidates: i64::try_from(new.values.len()).unwrap_or(i64::MAX),
            key_id: self.0.secret_key.id().to_owned(),
            sealed: self
                .0
                .secret_key
                .seal(
                    nonce,
                    &[&product, &name],
                    &together(new.values.iter().map(|value| value.0.as_str())),
                )
                .map_err(|error| ServiceError::Broken { why: error.to_string() })?,
            set_ms: self.now_ms(),
            set_by: String::new(),
            product,
            name,
        };
        let (service, by, dry_run) = (self.clone(), self.personal_user(caller.name())?, new.dry_run);
        drop(new);
        let drawn = self.0.entropy.hex::<16>()?;
        let done = self
            .0
            .store
            .write(move |tx| {
                let row = SecretRow {
                    revision: secrets::newest_revision(tx, &row.product, &row.name)? + 1,
                    set_by: by.mention().to_string(),
                    ..row.clone()
                };
                service.check_customer(tx, &row)?;
                let what = format!(
                    "{} of {}, revision {}, {}; {}",
                    row.name,
                    row.product,
                    row.revision,
                    match row.candidates {
                        1 => "one value".to_owned(),
                        count => format!("{count} values, tried in this order"),
                    },
                    service.use_of_secret(&row),
                );
                if dry_run {
                    service.all_of_one_key(tx, &row)?;
                    return Ok(format!("would set {what}"));
                }
                let detail = serde_json::json!({
                    "product": row.product,
                    "name": row.name,
                    "revision": row.revision,
                    "values": row.candidates,
                });
                service.audit(tx, access::SECRETS, &by, "secret-set", detail)?;
                // After the audit, whose stream lets one change of secrets through at a time: two servers with a key each must not
                // both find none of another.
                service.all_of_one_key(tx, &row)?;
                secrets::end(tx, &row.product, &row.name)?;
                secrets::insert(tx, &row)?;
                service.secrets_changed(tx, &drawn, &row, Change::Set)?;
                Ok::<_, ServiceError>(format!("set {what}"))
            })
            .await?;
        self.run_passes().await?;
        Ok(done)
    }

    /// Removes a secret with its bytes; says what was done, or would be. That needs no key.
    ///
    /// # Errors
    /// When the caller is no administrator, or there is no such secret.
    pub async fn remove_secret(&self, caller: Caller, name: String, ask: RemoveSecret) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let (service, by) = (self.clone(), self.personal_user(caller.name())?);
        let drawn = self.0.entropy.hex::<16>()?;
        self.0
            .store
            .write(move |tx| {
                let listed = secrets::list(tx)?;
                let found = listed.iter().find(|row| row.product == ask.product && row.name == name);
                let row = found.ok_or_else(|| ServiceError::NotFound {
                    what: format!("secret `{name}` of `{}`", ask.product),
                })?;
                let what = format!("{} of {}, revision {}", row.name, row.product, row.revision);
                if ask.dry_run {
                    return Ok(format!("would remove {what}"));
                }
                let detail = serde_json::json!({ "product": row.product, "name": row.name, "revision": row.revision });
                service.audit(tx, access::SECRETS, &by, "secret-removed", detail)?;
                if secrets::end(tx, &row.product, &row.name)? != Some(row.revision) {
                    return Err(StoreError::conflict(what).into());
                }
                service.secrets_changed(tx, &drawn, row, Change::Removed)?;
                Ok::<_, ServiceError>(format!("removed {what}; a backup may still have it"))
            })
            .await
    }

    /// Every secret in force, by product and name, without its values.
    ///
    /// # Errors
    /// When the caller is a viewer, or the store fails.
    pub async fn secrets(&self, caller: Caller) -> Result<Vec<SecretView>, ServiceError> {
        caller.must_be(Role::Operator)?;
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let rows = secrets::list(tx)?;
                let campaign = service.row_and_text(tx)?.map(|(_, campaign)| campaign);
                rows.into_iter()
                    .map(|row| {
                        Ok(SecretView {
                            fault: service.fault(&row, campaign.as_deref()),
                            by: revealed(tx, row.set_by)?,
                            product: row.product,
                            name: row.name,
                            revision: row.revision,
                            values: row.candidates,
                            set_ms: row.set_ms,
                        })
                    })
                    .collect::<Result<Vec<_>, ServiceError>>()
            })
            .await
    }

    /// What stands against the use of each secret that orders cannot bring, and what to do: for the log of its start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn secret_faults(&self) -> Result<Vec<String>, ServiceError> {
        let service = self.clone();
        let read = self.0.store.read(move |tx| {
            let rows = secrets::list(tx)?;
            let campaign = service.row_and_text(tx)?.map(|(_, campaign)| campaign);
            let told = |row: &SecretRow| {
                Some(format!(
                    "secret {} of {} {}",
                    row.name,
                    row.product,
                    service.fault(row, campaign.as_deref())?
                ))
            };
            Ok::<_, ServiceError>(rows.iter().filter_map(told).collect())
        });
        read.await
    }

    fn fault(&self, row: &SecretRow, campaign: Option<&Campaign>) -> Option<String> {
        let key = &self.0.secret_key;
        let file = key.path().display();
        if row.key_id != key.id() {
            return Some(format!(
                "was sealed with key {}, and {file} holds {}: put that key file back and start the server again; if it is lost, \
                 remove the secret and set it anew",
                row.key_id,
                key.id()
            ));
        }
        let Some(values) = self.opened(row) else {
            return Some(format!(
                "does not open with {file}, which sealed it: its bytes were changed; restore the store, or set it anew"
            ));
        };
        let wanted = customer::anothers(campaign?, row, &values)?;
        Some(format!(
            "is another customer's than {wanted}, which the campaign names as tenant of {}, so no order brings it: set the one of that \
             console, or correct `tenant` in the campaign",
            row.product
        ))
    }

    /// Refuses a secret beside others of another key: whoever lost the key, or is a second server with one of its own, is told
    /// before anything is sealed that the rest of them cannot open.
    fn all_of_one_key(&self, db: &mut impl Reader, row: &SecretRow) -> Result<(), ServiceError> {
        let others: Vec<String> = secrets::list(db)?
            .iter()
            .filter(|it| it.key_id != row.key_id && (&it.product, &it.name) != (&row.product, &row.name))
            .map(|it| format!("{} of {} (key {})", it.name, it.product, it.key_id))
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        Err(ServiceError::Refused {
            why: format!(
                "nothing was set; {} holds key {}, and other secrets were sealed with another: {}. Put that key file back and start \
                 the server again (servers that share a store share it); if it is lost, remove these secrets first",
                self.0.secret_key.path().display(),
                row.key_id,
                others.join(", ")
            ),
        })
    }

    /// Who will get it, in words.
    fn use_of_secret(&self, row: &SecretRow) -> String {
        let recipe = self.0.catalog.recipes.get(&ProductId::new(row.product.clone()));
        let takes: Vec<&str> = recipe
            .iter()
            .flat_map(|recipe| &recipe.secrets)
            .map(|secret| secret.name.as_str())
            .collect();
        if takes.contains(&row.name.as_str()) {
            let what = match recipe.and_then(|recipe| recipe.install.as_ref()) {
                Some(_) => "install",
                None => "remove",
            };
            return format!("orders that {what} {} bring it from now on", row.product);
        }
        let asks = match takes.as_slice() {
            [] => format!("no recipe of this version asks for a secret of {}", row.product),
            takes => format!(
                "the recipe of {} asks for {} and not for this",
                row.product,
                takes.join(", ")
            ),
        };
        format!("{asks}, so no order carries it")
    }

    fn product_of_secret(&self, product: &str) -> Result<&ProductId, ServiceError> {
        let found = self.0.catalog.rules.keys().find(|it| it.as_str() == product);
        found.ok_or_else(|| ServiceError::Invalid {
            why: format!("the catalog has no product `{product}`; `cutover catalog list` names them"),
        })
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = !name.starts_with('-') && !name.ends_with('-');
    if !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(fits) && ends {
        return Ok(());
    }
    Err(ServiceError::Invalid {
        why: format!(
            "a secret's name has at most {NAME_MAX} lower-case letters, digits and hyphens between them, such as \
             `uninstall-password`"
        ),
    })
}

/// What is said of a value says which one, and nothing of what it is.
fn check_values(values: &[SecretValue]) -> Result<(), ServiceError> {
    let invalid = |why: String| Err(ServiceError::Invalid { why });
    if values.is_empty() || values.len() > VALUES_MAX {
        return invalid(format!(
            "a secret has from one to {VALUES_MAX} values, and {} came: more wrong ones than that might lock a machine",
            values.len()
        ));
    }
    let alone = values.len() == 1;
    let longest = if alone { ALONE_MAX } else { VALUE_MAX };
    for (index, SecretValue(text)) in values.iter().enumerate() {
        let nth = index + 1;
        if text.trim().is_empty() {
            return invalid(format!("value {nth} is empty"));
        }
        if text.len() > longest {
            return invalid(format!(
                "value {nth} has {} bytes; at most {longest} are taken of {}",
                text.len(),
                if alone {
                    "one that stands alone"
                } else {
                    "each of several"
                }
            ));
        }
        let of_a_file = |it: char| alone && matches!(it, '\n' | '\r' | '\t');
        if text.chars().any(|it| it.is_control() && !of_a_file(it)) {
            return invalid(format!("value {nth} has a control character, which nobody can type"));
        }
        if let Some(same) = values[..index].iter().position(|it| it.0 == *text) {
            return invalid(format!("value {nth} is the same as value {}", same + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(values: &[&str]) -> Result<(), String> {
        let values: Vec<SecretValue> = values.iter().map(|text| SecretValue::new(text)).collect();
        check_values(&values).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_has_from_one_to_three_values_that_differ_and_can_be_typed() {
        for good in [&["one"][..], &["one", "two", "three"], &[" with a blank "], &["пароль"]] {
            assert_eq!(checked(good), Ok(()), "{good:?}");
        }
        for (bad, says) in [
            (&[][..], "from one to 3"),
            (&["a", "b", "c", "d"], "lock a machine"),
            (&[""], "value 1 is empty"),
            (&["a", " \t"], "value 2 is empty"),
            (&["a", "b", "a"], "value 3 is the same as value 1"),
            (&["a\0b"], "control character"),
            (&["a", "b\nc"], "value 2 has a control character"),
        ] {
            let error = checked(bad).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_value_that_stands_alone_may_be_a_file_and_each_of_several_is_short() {
        let file = "{\n\t\"onboardingInfo\": \"x\"\r\n}\n";
        assert_eq!(checked(&[file]), Ok(()));
        assert_eq!(checked(&[&"x".repeat(ALONE_MAX)]), Ok(()));
        assert_eq!(checked(&["a", &"x".repeat(VALUE_MAX)]), Ok(()));
        for bad in [
            &["x".repeat(ALONE_MAX + 1)][..],
            &["a".to_owned(), "x".repeat(VALUE_MAX + 1)],
        ] {
            let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
            let error = checked(&bad).unwrap_err();
            assert!(error.contains("at most"), "{error}");
        }
    }

    #[test]
    fn no_refusal_and_no_print_of_a_value_holds_anything_of_it() {
        let long = "hunter2".repeat(10_000);
        for values in [
            &["hunter2\n", "b"][..],
            &["hunter2", "hunter2"],
            &[&long],
            &["hunter2"; 4],
        ] {
            let error = checked(values).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let new = NewSecret {
            product: "kesl".to_owned(),
            values: vec![SecretValue::new("hunter2")],
            dry_run: false,
        };
        assert!(!format!("{new:?}").contains("hunter2"), "{new:?}");
    }

    #[test]
    fn names_are_words_with_hyphens() {
        for good in ["uninstall-password", "token", "onboarding-2"] {
            check_name(good).unwrap();
        }
        for bad in ["", "-a", "a-", "Token", "a b", "a/b", "ä", &"a".repeat(65)] {
            check_name(bad).unwrap_err();
        }
    }
}
