//! From recipes to the steps of one order.

use cutover_proto::{ids::ProductId, step::Step};

use super::Catalog;
use crate::judge::Assessment;

/// Why no order can be made for a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// Disks are encrypted by the target, or may be.
    #[error("the disks are, or may be, encrypted by the product that is to go; decrypt them first")]
    Encryption,
    /// No recipe.
    #[error("no recipe removes {0}; add one to the catalog")]
    NoRemoval(ProductId),
    /// No recipe.
    #[error("no recipe installs {0}; add one to the catalog")]
    NoInstallation(ProductId),
    /// Nothing to work with.
    #[error("none of the package managers that the recipe for {0} can use is on the host")]
    NoManager(ProductId),
    /// Seen, but not as a package.
    #[error("{0} is there, but no package of its rule accounts for it; a person must remove it")]
    NotAPackage(ProductId),
}

/// The steps that take a host from what was seen to the replacement alone.
///
/// # Errors
/// Why there are none. Disks that the target encrypts, or may, never get any.
pub fn compose(
    assessment: &Assessment,
    replacement: &ProductId,
    catalog: &Catalog,
) -> Result<Vec<Step>, ComposeError> {
    todo!("{assessment:?} {replacement:?} {catalog:?}")
}
