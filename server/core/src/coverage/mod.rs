//! Assets: what imports and persons say of machines, which hosts they are, and where that counts.

mod identity;
mod resolve;
mod standing;
#[cfg(test)]
mod tests;

pub mod import;

pub use identity::{Identifier, IdentifierKind, Identity};
pub use resolve::{Machine, Pin, Place, Record, Why, resolve};
pub use standing::{AssetBucket, AssetTotals, Attestation, Claim, bucket};
