//! The dashboard: pages rendered here, one part of each fetched again when an event is committed. Reads without
//! JavaScript.

mod asset;
mod asset_list;
mod assets;
mod auth;
mod findings;
mod host;
mod hosts;
mod listener;
mod live;
mod overview;
mod page;
mod router;
mod sign_in;
mod words;

#[cfg(test)]
mod tests;

pub use listener::{ListenError, PeopleListener};
pub use router::{guard, router};
