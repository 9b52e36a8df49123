//! Reading campaign files.

use std::collections::BTreeSet;

use cutover_proto::{ids::CampaignId, rule::Role, verdict::Protection};
use toml::Spanned;

use super::{
    Campaign, External, Milestone, Policy, ReplacementRule, Wave,
    document::{CampaignInFile, PRESETS, SCHEMA},
    instant::{self, NotAnInstant},
};
use crate::catalog::Catalog;

/// Why a campaign file is refused. Nothing of it takes effect.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// Not TOML of this format. The text names line and key.
    #[error("{file}: {source}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        source: Box<toml::de::Error>,
    },
    /// A date without a time and a zone.
    #[error(
        "{file}, line {line}: {key} = {value} names no instant; write it with a time and an offset, for example \"{example}\""
    )]
    BareDate {
        /// The file.
        file: String,
        /// From 1.
        line: usize,
        /// Which key.
        key: String,
        /// What stands there.
        value: String,
        /// What could stand there.
        example: String,
    },
    /// Well formed, but it makes no sense.
    #[error("{file}: {why}")]
    Invalid {
        /// The file.
        file: String,
        /// What to change.
        why: String,
    },
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn invalid(&self, why: impl Into<String>) -> CampaignError {
        CampaignError::Invalid {
            file: self.file.to_owned(),
            why: why.into(),
        }
    }

    fn instant(&self, key: &str, value: &Spanned<toml::Value>) -> Result<i64, CampaignError> {
        instant::parse(value.get_ref()).map_err(|why| CampaignError::BareDate {
            file: self.file.to_owned(),
            line: self.text[..value.span().start.min(self.text.len())]
                .lines()
                .count()
                .max(1),
            key: key.to_owned(),
            value: value.get_ref().to_string(),
            example: match why {
                NotAnInstant::Bare(example) => example,
                NotAnInstant::Unreadable => "2024-09-29T00:00:00-04:00".to_owned(),
            },
        })
    }

    fn milestones(&self, file: Vec<super::document::MilestoneInFile>) -> Result<Vec<Milestone>, CampaignError> {
        let mut milestones = Vec::new();
        let mut names = BTreeSet::new();
        for it in file {
            if !names.insert(it.name.clone()) {
                return Err(self.invalid(format!("two milestones are named `{}`; rename one", it.name)));
            }
            milestones.push(Milestone {
                at_ms: self.instant(&format!("milestone `{}`.at", it.name), &it.at)?,
                name: it.name,
                regime: it.regime,
                note: it.note,
                cutoff: it.cutoff,
            });
        }
        milestones.sort_by_key(|milestone| milestone.at_ms);
        Ok(milestones)
    }
}

impl Campaign {
    /// Reads and checks a file; `version` comes from the store, 1 for a new one.
    ///
    /// # Errors
    /// When it is not of this format, an instant lacks an offset, or it makes no sense.
    pub fn parse(file: &str, text: &str, version: u32) -> Result<Self, CampaignError> {
        let reader = Reader { file, text };
        let it: CampaignInFile = toml::from_str(text).map_err(|source| CampaignError::Syntax {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        if it.schema != SCHEMA {
            return Err(reader.invalid(format!(
                "schema {} is not known here; this version reads schema {SCHEMA}",
                it.schema
            )));
        }
        let recovery_target_ms = match &it.recovery_target {
            None => None,
            Some(value) => Some(reader.instant("recovery_target", value)?),
        };
        let campaign = Self {
            id: CampaignId::new(it.id),
            version,
            title: it.title,
            kind: it.kind,
            targets: it.targets,
            milestones: reader.milestones(it.milestone)?,
            recovery_target_ms,
            mode: it.mode,
            replacements: it
                .replacement
                .into_iter()
                .map(|rule| ReplacementRule {
                    os_family: rule.os_family,
                    os_id: rule.os_id,
                    product: rule.product,
                    tenant: rule.tenant,
                    settings: rule.settings,
                    source: rule.source,
                })
                .collect(),
            accepted_grades: it.accepted_grades,
            policy: Policy::from_file(it.policy).map_err(|why| reader.invalid(why))?,
            executor: it.executor.map(|it| External {
                name: it.name,
                owner: it.owner,
                within: it.within,
            }),
            wave: Wave { name: it.wave.name },
            source: text.to_owned(),
        };
        campaign.check().map_err(|why| reader.invalid(why))?;
        Ok(campaign)
    }

    /// The preset that new installations start with, version 1.
    ///
    /// # Errors
    /// When the compiled-in file is not sound; a test keeps it so.
    pub fn preset() -> Result<Self, CampaignError> {
        let (file, text) = PRESETS[0];
        Self::parse(file, text, 1)
    }

    fn check(&self) -> Result<(), String> {
        let plain = |name: &str| {
            !name.is_empty()
                && name.len() <= 64
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !plain(self.id.as_str()) {
            return Err(format!(
                "id `{}` is not made of lower-case letters, digits and `-`, at most 64",
                self.id
            ));
        }
        if !plain(&self.wave.name) {
            return Err(format!(
                "wave.name `{}` is not made of lower-case letters, digits and `-`",
                self.wave.name
            ));
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
        if let Some(both) = self
            .replacements
            .iter()
            .find(|rule| self.targets.contains(&rule.product))
        {
            return Err(format!(
                "`{}` is a target and a replacement; it cannot be both",
                both.product
            ));
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
        let Some(cutoff) = self.cutoff_ms() else {
            return Err(
                "no [[milestone]] has cutoff = true; mark the one by which the replacement must be done".to_owned(),
            );
        };
        match self.recovery_target_ms {
            Some(target) if target <= cutoff => Err(
                "recovery_target is not after the cutoff, so it would only hide it; set a later one or leave it out"
                    .to_owned(),
            ),
            Some(_) | None => Ok(()),
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
        for rule in &self.replacements {
            let product = &rule.product;
            if catalog.rules.get(product).map(|rule| rule.role) != Some(Role::Replacement) {
                return Err(format!(
                    "no rule of the catalog sees replacement `{product}`; add one or drop it"
                ));
            }
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
}
