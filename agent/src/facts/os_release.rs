//! What a Linux system calls itself.

use super::PackageDatabase;

/// The fields of os-release(5) that are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// `ID`, by the standard `linux` where it is not said.
    pub id: String,
    /// `ID_LIKE`: the systems it derives from.
    pub id_like: Vec<String>,
    /// `VERSION_ID`; empty on rolling systems.
    pub version_id: String,
    /// `PRETTY_NAME`, for people.
    pub pretty_name: String,
}

impl OsRelease {
    /// What keeps this system's packages, so that it must be there; `None` for systems that are not known. What a system
    /// calls itself counts before what it derives from, and of that the first that is known.
    ///
    /// The names are those of each distribution's own os-release file.
    #[must_use]
    pub fn package_database(&self) -> Option<PackageDatabase> {
        std::iter::once(&self.id)
            .chain(&self.id_like)
            .find_map(|id| match id.as_str() {
                "debian" | "ubuntu" => Some(PackageDatabase::Dpkg),
                "rhel"
                | "fedora"
                | "centos"
                | "rocky"
                | "almalinux"
                | "ol"
                | "amzn"
                | "suse"
                | "opensuse"
                | "sles"
                | "sled"
                | "opensuse-leap"
                | "opensuse-tumbleweed" => Some(PackageDatabase::Rpm),
                _ => None,
            })
    }
}
