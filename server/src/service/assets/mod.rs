//! Assets: imported, matched with hosts, attested by people.

mod convert;
mod import;
mod list;
mod people;
mod place;
mod preview;

pub use import::{AssetImport, AssetsImported, NamedFault};
pub use list::{AssetFilter, AssetList, AssetView};
pub use people::{AttestAsset, MatchAsset};

/// Subject of the audit.
const ASSETS: &str = "assets";
