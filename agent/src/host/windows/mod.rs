//! The running Windows, by its own interfaces (docs/decisions/0012). Each file asks one of them; an error is read by
//! [`native::answer_of`], so that only what is really not there is `Absent`.

mod certificates;
mod files;
mod management;
pub(super) mod native;
pub(super) mod processes;
mod registry;
mod services;
mod signature;
mod system;
mod users;

use cutover_proto::inventory::OsFamily;

use super::{HostPath, HostView, Links, browsers};
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput};

/// This machine, live. What a program of 64 bits sees.
#[derive(Debug, Clone, Copy)]
pub struct WindowsHost;

impl HostView for WindowsHost {
    fn os_family(&self) -> OsFamily {
        OsFamily::Windows
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        files::read(file, max)
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        files::list(dir)
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        files::stat(path, links)
    }

    /// Nothing that is looked for is told by a link there.
    fn link(&self, _path: &HostPath) -> Answer<String> {
        Answer::Unsupported
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        processes::all()
    }

    /// fanotify is Linux's.
    fn listeners(&self) -> Answer<Vec<Listener>> {
        Answer::Unsupported
    }

    /// No rule names a group of Windows.
    fn group(&self, _name: &str) -> Answer<u32> {
        Answer::Unsupported
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        Answer::Unsupported
    }

    fn kernel(&self) -> Answer<Kernel> {
        system::kernel()
    }

    fn boot_id(&self) -> Answer<String> {
        system::boot_id()
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        files::free_disk(path)
    }

    /// Every tool of the closed set is another system's.
    fn tool(&self, _tool: Tool) -> Answer<ToolOutput> {
        Answer::Unsupported
    }

    fn ask(&self, question: &Question) -> Answer<Reply> {
        match question {
            Question::Folder(folder) => system::folder(*folder).map(Reply::Folder),
            Question::Uninstall(place) => registry::uninstall(*place).map(Reply::Uninstall),
            Question::Services => services::all().map(Reply::Services),
            Question::SecurityCenter => management::security_center().map(Reply::SecurityCenter),
            Question::Identity(path) => signature::identity(path).map(Reply::Identity),
            Question::Registry { is_32, key, values } => registry::key(*is_32, key, values).map(Reply::Registry),
            Question::Tasks => registry::tasks().map(Reply::Tasks),
            Question::RootSubjects => certificates::roots().map(Reply::RootSubjects),
            Question::BrowserExtension(id) => users::profile_folders()
                .map(|(folders, unread)| browsers::extension(self, &folders, unread, id))
                .map(Reply::BrowserExtension),
            Question::DefenderStatus => management::defender().map(Reply::DefenderStatus),
            Question::BitLocker => management::bit_locker().map(Reply::BitLocker),
            Question::Battery => system::battery().map(Reply::Battery),
            Question::OnBattery => system::on_battery().map(Reply::OnBattery),
            Question::SessionAge => Answer::Found(Reply::SessionAge(system::session_age())),
            Question::DomainJoin => system::domain_join().map(Reply::DomainJoin),
            Question::Firmware => management::firmware().map(Reply::Firmware),
        }
    }
}

#[cfg(test)]
mod tests;
