//! When a campaign is likely to be done, how likely its target is met, and who will miss it.
//!
//! An outlook is many simulations of the same fleet. What is not known is drawn anew for each: how often attempts fail, from
//! what attempts came to so far; how fast machines work; on which days they are on. So it widens with what is not known,
//! and narrows as outcomes come in.

mod experience;
mod late;
mod likely;

#[cfg(test)]
mod back_test;
#[cfg(test)]
mod tests;

pub use experience::Experience;
pub use late::{Misses, is_late, misses};
pub use likely::{Chance, Likely, Miss, Outlook, outlook};
