//! All rules and recipes together.

use std::collections::BTreeMap;

use cutover_proto::{
    ids::ProductId,
    rule::{Rule, RuleError},
};

use super::{Recipe, RecipeError};

/// The revision of the recipes that are compiled in. Raised with every change to a file in `server/recipes`.
pub const REVISION: u64 = 1;

/// Rules and recipes by product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Of the whole; stands in every work order and every figure.
    pub revision: u64,
    /// How products are seen.
    pub rules: BTreeMap<ProductId, Rule>,
    /// How they go and come.
    pub recipes: BTreeMap<ProductId, Recipe>,
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
}

impl Catalog {
    /// The compiled-in rules and recipes.
    ///
    /// # Errors
    /// When a file is not sound; a test keeps them so.
    pub fn built_in() -> Result<Self, CatalogError> {
        todo!()
    }
}
