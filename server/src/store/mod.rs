//! The store: one SQL text on SQLite (embedded) and on PostgreSQL (several replicas).
//!
//! # How it is used
//! [`Store::write`] and [`Store::read`] take synchronous closures over a transaction; the functions of the table modules
//! ([`plans`], [`events`], ...) take the transaction as their first argument and are written once for both databases.
//! The seam is the SQL executor [`Conn`], not a repository trait: only `sqlite.rs` and `postgres.rs` know a database.
//!
//! # Invariants
//! - An answer to a write is given after its commit, and a commit is durable.
//! - Every invariant across rows has a row guarded by compare-and-set: the head of a stream, the `seq` of a plan and of a
//!   campaign, the `used` of a slot, `uses_left` of a token. Who finds it changed gets [`StoreError::Conflict`].
//! - Rows are touched in the order stream (and the rows of its subject), slots, totals, pos. [`WriteTx`] writes the last
//!   two itself when the closure has ended.
//! - Positions (`pos`) have no gaps and become visible in their order.
//! - Reads cannot write: a [`ReadTx`] has no `execute`, and its connection refuses as well.
//! - Time and randomness are arguments.
//!
//! # The portable subset of SQL
//! - Placeholders are `?1`, `?2` and bind by number.
//! - Time is BIGINT milliseconds, ids and JSON are text, a flag is 0 or 1. No floating point.
//! - `ON CONFLICT`, `RETURNING`, common table expressions, window functions and `FILTER (WHERE ...)` work on both.
//! - `SUM` of integers is NUMERIC on PostgreSQL: write `CAST(SUM(x) AS BIGINT)`.
//! - `LIKE` differs in case: compare `lower()` of both sides, or better a column that holds the lowered text.
//! - NULLs sort differently: say `NULLS LAST`, or have none in a sorted column.
//! - `MAX(a, b)` of two values is SQLite's alone: write `CASE`.
//! - A parameter that may be NULL stands where its type is plain (a column, a `CAST`), never alone in `?1 IS NULL`.
//! - After a failed statement nothing more can be done in the transaction: ask with `ON CONFLICT DO NOTHING` instead.

mod address;
mod as_of;
mod chain;
mod conn;
mod counts;
mod error;
mod file_system;
mod group;
mod handle;
mod job;
mod listen;
mod migrate;
mod nudge;
mod open;
mod placeholder;
mod pool;
mod postgres;
mod sqlite;
mod stream_name;
mod tx;
mod value;
mod verify;
mod versions;

pub mod agent_releases;
pub mod api_tokens;
mod artifact_files;
pub mod artifact_uses;
pub mod artifacts;
pub mod asset_totals;
pub mod assets;
pub mod availability;
pub mod campaigns;
pub mod causes;
pub mod clones;
pub mod disks;
pub mod domain_controllers;
pub mod earlier_records;
pub mod ending;
pub mod enrol_tokens;
pub mod enrolments;
pub mod events;
pub mod exemptions;
pub mod findings;
pub mod grades;
pub mod host_habits;
pub mod host_keys;
pub mod host_seen;
pub mod host_sessions;
pub mod hosts;
pub mod identifiers;
pub mod image_pools;
pub mod imported_looks;
pub mod in_force;
mod in_place;
pub mod inventories;
pub mod last_statements;
pub mod leases;
pub mod meta;
pub mod one_time_logins;
pub mod outbox;
pub mod personal;
pub mod plans;
pub mod queue;
pub mod report_runs;
pub mod secrets;
pub mod sessions;
pub mod slots;
mod sole;
pub mod step_records;
pub mod tallies;
pub mod totals;
pub mod views;
pub mod work_orders;

#[cfg(test)]
mod conformance;

pub use address::Address;
pub use artifact_files::{ArtifactFiles, FilesError, Incoming};
pub use as_of::AsOf;
pub use chain::{EventHash, GENESIS};
pub use conn::{Begin, Conn, Dialect};
pub use error::StoreError;
pub use file_system::{FileSystem, FileSystemProbe};
pub use handle::Store;
pub use nudge::StoreEvent;
pub use open::{Around, StoreOptions};
pub use sole::Sole;
pub use stream_name::StreamName;
pub use tx::{ReadTx, Reader, WriteTx};
pub use value::{Row, Value};
