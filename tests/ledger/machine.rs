//! What is true of a machine, and the ledger of what was asked of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use cutover_agent::host::Fixture;
use cutover_proto::inventory::PackageManager;

use crate::{linux, windows};

/// 2024-09-20T12:00:00Z, when it begins.
pub(crate) const NOW_MS: i64 = 1_726_833_600_000;

/// What is true of a machine. Whether a call changed it is told by this alone, and not by whoever was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// What installs and removes on it, and so which system it is.
    pub(crate) manager: PackageManager,
    /// By name; on Windows by the code of the product.
    pub(crate) packages: BTreeSet<String>,
    /// Packages, and files of the campaign, that were brought and are not installed.
    pub(crate) fetched: BTreeSet<String>,
    /// Contents and mode by path. A directory is there while something is in it.
    pub(crate) files: BTreeMap<String, (Vec<u8>, u32)>,
    pub(crate) groups: BTreeSet<String>,
    /// How often each service was started; one that is not at work is not named.
    pub(crate) at_work: BTreeMap<String, u32>,
    /// Defender for Endpoint leaves the work to another.
    pub(crate) is_passive: bool,
    /// Whose the Falcon sensor is, by its own word; its cloud took it.
    pub(crate) customer: Option<String>,
    /// On Windows: a value that is set on this machine alone has Microsoft Defender Antivirus leave the work to another.
    pub(crate) is_told_to_stand_back: bool,
    /// On Windows: Microsoft Defender Antivirus has today's signatures.
    pub(crate) has_todays: bool,
    /// What the kernel has loaded and lets go only with its session.
    pub(crate) loaded: BTreeSet<String>,
    /// How often it was restarted.
    pub(crate) restarts: u32,
}

impl State {
    fn bare(manager: PackageManager) -> Self {
        Self {
            manager,
            packages: BTreeSet::new(),
            fetched: BTreeSet::new(),
            files: BTreeMap::new(),
            groups: BTreeSet::new(),
            at_work: BTreeMap::new(),
            is_passive: false,
            customer: None,
            is_told_to_stand_back: manager == PackageManager::Msi,
            has_todays: false,
            loaded: BTreeSet::new(),
            restarts: 0,
        }
    }

    pub(crate) fn has(&self, package: &str) -> bool {
        self.packages.contains(package)
    }

    pub(crate) fn is_at_work(&self, service: &str) -> bool {
        self.at_work.contains_key(service)
    }

    pub(crate) fn start(&mut self, service: &str) {
        *self.at_work.entry(service.to_owned()).or_default() += 1;
    }

    pub(crate) fn put(&mut self, path: &str, contents: &[u8], mode: u32) {
        self.files.insert(path.to_owned(), (contents.to_vec(), mode));
    }

    /// With all that is in it.
    pub(crate) fn delete(&mut self, path: &str) {
        let below = format!("{path}/");
        self.files
            .retain(|file, _| file.as_str() != path && !file.starts_with(&below));
    }

    /// As looks see it.
    pub(crate) fn fixture(&self) -> Fixture {
        match self.manager {
            PackageManager::Msi => windows::seen(self),
            PackageManager::Apt | PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => {
                linux::seen(self)
            }
        }
    }
}

/// One call to the hands, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What was asked for, with which arguments.
    pub(crate) what: String,
    /// Whether the machine is another since.
    pub(crate) changed: bool,
}

/// A machine, and the ledger of its hands.
#[derive(Debug)]
pub(crate) struct Machine {
    state: State,
    ledger: Vec<Entry>,
}

/// The same for the hands and for whoever looks.
pub(crate) type Shared = Arc<Mutex<Machine>>;

pub(crate) fn held(machine: &Shared) -> MutexGuard<'_, Machine> {
    machine.lock().unwrap()
}

impl Machine {
    /// One on which nothing is but its system.
    pub(crate) fn bare(manager: PackageManager) -> Self {
        Self {
            state: State::bare(manager),
            ledger: Vec::new(),
        }
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// What happens to it by other hands: nothing is written down.
    pub(crate) const fn plant(&mut self) -> &mut State {
        &mut self.state
    }

    /// Writes a call down and does it.
    pub(crate) fn asked(&mut self, what: String, act: impl FnOnce(&mut State)) {
        let before = self.state.clone();
        act(&mut self.state);
        self.ledger.push(Entry {
            what,
            changed: self.state != before,
        });
    }

    /// What was written down since the last time.
    pub(crate) fn take_ledger(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.ledger)
    }
}
