//! What kind of host is planted, and how its hands behave.

use std::collections::BTreeMap;

use cutover_proto::{
    inventory::DiskEncryption,
    record::FailureCause,
    step::{SetUpState, StepKind},
};
use serde::{Deserialize, Serialize};

use super::product::TargetProduct;

/// One host to plant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub hostname: String,
    /// 32 hex digits.
    pub machine_id: String,
    /// The first kernel session, a UUID.
    pub boot_id: String,
    /// What is installed and runs on it.
    pub targets: Vec<TargetProduct>,
    /// Who encrypts its disks. `ByTarget` cannot be planted: no target does so on Linux.
    pub encryption: DiskEncryption,
    /// Free space where packages go, MiB.
    pub free_disk_mib: u64,
    /// Packages that wait for a restart; empty where nothing does.
    pub restart_wanted_by: Vec<String>,
    /// How its hands behave.
    pub behaviour: Behaviour,
}

/// How a planted host's hands behave. Kept in the planted directory, so that a restarted agent finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// A download takes this long.
    pub fetch_ms: u64,
    /// A removal takes this long.
    pub remove_ms: u64,
    /// A removal waits until there is a file of this path; empty where it waits for none.
    #[serde(default)]
    pub remove_when: String,
    /// A removal is refused until its installer is told all of this, by these properties; empty where it asks for nothing.
    #[serde(default)]
    pub remove_told: BTreeMap<String, String>,
    /// An installation takes this long.
    pub install_ms: u64,
    /// A detection test takes this long.
    pub test_ms: u64,
    /// A restart takes this long.
    pub restart_ms: u64,
    /// A step that goes wrong before it goes well.
    pub fail_first: Option<Fault>,
    /// Whether the replacement names the test file.
    pub detection_works: bool,
    /// Whether the removed product leaves its data behind, as the real one does.
    pub leaves_leftovers: bool,
    /// Whether a restart makes a new kernel session.
    pub restarts: bool,
    /// A service is at work after so many starts: one that waits for something takes more. Never, with 0.
    pub service_starts: u32,
    /// A state that the replacement's tools say they bring about, and that never comes.
    #[serde(default)]
    pub never_set_up: Option<SetUpState>,
}

impl Default for Behaviour {
    /// Everything works, at once.
    fn default() -> Self {
        Self {
            fetch_ms: 0,
            remove_ms: 0,
            remove_when: String::new(),
            remove_told: BTreeMap::new(),
            install_ms: 0,
            test_ms: 0,
            restart_ms: 0,
            fail_first: None,
            detection_works: true,
            leaves_leftovers: true,
            restarts: true,
            service_starts: 1,
            never_set_up: None,
        }
    }
}

/// A step that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which.
    pub step: StepKind,
    /// How: the tool prints and returns what the real one would.
    pub cause: FailureCause,
    /// How often before it goes well.
    pub times: u32,
}
