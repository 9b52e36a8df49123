//! What no step may hold, whoever signed it. Which of the rest a machine may do, its agent's own rules say.

use super::Action;
use crate::{WireError, artifact::ArtifactRef, ids::ProductId, inventory::PackageManager, uninstall, v1};

/// A configuration file that a step writes is at most this long, in bytes.
pub const CONFIG_MAX: usize = 16 << 10;

pub(super) fn product(name: String) -> Result<ProductId, WireError> {
    if name.is_empty() {
        Err(WireError::Missing("step.product"))
    } else {
        Ok(ProductId::new(name))
    }
}

/// What passes cannot be an option to a service manager. Which services may be started, the agent's rules say.
pub(super) fn services(names: Vec<String>) -> Result<Vec<String>, WireError> {
    if names.is_empty() {
        return Err(WireError::Missing("step.services"));
    }
    match names
        .iter()
        .find(|name| name.starts_with('-') || !name.ends_with(".service"))
    {
        Some(bad) => Err(WireError::Invalid {
            field: "step.services",
            why: format!("`{bad}` is no name of a service"),
        }),
        None => Ok(names),
    }
}

/// Where and what may be written, the agent's rules say; here only what no file may be.
pub(super) fn write_config(it: v1::WriteConfig) -> Result<Action, WireError> {
    let invalid = |field, why: String| WireError::Invalid { field, why };
    if it.contents.len() > CONFIG_MAX {
        let why = format!("is longer than {CONFIG_MAX} bytes");
        return Err(invalid("step.contents", why));
    }
    if it.mode & !0o755 != 0 {
        return Err(invalid("step.mode", format!("{:04o} is more than 0755", it.mode)));
    }
    Ok(Action::WriteConfig {
        product: product(it.product)?,
        path: it.path,
        contents: it.contents,
        mode: it.mode,
    })
}

pub(super) fn artifacts(named: Vec<v1::ArtifactRef>) -> Result<Vec<ArtifactRef>, WireError> {
    if named.is_empty() {
        return Err(WireError::Missing("step.artifacts"));
    }
    named.into_iter().map(TryInto::try_into).collect()
}

/// Debian Policy 5.6.1 and rpm agree on this much: letters, digits and `+ - . _`, no leading `-`. Windows Installer knows
/// products by their codes. What passes cannot be an option to a package manager.
pub(super) fn packages(names: Vec<String>, manager: PackageManager) -> Result<Vec<String>, WireError> {
    if names.is_empty() {
        return Err(WireError::Missing("step.packages"));
    }
    let (is_one, what): (fn(&str) -> bool, _) = match manager {
        PackageManager::Msi => (uninstall::is_product_code, "product code"),
        PackageManager::Apt | PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => {
            (is_package_name, "package name")
        }
    };
    match names.iter().find(|name| !is_one(name)) {
        Some(bad) => Err(WireError::Invalid {
            field: "step.packages",
            why: format!("`{bad}` is no {what}"),
        }),
        None => Ok(names),
    }
}

fn is_package_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.len() <= 128
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
}
