//! The only place that moves a plan: inputs in, events and effects out.
//!
//! [`decide`] and [`apply()`] are pure. What arrives twice, late or out of order gives no events and is no error; what
//! cannot be is [`Refused`] with state, input and reason.

mod apply;
mod apply_order;
mod apply_restart;
mod campaign;
mod canaries;
mod context;
mod decision;
mod disks;
mod drain;
mod event;
mod fact;
mod fact_name;
mod group;
mod input;
mod line;
mod look;
mod notice;
mod order;
mod outcome;
mod pen;
mod people;
mod place;
mod records;
mod restart;
mod secrets;
mod treatment;
mod verify;
mod wake;

#[cfg(test)]
mod tests;

pub use apply::{ApplyError, apply, replay};
pub use context::{Cx, Outage};
pub use decision::{AlarmKind, Decision, Effect, Refused, decide, decide_and_apply};
pub use drain::DrainWord;
pub use event::{EVENT_SCHEMA, Event};
pub use fact::Fact;
pub use input::Input;
pub use notice::NoticeGiven;
