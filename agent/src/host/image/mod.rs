//! A Windows that does not run, under a directory: a mounted disk or image. Its registry is read from its files
//! (docs/decisions/0024).
//!
//! | asked | answered by |
//! |---|---|
//! | uninstall keys, keys of rules, folders, tasks, root certificates | the file `SOFTWARE` |
//! | services, drivers, name and processor of the machine | the file `SYSTEM`, in the control set that was in use |
//! | users' uninstall keys | `NTUSER.DAT` of every profile of a person |
//! | files and folders | the directory, by Windows' own rules for names |
//! | processes, mounts, the kernel's session | `Unsupported`: nothing runs |
//! | Security Center, Microsoft Defender, BitLocker, power, domain, firmware | `Failed`: they tell only while Windows runs |

mod disk;
mod identity;
mod registry;
mod system;
mod users;

use cutover_proto::inventory::OsFamily;

use self::{disk::Disk, registry::Registry};
use super::{HostPath, HostView, Links, browsers, rootdir::RootDir};
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput, UninstallPlace};

/// The files of a Windows.
#[derive(Debug)]
pub(super) struct WindowsImage {
    registry: Registry,
    disk: Disk,
}

impl WindowsImage {
    /// The view, where a Windows lies here: it has the folder of the registry's files.
    pub(super) fn recognise(root: RootDir) -> Result<Self, RootDir> {
        if !disk::is_windows(&root) {
            return Err(root);
        }
        let registry = Registry::new(root);
        let disk = Disk::new(registry.drive());
        Ok(Self { registry, disk })
    }

    fn root(&self) -> &RootDir {
        self.registry.root()
    }
}

fn only_while_it_runs(what: &str) -> Answer<Reply> {
    Answer::Failed(format!(
        "this Windows does not run, so {what} cannot be asked; look while it runs"
    ))
}

impl HostView for WindowsImage {
    fn os_family(&self) -> OsFamily {
        OsFamily::Windows
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        self.disk
            .place(self.root(), file)
            .and_then(|place| self.root().read(&place, max))
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.disk.list(self.root(), dir)
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        self.disk
            .place(self.root(), path)
            .and_then(|place| self.root().stat(&place, links))
    }

    fn link(&self, _path: &HostPath) -> Answer<String> {
        Answer::Unsupported
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        Answer::Unsupported
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        Answer::Unsupported
    }

    fn group(&self, _name: &str) -> Answer<u32> {
        Answer::Unsupported
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        Answer::Unsupported
    }

    fn kernel(&self) -> Answer<Kernel> {
        system::kernel(&self.registry)
    }

    fn boot_id(&self) -> Answer<String> {
        Answer::Unsupported
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        self.disk
            .place(self.root(), path)
            .and_then(|place| self.root().free_disk(&place))
    }

    fn tool(&self, _tool: Tool) -> Answer<ToolOutput> {
        Answer::Unsupported
    }

    fn ask(&self, question: &Question) -> Answer<Reply> {
        let registry = &self.registry;
        match question {
            Question::Folder(folder) => system::folder(registry, *folder).map(Reply::Folder),
            Question::Uninstall(UninstallPlace::Machine) => registry.uninstall(false).map(Reply::Uninstall),
            Question::Uninstall(UninstallPlace::Machine32) => registry.uninstall(true).map(Reply::Uninstall),
            Question::Uninstall(UninstallPlace::Users) => users::uninstall(registry, &self.disk).map(Reply::Uninstall),
            Question::Services => registry.services().map(Reply::Services),
            Question::Identity(path) => identity::of(self, path).map(Reply::Identity),
            Question::Registry { is_32, key, values } => registry.key(*is_32, key, values).map(Reply::Registry),
            Question::Tasks => registry.tasks().map(Reply::Tasks),
            Question::RootSubjects => registry.root_subjects().map(Reply::RootSubjects),
            Question::BrowserExtension(id) => users::folders(registry)
                .map(|(folders, unread)| browsers::extension(self, &folders, unread, id))
                .map(Reply::BrowserExtension),
            Question::SecurityCenter => only_while_it_runs("its Security Center"),
            Question::DefenderStatus => only_while_it_runs("Microsoft Defender"),
            Question::BitLocker => only_while_it_runs("BitLocker"),
            Question::Battery | Question::OnBattery => only_while_it_runs("its power"),
            Question::SessionAge => only_while_it_runs("its session"),
            Question::DomainJoin => only_while_it_runs("its domain"),
            Question::Firmware => only_while_it_runs("its firmware"),
        }
    }
}
