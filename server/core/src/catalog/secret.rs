//! Secrets that a recipe takes: what its product's installer asks for, and how that is said to it.

use std::collections::BTreeMap;

use cutover_proto::{
    inventory::PackageManager,
    secret::{CUSTOMER, ON_COMMAND_LINE, ONBOARDING, PROPERTIES, PROVISIONING, SecretForm, is_property},
    words,
};
use serde::Deserialize;

use super::{Beside, Recipe};

words! {
    /// What a secret is to its product.
    pub enum SecretName("name of a secret") {
        /// Whose password it is.
        Login = "login",
        /// What a removal is covered by.
        Password = "password",
        /// What makes a replacement its organisation's: the file of its console.
        Onboarding = "onboarding",
        /// The same, where that is the vendor's id of the customer.
        Cid = "cid",
        /// What lets a machine in beside that id, where the vendor's console asks for one.
        ProvisioningToken = "provisioning-token",
    }
}

impl SecretName {
    /// By which property it is said where a replacement is onboarded by it; `None` where none is.
    const fn onboards_by(self) -> Option<&'static str> {
        match self {
            Self::Login | Self::Password => None,
            Self::Onboarding => Some(ONBOARDING),
            Self::Cid => Some(CUSTOMER),
            Self::ProvisioningToken => Some(PROVISIONING),
        }
    }
}

/// One secret, as a recipe's `[[secret]]` has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeSecret {
    /// What it is to the product; `cutover secret set` calls it so.
    pub name: SecretName,
    /// The property of Windows Installer by which it is said.
    pub property: String,
    /// In which form.
    pub form: SecretForm,
    /// Where that was read.
    pub fact: String,
    /// Whether no work begins without it. A password may not be needed at all, and no look tells; whose a replacement is has to be said.
    #[serde(default)]
    pub required: bool,
}

/// Whether they make sense, in words.
pub(super) fn check(recipe: &Recipe) -> Result<(), String> {
    if let Some(exit) = recipe.exits.iter().find(|exit| exit.means.is_of_secrets_alone())
        && recipe.secrets.is_empty()
    {
        return Err(format!(
            "exit {}: `{}` is for a recipe that takes a secret; name it in a [[secret]], or leave the code out",
            exit.code, exit.means
        ));
    }
    if recipe.secrets.is_empty() {
        return Ok(());
    }
    let by_msi = |managers: &[PackageManager]| managers.contains(&PackageManager::Msi);
    if recipe.install.as_ref().is_some_and(|install| install.onboard) {
        return check_onboarding(recipe);
    }
    if !recipe.remove.as_ref().is_some_and(|removal| by_msi(&removal.managers)) {
        return Err(
            "secret: only a [remove] by `msi` and an [install] with `onboard` take one; leave it out, or name `msi` among its managers"
                .to_owned(),
        );
    }
    let mut names: BTreeMap<&str, SecretName> = BTreeMap::new();
    for secret in &recipe.secrets {
        let (name, property) = (secret.name, secret.property.as_str());
        if !is_property(property) {
            return Err(format!(
                "secret {name}: `{property}` is no public property of Windows Installer: capital letters, digits, `_` and `.`, and \
                 no digit first"
            ));
        }
        if !PROPERTIES.contains(&property) {
            return Err(format!(
                "secret {name}: no agent says `{property}`; a property for secrets stands in `PROPERTIES` of \
                 proto/src/secret.rs: {}",
                PROPERTIES.join(", ")
            ));
        }
        if secret.fact.trim().is_empty() {
            return Err(format!("secret {name}: `fact` is empty; say where that was read"));
        }
        if recipe.argv_secrets.contains_key(name.as_str()) {
            return Err(format!(
                "secret {name}: it stands in `argv_secrets` too, and is not taken on a command line alone; leave one of them out"
            ));
        }
        if let Some(other) = names.insert(property, name) {
            return Err(format!("secret {name}: `{property}` is taken by {other} already"));
        }
    }
    match recipe.secrets.iter().enumerate().find(|(at, it)| {
        let before = &recipe.secrets[..*at];
        before.iter().any(|other| other.name == it.name)
    }) {
        Some((_, twice)) => Err(format!("secret {}: it stands there twice; leave one out", twice.name)),
        None => Ok(()),
    }
}

/// A replacement is onboarded by a file, or by who its customer is and perhaps a token; and by nothing else.
fn check_onboarding(recipe: &Recipe) -> Result<(), String> {
    let secrets = &recipe.secrets;
    let names: Vec<SecretName> = secrets.iter().map(|secret| secret.name).collect();
    let is_known = matches!(
        names.as_slice(),
        [SecretName::Onboarding | SecretName::Cid] | [SecretName::Cid, SecretName::ProvisioningToken]
    );
    let is_said = |secret: &RecipeSecret| {
        secret.name.onboards_by() == Some(secret.property.as_str()) && secret.form == SecretForm::Plain
    };
    if !is_known || !secrets.iter().all(is_said) {
        let by = |name: SecretName| format!("`{name}` by `{}`", name.onboards_by().unwrap_or_default());
        return Err(format!(
            "secret: an [install] with `onboard` takes {}, or {} and after it perhaps {}; each in the form `{}`",
            by(SecretName::Onboarding),
            by(SecretName::Cid),
            by(SecretName::ProvisioningToken),
            SecretForm::Plain
        ));
    }
    for secret in secrets {
        let name = secret.name;
        if secret.fact.trim().is_empty() {
            return Err(format!("secret {name}: `fact` is empty; say where that was read"));
        }
        let is_in_argv = ON_COMMAND_LINE.contains(&secret.property.as_str());
        if is_in_argv != recipe.argv_secrets.contains_key(name.as_str()) {
            return Err(if is_in_argv {
                format!(
                    "secret {name}: agents say it on a command line; say in `argv_secrets` where it was read that the vendor takes it nowhere else"
                )
            } else {
                format!(
                    "secret {name}: it stands in `argv_secrets` too, and no agent says it on a command line; leave it out there"
                )
            });
        }
    }
    let is_after_removal = recipe
        .install
        .as_ref()
        .is_some_and(|install| install.beside == Beside::Never);
    if is_after_removal && !secrets.iter().any(|secret| secret.required) {
        return Err(
            "secret: it may not stand beside what it replaces, so without what it is onboarded by a host would have neither; write \
             `required = true` where nothing may begin before the server has it"
                .to_owned(),
        );
    }
    Ok(())
}
