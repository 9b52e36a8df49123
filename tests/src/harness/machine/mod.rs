//! A Debian root that boots: systemd is its PID 1, units run, and it goes down and comes up again with another boot id.
//!
//! It shares the kernel, its clock and, where it has none of its own, the network with the machine that the test runs on;
//! all else is private: mounts, processes, host name, `/dev`, and a part of the unified control groups, which is removed
//! afterwards. Programs inside see no sign of a container that they would have to be told to overlook.

mod boot;
mod cgroup;
mod network;
mod power;
mod volume;

pub use network::Network;
pub use power::{Machine, Setup, readiness};
