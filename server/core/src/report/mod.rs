//! The deadline report: its figures, and when it is due.

mod figures;
mod schedule;

#[cfg(test)]
mod tests;

pub use figures::{Figures, MilestoneFigure, StuckHost, figures};
pub use schedule::{Period, Schedule, ScheduleError};
