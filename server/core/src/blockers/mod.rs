//! What holds hosts up and can be mended: causes of their own, and what mending one is worth.

mod cause;
mod pace;

#[cfg(test)]
mod tests;

pub use cause::{Cause, cause};
pub use pace::{LEAST, Pace, WORKING_DAYS, day_of};
