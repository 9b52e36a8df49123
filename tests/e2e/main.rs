//! End to end: real programs on a real Debian root, with packages under the genuine names.
//!
//! `docs/testing.md` says what this shows and what was stood in for. The tests need root and mmdebstrap; without them they
//! say so and do nothing, or fail with `CI=true`.

mod artifacts;
mod booted;
mod carried;
mod clamav;
mod clamav_service;
mod defender_linux;
mod distribution;
mod dpkg;
mod endless;
mod evidence;
mod falcon_linux;
mod full_store;
mod http;
mod leaving;
mod lied_to;
mod logs;
mod machine;
mod matrix;
mod migration;
mod orders;
mod planted_root;
mod rpm;
mod scanned;
mod secrets;
mod server;
mod small_disk;
mod stage;
mod station;
mod uninstall;
mod windows;
mod windows_migration;
mod wine;
mod workstation;
