//! When work may start: windows, blackouts, and what the clock on the wall of a host makes of them.
//!
//! One rule decides everything: **what the clock on the wall shows.** A window from 22:00 to 05:00 is open at every instant
//! at which the clock of its zone shows a time from 22:00 on and before 05:00, and belongs to the day on which it begins. A
//! blackout of days holds at every instant at which the calendar on that wall shows one of them. What follows where clocks
//! are changed:
//!
//! - A window that begins in a gap (at 02:30, where the clock goes from 02:00 to 03:00) begins at the gap's end; one that
//!   ends in a gap ends where the gap begins; one that lies in a gap altogether does not open on that day.
//! - An hour that the clock shows twice is open twice: a window from 01:00 to 02:00 then lasts two hours, and one from 22:00
//!   to 01:30 is open until 01:30, closed until the clock is set back to 01:00, and open once more until 01:30.
//! - The length on the clock counts, not the time that passes: a night of 22:00 to 05:00 may be six or eight hours.
//! - A day that a zone leaves out (Samoa, 2011-12-30) has no hours of its own; of a window that begins on it and goes past
//!   midnight the part after midnight is left.
//!
//! Hours say when work may *start*. What began in time may go on after the window's end.
//!
//! Instants are milliseconds since the epoch; beginnings belong to a stretch, ends do not. Zones come from the bundled
//! database ([`zone`](mod@crate::campaign::zone)), so that the answers are the same on every machine.

mod blackout;
mod calendar;
mod file;
#[cfg(test)]
mod tests;
mod turn;
mod window;

pub use blackout::{Blackout, Span};
pub use calendar::{Calendar, Closed, HORIZON_MS};
pub use file::{BlackoutInFile, WindowInFile};
pub use window::Window;
