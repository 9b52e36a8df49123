//! All rules and recipes together.

use std::collections::BTreeMap;

use cutover_proto::{
    ids::ProductId,
    rule::{BUILT_IN, BUILT_IN_REVISION, Rule, RuleError},
    step::{Purpose, Step},
    verdict::Protection,
};

use super::{Handover, Install, Precondition, Recipe, RecipeError, Removal, built_in::RECIPES};

/// The revision of the recipes that are compiled in. Raised with every change to a file in `server/recipes`.
pub const REVISION: u64 = 11;

/// Rules and recipes by product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Of the whole; stands in every work order and every figure.
    pub revision: u64,
    /// How products are seen.
    pub rules: BTreeMap<ProductId, Rule>,
    /// How they go and come.
    pub recipes: BTreeMap<ProductId, Recipe>,
    /// The rules as agents get them, so that these see by no others.
    pub rule_files: RuleFiles,
}

/// Rules as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFiles {
    /// Agents take what is newer than their own.
    pub revision: u64,
    /// Name and text of each.
    pub files: Vec<(String, String)>,
}

/// Why a catalog is refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// One of its rules.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// One of its recipes.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Two files for one product.
    #[error("{file}: `{product}` has another file already; a product has one")]
    Twice {
        /// The later file.
        file: String,
        /// The product.
        product: ProductId,
    },
}

impl Catalog {
    /// The compiled-in rules and recipes.
    ///
    /// # Errors
    /// When a file is not sound; a test keeps them so.
    pub fn built_in() -> Result<Self, CatalogError> {
        Self::parse((REVISION, RECIPES), (BUILT_IN_REVISION, BUILT_IN))
    }

    /// The compiled-in rules and recipes with others beside them, name and text of each. Both revisions are one later, so that
    /// agents that have the compiled-in rules take these.
    ///
    /// # Errors
    /// The first file that is not sound, or is of a product that has one.
    pub fn built_in_with(rules: &[(&str, &str)], recipes: &[(&str, &str)]) -> Result<Self, CatalogError> {
        Self::parse(
            (REVISION + 1, &[RECIPES, recipes].concat()),
            (BUILT_IN_REVISION + 1, &[BUILT_IN, rules].concat()),
        )
    }

    fn parse(
        (revision, recipes): (u64, &[(&str, &str)]),
        (rules_revision, rules): (u64, &[(&str, &str)]),
    ) -> Result<Self, CatalogError> {
        let twice = |file: &str, product: &ProductId| CatalogError::Twice {
            file: file.to_owned(),
            product: product.clone(),
        };
        let mut catalog = Self {
            revision,
            rules: BTreeMap::new(),
            recipes: BTreeMap::new(),
            rule_files: RuleFiles {
                revision: rules_revision,
                files: rules
                    .iter()
                    .map(|&(name, text)| (name.to_owned(), text.to_owned()))
                    .collect(),
            },
        };
        for (file, text) in rules {
            let rule = Rule::parse(file, text)?;
            if let Some(other) = catalog.rules.insert(rule.product.clone(), rule) {
                return Err(twice(file, &other.product));
            }
        }
        for (file, text) in recipes {
            let rules = &catalog.rules;
            let recipe = Recipe::parse(file, text, |product| rules.get(&ProductId::new(product)).cloned())?;
            if let Some(other) = catalog.recipes.insert(recipe.product.clone(), recipe) {
                return Err(twice(file, &other.product));
            }
        }
        Ok(catalog)
    }

    /// How Cutover removes a target.
    #[must_use]
    pub fn removal(&self, product: &ProductId) -> Option<&Removal> {
        self.recipes.get(product)?.remove.as_ref()
    }

    /// Who else removes a target.
    #[must_use]
    pub fn handover(&self, product: &ProductId) -> Option<&Handover> {
        self.recipes.get(product)?.handover.as_ref()
    }

    /// How a replacement comes.
    #[must_use]
    pub fn installation(&self, product: &ProductId) -> Option<&Install> {
        self.recipes.get(product)?.install.as_ref()
    }

    /// What must hold of a machine before the work of a product's recipe begins.
    #[must_use]
    pub fn preconditions(&self, product: &ProductId) -> &[Precondition] {
        self.recipes.get(product).map_or(&[], |recipe| &recipe.preconditions)
    }

    /// Whether two replacements are ways of setting up one product: their recipes share a package.
    #[must_use]
    pub fn is_kin(&self, one: &ProductId, other: &ProductId) -> bool {
        match (self.installation(one), self.installation(other)) {
            (Some(one), Some(other)) => one
                .all_packages()
                .any(|package| other.all_packages().any(|it| it == package)),
            (Some(_) | None, _) => false,
        }
    }

    /// Whether a product protects while it runs.
    #[must_use]
    pub fn protects(&self, product: &ProductId) -> bool {
        self.rules
            .get(product)
            .is_some_and(|rule| matches!(rule.protection, Protection::RealTime | Protection::OnDemand))
    }

    /// The protection that a host has after a step of an order, where the step changes it. The next look has the last
    /// word; this keeps the time account honest until then.
    #[must_use]
    pub fn protection_after(&self, steps: &[Step], index: usize, replacement: &ProductId) -> Option<Protection> {
        let install = self.installation(replacement)?;
        let grade = install.grade;
        let is_protecting_removal =
            |step: &Step| matches!(step.action.purpose(), Purpose::Remove(product) if self.protects(product));
        let is_install = |step: &Step| matches!(step.action.purpose(), Purpose::Install(_));
        let is_test = |step: &Step| matches!(step.action.purpose(), Purpose::Prove(_));
        let sets_up = |step: &Step| is_install(step) || matches!(step.action.purpose(), Purpose::Start(_));
        let step = steps.get(index)?;
        let (before, after) = (&steps[..index], &steps[index + 1..]);
        if is_protecting_removal(step) {
            let comes_later = after.iter().any(sets_up);
            return Some(if comes_later { Protection::None } else { grade });
        }
        let is_last_proof = is_test(step) || (sets_up(step) && !after.iter().any(|it| is_test(it) || sets_up(it)));
        let still_protected = after.iter().any(is_protecting_removal);
        let is_there = install.part_of_system || before.iter().any(is_install) || is_install(step);
        (is_last_proof && !still_protected && is_there).then_some(grade)
    }
}
