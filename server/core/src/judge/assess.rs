//! The judging.

use cutover_proto::inventory::Inventory;

use super::Assessment;
use crate::{campaign::Campaign, catalog::Catalog};

/// Judges an inventory.
#[must_use]
pub fn assess(inventory: &Inventory, campaign: &Campaign, catalog: &Catalog) -> Assessment {
    todo!("{inventory:?} {campaign:?} {catalog:?}")
}
