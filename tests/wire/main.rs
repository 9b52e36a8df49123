//! Over the wire: a real server in this process, hosts made by hand that speak to it over real mutual TLS, and people
//! who speak to it over real HTTP. What the server must refuse, a real agent would never send; so hosts are made by hand.
//!
//! `docs/testing.md` says how to run these and what they need.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod artifact_uses;
mod artifacts;
mod as_of;
mod as_of_lists;
mod bad_input;
mod blockers;
mod campaigns;
mod canaries;
mod channel;
mod check_in;
mod clones;
mod closing;
mod condition;
mod controllers;
mod copied_agents;
mod database;
mod drains;
mod enrolment;
mod gate_questions;
mod gates;
mod habits;
mod inventories;
mod keys;
mod late_looks;
mod leaving;
mod lines;
mod log;
mod machine;
mod middleboxes;
mod networks;
mod notices;
mod others;
mod people;
mod planted;
mod pools;
mod post;
mod queue;
mod readiness;
mod records;
mod releases;
mod renewal;
mod reports;
mod restarts;
mod revocation;
mod rotation;
mod self_update;
mod server;
mod simulations;
mod sink;
mod spans;
mod suspects;
mod test_letters;
mod wait;
mod wakes;
mod whole_way;
