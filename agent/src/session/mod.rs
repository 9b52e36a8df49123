//! Pure and sans-I/O: when to check in, when to look, when to renew, what to say, and what follows from a reply.
//!
//! The app feeds [`Session`] with what happened (`handle_*`, each with a reading of a monotonic clock), sleeps until
//! [`Session::poll_timeout`], and does what it names. Nothing here reads a clock, draws randomness, signs or sends, so
//! lost replies, duplicated replies, restored servers and overload are tested without a network.
//!
//! ```text
//!           poll_timeout: check-in | look | renew | a better address
//!                 |
//!   due --> next_request --> (link) --> handle_reply   --> effects: marks, rules, cancel, order, ...
//!                                  \--> handle_failure --> backoff, or the server's retry-after
//! ```
//!
//! Invariant: what the server said last decides what is sent next (its epoch, its durable inventory, its marks). Losing a
//! reply therefore costs one repetition and nothing else.

mod backoff;
mod check_ins;
mod condition;
mod course;
mod inventory;
mod looks;
mod releases;
mod renewal;
mod reply;
mod request;
mod state;
mod status;
mod stream_waits;
mod ticks;
mod vitals;
mod waking;
mod ways;

pub use check_ins::WhyCheckIn;
pub use condition::Condition;
pub use course::{Heading, Place};
pub use looks::WhyLook;
pub use renewal::Validity;
pub use reply::{Effect, Failure};
pub use request::JournalSays;
pub use state::{Announced, OrderLabel, Session, Start, Wake};
pub use status::SessionStatus;
pub use stream_waits::StreamWaits;
pub use ticks::{Ticks, TrustedTime};
pub use ways::Way;

#[cfg(test)]
mod tests;
