//! What a recipe file must hold to.

use cutover_proto::{
    inventory::{OsFamily, PackageManager},
    rule::{Role, Rule},
    subject::Subject,
    verdict::Protection,
};

use crate::mix::{mix, of_bytes};

use super::{Beside, Install, Proven, Recipe, RecipeError, Removal, SCHEMA, exit, file::File, precondition, secret};

impl Recipe {
    /// Reads a file and checks it against the product's rule.
    ///
    /// # Errors
    /// When the text is not of this format, of another schema, or asks for more than the rule lets an agent do.
    pub fn parse(file: &str, text: &str, rule_of: impl Fn(&str) -> Option<Rule>) -> Result<Self, RecipeError> {
        let said: File = toml::from_str(text).map_err(|source| RecipeError::Syntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        let recipe = said.into_recipe(mix(of_bytes(text.bytes())));
        recipe
            .check(rule_of(recipe.product.as_str()).as_ref())
            .and_then(|()| {
                precondition::check(
                    &recipe.preconditions,
                    recipe.remove.is_some(),
                    &recipe.product,
                    &rule_of,
                )
            })
            .and_then(|()| exit::check(&recipe.exits))
            .and_then(|()| recipe.check_proven())
            .and_then(|()| recipe.check_argv_secrets())
            .and_then(|()| secret::check(&recipe))
            .map_err(|why| RecipeError::Invalid {
                file: file.to_owned(),
                why,
            })?;
        Ok(recipe)
    }

    fn check(&self, rule: Option<&Rule>) -> Result<(), String> {
        let product = &self.product;
        if self.schema != SCHEMA {
            return Err(format!(
                "schema {} is not known here; this version reads schema {SCHEMA}",
                self.schema
            ));
        }
        if self.sources.is_empty() {
            return Err("`sources` is empty; say where the facts come from".to_owned());
        }
        let Some(rule) = rule else {
            return Err(format!(
                "no rule sees `{product}`, so no look could confirm the recipe; add the rule first"
            ));
        };
        if self.handover.is_some() {
            return self.check_handover(rule);
        }
        match (&self.remove, &self.install) {
            (Some(removal), None) if rule.role == Role::Target => {
                if removal.managers.is_empty() || removal.time_limit.is_zero() {
                    return Err("[remove] needs at least one manager and a time limit".to_owned());
                }
                match removal.not_offered(rule) {
                    Some(what) => Err(format!(
                        "sweep: `{what}` is not offered by the rule of `{product}`, so agents would refuse it; offer it there first"
                    )),
                    None => Ok(()),
                }
            }
            (None, Some(install)) if rule.role == Role::Replacement => {
                check_origin(install)?;
                let unsound = |(manager, packages): &(&PackageManager, &Vec<String>)| {
                    packages.is_empty() || !install.managers.contains(manager)
                };
                if let Some((manager, _)) = install.packages_by.iter().find(unsound) {
                    return Err(format!(
                        "packages_by: `{manager}` needs at least one package and must be among `managers`"
                    ));
                }
                check_artifacts(install)?;
                if install.is_blocking() && install.beside == Beside::First {
                    return Err(
                        "it decides about every file before it is opened, and two such products can hang a machine; write \
                         another `beside`, or `blocking = false` where it only watches"
                            .to_owned(),
                    );
                }
                if !matches!(install.grade, Protection::RealTime | Protection::OnDemand) {
                    return Err(format!(
                        "grade `{}` is no protection; a replacement gives real-time or on-demand",
                        install.grade
                    ));
                }
                if install.beside == Beside::Passive && install.grade != Protection::RealTime {
                    return Err(
                        "beside = \"passive\" is for what protects in real time; what hooks nothing has nothing to stand back \
                         from, write \"first\""
                            .to_owned(),
                    );
                }
                check_test(install)?;
                self.check_services(install, rule)
            }
            (Some(_), Some(_)) => {
                Err("it has [remove] and [install]; a product is a target or a replacement".to_owned())
            }
            (None, None) => Err("it has neither [remove] nor [install]; add the one that fits".to_owned()),
            (Some(_), None) => Err(format!(
                "[remove] is for targets, and the rule of `{product}` says {}",
                rule.role
            )),
            (None, Some(_)) => Err(format!(
                "[install] is for replacements, and the rule of `{product}` says {}",
                rule.role
            )),
        }
    }

    /// What others remove: nothing of ours runs, so there is nothing to be said of that.
    fn check_handover(&self, rule: &Rule) -> Result<(), String> {
        if self.install.is_some() {
            return Err("it has [remove] and [install]; a product is a target or a replacement".to_owned());
        }
        if rule.role != Role::Target {
            return Err(format!(
                "[remove] is for targets, and the rule of `{}` says {}",
                self.product, rule.role
            ));
        }
        let of_ours = [
            ("precondition", !self.preconditions.is_empty()),
            ("exit", !self.exits.is_empty()),
            ("argv_secrets", !self.argv_secrets.is_empty()),
            ("secret", !self.secrets.is_empty()),
        ];
        match of_ours.iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => Err(format!(
                "{key}: no work order removes what is handed over by = \"{}\"; leave it out, or say it in the runbook",
                self.by()
            )),
            None => Ok(()),
        }
    }

    /// A grade for each system that it works on, and for no other.
    fn check_proven(&self) -> Result<(), String> {
        let platforms = self.platforms();
        if let Some(platform) = platforms.iter().find(|it| !self.proven.contains_key(it)) {
            let grades: Vec<&str> = Proven::ALL.iter().map(|it| it.as_str()).collect();
            return Err(format!(
                "proven: there is no grade for `{platform}`, which its `managers` work on; write `{platform} = ...` with what it \
                 was shown on ({}), or take the manager out",
                grades.join(", ")
            ));
        }
        match self.proven.keys().find(|it| !platforms.contains(it)) {
            Some(platform) => Err(format!(
                "proven: `{platform}` has a grade, and Cutover does nothing there by this recipe; take it out, or name what \
                 works there in `managers`"
            )),
            None => Ok(()),
        }
    }

    fn check_argv_secrets(&self) -> Result<(), String> {
        match self
            .argv_secrets
            .iter()
            .find(|(name, why)| !is_plain(name) || why.trim().is_empty())
        {
            Some((name, _)) => Err(format!(
                "argv_secrets: `{name}` needs a plain name (letters, digits and + - . ~) and says where it was read that the \
                 vendor takes it on a command line alone"
            )),
            None => Ok(()),
        }
    }

    fn check_services(&self, install: &Install, rule: &Rule) -> Result<(), String> {
        let product = &self.product;
        if install.max_gap.is_zero() {
            return Err("max_gap is zero; say how long a host may be without protection before an alarm".to_owned());
        }
        if let Some(service) = install.services.iter().find(|it| !rule.services.contains(it)) {
            return Err(format!(
                "services: `{service}` is not named by the rule of `{product}`, so agents would refuse it; name it there first"
            ));
        }
        if let Some(file) = install.config.iter().find(|it| rule.config_at(&it.path).is_none()) {
            return Err(format!(
                "config: `{}` is not offered by the rule of `{product}`, so agents would refuse it; offer it there first",
                file.path
            ));
        }
        let taken = |name: &String| rule.config.iter().any(|config| config.settings().any(|it| it == name));
        let named = install.config.iter().flat_map(|file| &file.only_with);
        if let Some(name) = named.chain(install.settings.keys()).find(|name| !taken(name)) {
            return Err(format!(
                "`{name}` is no setting of a [[config]] in the rule of `{product}`"
            ));
        }
        install.contents(rule, &install.settings).map(|_| ())
    }
}

/// It comes from somewhere, or is a part of the system.
fn check_origin(install: &Install) -> Result<(), String> {
    if install.managers.is_empty() {
        return Err("[install] needs at least one manager; they say on which systems it works".to_owned());
    }
    let comes = install.all_packages().next().is_some() || !install.packages_by.is_empty();
    let takes_time = !(install.fetch_time_limit.is_zero() && install.time_limit.is_zero());
    match install.part_of_system {
        true if comes || takes_time || !install.services.is_empty() || !install.config.is_empty() || install.onboard => Err(
            "part_of_system: nothing of it is fetched, installed, started, written or onboarded; leave the keys for that out"
                .to_owned(),
        ),
        // Beside the old product the system decides which of the two works, and not a recipe.
        true if install.beside != Beside::Never || install.detection_test => Err(
            "part_of_system: it takes over when what protects is gone; write beside = \"never\" and detection_test = false"
                .to_owned(),
        ),
        false if install.all_packages().next().is_none()
            || install.time_limit.is_zero()
            || install.fetch_time_limit.is_zero() =>
        {
            Err(
                "[install] needs at least one package or artifact, and `fetch_time_limit` and `time_limit`; what is a part of the \
                 system says `part_of_system`"
                    .to_owned(),
            )
        }
        true | false => Ok(()),
    }
}

/// Where nothing shows that it detects, somebody reads why. A step is there then whose look shows that it protects.
fn check_test(install: &Install) -> Result<(), String> {
    let says_why = install.untested.as_deref().is_some_and(|why| !why.trim().is_empty());
    if install.detection_test {
        return match install.untested {
            Some(_) => Err("untested: a test file is shown to it (`detection_test`); leave one of them out".to_owned()),
            None => Ok(()),
        };
    }
    if !says_why {
        return Err(
            "detection_test is false; say in `untested` why no test file is shown to it, and by what it counts as protecting".to_owned(),
        );
    }
    Ok(())
}

fn is_plain(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "+-.~".contains(c))
}

/// Each manager must find something to install, and what is named must be what a file can be called.
fn check_artifacts(install: &Install) -> Result<(), String> {
    for file in &install.artifacts {
        let package = &file.package;
        if !is_plain(package) || file.version.as_deref().is_some_and(|version| !is_plain(version)) {
            return Err(format!(
                "artifacts: `{package}` or its version is no plain name; letters, digits and + - . ~ make one"
            ));
        }
        if let Some(manager) = file.managers.iter().find(|it| !install.managers.contains(it)) {
            return Err(format!(
                "artifacts: `{package}` is for `{manager}`, which is not among `managers`"
            ));
        }
        let has_twin = |manager: &PackageManager| {
            let twins = install
                .artifacts
                .iter()
                .filter(|it| it.package == *package && it.is_for(*manager));
            file.is_for(*manager) && twins.count() > 1
        };
        if install.managers.iter().any(has_twin) {
            return Err(format!(
                "artifacts: `{package}` is named twice for one manager; name it once"
            ));
        }
    }
    let has_file = |manager: &PackageManager| install.artifacts.iter().any(|file| file.is_for(*manager));
    match install.managers.iter().find(|manager| !has_file(manager)) {
        Some(manager) if !install.artifacts.is_empty() => Err(format!(
            "artifacts: none is for `{manager}`; name one, or leave the manager out"
        )),
        Some(_) | None => Ok(()),
    }
}

impl Removal {
    /// The first leftover that the rule offers on no system.
    fn not_offered(&self, rule: &Rule) -> Option<String> {
        let systems = || OsFamily::ALL.iter().copied();
        let path = |path: &&String| systems().any(|os| rule.sweepable(os).any(|it| it == path.as_str()));
        let group = |group: &&String| systems().any(|os| rule.sweepable_groups(os).any(|it| it == group.as_str()));
        let subject = |subject: &&Subject| systems().any(|os| rule.sweepable_certificates(os).any(|it| it == *subject));
        let strange_path = self.sweep.iter().find(|it| !path(it));
        let strange_group = self.sweep_groups.iter().find(|it| !group(it));
        let strange_subject = self.sweep_certificates.iter().find(|it| !subject(it));
        strange_path
            .or(strange_group)
            .cloned()
            .or_else(|| strange_subject.map(ToString::to_string))
    }
}
