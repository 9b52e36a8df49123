//! A view of a planted host: the real one of its files, with what was planted in place of a running kernel.

use std::path::Path;

use cutover_proto::inventory::OsFamily;
use serde::de::DeserializeOwned;

use super::{
    defender,
    files::{Files, SandboxError},
    plant::{BOOT_ID, FREE_DISK_MIB, KERNEL, PROCESSES},
    product::KESL,
};
use crate::{
    facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput},
    host::{HostPath, HostView, Links, Rooted},
};

const MIB: u64 = 1 << 20;
/// A fanotify group that is asked before every file of one mount is opened or executed.
const GROUP: &str = "fanotify flags:4 event-flags:8002\nfanotify mnt_id:16 mflags:0 mask:50000 ignored_mask:0\n";
/// What [`SandboxHands`](super::SandboxHands) writes when they start it.
const CLAMD_AT_WORK: &str = "/sys/fs/cgroup/system.slice/clamav-daemon.service";

/// Looks at a planted host.
#[derive(Debug)]
pub struct SandboxView {
    rooted: Rooted,
    files: Files,
}

impl SandboxView {
    /// A view of the host that was planted there.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn open(root: &Path) -> Result<Self, SandboxError> {
        Ok(Self {
            rooted: Rooted::open(root)?,
            files: Files::new(root),
        })
    }

    fn planted<T: DeserializeOwned>(&self, name: &str) -> Answer<T> {
        match self.files.read_own(name) {
            Ok(value) => Answer::Found(value),
            Err(error) => Answer::Failed(error.to_string()),
        }
    }
}

impl HostView for SandboxView {
    fn os_family(&self) -> OsFamily {
        self.rooted.os_family()
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        self.rooted.read(file, max)
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.rooted.list(dir)
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        self.rooted.stat(path, links)
    }

    fn link(&self, path: &HostPath) -> Answer<String> {
        self.rooted.link(path)
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        self.planted(PROCESSES)
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        let intercepts = |process: &Process| KESL.process.is_some_and(|(_, exe)| process.exe.as_deref() == Some(exe));
        let listener = |process: Process| Listener {
            process,
            groups: vec![GROUP.to_owned()],
        };
        self.processes()
            .map(|processes| processes.into_iter().filter(intercepts).map(listener).collect())
    }

    fn group(&self, name: &str) -> Answer<u32> {
        self.rooted.group(name)
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        Answer::Unsupported
    }

    fn kernel(&self) -> Answer<Kernel> {
        self.planted(KERNEL)
    }

    fn boot_id(&self) -> Answer<String> {
        self.planted(BOOT_ID)
    }

    fn free_disk(&self, _path: &HostPath) -> Answer<u64> {
        self.planted::<u64>(FREE_DISK_MIB).map(|mib| mib.saturating_mul(MIB))
    }

    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        match tool {
            // A planted host is a Debian; its packages are dpkg's.
            Tool::RpmQueryAll | Tool::NeedsRestarting | Tool::NeedsRebooting => Answer::Absent,
            Tool::ClamdVersion if self.files.exists(CLAMD_AT_WORK) => Answer::Found(ToolOutput {
                stdout: b"ClamAV 1.4.6\0".to_vec(),
                stderr: Vec::new(),
            }),
            Tool::MdatpHealth if self.files.exists(defender::PROGRAM) => match defender::report(&self.files) {
                Ok(stdout) => Answer::Found(ToolOutput {
                    stdout,
                    stderr: Vec::new(),
                }),
                Err(error) => Answer::Failed(error.to_string()),
            },
            Tool::ClamdVersion | Tool::MdatpHealth | Tool::FalconState | Tool::KeslAppInfo => Answer::Absent,
            Tool::Receipts
            | Tool::SystemExtensions
            | Tool::SystemKeychain
            | Tool::FileVault
            | Tool::PlatformExpert
            | Tool::PmsetBatteries => Answer::Unsupported,
        }
    }

    fn ask(&self, _question: &Question) -> Answer<Reply> {
        Answer::Unsupported
    }
}
