//! Secrets that a recipe takes: what its product's installer asks for, and how that is said to it.

use std::collections::BTreeMap;

use cutover_proto::{
    inventory::PackageManager,
    secret::{ONBOARDING, PROPERTIES, SecretForm, is_property},
    words,
};
use serde::Deserialize;

use super::Recipe;

words! {
    /// What a secret is to its product.
    pub enum SecretName("name of a secret") {
        /// Whose password it is.
        Login = "login",
        /// What a removal is covered by.
        Password = "password",
        /// What makes a replacement its organisation's: the file of its console.
        Onboarding = "onboarding",
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
        return check_onboarding(&recipe.secrets);
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

/// A replacement that is onboarded takes that file, as it is, and nothing else.
fn check_onboarding(secrets: &[RecipeSecret]) -> Result<(), String> {
    match secrets {
        [it] if it.name == SecretName::Onboarding && it.property == ONBOARDING && it.form == SecretForm::Plain => {
            if it.fact.trim().is_empty() {
                return Err("secret onboarding: `fact` is empty; say where that was read".to_owned());
            }
            Ok(())
        }
        _ => Err(format!(
            "secret: an [install] with `onboard` takes one, called `{}`, by the property `{ONBOARDING}` and in the form `{}`",
            SecretName::Onboarding,
            SecretForm::Plain
        )),
    }
}
