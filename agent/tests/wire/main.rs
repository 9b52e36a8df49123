//! The agent against a pretended server over real TLS on loopback: enrolment, check-ins, nudges, renewal, a whole order,
//! and the program itself.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod agents;
mod check_ins;
mod enrolment;
mod host;
mod program;
mod scans;
mod server;
