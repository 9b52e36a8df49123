//! Read models: what people are shown. Pages, REST and command line take the same.

mod events;
mod host;
mod list;
mod shape;
mod summary;
mod work;

#[cfg(test)]
pub(crate) mod samples;

pub use shape::{
    Count, EventView, HostDetail, HostList, HostRow, MilestoneView, NOT_KEPT, ProtectionTime, ReportRow, STUCK_SHOWN,
    Share, StepView, StuckView, Summary, VerdictView, WaveView,
};

pub use work::Work;

pub(super) use host::every_verdict;
pub(super) use summary::{bucket, phases_that_may_stand_still, standing_word};
