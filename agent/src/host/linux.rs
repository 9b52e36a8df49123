//! The running Linux system.

mod clamd;
mod fanotify;
mod tool;

use std::path::Path;

use cutover_proto::inventory::OsFamily;
use rustix::system::uname;

use super::{HostError, HostPath, HostView, Links, rootdir::RootDir};
use crate::facts::{Answer, Entry, EntryKind, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput};

/// A process's own name has at most 16 bytes.
const MAX_COMM: u64 = 64;
/// Hosts of containers have thousands of mounts of some 150 bytes.
const MAX_MOUNTS: u64 = 8 << 20;
/// A UUID and a line end.
const MAX_BOOT_ID: u64 = 64;

/// This machine, live. In a chroot it sees what is seen there.
#[derive(Debug)]
pub struct LinuxHost {
    root: RootDir,
}

impl LinuxHost {
    /// Opens the root directory.
    ///
    /// # Errors
    /// When even that cannot be opened.
    pub fn open() -> Result<Self, HostError> {
        Ok(Self {
            root: RootDir::open(Path::new("/"))?,
        })
    }

    /// The ids of all processes, ascending.
    fn pids(&self) -> Answer<Vec<u32>> {
        let proc = self
            .root
            .list(&HostPath::unix("/proc"))
            .expected(|| "/proc is not there, so processes cannot be seen; mount it".into());
        proc.and_then(|entries| {
            let mut pids: Vec<u32> = entries
                .iter()
                .filter(|entry| entry.kind == EntryKind::Directory)
                .filter_map(|entry| entry.name.parse().ok())
                .collect();
            pids.sort_unstable();
            match pids.first() {
                Some(1) => {}
                // proc(5), mount option hidepid: other users' processes are not even listed.
                Some(_) => {
                    return Answer::Denied("/proc hides other users' processes; run as root".into());
                }
                None => {
                    return Answer::Failed("/proc is empty, so processes cannot be seen; mount it".into());
                }
            }
            Answer::Found(pids)
        })
    }

    /// `None` when it ended meanwhile.
    fn process(&self, pid: u32) -> Answer<Option<Process>> {
        let dir = HostPath::unix("/proc").join(&pid.to_string());
        let comm = match self.root.read(&dir.join("comm"), MAX_COMM) {
            Answer::Found(comm) => String::from_utf8_lossy(comm.trim_ascii_end()).into_owned(),
            Answer::Absent | Answer::Unsupported => return Answer::Found(None),
            Answer::Denied(why) => return Answer::Denied(why),
            // A process that ends between open and read answers ESRCH.
            Answer::Failed(why) if !self.root.stat(&dir, Links::Followed).is_found() => {
                tracing::trace!(pid, why, "ended while it was looked at");
                return Answer::Found(None);
            }
            Answer::Failed(why) => return Answer::Failed(why),
        };
        // Other users' executables are told to root only; the name above is told to everybody.
        let exe = rustix::fs::readlink(dir.join("exe").as_str(), Vec::new())
            .ok()
            .map(|exe| exe.to_string_lossy().into_owned());
        Answer::Found(Some(Process { pid, comm, exe }))
    }
}

impl HostView for LinuxHost {
    fn os_family(&self) -> OsFamily {
        OsFamily::Linux
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        self.root.read(file, max)
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.root.list(dir)
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        self.root.stat(path, links)
    }

    fn link(&self, path: &HostPath) -> Answer<String> {
        self.root.link(path)
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        self.pids().and_then(|pids| {
            let mut processes = Vec::with_capacity(pids.len());
            for pid in pids {
                match self.process(pid) {
                    Answer::Found(process) => processes.extend(process),
                    Answer::Absent | Answer::Unsupported => {}
                    Answer::Denied(why) => return Answer::Denied(why),
                    Answer::Failed(why) => return Answer::Failed(why),
                }
            }
            Answer::Found(processes)
        })
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        self.pids().and_then(|pids| {
            let mut listeners = Vec::new();
            let mut budget = fanotify::MAX_HANDLES;
            for pid in pids {
                let groups = match fanotify::groups(pid, &mut budget) {
                    Answer::Found(groups) => groups,
                    Answer::Absent | Answer::Unsupported => continue,
                    Answer::Denied(why) => return Answer::Denied(why),
                    Answer::Failed(why) => return Answer::Failed(why),
                };
                match self.process(pid) {
                    Answer::Found(process) => {
                        listeners.extend(process.map(|process| Listener { process, groups }));
                    }
                    Answer::Absent | Answer::Unsupported => {}
                    Answer::Denied(why) => return Answer::Denied(why),
                    Answer::Failed(why) => return Answer::Failed(why),
                }
            }
            Answer::Found(listeners)
        })
    }

    fn group(&self, name: &str) -> Answer<u32> {
        self.root.group(name)
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        self.root.read(&HostPath::unix("/proc/self/mountinfo"), MAX_MOUNTS)
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
        self.root
            .read(&HostPath::unix("/proc/sys/kernel/random/boot_id"), MAX_BOOT_ID)
            .map(|bytes| String::from_utf8_lossy(bytes.trim_ascii()).into_owned())
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        self.root.free_disk(path)
    }

    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        tool::ask(tool)
    }

    /// Linux has none of these.
    fn ask(&self, _question: &Question) -> Answer<Reply> {
        Answer::Unsupported
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::host::rootdir::answer_of;

    #[test]
    fn this_machine_answers() {
        let host = LinuxHost::open().expect("a root");
        let me = std::process::id();
        let processes = host.processes();
        // In a sandbox without a /proc of its own the look must say so, and never that nothing runs.
        match &processes {
            Answer::Found(processes) => {
                assert!(processes.iter().any(|process| process.pid == me));
            }
            Answer::Denied(_) | Answer::Failed(_) => {}
            Answer::Absent | Answer::Unsupported => panic!("{processes:?}"),
        }
        assert!(host.read(&HostPath::unix("/proc/self/stat"), 4096).is_found());
        assert_eq!(host.read(&HostPath::unix("/no/such/file"), 10), Answer::Absent);
        assert!(host.kernel().found().is_some_and(|kernel| !kernel.release.is_empty()));
        assert!(host.boot_id().found().is_some_and(|id| id.len() == 36));
        assert!(host.free_disk(&HostPath::unix("/")).is_found());
        assert!(
            host.mounts()
                .found()
                .is_some_and(|mounts| mounts.windows(3).any(|part| part == b" - "))
        );
    }

    #[test]
    fn a_refusal_of_the_system_is_denied_and_nothing_else_is() {
        assert!(matches!(answer_of::<()>(Errno::ACCESS, "x"), Answer::Denied(_)));
        assert!(matches!(answer_of::<()>(Errno::PERM, "x"), Answer::Denied(_)));
        assert_eq!(answer_of::<()>(Errno::NOENT, "x"), Answer::Absent);
        for errno in [Errno::IO, Errno::LOOP, Errno::NAMETOOLONG, Errno::MFILE, Errno::STALE] {
            assert!(matches!(answer_of::<()>(errno, "x"), Answer::Failed(_)), "{errno}");
        }
    }
}
