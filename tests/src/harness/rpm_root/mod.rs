//! A root that keeps its packages with rpm: a Debian root with Debian's rpm, and dnf or zypper, another os-release, a
//! database of rpm's own, and a repository on its own disk.
//!
//! What is stood in for: rpm, dnf and zypper are Debian's builds of them, the system below is Debian's and no package of
//! rpm's, apart from the few that are built here. `docs/testing.md` says so.

mod build;
mod root;

pub use root::{Distribution, fresh, update_the_core};
