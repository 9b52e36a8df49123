//! The typed layer over the wire: what it refuses, and that nothing is lost on the way through it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod any;
mod config;
mod envelope;
mod order;
mod purpose;
mod round_trip;
mod rule;
mod scan_file;
mod seal;
mod secret;
mod words;
