//! `cutover demo`: the whole way on one machine, with nothing to set up.
//!
//! Everything is real but the hands: a server with its store and both listeners, the real agent looking at this machine,
//! and sandboxed hosts, each the real agent library with its own directory, identity, journal and mTLS connection. Their
//! hands carry out the closed actions on a planted directory instead of on a machine.
//!
//! Two clocks: the campaign's, which `--speed` scales, and the real one for TLS and sessions.

mod cast;
mod fleet;
mod show;
mod stage;
mod summary;
mod this_machine;

pub use show::run;
