//! Live hands for Linux: apt and dpkg, dnf, yum and zypper over rpm, files, services, the ClamAV scanner, systemd's
//! restart and the notice of it.
//!
//! Programs are named by absolute path and started without a shell, with an environment of our own.

mod announce;
mod apt;
mod clamav;
mod config;
mod dnf;
mod falcon;
mod leftovers;
mod live;
mod mdatp;
mod on_access;
mod package_work;
mod patience;
mod process;
mod restart;
mod rpm;
mod rpm_files;
mod scope;
mod services;
#[cfg(test)]
mod tests;
mod zypper;

pub use live::LinuxHands;
