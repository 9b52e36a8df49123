//! Makes a fixture by hand, for tests.

use cutover_proto::inventory::OsFamily;

use super::{
    Fixture, HostPath,
    fixture::{Content, Said},
};
use crate::facts::{Answer, Entry, EntryKind, Kernel, Listener, Process, Stat, Tool, ToolOutput};

impl Fixture {
    /// A running host on which nothing is, until it is planted.
    #[must_use]
    pub fn bare(os_family: OsFamily, about: &str) -> Self {
        let mut fixture = Self::unasked(os_family, about);
        fixture.unlisted = Answer::Absent;
        fixture.processes = Some(Answer::Found(Vec::new()));
        fixture.listeners = Some(Answer::Found(Vec::new()));
        fixture.boot_id = Some(Answer::Found("6f6b0f5e-0000-4000-8000-000000000001".into()));
        fixture.kernel = Some(Answer::Found(Kernel {
            hostname: "planted".into(),
            release: "6.1.0-28-amd64".into(),
            machine: "x86_64".into(),
        }));
        fixture
    }

    /// Plants a file, changed at the given time, and its name in its directory.
    #[must_use]
    pub fn with_file(self, path: &str, bytes: &[u8], modified_ms: i64) -> Self {
        let mut fixture = self.with_path(
            path,
            Stat {
                kind: EntryKind::File,
                size: bytes.len() as u64,
                modified_ms,
                executable: true,
            },
        );
        let path = HostPath::unix(path);
        fixture
            .files
            .insert(path.as_str().to_owned(), Answer::Found(Content::of(bytes)));
        fixture
    }

    /// Plants a directory and its name in the one above.
    #[must_use]
    pub fn with_directory(self, path: &str) -> Self {
        let mut fixture = self.with_path(
            path,
            Stat {
                kind: EntryKind::Directory,
                size: 4096,
                modified_ms: 0,
                executable: true,
            },
        );
        let path = HostPath::unix(path);
        let empty = || Answer::Found(Vec::new());
        fixture.lists.entry(path.as_str().to_owned()).or_insert_with(empty);
        fixture
    }

    /// Plants a link. What it leads to is not planted with it.
    #[must_use]
    pub fn with_link(self, path: &str, target: &str) -> Self {
        let stat = Stat {
            kind: EntryKind::Link,
            size: target.len() as u64,
            modified_ms: 0,
            executable: true,
        };
        let mut fixture = self.with_path(path, stat);
        let path = HostPath::unix(path).as_str().to_owned();
        fixture.stats.remove(&path);
        fixture.links.insert(path, Answer::Found(target.to_owned()));
        fixture
    }

    /// Plants a process.
    #[must_use]
    pub fn with_process(mut self, pid: u32, comm: &str, exe: Option<&str>) -> Self {
        let process = Process {
            pid,
            comm: comm.to_owned(),
            exe: exe.map(str::to_owned),
        };
        match &mut self.processes {
            Some(Answer::Found(processes)) => processes.push(process),
            other => *other = Some(Answer::Found(vec![process])),
        }
        self
    }

    /// Plants what a tool says.
    #[must_use]
    pub fn with_tool(mut self, tool: Tool, stdout: &str, stderr: &str) -> Self {
        let said = Said::of(&ToolOutput {
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
        });
        self.tools.insert(tool.as_str().to_owned(), Answer::Found(said));
        self
    }

    /// Plants a tool that does not answer as it should.
    #[must_use]
    pub fn with_failing_tool(mut self, tool: Tool, why: &str) -> Self {
        let failed = Answer::Failed(why.to_owned());
        self.tools.insert(tool.as_str().to_owned(), failed);
        self
    }

    /// Plants a process that holds one fanotify group of which the kernel says this.
    #[must_use]
    pub fn with_listener(self, pid: u32, comm: &str, group: &str) -> Self {
        let mut fixture = self.with_process(pid, comm, None);
        let listener = Listener {
            process: Process {
                pid,
                comm: comm.to_owned(),
                exe: None,
            },
            groups: vec![group.to_owned()],
        };
        match &mut fixture.listeners {
            Some(Answer::Found(listeners)) => listeners.push(listener),
            other => *other = Some(Answer::Found(vec![listener])),
        }
        fixture
    }

    /// Plants a local group.
    #[must_use]
    pub fn with_group(mut self, name: &str, number: u32) -> Self {
        self.groups.insert(name.to_owned(), Answer::Found(number));
        self
    }

    /// Answers the list of mounts.
    #[must_use]
    pub fn with_mounts(mut self, mountinfo: &str) -> Self {
        self.mounts = Some(Answer::Found(Content::of(mountinfo.as_bytes())));
        self
    }

    fn with_path(mut self, path: &str, stat: Stat) -> Self {
        let path = HostPath::unix(path);
        self.stats.insert(path.as_str().to_owned(), Answer::Found(stat));
        self.link_stats.insert(path.as_str().to_owned(), Answer::Found(stat));
        let above = HostPath::unix(&format!("{path}/.."));
        let entry = Entry {
            name: path.name().to_owned(),
            kind: stat.kind,
        };
        match self
            .lists
            .entry(above.as_str().to_owned())
            .or_insert(Answer::Found(Vec::new()))
        {
            Answer::Found(names) if !names.contains(&entry) => {
                names.push(entry);
                names.sort();
            }
            Answer::Found(_) | Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => {}
        }
        self
    }
}
