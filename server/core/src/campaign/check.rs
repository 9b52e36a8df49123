//! Whether a campaign makes sense: by itself, against the catalog, and at a time.

use cutover_proto::{rule::Role, verdict::Protection};

use super::{
    Campaign,
    parse::is_plain,
    selector::Selector,
    zone::{utc, zone},
};
use crate::{
    catalog::Catalog,
    forecast::no_target_text,
    hours::{Blackout, Calendar},
};

impl Campaign {
    pub(super) fn check(&self) -> Result<(), String> {
        if !is_plain(self.id.as_str()) {
            return Err(format!(
                "id `{}` is not made of lower-case letters, digits and `-`, at most 64",
                self.id
            ));
        }
        if self.waves.is_empty() {
            return Err("there is no [[wave]]; write one with a name, so that hosts can start".to_owned());
        }
        if let Some(external) = &self.executor {
            if external.name.trim().is_empty() || external.owner.trim().is_empty() {
                return Err(
                    "[executor] names nobody; write who does the work (name) and who answers for it (owner)".to_owned(),
                );
            }
            if external.within.is_zero() {
                return Err("executor.within is nothing; write how long the work may take, such as 14d".to_owned());
            }
        }
        if self.targets.is_empty() {
            return Err("`targets` is empty; name the products that must go".to_owned());
        }
        if let Some(twice) = self
            .targets
            .iter()
            .find(|it| self.targets.iter().filter(|other| other == it).count() > 1)
        {
            return Err(format!("target `{twice}` is named twice; name it once"));
        }
        if self.replacements.is_empty() {
            return Err("there is no [[replacement]]; name what takes the targets' place".to_owned());
        }
        if let Some(both) = self.approved().into_iter().find(|it| self.targets.contains(it)) {
            return Err(format!("`{both}` is a target and a replacement; it cannot be both"));
        }
        for rule in &self.replacements {
            let is_one =
                rule.settings == *self.settings_of(&rule.product) && rule.source == self.source_of(&rule.product);
            if !is_one {
                return Err(format!(
                    "two [[replacement]] name `{}` with different settings or sources; a product is set up in one way",
                    rule.product
                ));
            }
            if rule.tenant.as_deref() != self.tenant_of(&rule.product) {
                return Err(format!(
                    "two [[replacement]] name `{}` with different tenants; a product has one",
                    rule.product
                ));
            }
            if rule.tenant.as_ref().is_some_and(|tenant| tenant.trim().is_empty()) {
                return Err(format!(
                    "tenant of `{}` is empty; write the vendor's id of your organisation, or leave it out",
                    rule.product
                ));
            }
        }
        for grade in &self.accepted_grades {
            if !matches!(grade, Protection::RealTime | Protection::OnDemand) {
                return Err(format!(
                    "accepted_grades: `{grade}` is no protection and cannot be accepted; write on-demand or real-time"
                ));
            }
        }
        match (self.cutoff_ms(), self.recovery_target_ms) {
            (None, _) if self.no_cutoff.trim().is_empty() => Err(
                "no [[milestone]] has cutoff = true; mark the one by which the replacement must be done, or say with \
                 no_cutoff = \"…\" why there is none"
                    .to_owned(),
            ),
            (Some(_), _) if !self.no_cutoff.is_empty() => Err(
                "no_cutoff says why there is none, and a [[milestone]] has cutoff = true; leave one of them out"
                    .to_owned(),
            ),
            (Some(cutoff), Some(target)) if target <= cutoff => Err(
                "recovery_target is not after the cutoff, so it would only hide it; set a later one or leave it out"
                    .to_owned(),
            ),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// Whether the catalog can serve it.
    ///
    /// # Errors
    /// The first target or replacement that the catalog lacks, and what to do.
    pub fn check_against(&self, catalog: &Catalog) -> Result<(), String> {
        for target in &self.targets {
            match catalog.rules.get(target).map(|rule| rule.role) {
                Some(Role::Target) => {}
                Some(Role::Replacement | Role::Unapproved) => {
                    return Err(format!(
                        "target `{target}` is no target by its rule; name another product"
                    ));
                }
                None => {
                    return Err(format!(
                        "no rule of the catalog sees target `{target}`; add one or drop it"
                    ));
                }
            }
        }
        for product in self.approved() {
            if catalog.rules.get(product).map(|rule| rule.role) != Some(Role::Replacement) {
                return Err(format!(
                    "no rule of the catalog sees replacement `{product}`; add one or drop it"
                ));
            }
        }
        for rule in &self.replacements {
            let product = &rule.product;
            let Some(install) = catalog.installation(product) else {
                // Others install it; that it is there and healthy is seen all the same.
                if rule.settings.is_empty() {
                    continue;
                }
                return Err(format!(
                    "replacement `{product}`: settings: no recipe of the catalog installs it, so nothing takes them; leave \
                     them out"
                ));
            };
            if let Some(source) = rule.source.filter(|source| !install.offers(*source)) {
                return Err(format!(
                    "replacement `{product}`: its recipe knows no packages for source = \"{source}\"; leave `source` out"
                ));
            }
            if let Some(its_rule) = catalog.rules.get(product) {
                install
                    .contents(its_rule, &rule.settings)
                    .map_err(|why| format!("replacement `{product}`: settings: {why}"))?;
            }
        }
        Ok(())
    }

    /// Every selector that asks for something, and what it belongs to.
    #[must_use]
    pub fn selectors(&self) -> Vec<(String, &Selector)> {
        let windows = self
            .windows
            .iter()
            .map(|rule| (format!("[[window]] {}", rule.it), &rule.hosts));
        let blackouts = self.blackouts.iter().map(|rule| {
            let what = format!("[[blackout]] {}", rule.it.name);
            (what, &rule.hosts)
        });
        let scope = self.out_of_scope.iter().map(|rule| {
            let what = format!("[[out_of_scope]] {}", rule.name);
            (what, &rule.hosts)
        });
        let priorities = self.priorities.iter().map(|rule| {
            let what = format!("[[priority]] {}", rule.name);
            (what, &rule.hosts)
        });
        let replacements = self.replacements.iter().map(|rule| {
            let what = format!("[[replacement]] {}", rule.product);
            (what, &rule.hosts)
        });
        let waves = self
            .waves
            .iter()
            .map(|wave| (format!("[[wave]] {}", wave.name), &wave.hosts));
        windows
            .chain(blackouts)
            .chain(scope)
            .chain(priorities)
            .chain(replacements)
            .chain(waves)
            .filter(|(_, selector)| !selector.is_everything())
            .collect()
    }

    /// What is sound about it and probably not meant, at an instant.
    #[must_use]
    pub fn warnings(&self, now_ms: i64) -> Vec<String> {
        let mut warnings: Vec<String> = no_target_text(self, now_ms).into_iter().collect();
        let Some(target_ms) = self.target_ms().filter(|target_ms| *target_ms > now_ms) else {
            return warnings;
        };
        let zone = zone(&self.policy.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let blackouts: Vec<Blackout> = self
            .blackouts
            .iter()
            .filter(|rule| rule.hosts.is_everything())
            .map(|rule| rule.it.clone())
            .collect();
        for rule in &self.windows {
            let calendar = Calendar {
                windows: vec![rule.it.clone()],
                blackouts: blackouts.clone(),
                needs_window: false,
            };
            if !calendar.opens_before(now_ms, target_ms, &zone) {
                warnings.push(format!(
                    "[[window]] {} never opens before {}: what it is for cannot start in time; widen it, or shorten a \
                     blackout",
                    rule.it,
                    utc(target_ms)
                ));
            }
        }
        warnings
    }
}
