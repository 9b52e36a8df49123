//! The stage for tests that run real programs: a Debian root of its own for each test, packages under the genuine names,
//! processes that can be killed hard, a throw-away PostgreSQL, and the two programs of this workspace.
//!
//! Everything here ends with the value that holds it: processes are killed, mounts vanish and directories are deleted on
//! drop, after a panic too.

pub mod archive;
pub mod binaries;
pub mod clock;
pub mod cutter;
pub mod debian_root;
pub mod eicar;
pub mod lying_archive;
pub mod machine;
pub mod packages;
pub mod postgres;
pub mod process;
pub mod release;
pub mod requirement;
pub mod rpm_root;
pub mod signatures;
