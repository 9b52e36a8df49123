//! The running macOS. It is asked by its own programs, so nothing here needs its frameworks, and a recording of what they
//! said replays anywhere.

mod extension;
#[cfg(test)]
mod tests;
mod tool;

use std::path::{Path, PathBuf};

use cutover_proto::inventory::OsFamily;
use rustix::{process::geteuid, system::uname};

use super::{HostError, HostPath, HostView, Links, rootdir::RootDir};
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput, ps};

/// What lets the agent look where macOS keeps every program out, root's too.
const FULL_DISK_ACCESS: &str = "macOS keeps programs without Full Disk Access from it; grant that to cutover-agent by a \
    configuration profile (Privacy Preferences Policy Control, SystemPolicyAllFiles)";

/// This Mac, live.
#[derive(Debug)]
pub struct MacHost {
    root: RootDir,
    /// Below which the programs lie that are asked; empty for this Mac's own.
    programs: PathBuf,
}

impl MacHost {
    /// Opens the root directory.
    ///
    /// # Errors
    /// When even that cannot be opened.
    pub fn open() -> Result<Self, HostError> {
        Ok(Self {
            root: RootDir::open(Path::new("/"))?,
            programs: PathBuf::new(),
        })
    }

    /// A directory that stands for a Mac: its files, and programs that say what a Mac's would.
    #[cfg(test)]
    pub(crate) fn below(dir: &Path) -> Result<Self, HostError> {
        Ok(Self {
            root: RootDir::open(dir)?,
            programs: dir.to_owned(),
        })
    }
}

/// A refusal with what to do about it.
fn with_remedy<T>(answer: Answer<T>, what: &HostPath, is_root: bool) -> Answer<T> {
    match answer {
        // Root is refused by nothing else than macOS's own protection of privacy.
        Answer::Denied(_) if is_root => Answer::Denied(format!("{what} may not be read: {FULL_DISK_ACCESS}")),
        answer @ (Answer::Found(_) | Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => {
            answer
        }
    }
}

fn is_root() -> bool {
    geteuid().is_root()
}

impl HostView for MacHost {
    fn os_family(&self) -> OsFamily {
        OsFamily::Macos
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        with_remedy(self.root.read(file, max), file, is_root())
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        with_remedy(self.root.list(dir), dir, is_root())
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        with_remedy(self.root.stat(path, links), path, is_root())
    }

    fn link(&self, path: &HostPath) -> Answer<String> {
        with_remedy(self.root.link(path), path, is_root())
    }

    /// Asked of ps(1), which sees every user's processes for everybody.
    fn processes(&self) -> Answer<Vec<Process>> {
        tool::processes(&self.programs).parsed(|said| ps::processes(&said.stdout))
    }

    /// fanotify is Linux'.
    fn listeners(&self) -> Answer<Vec<Listener>> {
        Answer::Unsupported
    }

    /// Open Directory keeps them, and `/etc/group` only some of the system's own: a name that is not there may exist.
    fn group(&self, _name: &str) -> Answer<u32> {
        Answer::Failed("macOS keeps groups in Open Directory, which this version does not ask".to_owned())
    }

    /// Whether the disk is encrypted is asked of FileVault ([`Tool::FileVault`]), and nothing else asks for mounts.
    fn mounts(&self) -> Answer<Vec<u8>> {
        Answer::Unsupported
    }

    fn kernel(&self) -> Answer<Kernel> {
        let uname = uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        Answer::Found(Kernel {
            hostname: text(uname.nodename()),
            release: text(uname.release()),
            machine: text(uname.machine()),
        })
    }

    fn boot_id(&self) -> Answer<String> {
        tool::boot_session(&self.programs).parsed(|said| {
            let id = String::from_utf8_lossy(&said.stdout).trim().to_owned();
            match id.is_empty() {
                true => Err("sysctl names no boot session"),
                false => Ok(id),
            }
        })
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        with_remedy(self.root.free_disk(path), path, is_root())
    }

    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        tool::ask(&self.programs, tool)
    }

    /// All but a browser's extension are Windows' alone.
    fn ask(&self, question: &Question) -> Answer<Reply> {
        match question {
            Question::BrowserExtension(id) => extension::uses(self, id).map(Reply::BrowserExtension),
            Question::Folder(_)
            | Question::Uninstall(_)
            | Question::Services
            | Question::SecurityCenter
            | Question::Identity(_)
            | Question::Registry { .. }
            | Question::Tasks
            | Question::RootSubjects
            | Question::DefenderStatus
            | Question::BitLocker
            | Question::Battery
            | Question::OnBattery
            | Question::SessionAge
            | Question::DomainJoin
            | Question::Firmware => Answer::Unsupported,
        }
    }
}
