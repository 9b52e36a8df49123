//! Plain facts about a host, and [`Answer`]: the honest result of a look. Pure; knows no system and no rule.

mod answer;
mod collection;
mod entry;
mod firmware;
mod kernel;
mod listener;
mod mount;
mod os_release;
mod package;
mod process;
pub mod ps;
mod question;
mod tool;
mod trust;
mod unit;
mod windows;

pub use answer::Answer;
pub use collection::Collection;
pub use entry::{Entry, EntryKind, Stat};
pub use firmware::Firmware;
pub use kernel::Kernel;
pub use listener::Listener;
pub use mount::Mount;
pub use os_release::OsRelease;
pub use package::{Package, PackageDatabase, PackageState};
pub use process::Process;
pub use question::{Question, Reply, WrongReply};
pub use tool::{RPM_QUERY_FORMAT, Tool, ToolOutput};
pub(crate) use trust::ANCHORS;
pub use unit::{UnitFile, UnitState};
pub use windows::{
    BitLockerVolume, DefenderStatus, ExtensionUse, FileIdentity, RegistryKey, RegistryValue, RootSubject,
    SecurityProduct, ServiceState, UninstallEntries, UninstallEntry, UninstallPlace, WindowsService,
};
