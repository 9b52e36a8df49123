//! The agent against a pretended server over real TLS on loopback: enrolment, check-ins, nudges, renewal, a whole order,
//! the program itself, and what a service manager hears of it.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod agents;
mod check_ins;
mod distrust;
mod downloads;
mod enrolment;
mod hold;
mod host;
mod leaving;
mod memory;
mod notices;
mod notified;
mod program;
mod pulse;
mod restarts;
mod scans;
mod seal;
mod sealed;
mod server;
mod service;
mod split;
