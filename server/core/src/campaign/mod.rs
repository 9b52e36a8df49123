//! One duty as data: what must go, by when, what takes its place, and how carefully.

mod change;
mod check;
mod counts;
mod detection_tests;
mod document;
mod drain;
mod instant;
mod leaving;
mod model;
mod notice;
mod parse;
mod place;
mod policy;
mod priority;
mod rate;
mod readiness;
mod selector;
pub mod span;
mod timetable;
mod unproven;
mod waves;
pub mod zone;

#[cfg(test)]
mod bad_input_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unproven_tests;
#[cfg(test)]
mod wave_tests;

pub use change::{Change, changes};
pub use check::Warning;
pub use counts::WaveCount;
pub use detection_tests::{DetectionTests, TestedOn};
pub use document::PRESETS;
pub use drain::DrainRule;
pub use instant::{NotAnInstant, instant_ms};
pub use model::{
    Campaign, CampaignKind, Duty, DutyTrigger, External, Milestone, Mode, Regime, ReplacementRule, ScopeRule,
};
pub use notice::{Budget, Notice, Rung};
pub use parse::{CampaignError, Fault};
pub use place::{Step, Way};
pub use policy::{PendingRestart, Policy, Term};
pub use priority::Priority;
pub use rate::{Rate, size_words};
pub use readiness::ReadinessItem;
pub(crate) use readiness::named as readiness_named;
pub use selector::{HostClass, HostUse, Installed, Selector, Traits, VersionRange};
pub use timetable::{For, Site};
pub use unproven::{FirstCanaries, Trust};
pub use waves::{LateJoiners, Opens, Share, UNMATCHED, Wave};
