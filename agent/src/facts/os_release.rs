//! What a Linux system calls itself.

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
    /// Whether dpkg keeps this system's packages, so that its database must exist.
    #[must_use]
    pub fn is_debian_like(&self) -> bool {
        std::iter::once(&self.id)
            .chain(&self.id_like)
            .any(|id| matches!(id.as_str(), "debian" | "ubuntu"))
    }
}
