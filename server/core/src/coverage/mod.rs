//! Assets: what imports and persons say of machines, which hosts they are, and where that counts.

mod identity;
mod look;
mod ownership;
mod resolve;
mod standing;
#[cfg(test)]
mod tests;

pub mod import;

pub use identity::{Identifier, IdentifierKind, Identity};
pub use look::{CountedLooks, Found, ImportedLook, LookRules, Vouched};
pub use ownership::{Owned, Ownership, ownership};
pub use resolve::{Machine, Pin, Place, Record, Why, resolve};
pub use standing::{AssetBucket, AssetTotals, Attestation, Claim, Known, bucket, next_change_ms};
