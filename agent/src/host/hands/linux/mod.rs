//! Live hands for Linux: apt and dpkg, files, the ClamAV scanner, systemd's restart.
//!
//! Programs are named by absolute path and started without a shell, with an environment of our own.

mod apt;
mod clamav;
mod leftovers;
mod live;
mod process;
mod restart;
#[cfg(test)]
mod tests;

pub use live::{LinuxHands, Ticks};
