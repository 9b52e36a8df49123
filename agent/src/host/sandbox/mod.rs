//! A host that exists only as a directory: what `cutover demo` migrates.
//!
//! Planted are a package database, units, product files, a process list and a boot id. [`SandboxHands`] stand in for
//! apt, dpkg and the machine: they carry out the closed actions on that directory, with delays and failures as planted.
//! Everything else (look, judgement, journal, wire) is the real code, over [`SandboxView`].

mod accounts;
mod defender;
mod faults;
mod files;
mod hands;
mod packages;
mod plant;
mod product;
mod profile;
mod view;

#[cfg(test)]
mod tests;

pub use files::SandboxError;
pub use hands::SandboxHands;
#[cfg(test)]
pub(crate) use packages::leave_half_configured;
pub use plant::plant;
pub use product::TargetProduct;
pub use profile::{Behaviour, Fault, Profile};
pub use view::SandboxView;
