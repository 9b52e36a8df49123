//! What an order may touch: only what this host's own rules and looks give it.

use cutover_proto::{
    artifact::ArtifactRef,
    ids::ProductId,
    inventory::{HostFacts, OsFamily, PackageManager},
    record::FailureCause,
    rule::{Role, Rule},
    step::{Action, Step},
    subject::Subject,
};

use crate::detect::RuleSet;

/// Why a step is not for this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotForUs {
    pub cause: FailureCause,
    pub why: String,
}

fn refused(why: String) -> NotForUs {
    NotForUs {
        cause: FailureCause::NotAttributed,
        why,
    }
}

/// Checks one step against the rules and what the host can do.
pub(super) fn check(step: &Step, rules: &RuleSet, facts: &HostFacts) -> Result<(), NotForUs> {
    let os = facts.os_family;
    if let Some(manager) = step.action.manager() {
        can_use(manager, facts)?;
    }
    match &step.action {
        Action::FetchPackages { packages, .. } => none_of_a_target(packages, rules, os),
        Action::RemovePackages {
            manager,
            product,
            packages,
        } => {
            let rule = removable(product, rules)?;
            // Whose a product code is no rule says: the look before the step does.
            let is_its_own = |package: &String| {
                *manager == PackageManager::Msi || rule.package_names(os).any(|name| name == package)
            };
            only(packages, is_its_own, |package| {
                format!("package {package} does not belong to {product} by this host's rules")
            })
        }
        Action::InstallPackages { product, packages, .. } => {
            replacement(product, rules)?;
            none_of_a_target(packages, rules, os)
        }
        Action::Sweep { product, paths } => {
            let rule = removable(product, rules)?;
            let is_left = |path: &String| rule.sweepable(os).any(|known| known == path);
            only(paths, is_left, |path| {
                format!("{path} is no leftover of {product} by this host's rules")
            })
        }
        Action::SweepGroups { product, groups } => {
            let rule = removable(product, rules)?;
            let is_left = |group: &String| rule.sweepable_groups(os).any(|known| known == group);
            only(groups, is_left, |group| {
                format!("group {group} is no leftover of {product} by this host's rules")
            })
        }
        Action::SweepCertificates { product, subjects } => {
            let rule = removable(product, rules)?;
            let is_left = |subject: &Subject| rule.sweepable_certificates(os).any(|known| known == subject);
            only(subjects, is_left, |subject| {
                format!("certificate {subject} is no leftover of {product} by this host's rules")
            })
        }
        Action::DetectionTest { product } | Action::SetUp { product, .. } => replacement(product, rules).map(|_| ()),
        Action::FetchArtifact { artifact } => none_of_a_target(&packages_in([artifact]), rules, os),
        Action::InstallArtifact { product, artifacts, .. } => {
            replacement(product, rules)?;
            if let Some(artifact) = artifacts.iter().find(|artifact| artifact.package().is_none()) {
                return Err(refused(format!(
                    "{} is not called as a package file is, so nobody can tell what it installs",
                    artifact.file_name
                )));
            }
            none_of_a_target(&packages_in(artifacts), rules, os)
        }
        Action::Restart { .. } | Action::RepairPackages { .. } => Ok(()),
        Action::EnableService { product, services } => {
            let rule = replacement(product, rules)?;
            let is_its_own = |service: &String| rule.services.contains(service);
            only(services, is_its_own, |service| {
                format!("{service} is no service of {product} by this host's rules")
            })
        }
        Action::WriteConfig {
            product,
            path,
            contents,
            mode,
        } => {
            let rule = replacement(product, rules)?;
            let config = rule.config_at(path).ok_or_else(|| {
                refused(format!(
                    "{path} is no file of {product} that may be written, by this host's rules"
                ))
            })?;
            config.permits(contents, *mode).map_err(refused)
        }
    }
}

/// Whether all that a step names is given to it by the rules; words for the first that is not.
fn only<T>(named: &[T], is_given: impl Fn(&T) -> bool, why: impl Fn(&T) -> String) -> Result<(), NotForUs> {
    match named.iter().find(|one| !is_given(one)) {
        Some(stranger) => Err(refused(why(stranger))),
        None => Ok(()),
    }
}

/// The packages that files hold, by their names.
pub(super) fn packages_in<'a>(artifacts: impl IntoIterator<Item = &'a ArtifactRef>) -> Vec<String> {
    let packages = artifacts.into_iter().filter_map(ArtifactRef::package);
    packages.map(str::to_owned).collect()
}

fn can_use(manager: PackageManager, facts: &HostFacts) -> Result<(), NotForUs> {
    if facts.package_managers.contains(&manager) {
        return Ok(());
    }
    Err(NotForUs {
        cause: FailureCause::Unsupported,
        why: format!("this host has no {manager}"),
    })
}

fn known<'r>(product: &ProductId, rules: &'r RuleSet) -> Result<&'r Rule, NotForUs> {
    rules
        .rule(product)
        .ok_or_else(|| refused(format!("this host has no usable rule for {product}")))
}

fn removable<'r>(product: &ProductId, rules: &'r RuleSet) -> Result<&'r Rule, NotForUs> {
    let rule = known(product, rules)?;
    match rules.role(product) {
        Role::Target | Role::Unapproved => Ok(rule),
        Role::Replacement => Err(refused(format!("{product} is a replacement and is never removed"))),
    }
}

fn replacement<'r>(product: &ProductId, rules: &'r RuleSet) -> Result<&'r Rule, NotForUs> {
    let rule = known(product, rules)?;
    match rules.role(product) {
        Role::Replacement => Ok(rule),
        Role::Target | Role::Unapproved => Err(refused(format!("{product} is no replacement"))),
    }
}

fn none_of_a_target(packages: &[String], rules: &RuleSet, os: OsFamily) -> Result<(), NotForUs> {
    let of_target = |package: &&String| {
        rules
            .rules()
            .iter()
            .filter(|rule| rule.role != Role::Replacement)
            .any(|rule| rule.package_names(os).any(|name| name == package.as_str()))
    };
    match packages.iter().find(of_target) {
        Some(package) => Err(refused(format!("{package} is a package of a target"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
