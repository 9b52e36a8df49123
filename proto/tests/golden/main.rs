//! The wire is pinned: bytes of every message and of every signed form are kept in `proto/golden/v1`, and every later
//! version has to read them to the same values and write the same bytes.
//!
//! A new message, field or context fails these tests until it has a sample. `CUTOVER_WRITE_GOLDEN=1` writes files that
//! are missing; it never changes one that is there, because a kept file stands for programs already in the field.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod clones;
mod facts;
mod files;
mod identifiers;
mod keys;
mod leaving;
mod messages;
mod network;
mod notices;
mod placed;
mod policies;
mod releases;
mod sample;
mod schema;
mod signed;
mod steps;
mod tenants;
mod upkeep;
mod zones;
