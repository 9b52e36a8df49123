//! The deadline report: its figures, and when it is due.

mod document;
mod figures;
mod schedule;
mod spoken;

#[cfg(test)]
mod tests;

pub use document::{BY_HAND, Document, file_stem};
pub use figures::{Figures, MilestoneFigure, StuckHost, figures};
pub use schedule::{Period, Schedule, ScheduleError};
pub use spoken::{csv_cell, distance, instant, percent};
