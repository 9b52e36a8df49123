//! Artifacts on this host: the cache that keeps them, and the seam behind which they are fetched.
//!
//! What lies in the cache under its hash was whole and right when it was put there, and is hashed again before it is used.

mod cache;
mod partial;
mod seam;

#[cfg(test)]
mod tests;

pub use cache::ArtifactCache;
#[cfg(feature = "link")]
pub(crate) use cache::hashed;
pub use partial::Partial;
pub(crate) use seam::artifacts_of;
pub use seam::{Artifacts, FetchError};
