//! The pure core: given what is known and the time, what follows. No clock, no I/O, no async, no randomness.
//!
//! ```text
//! inventory -> judge::assess -> decide::decide -> events, effects -> decide::apply -> plan
//!                                                   rollout::choose -> Input::Started
//! ```
//!
//! - [`campaign`]: one duty as data: targets, milestones, policy.
//! - [`catalog`]: recipes, and how they become the steps of a work order.
//! - [`judge`]: what an inventory means to a campaign.
//! - [`plan`]: one host in one campaign; its phases and reasons.
//! - [`coverage`]: imported records, which hosts they are, and where those without agent count.
//! - [`decide`](mod@decide): the only place that moves a plan; events and how they are applied.
//! - [`waiting`]: why nothing happens at the moment, who must act, and until when.
//! - [`readiness`]: what must be so around the machines before hosts are started without a person.
//! - [`closing`]: what is left when a campaign ends, and who signs that.
//! - [`blockers`]: what holds hosts up and can be mended.
//! - [`rollout`]: who starts next in a wave.
//! - [`simulate`](mod@simulate): what would become of a fleet, by the same decisions.
//! - [`outlook`](mod@outlook): when a campaign is likely done, and who will miss its target.
//! - [`standing`]: how hosts relate to the duty, from bucket totals.
//! - [`upkeep`]: how targets are kept up, and what was updated or installed after a milestone.
//! - [`forecast`]: slack and lateness.
//! - [`report`]: figures of the deadline report and its schedule.
//! - [`trail`]: kernel sessions under one identity, and whether several machines have it.
//! - [`secret`]: which secrets there are, and which were tried on a host.
//! - [`leaving`]: when a host's agent is asked to leave.
//! - [`history`]: events in words.
//! - [`hours`]: windows and blackouts: when work may start.
//! - [`notice`]: what whoever works at a machine is told before work begins, and how far they put it off.

pub mod blockers;
pub mod campaign;
pub mod catalog;
pub mod closing;
pub mod coverage;
pub mod date_proof;
pub mod decide;
pub mod drain;
pub mod findings;
pub mod forecast;
pub mod habit;
pub mod history;
pub mod hours;
pub mod judge;
pub mod leaving;
mod mix;
pub mod notice;
pub mod outlook;
pub mod plan;
pub mod readiness;
pub mod report;
pub mod rollout;
pub mod secret;
pub mod simulate;
pub mod standing;
pub mod suspect;
pub mod trail;
pub mod upkeep;
pub mod waiting;

#[cfg(test)]
mod samples;
