//! One duty as data: what must go, by when, what takes its place, and how carefully.

mod document;
mod instant;
mod model;
mod parse;
mod policy;
pub mod span;
pub mod zone;

#[cfg(test)]
mod tests;

pub use document::PRESETS;
pub use model::{Campaign, CampaignKind, External, Milestone, Mode, Regime, ReplacementRule, Wave};
pub use parse::CampaignError;
pub use policy::{Grace, PendingRestart, Policy};
