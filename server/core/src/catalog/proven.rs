//! How far a recipe was shown to work, and on what.

use cutover_proto::{inventory::PackageManager, words};

words! {
    /// A kind of system that recipes work on, by what installs and removes there.
    pub enum Platform("system") {
        /// Linux with apt.
        LinuxApt = "linux-apt",
        /// Linux with dnf.
        LinuxDnf = "linux-dnf",
        /// Linux with yum.
        LinuxYum = "linux-yum",
        /// Linux with zypper.
        LinuxZypper = "linux-zypper",
        /// Windows with Windows Installer.
        Windows = "windows",
    }
}

impl From<PackageManager> for Platform {
    fn from(manager: PackageManager) -> Self {
        match manager {
            PackageManager::Apt => Self::LinuxApt,
            PackageManager::Dnf => Self::LinuxDnf,
            PackageManager::Yum => Self::LinuxYum,
            PackageManager::Zypper => Self::LinuxZypper,
            PackageManager::Msi => Self::Windows,
        }
    }
}

words! {
    /// On what a recipe was shown to work, the best first. In all but the first what bears a vendor's name is a stand-in of our own,
    /// unless its distribution ships it.
    pub enum Proven("grade") {
        /// Machines of an organisation, with the genuine products.
        Field = "field",
        /// A machine that boots, whose services run and which restarts.
        Machine = "machine",
        /// A root directory with the system's own installer; no service runs.
        Chroot = "chroot",
        /// Wine in place of Windows.
        Wine = "wine",
        /// What was recorded or made up: none of the system's own programs ran.
        Fixture = "fixture",
    }
}
