//! Whether a campaign makes sense: by itself, against the catalog, and at a time.

use cutover_proto::{ids::ProductId, rule::Role, verdict::Protection};

use super::{
    Campaign, Mode, notice,
    parse::{Fault, is_plain},
    place::{self, Step, Way},
    selector::Selector,
    span,
    zone::{utc, zone},
};
use crate::{
    catalog::{Catalog, Install, Source},
    forecast::no_target_text,
    hours::{Blackout, Calendar},
};

impl Campaign {
    pub(super) fn check(&self) -> Result<(), Fault> {
        if !is_plain(self.id.as_str()) {
            return fault(
                vec![Step::Key("id")],
                format!(
                    "id `{}` is not made of lower-case letters, digits and `-`, at most 64",
                    self.id
                ),
            );
        }
        if self.waves.is_empty() {
            let why = "there is no [[wave]]; write one with a name, so that hosts can start";
            return fault(vec![Step::Key("wave")], why);
        }
        self.check_executor()?;
        if self.targets.is_empty() {
            return fault(
                vec![Step::Key("targets")],
                "`targets` is empty; name the products that must go",
            );
        }
        let is_twice = |it: &&ProductId| self.targets.iter().filter(|other| other == it).count() > 1;
        if let Some(twice) = self.targets.iter().find(is_twice) {
            let why = format!("target `{twice}` is named twice; name it once");
            return fault(vec![Step::Key("targets")], why);
        }
        if self.replacements.is_empty() {
            let why = "there is no [[replacement]]; name what takes the targets' place";
            return fault(vec![Step::Key("replacement")], why);
        }
        self.check_replacements()?;
        for grade in &self.accepted_grades {
            if !matches!(grade, Protection::RealTime | Protection::OnDemand) {
                let why = format!(
                    "accepted_grades: `{grade}` is no protection and cannot be accepted; write on-demand or real-time"
                );
                return fault(vec![Step::Key("accepted_grades")], why);
            }
        }
        self.check_dates()
    }

    fn check_executor(&self) -> Result<(), Fault> {
        let Some(external) = &self.executor else { return Ok(()) };
        if external.name.trim().is_empty() || external.owner.trim().is_empty() {
            let why = "[executor] names nobody; write who does the work (name) and who answers for it (owner)";
            return fault(vec![Step::Key("executor")], why);
        }
        if external.within.is_zero() {
            let why = "executor.within is nothing; write how long the work may take, such as 14d";
            return fault(vec![Step::Key("executor"), Step::Key("within")], why);
        }
        Ok(())
    }

    fn check_replacements(&self) -> Result<(), Fault> {
        for (place, rule) in self.replacements.iter().enumerate() {
            let product = &rule.product;
            let at = |key| vec![Step::Key("replacement"), Step::Nth(place), Step::Key(key)];
            let both = [Some(product), rule.second.as_ref()].into_iter().flatten();
            if let Some(both) = both.into_iter().find(|it| self.targets.contains(it)) {
                let why = format!("`{both}` is a target and a replacement; it cannot be both, take it out of one");
                return fault(at("product"), why);
            }
            let is_other = rule.settings != *self.settings_of(product)
                || rule.source != self.source_of(product)
                || rule.download != self.download_of(product);
            if is_other {
                let why = format!(
                    "two [[replacement]] name `{product}` with different settings, sources or downloads; a product is \
                     set up in one way: write the same in both"
                );
                return fault(at("product"), why);
            }
            if rule.tenant.as_deref() != self.tenant_of(product) {
                let why = format!(
                    "two [[replacement]] name `{product}` with different tenants; a product has one: write the same in both"
                );
                return fault(at("tenant"), why);
            }
            if rule.tenant.as_ref().is_some_and(|tenant| tenant.trim().is_empty()) {
                let why = format!(
                    "tenant of `{product}` is empty; write the vendor's id of your organisation, or leave it out"
                );
                return fault(at("tenant"), why);
            }
        }
        Ok(())
    }

    fn check_dates(&self) -> Result<(), Fault> {
        match (self.cutoff_ms(), self.recovery_target_ms) {
            (None, _) if self.no_cutoff.trim().is_empty() => fault(
                vec![Step::Key("milestone"), Step::Nth(0)],
                "no [[milestone]] has cutoff = true; mark the one by which the replacement must be done, or say with \
                 no_cutoff = \"…\" why there is none",
            ),
            (Some(_), _) if !self.no_cutoff.is_empty() => fault(
                vec![Step::Key("no_cutoff")],
                "no_cutoff says why there is none, and a [[milestone]] has cutoff = true; leave one of them out",
            ),
            (Some(cutoff), Some(target)) if target <= cutoff => fault(
                vec![Step::Key("recovery_target")],
                "recovery_target is not after the cutoff, so it would only hide it; set a later one or leave it out",
            ),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    /// Whether the catalog can serve it.
    ///
    /// # Errors
    /// The first target or replacement that the catalog lacks, where it stands, and what to do.
    pub fn check_against(&self, catalog: &Catalog) -> Result<(), Fault> {
        for target in &self.targets {
            let at = || vec![Step::Key("targets")];
            match catalog.rules.get(target).map(|rule| rule.role) {
                Some(Role::Target) => {}
                Some(Role::Replacement | Role::Unapproved) => {
                    let why = format!("target `{target}` is no target by its rule; name another product");
                    return fault(at(), why);
                }
                None => {
                    let why = format!("no rule of the catalog sees target `{target}`; add one or drop it");
                    return fault(at(), why);
                }
            }
        }
        for (place, rule) in self.replacements.iter().enumerate() {
            let product = &rule.product;
            let at = |key| vec![Step::Key("replacement"), Step::Nth(place), Step::Key(key)];
            for (key, named) in [("product", Some(product)), ("second", rule.second.as_ref())] {
                let unseen = named.filter(|it| catalog.rules.get(*it).map(|rule| rule.role) != Some(Role::Replacement));
                if let Some(unseen) = unseen {
                    let why = format!("no rule of the catalog sees replacement `{unseen}`; add one or drop it");
                    return fault(at(key), why);
                }
            }
            for product in rule.approved() {
                self.check_download(product, catalog, &at)?;
            }
            let Some(install) = catalog.installation(product) else {
                // Others install it; that it is there and healthy is seen all the same.
                if rule.settings.is_empty() {
                    continue;
                }
                let why = format!(
                    "replacement `{product}`: settings: no recipe of the catalog installs it, so nothing takes them; leave \
                     them out"
                );
                return fault(at("settings"), why);
            };
            if let Some(source) = rule.source.filter(|source| !install.offers(*source)) {
                let why = format!(
                    "replacement `{product}`: its recipe knows no packages for source = \"{source}\"; leave `source` out"
                );
                return fault(at("source"), why);
            }
            if let Some(its_rule) = catalog.rules.get(product)
                && let Err(why) = install.contents(its_rule, &rule.settings)
            {
                return fault(at("settings"), format!("replacement `{product}`: settings: {why}"));
            }
        }
        Ok(())
    }

    /// What is not known is not carried by a line that is limited: an order of which nobody tells the size could not be counted.
    fn check_download(
        &self,
        product: &ProductId,
        catalog: &Catalog,
        at: &dyn Fn(&'static str) -> Way,
    ) -> Result<(), Fault> {
        let is_told = |install: &Install| {
            install.source(self.source_of(product)) == Source::Artifacts || self.download_of(product).is_some()
        };
        if !self.limits_lines() || catalog.installation(product).is_none_or(is_told) {
            return Ok(());
        }
        let why = format!(
            "replacement `{product}`: its packages come by name, so nothing tells how many bytes a host fetches, and a \
             bandwidth cannot be kept; write what the package manager says that it must get on a usual host, such as \
             download = \"350 MB\", or leave bandwidth out"
        );
        fault(at("product"), why)
    }

    /// The line on which something of it stands, from 1; `None` where it has no place.
    #[must_use]
    pub fn line(&self, way: &[Step]) -> Option<usize> {
        place::line(&self.source, way)
    }

    /// A warning with the line that it is about.
    #[must_use]
    pub fn warning(&self, way: &[Step], text: String) -> Warning {
        Warning {
            line: self.line(way),
            text,
        }
    }

    /// Every selector that asks for something, what it belongs to, and where it stands.
    #[must_use]
    pub fn selectors(&self) -> Vec<(String, Way, &Selector)> {
        let nth = |key, place| vec![Step::Key(key), Step::Nth(place), Step::Key("match")];
        let windows = self
            .windows
            .iter()
            .enumerate()
            .map(|(place, rule)| (format!("[[window]] {}", rule.it), nth("window", place), &rule.hosts));
        let blackouts = self.blackouts.iter().enumerate().map(|(place, rule)| {
            let what = format!("[[blackout]] {}", rule.it.name);
            (what, nth("blackout", place), &rule.hosts)
        });
        let scope = self.out_of_scope.iter().enumerate().map(|(place, rule)| {
            let what = format!("[[out_of_scope]] {}", rule.name);
            (what, nth("out_of_scope", place), &rule.hosts)
        });
        let priorities = self.priorities.iter().enumerate().map(|(place, rule)| {
            let what = format!("[[priority]] {}", rule.name);
            (what, nth("priority", place), &rule.hosts)
        });
        let replacements = self.replacements.iter().enumerate().map(|(place, rule)| {
            let what = format!("[[replacement]] {}", rule.product);
            (what, nth("replacement", place), &rule.hosts)
        });
        let waves = self.waves.iter().map(|wave| {
            let what = format!("[[wave]] {}", wave.name);
            (what, place::named("wave", &wave.name, "match"), &wave.hosts)
        });
        let notice = self.notice.iter().map(|notice| {
            let way = vec![Step::Key("notice"), Step::Key("match")];
            ("[notice]".to_owned(), way, &notice.hosts)
        });
        let drains = self.drains.iter().enumerate().map(|(place, rule)| {
            let what = format!("[[drain]] {}", rule.name);
            (what, nth("drain", place), &rule.hosts)
        });
        windows
            .chain(blackouts)
            .chain(scope)
            .chain(priorities)
            .chain(replacements)
            .chain(waves)
            .chain(notice)
            .chain(drains)
            .filter(|(_, _, selector)| !selector.is_everything())
            .collect()
    }

    /// What is sound about it and probably not meant, at an instant.
    #[must_use]
    pub fn warnings(&self, now_ms: i64) -> Vec<Warning> {
        let of_target = |text| {
            let given = [Step::Key("recovery_target")];
            let cutoff = self.milestones.iter().find(|it| it.cutoff).map(|it| it.name.as_str());
            let milestone = place::named("milestone", cutoff.unwrap_or_default(), "at");
            let way = if self.recovery_target_ms.is_some() {
                &given[..]
            } else {
                &milestone[..]
            };
            self.warning(way, text)
        };
        let mut warnings: Vec<Warning> = no_target_text(self, now_ms).map(of_target).into_iter().collect();
        let left = self.notice.as_ref().and_then(notice::unfilled);
        if let Some(key) = left.filter(|_| self.mode != Mode::Observe) {
            let text = format!(
                "notice.{key} still has brackets, and people at the machines read it as it stands; write what belongs there"
            );
            warnings.push(self.warning(&[Step::Key("notice"), Step::Key(key)], text));
        }
        warnings.extend(self.warn_of_unproven());
        warnings.extend(self.warn_of_leaving());
        let Some(target_ms) = self.target_ms().filter(|target_ms| *target_ms > now_ms) else {
            return warnings;
        };
        let first = self.notice.as_ref().and_then(|notice| notice.before.first());
        if let Some(before) = first.filter(|before| now_ms.saturating_add(span::ms(**before)) > target_ms) {
            let text = format!(
                "notice.before: {} before the start is more than is left until {}: no workstation can start in time; set a \
                 later target, or shorten it",
                span::words(span::ms(*before)),
                utc(target_ms)
            );
            warnings.push(self.warning(&[Step::Key("notice"), Step::Key("before")], text));
        }
        let zone = zone(&self.policy.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
        let blackouts: Vec<Blackout> = self
            .blackouts
            .iter()
            .filter(|rule| rule.hosts.is_everything())
            .map(|rule| rule.it.clone())
            .collect();
        for (place, rule) in self.windows.iter().enumerate() {
            let calendar = Calendar {
                windows: vec![rule.it.clone()],
                blackouts: blackouts.clone(),
                needs_window: false,
            };
            if !calendar.opens_before(now_ms, target_ms, &zone) {
                let text = format!(
                    "[[window]] {} never opens before {}: what it is for cannot start in time; widen it, or shorten a \
                     blackout",
                    rule.it,
                    utc(target_ms)
                );
                warnings.push(self.warning(&[Step::Key("window"), Step::Nth(place)], text));
            }
        }
        warnings
    }
}

/// Something that is sound and probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line that it is about, from 1, where it is one place.
    pub line: Option<usize>,
    /// What, and what to do.
    pub text: String,
}

impl Warning {
    /// The same with the name of the file.
    #[must_use]
    pub fn of_file(&self, file: &str) -> String {
        match self.line {
            Some(line) => format!("{file}, line {line}: {}", self.text),
            None => format!("{file}: {}", self.text),
        }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

fn fault(way: Way, why: impl Into<String>) -> Result<(), Fault> {
    Err(Fault { way, why: why.into() })
}
