//! Who listens to the kernel's file events.

use serde::{Deserialize, Serialize};

use super::Process;

/// A process that holds fanotify groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Which.
    pub process: Process,
    /// Per group what `/proc/PID/fdinfo/FD` says of it, as far as its lines begin with `fanotify` (proc(5)).
    pub groups: Vec<String>,
}
