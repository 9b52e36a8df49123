//! A recipe's file, as its text says it.

use std::{collections::BTreeMap, time::Duration};

use cutover_proto::{ids::ProductId, inventory::PackageManager, rule::Certainty, subject::Subject};
use serde::Deserialize;

use super::{
    Exit, Handover, Install, Platform, Precondition, Proven, Rank, Recipe, RecipeSecret, Removal, Remover, RestartNeed,
    recipe::{no_restart, sweep_time},
};
use crate::{campaign::span, plan::Owner};

/// Every key of a recipe.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    schema: u32,
    product: ProductId,
    sources: Vec<String>,
    #[serde(default)]
    proven: BTreeMap<Platform, Proven>,
    #[serde(default)]
    argv_secrets: BTreeMap<String, String>,
    #[serde(default, rename = "secret")]
    secrets: Vec<RecipeSecret>,
    remove: Option<Remove>,
    install: Option<Install>,
    #[serde(default, rename = "precondition")]
    preconditions: Vec<Precondition>,
    #[serde(default, rename = "exit")]
    exits: Vec<Exit>,
}

impl File {
    /// The recipe that has this digest.
    pub(super) fn into_recipe(self, digest: u64) -> Recipe {
        let (remove, handover) = match self.remove {
            None => (None, None),
            Some(Remove::Ours(removal)) => (Some(removal), None),
            Some(Remove::Others(handover)) => (None, Some(handover)),
        };
        Recipe {
            schema: self.schema,
            digest,
            product: self.product,
            sources: self.sources,
            proven: self.proven,
            argv_secrets: self.argv_secrets,
            secrets: self.secrets,
            remove,
            handover,
            install: self.install,
            preconditions: self.preconditions,
            exits: self.exits,
        }
    }
}

/// `[remove]`, by whomever.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RemoveKeys")]
enum Remove {
    Ours(Removal),
    Others(Handover),
}

/// Every key of `[remove]`, whoever removes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveKeys {
    by: Option<Remover>,
    rank: Option<Rank>,
    managers: Option<Vec<PackageManager>>,
    time_limit: Option<Span>,
    sweep: Option<Vec<String>>,
    sweep_groups: Option<Vec<String>>,
    sweep_certificates: Option<Vec<Subject>>,
    sweep_time_limit: Option<Span>,
    restart: Option<RestartNeed>,
    owner: Option<Owner>,
    runbook: Option<String>,
    ends_when: Option<String>,
    certainty: Option<Certainty>,
    note: Option<String>,
}

/// A length of time with its unit.
#[derive(Debug, Deserialize)]
struct Span(#[serde(deserialize_with = "span::deserialize")] Duration);

impl TryFrom<RemoveKeys> for Remove {
    type Error = String;

    fn try_from(keys: RemoveKeys) -> Result<Self, String> {
        match keys.by.unwrap_or(Remover::Cutover) {
            Remover::Cutover => keys.ours().map(Self::Ours),
            by @ (Remover::External | Remover::Hand) => keys.others(by).map(Self::Others),
        }
    }
}

impl RemoveKeys {
    fn ours(self) -> Result<Removal, String> {
        let of_others = [
            ("owner", self.owner.is_some()),
            ("runbook", self.runbook.is_some()),
            ("ends_when", self.ends_when.is_some()),
            ("certainty", self.certainty.is_some()),
            ("note", self.note.is_some()),
        ];
        if let Some((key, _)) = of_others.iter().find(|(_, is_there)| *is_there) {
            return Err(format!(
                "`{key}` is for what others remove; write `by = \"hand\"` or `by = \"external\"` with it, or leave it out"
            ));
        }
        let needed =
            |key: &str| format!("`{key}` is missing; what Cutover removes needs it, and what others remove says `by`");
        Ok(Removal {
            rank: self.rank.ok_or_else(|| needed("rank"))?,
            managers: self.managers.ok_or_else(|| needed("managers"))?,
            time_limit: self.time_limit.ok_or_else(|| needed("time_limit"))?.0,
            sweep: self.sweep.unwrap_or_default(),
            sweep_groups: self.sweep_groups.unwrap_or_default(),
            sweep_certificates: self.sweep_certificates.unwrap_or_default(),
            sweep_time_limit: self.sweep_time_limit.map_or_else(sweep_time, |span| span.0),
            restart: self.restart.unwrap_or_else(no_restart),
        })
    }

    fn others(self, by: Remover) -> Result<Handover, String> {
        let of_ours = [
            ("rank", self.rank.is_some()),
            ("managers", self.managers.is_some()),
            ("time_limit", self.time_limit.is_some()),
            ("sweep", self.sweep.is_some()),
            ("sweep_groups", self.sweep_groups.is_some()),
            ("sweep_certificates", self.sweep_certificates.is_some()),
            ("sweep_time_limit", self.sweep_time_limit.is_some()),
            ("restart", self.restart.is_some()),
        ];
        if let Some((key, _)) = of_ours.iter().find(|(_, is_there)| *is_there) {
            return Err(format!(
                "`{key}` is for what Cutover removes, and this says by = \"{by}\"; leave one of them out"
            ));
        }
        let needed = |key: &str| format!("`{key}` is missing; by = \"{by}\" needs `owner`, `runbook` and `ends_when`");
        let said =
            |text: Option<String>, key: &str| text.filter(|text| !text.trim().is_empty()).ok_or_else(|| needed(key));
        let certainty = self.certainty.unwrap_or(Certainty::Confirmed);
        let note = self.note.unwrap_or_default();
        if (certainty == Certainty::Confirmed) != note.trim().is_empty() {
            return Err(
                "a removal whose facts are not confirmed needs a `note` that says what is not sure, and one whose facts are \
                 needs none"
                    .to_owned(),
            );
        }
        Ok(Handover {
            by,
            owner: self.owner.ok_or_else(|| needed("owner"))?,
            runbook: said(self.runbook, "runbook")?,
            ends_when: said(self.ends_when, "ends_when")?,
            certainty,
            note,
        })
    }
}
