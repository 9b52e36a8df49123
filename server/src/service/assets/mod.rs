//! Assets: imported, matched with hosts, attested by people.

mod convert;
mod disks;
mod import;
mod list;
mod looks;
mod people;
mod place;
mod preview;
mod show;

pub(super) use convert::other_word;
pub use import::{AssetImport, AssetsImported, NamedFault};
pub use list::{AssetFilter, AssetList, AssetView};
pub use looks::{ScanImport, ScanImported};
pub use people::{AttestAsset, MatchAsset};
pub use show::{AssetDetail, LookView};

/// Subject of the audit.
const ASSETS: &str = "assets";
