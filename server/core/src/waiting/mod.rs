//! "Not yet" is a value: why a plan does not go on at this moment, who must act, and when it will be looked at again.

mod ahead;
mod reason;
mod told;
mod until;
mod wake;
mod why;

pub(crate) use wake::wakes;
pub(crate) use why::hours;

pub use ahead::{Contact, ahead};
pub use reason::Waiting;
pub use wake::{Wake, WakeKind, next_wake};
pub use why::{hindrance, why};
