//! The trait that every kind of host implements.

use cutover_proto::inventory::OsFamily;

use super::HostPath;
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput};

/// Whether the last part of a path is looked through when it is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// The link's target is meant.
    Followed,
    /// The link itself is meant.
    AsTheyAre,
}

/// Raw looks at a host. Every look is small and bounded and interprets nothing; none changes anything.
///
/// An implementation answers `Absent` only when it has looked and the thing is not there. A link that leads nowhere is
/// `Failed`: something was meant to be there.
pub trait HostView: Send + Sync {
    /// The family of the system.
    fn os_family(&self) -> OsFamily;

    /// The bytes of a plain file, links followed. A file of more than `max` bytes is `Failed`, whatever it holds.
    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>>;

    /// The names in a directory, sorted, links followed.
    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>>;

    /// What lies at a path.
    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat>;

    /// Where a symbolic link leads, as it stands there: the path may be relative, and need not exist. `Absent` when nothing
    /// lies there, `Failed` when what lies there is no link.
    fn link(&self, path: &HostPath) -> Answer<String>;

    /// Every process that runs, by ascending id. A view that sees only some of them answers `Denied`.
    fn processes(&self) -> Answer<Vec<Process>>;

    /// Every process that holds a fanotify group, by ascending id. A view that may not look into some of them answers
    /// `Denied`.
    fn listeners(&self) -> Answer<Vec<Listener>>;

    /// The number of a local group (group(5)). Asked by name, so that no other name is seen or kept.
    fn group(&self, name: &str) -> Answer<u32>;

    /// `/proc/self/mountinfo` or what stands for it.
    fn mounts(&self) -> Answer<Vec<u8>>;

    /// What the running kernel says of itself.
    fn kernel(&self) -> Answer<Kernel>;

    /// The kernel session: changes at each start of the system and never else.
    fn boot_id(&self) -> Answer<String>;

    /// Bytes that a new file under this path may still take.
    fn free_disk(&self, path: &HostPath) -> Answer<u64>;

    /// What a program of the system says, asked without a shell and with nothing to read. `Found` only when it ended with an
    /// exit code by which it answers, within its time, and said no more than a sound one says. `Absent`: this running system has no such
    /// program. `Unsupported`: this kind of view asks nobody (a system that does not run cannot be asked). Anything else is
    /// `Failed`, with the program's own words.
    fn tool(&self, tool: Tool) -> Answer<ToolOutput>;

    /// What one of the system's own interfaces says: registry, service manager, Security Center, certificate stores.
    /// `Absent` only where that interface was asked and the thing is not there; `Unsupported` where systems of this kind
    /// have no such thing. A view that cannot ask yet says `Failed`.
    fn ask(&self, question: &Question) -> Answer<Reply>;
}

macro_rules! delegate {
    ($($kind:ty),+) => {$(
        impl<V: HostView + ?Sized> HostView for $kind {
            fn os_family(&self) -> OsFamily {
                (**self).os_family()
            }
            fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
                (**self).read(file, max)
            }
            fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
                (**self).list(dir)
            }
            fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
                (**self).stat(path, links)
            }
            fn link(&self, path: &HostPath) -> Answer<String> {
                (**self).link(path)
            }
            fn processes(&self) -> Answer<Vec<Process>> {
                (**self).processes()
            }
            fn listeners(&self) -> Answer<Vec<Listener>> {
                (**self).listeners()
            }
            fn group(&self, name: &str) -> Answer<u32> {
                (**self).group(name)
            }
            fn mounts(&self) -> Answer<Vec<u8>> {
                (**self).mounts()
            }
            fn kernel(&self) -> Answer<Kernel> {
                (**self).kernel()
            }
            fn boot_id(&self) -> Answer<String> {
                (**self).boot_id()
            }
            fn free_disk(&self, path: &HostPath) -> Answer<u64> {
                (**self).free_disk(path)
            }
            fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
                (**self).tool(tool)
            }
            fn ask(&self, question: &Question) -> Answer<Reply> {
                (**self).ask(question)
            }
        }
    )+};
}
delegate!(&V, Box<V>, std::sync::Arc<V>);
