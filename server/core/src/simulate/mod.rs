//! What would become of a fleet: the same decisions as in earnest, in memory, over hosts that behave as they did so far.
//!
//! Plans are moved by [`decide`](mod@crate::decide), waves by the rollout's own gates and breakers, the order of starts by
//! [`choose`](crate::rollout::choose). What is made up are the machines: when they are on, how long a step takes, how often
//! one fails. [`Assumptions`] says all of it, and everything follows from them and a seed.

mod assumptions;
#[cfg(test)]
mod canaries_tests;
mod cause;
#[cfg(test)]
mod cause_tests;
#[cfg(test)]
mod controller_tests;
mod counts;
#[cfg(test)]
mod counts_tests;
#[cfg(test)]
mod course_tests;
mod engine;
#[cfg(test)]
mod line_tests;
mod machine;
#[cfg(test)]
mod machine_tests;
mod presence;
#[cfg(test)]
mod presence_tests;
mod queue;
mod report;
#[cfg(test)]
mod report_tests;
mod rollout;
mod setup;

#[cfg(test)]
pub(crate) mod tests;

pub use assumptions::{Assumptions, PerMille};
pub use engine::{course, simulate};
pub use presence::{Habit, Presence};
pub use report::{DayLoad, HostEnd, LeftOver, Mark, Share, Simulated, SiteLoad, WaveCourse};
pub use setup::{Participant, Setup, Step};
