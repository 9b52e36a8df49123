//! The journal: what this host began and ended, kept through crashes.
//!
//! One append-only file, one entry a line, each line chained to the one before by a checksum and forced to disk before
//! anything it speaks of happens. A line that a crash cut short is dropped; any other damage is reported, and then
//! nothing runs until a fresh look settles it. The file is written anew, by an atomic rename, when an order is over and
//! acknowledged.

mod contents;
mod entry;
mod medium;
mod once;
mod open;
mod progress;
mod writing;

#[cfg(test)]
pub(crate) mod damage;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

#[cfg(all(test, unix))]
pub(crate) use medium::{FileMedium, Medium};
#[cfg(all(test, unix))]
pub(crate) use open::NAME;
pub use open::{Journal, JournalError, JournalState};
pub(crate) use progress::{Asked, Begun, Next, Progress};

/// The journal as executor and application share it. Locked shortly.
pub type SharedJournal = Arc<Mutex<Journal>>;

/// Looks at bytes that should be a journal, without opening one: how many of them are sound, and what is wrong behind
/// those. A last line that a crash cut short is nothing wrong.
#[must_use]
pub fn examine(bytes: &[u8]) -> (usize, Option<String>) {
    let reading = contents::read(bytes);
    (reading.sound, reading.damage)
}
