//! What the name of a package file says of what is in it.

use crate::{
    inventory::{OsFamily, PackageManager},
    words,
};

words! {
    /// A format of package files.
    pub enum PackageFormat("package format") {
        /// dpkg's.
        Deb = "deb",
        /// rpm's.
        Rpm = "rpm",
        /// Windows Installer's.
        Msi = "msi",
    }
}

impl PackageFormat {
    /// What this manager installs.
    #[must_use]
    pub const fn of(manager: PackageManager) -> Self {
        match manager {
            PackageManager::Apt => Self::Deb,
            PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => Self::Rpm,
            PackageManager::Msi => Self::Msi,
        }
    }

    /// Where it is installed.
    #[must_use]
    pub const fn os_family(self) -> OsFamily {
        match self {
            Self::Deb | Self::Rpm => OsFamily::Linux,
            Self::Msi => OsFamily::Windows,
        }
    }
}

/// The name of a package file, taken apart: `NAME_VERSION_ARCHITECTURE.deb` (deb-control(5)),
/// `NAME-VERSION-RELEASE.ARCHITECTURE.rpm`, or, since Windows Installer's files are called anything, `NAME_VERSION_ARCHITECTURE.msi` as
/// whoever gives it to the server calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageName<'n> {
    /// Its format, by its ending.
    pub format: PackageFormat,
    /// The package in it.
    pub package: &'n str,
    /// The kernel's word for the architecture that it is made for; none where it fits any.
    pub architecture: Option<&'n str>,
}

impl<'n> PackageName<'n> {
    /// Reads a file's name; none where it is called otherwise.
    #[must_use]
    pub fn read(file_name: &'n str) -> Option<Self> {
        let underscored = [(".deb", PackageFormat::Deb), (".msi", PackageFormat::Msi)];
        let underscored = underscored
            .iter()
            .find_map(|(ending, format)| Some((*format, file_name.strip_suffix(ending)?)));
        let (format, package, version, architecture) = if let Some((format, label)) = underscored {
            // None of the three has a `_` (Debian Policy 5.6.1, 5.6.8, 5.6.12).
            let mut parts = label.splitn(3, '_');
            let parts = (parts.next()?, parts.next()?, parts.next()?);
            (format, parts.0, parts.1, parts.2)
        } else {
            let (label, architecture) = file_name.strip_suffix(".rpm")?.rsplit_once('.')?;
            // Neither version nor release has a `-`.
            let (name_and_version, _) = label.rsplit_once('-')?;
            let (package, version) = name_and_version.rsplit_once('-')?;
            (PackageFormat::Rpm, package, version, architecture)
        };
        if [package, version, architecture].contains(&"") {
            return None;
        }
        Some(Self {
            format,
            package,
            architecture: kernel_word(architecture),
        })
    }
}

/// dpkg's, rpm's and Windows' words for architectures in the kernel's, by which hosts are known.
fn kernel_word(architecture: &str) -> Option<&str> {
    match architecture {
        "all" | "noarch" => None,
        "amd64" | "x64" => Some("x86_64"),
        "arm64" => Some("aarch64"),
        "i386" | "x86" => Some("i686"),
        "ppc64el" => Some("ppc64le"),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_file_says_what_is_in_it_and_where_it_runs() {
        let read = |name| PackageName::read(name).map(|it| (it.format, it.package, it.architecture));
        assert_eq!(
            read("clamav_1.4.6+dfsg-1_amd64.deb"),
            Some((PackageFormat::Deb, "clamav", Some("x86_64")))
        );
        assert_eq!(
            read("clamav-base_1%3a1.4.6_all.deb"),
            Some((PackageFormat::Deb, "clamav-base", None))
        );
        assert_eq!(
            read("falcon-sensor-7.10-17106.el9.aarch64.rpm"),
            Some((PackageFormat::Rpm, "falcon-sensor", Some("aarch64")))
        );
        assert_eq!(
            read("sensor_7.10_x64.msi"),
            Some((PackageFormat::Msi, "sensor", Some("x86_64")))
        );
        assert_eq!(read("agent_15.1_all.msi"), Some((PackageFormat::Msi, "agent", None)));
        assert_eq!(
            read("clamav-data-1.4.6-1.noarch.rpm"),
            Some((PackageFormat::Rpm, "clamav-data", None))
        );
    }

    #[test]
    fn a_file_that_is_called_otherwise_says_nothing() {
        for name in [
            "setup.sh",
            "clamav.deb",
            "clamav_1.4.deb",
            "sensor.msi",
            "sensor_1_.msi",
            "_1_amd64.deb",
            "clamav__amd64.deb",
            "a.rpm",
            "a-1.x86_64.rpm",
            "-1-1.x86_64.rpm",
            "clamav-1.4.3.linux.x86_64.rpm.sig",
            "",
        ] {
            assert_eq!(PackageName::read(name), None, "{name}");
        }
    }
}
