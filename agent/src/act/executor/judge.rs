//! Whether a step's aim is reached, by a fresh look.

use std::time::Duration;

use cutover_proto::{
    ids::ProductId,
    inventory::{OsFamily, PackageManager},
    rule::{Role, Rule},
    step::Action,
};

use super::Executor;
use crate::{
    act::attribution::packages_in,
    facts::{Answer, Package, PackageState},
};

/// A look in the middle of somebody else's installation cannot tell; it is made again this often.
const TRIES: u32 = 6;
const BETWEEN: Duration = Duration::from_secs(5);

/// What the look says of a step's aim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Aim {
    /// Reached.
    Reached,
    /// Not reached, and what stands in its way.
    Missed(String),
    /// The look could not tell. Never taken for reached.
    CannotTell(String),
}

impl Executor {
    /// Looks whether a step's aim is reached; again after a while when that cannot be told.
    pub(super) fn aim(&mut self, action: &Action) -> Aim {
        let mut aim = self.aim_now(action);
        for _ in 1..TRIES {
            if !matches!(aim, Aim::CannotTell(_)) {
                break;
            }
            self.parts.clock.wait(BETWEEN);
            aim = self.aim_now(action);
        }
        aim
    }

    pub(super) fn aim_now(&mut self, action: &Action) -> Aim {
        match action {
            Action::FetchPackages { manager, packages } => match self.parts.hands.are_fetched(*manager, packages) {
                Ok(true) => Aim::Reached,
                Ok(false) => Aim::Missed("not all packages are here".to_owned()),
                Err(error) => Aim::CannotTell(error.to_string()),
            },
            Action::RemovePackages { product, packages, .. } => self.packages(product, |_, found| {
                let left: Vec<String> = found
                    .iter()
                    .filter(|package| packages.contains(&package.name))
                    .filter(|package| package.state != PackageState::NotInstalled)
                    .map(in_words)
                    .collect();
                missed_if(&left, "still there")
            }),
            Action::InstallPackages { product, packages, .. } => self.installed(product, packages),
            Action::InstallArtifact { product, artifacts, .. } => self.installed(product, &packages_in(artifacts)),
            Action::FetchArtifact { artifact } => match self.parts.artifacts.verified(artifact) {
                Ok(Some(_)) => Aim::Reached,
                Ok(None) => Aim::Missed(format!("{} is not here", artifact.file_name)),
                Err(error) => Aim::CannotTell(error.to_string()),
            },
            Action::Sweep { paths, .. } => {
                let mut left = Vec::new();
                for path in paths {
                    match self.parts.looker.exists(path) {
                        Some(true) => left.push(path.clone()),
                        Some(false) => {}
                        None => return Aim::CannotTell(format!("cannot tell whether {path} exists")),
                    }
                }
                missed_if(&left, "still there")
            }
            Action::SweepGroups { groups, .. } => {
                let mut left = Vec::new();
                for group in groups {
                    match self.parts.looker.has_group(group) {
                        Some(true) => left.push(format!("group {group}")),
                        Some(false) => {}
                        None => return Aim::CannotTell(format!("cannot tell whether there is a group {group}")),
                    }
                }
                missed_if(&left, "still there")
            }
            Action::SweepCertificates { subjects, .. } => match self.parts.looker.trusted(subjects) {
                Answer::Found(trusted) => {
                    let left: Vec<String> = trusted.iter().map(|trusted| trusted.file.to_string()).collect();
                    missed_if(
                        &left,
                        "still has the certificate, alone or beside others; take it out by hand",
                    )
                }
                Answer::Absent | Answer::Unsupported => Aim::CannotTell("no trust store was found".to_owned()),
                Answer::Denied(why) | Answer::Failed(why) => Aim::CannotTell(why),
            },
            Action::WriteConfig { path, contents, .. } => match self.parts.looker.holds(path, contents.as_bytes()) {
                Some(true) => Aim::Reached,
                Some(false) => Aim::Missed(format!("{path} does not hold what was written")),
                None => Aim::CannotTell(format!("cannot tell what {path} holds")),
            },
            Action::EnableService { services, .. } => self.services(services),
            Action::SetUp { product, state, tenant } => self.in_state(product, *state, tenant.as_deref()),
            Action::DetectionTest { .. } | Action::Restart { .. } => {
                Aim::CannotTell("no look shows whether it was done".to_owned())
            }
            Action::RepairPackages { manager } => match self.parts.hands.unfinished_packages(*manager) {
                Ok(mut left) => {
                    // Those of targets go next. A product that cannot even be configured must not keep its own removal
                    // from beginning; that step knows how to take away what is half done.
                    left.retain(|package| !self.is_of_a_target(package));
                    missed_if(&left, "not finished; repair by hand what the log says")
                }
                Err(error) => Aim::CannotTell(error.to_string()),
            },
        }
    }

    /// The packages that a step removes and that are the product's own. Names are so by the rules; a code of Windows Installer
    /// only where a look gives it to the product at this moment.
    pub(super) fn own_packages(&mut self, action: &Action) -> Vec<String> {
        let Action::RemovePackages {
            manager,
            product,
            packages,
        } = action
        else {
            return Vec::new();
        };
        if *manager != PackageManager::Msi {
            return packages.clone();
        }
        let rules = self.parts.rules.clone();
        let found = rules
            .rule(product)
            .and_then(|rule| self.parts.looker.packages(rule).found());
        seen_of(packages, &found.unwrap_or_default())
    }

    fn is_of_a_target(&self, package: &str) -> bool {
        let os = self.parts.looker.os_family();
        let rules = self.parts.rules.rules().iter();
        rules
            .filter(|rule| rule.role != Role::Replacement)
            .any(|rule| rule.package_names(os).any(|name| name == package))
    }

    /// Whether a replacement is installed as far as a step's packages make it.
    fn installed(&mut self, product: &ProductId, packages: &[String]) -> Aim {
        let os = self.parts.looker.os_family();
        self.packages(product, |rule, found| {
            if os == OsFamily::Windows {
                // No rule lists the codes of its packages; a look gives it those that are there.
                let is_whole = found.iter().any(|package| package.state.is_whole());
                let missing = [product.to_string()];
                return missed_if(if is_whole { &[] } else { &missing }, "not installed");
            }
            let own: Vec<&str> = rule.package_names(os).collect();
            // The rule knows the packages that make the product; others of the step are what they need.
            let wanted = own.iter().filter(|name| packages.iter().any(|one| one == *name));
            let whole = |name: &&str| {
                found
                    .iter()
                    .any(|package| package.name == *name && package.state.is_whole())
            };
            let mut wanted: Vec<&str> = wanted.copied().collect();
            if wanted.is_empty() {
                wanted = own;
                if wanted.iter().any(whole) {
                    return Aim::Reached;
                }
            }
            wanted.retain(|name| !whole(name));
            let missing: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
            missed_if(&missing, "not fully installed")
        })
    }

    /// Whether a product's packages are gone so far that its leftovers may be deleted.
    pub(super) fn is_removed(&mut self, product: &ProductId) -> Aim {
        self.packages(product, |_, found| {
            let left: Vec<String> = found
                .iter()
                .filter(|package| package.state.is_present())
                .map(in_words)
                .collect();
            missed_if(&left, "still installed; deleting its files would break it")
        })
    }

    fn packages(&mut self, product: &ProductId, judge: impl FnOnce(&Rule, &[Package]) -> Aim) -> Aim {
        let rules = self.parts.rules.clone();
        let Some(rule) = rules.rule(product) else {
            return Aim::CannotTell(format!("this host has no usable rule for {product}"));
        };
        match self.parts.looker.packages(rule) {
            Answer::Found(found) => judge(rule, &found),
            Answer::Absent | Answer::Unsupported => Aim::CannotTell("no package database was found".to_owned()),
            Answer::Denied(why) | Answer::Failed(why) => Aim::CannotTell(why),
        }
    }
}

/// Of what a step names, what was seen.
fn seen_of(named: &[String], seen: &[Package]) -> Vec<String> {
    let is_seen = |name: &&String| seen.iter().any(|package| package.name == **name);
    named.iter().filter(is_seen).cloned().collect()
}

fn in_words(package: &Package) -> String {
    format!("{} {} ({})", package.name, package.version, package.state)
}

fn missed_if(left: &[String], what: &str) -> Aim {
    if left.is_empty() {
        Aim::Reached
    } else {
        Aim::Missed(format!("{}: {what}", left.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_no_look_gives_the_product_is_handed_to_nobody() {
        let seen = |name: &str| Package {
            name: name.to_owned(),
            version: "12.9.0.384".to_owned(),
            architecture: String::new(),
            state: PackageState::Installed,
            installed_s: None,
        };
        let named = ["{A}", "{B}", "{C}"].map(str::to_owned);
        assert_eq!(
            seen_of(&named, &[seen("{C}"), seen("{A}"), seen("{D}")]),
            ["{A}", "{C}"]
        );
        assert_eq!(seen_of(&named, &[]), [""; 0]);
    }
}
