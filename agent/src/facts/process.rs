//! Running processes, by name only: no arguments, no owners.

use serde::{Deserialize, Serialize};

/// Linux cuts a process's own name to this many bytes (proc(5), `/proc/pid/comm`).
const COMM_BYTES: usize = 15;

/// What Linux appends to the target of `/proc/pid/exe` once the file was unlinked.
const DELETED: &str = " (deleted)";

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its own name, cut to 15 bytes.
    pub comm: String,
    /// Its executable as the kernel names it; absent for kernel threads and where the kernel does not tell us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
}

impl Process {
    /// The executable's path, also of one that was deleted while it runs.
    #[must_use]
    pub fn executable(&self) -> Option<&str> {
        let exe = self.exe.as_deref()?;
        Some(exe.strip_suffix(DELETED).unwrap_or(exe))
    }

    /// Whether it runs under this name: as executable, or by its own name (a script runs under its interpreter).
    #[must_use]
    pub fn runs_as(&self, name: &str) -> bool {
        let by_file = self
            .executable()
            .and_then(|exe| exe.rsplit('/').next())
            .is_some_and(|base| base == name);
        by_file || self.comm == name || (name.len() > COMM_BYTES && name.get(..COMM_BYTES) == Some(&self.comm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(comm: &str, exe: Option<&str>) -> Process {
        Process {
            pid: 7,
            comm: comm.into(),
            exe: exe.map(Into::into),
        }
    }

    #[test]
    fn a_process_is_known_by_its_executable_even_when_that_was_deleted() {
        assert!(process("x", Some("/opt/kaspersky/kesl/libexec/kesl (deleted)")).runs_as("kesl"));
        assert!(!process("x", Some("/opt/kaspersky/kesl/libexec/other")).runs_as("kesl"));
    }

    #[test]
    fn a_process_is_known_by_its_own_name_where_the_executable_is_not_told() {
        assert!(process("kesl", None).runs_as("kesl"));
        assert!(!process("kesl2", None).runs_as("kesl"));
        assert!(process("a-name-of-sixte", None).runs_as("a-name-of-sixteen"));
        assert!(!process("a-name", None).runs_as("a-name-of-sixteen"));
    }
}
