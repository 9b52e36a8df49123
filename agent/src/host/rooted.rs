//! A Linux that does not run, under a directory: a mounted disk, a container's root, a test.

use std::path::Path;

use cutover_proto::inventory::OsFamily;

use super::{HostError, HostPath, HostView, Links, rootdir::RootDir};
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput};

/// The files under one directory. Nothing runs there, so there are no processes, no mounts, no kernel session.
#[derive(Debug)]
pub struct Rooted {
    root: RootDir,
}

impl Rooted {
    /// Opens the directory.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(dir: &Path) -> Result<Self, HostError> {
        RootDir::open(dir).map(Self::on)
    }

    /// Below a directory that is open.
    pub(super) const fn on(root: RootDir) -> Self {
        Self { root }
    }

    #[cfg(test)]
    pub(crate) fn resolving(self, resolve: super::rootdir::Resolve) -> Self {
        Self {
            root: self.root.resolving(resolve),
        }
    }
}

impl HostView for Rooted {
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
        Answer::Unsupported
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        Answer::Unsupported
    }

    fn group(&self, name: &str) -> Answer<u32> {
        self.root.group(name)
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        Answer::Unsupported
    }

    fn kernel(&self) -> Answer<Kernel> {
        Answer::Unsupported
    }

    fn boot_id(&self) -> Answer<String> {
        Answer::Unsupported
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        self.root.free_disk(path)
    }

    /// Nobody is asked. The looking machine's tools are another system's: `rpm --root` would run with its own settings
    /// and formats, load code out of the directory (name services), and write lock and index files into it.
    fn tool(&self, _tool: Tool) -> Answer<ToolOutput> {
        Answer::Unsupported
    }

    /// What lies here is a Linux system, which has none of these.
    fn ask(&self, _question: &Question) -> Answer<Reply> {
        Answer::Unsupported
    }
}
