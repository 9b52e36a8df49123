//! Recipes (how products are removed, installed and swept up), and how they become the steps of a work order.
//!
//! Rules say how a product is seen and go to agents; recipes stay on the server and travel only as steps.

mod book;
mod built_in;
mod check;
mod compose;
mod exit;
mod file;
mod handover;
mod matrix;
mod named;
mod precondition;
mod proven;
mod recipe;
mod restart;
mod secret;
mod setup;
mod shelf;
mod supply;

#[cfg(test)]
mod tests;

pub use book::{Catalog, CatalogError, REVISION, RuleFiles};
pub(crate) use compose::ours;
pub use compose::{ComposeError, compose};
pub use exit::{Exit, ExitMeaning, Installer};
pub use handover::{HandedOver, Handover, Remover};
pub use matrix::{Cell, Matrix, MatrixError};
pub use precondition::{Needs, Precondition, Unknown, Unmet};
pub use proven::{Platform, Proven};
pub use recipe::{
    Beside, ConfigFile, FilePackage, Install, Rank, Recipe, RecipeError, Removal, RestartNeed, SCHEMA, Settings, Source,
};
pub use restart::with_restart;
pub use secret::{RecipeSecret, SecretName};
pub use shelf::{Missing, Shelf, Shelved, System};
pub use supply::{Means, files_to_come};
