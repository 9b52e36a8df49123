//! When a machine is usually heard of: a small share for each hour of its week, by the clock on its wall, from which nobody can
//! tell what was on any one day.

mod heard;
mod words;

#[cfg(test)]
mod tests;

pub use heard::{HOUR_MS, Heard, WEEK};
