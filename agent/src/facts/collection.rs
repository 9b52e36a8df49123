//! What the collector gathered on a Windows that no agent runs on.

use std::collections::BTreeMap;

use cutover_proto::rule::KnownFolder;

use super::{Answer, Entry, Process, SecurityProduct, UninstallEntries, WindowsService};

/// Answers of one machine. What the collector did not ask is not in it, and so is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The machine's own name.
    pub computer: String,
    /// When it was gathered, by the machine's clock: RFC 3339. Empty where that is not told.
    pub taken: String,
    /// As Windows names it: `AMD64`, `x86`, `ARM64`.
    pub architecture: String,
    /// `6.1.7601`; empty where it is not told.
    pub os_version: String,
    /// Known folders, as Windows spells them.
    pub folders: Vec<(KnownFolder, String)>,
    /// The machine's uninstall entries in the system's own view.
    pub machine: Answer<UninstallEntries>,
    /// Those that programs of 32 bits see.
    pub machine_32: Answer<UninstallEntries>,
    /// Those of users.
    pub users: Answer<UninstallEntries>,
    /// Services and drivers.
    pub services: Answer<Vec<WindowsService>>,
    /// Processes.
    pub processes: Answer<Vec<Process>>,
    /// What Security Center lists.
    pub security_center: Answer<Vec<SecurityProduct>>,
    /// Paths of scheduled tasks.
    pub tasks: Answer<Vec<String>>,
    /// The names below keys of `HKEY_LOCAL_MACHINE`, by the key's path in lower case.
    pub subkeys: BTreeMap<String, Answer<Vec<String>>>,
    /// The names in directories, by the directory's path as Windows spells it, in lower case.
    pub listings: BTreeMap<String, Answer<Vec<Entry>>>,
}

impl Collection {
    /// Whether it is a Windows of 64 bits.
    #[must_use]
    pub fn is_64(&self) -> bool {
        !self.architecture.eq_ignore_ascii_case("x86")
    }
}
