//! What no single crate can test: whether the house is in order (`tidy`), whether old bytes are still read (`golden`),
//! and whether the real programs reach `migrated` together (`e2e`).
//!
//! The library holds what several of those tests share.

pub mod demo_summary;
pub mod harness;
