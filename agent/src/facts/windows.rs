//! What a Windows system says through its own interfaces. No text is interpreted here.

use std::collections::BTreeMap;

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::Answer;

words! {
    /// Where uninstall entries are kept.
    pub enum UninstallPlace("place of uninstall entries") {
        /// The machine's, in the system's own view of the registry. Every Windows has it.
        Machine = "machine",
        /// The machine's, as programs of 32 bits see it on a system of 64.
        Machine32 = "machine-32",
        /// Those of every user: loaded, or in a file of a user who is not there.
        Users = "users",
    }
}

/// One entry under an uninstall key. Values that are not there are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UninstallEntry {
    /// The key's own name; for packages of Windows Installer their product code.
    pub key: String,
    /// `DisplayName`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `Publisher`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub publisher: String,
    /// `DisplayVersion`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// `InstallLocation`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Whether `WindowsInstaller` is 1: a package of Windows Installer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_msi: bool,
    /// `InstallDate`, as it is kept: for packages of Windows Installer `20240801`, and the day of the last update or repair
    /// where there was one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub installed: String,
    /// `InstallSource`: the folder in which Windows Installer found the package.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// Entries, and which of them could not be read. Users' files are read one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UninstallEntries {
    /// Those that were read.
    pub entries: Vec<UninstallEntry>,
    /// Why some could not be; without users' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

words! {
    /// Whether something works at this moment.
    pub enum ServiceState("state of a service") {
        /// At work, or on its way there or back.
        Running = "running",
        /// Not at work.
        Stopped = "stopped",
    }
}

/// A service or a driver of Windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowsService {
    /// Its own name.
    pub name: String,
    /// Whether it is a driver.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_driver: bool,
    /// `ImagePath` as it is kept: a command line for services, a path for drivers; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// `None` where nothing runs that could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServiceState>,
}

/// A product as Windows Security Center lists it (`AntiVirusProduct`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityProduct {
    /// `displayName`, translated.
    pub name: String,
    /// `productState`.
    pub state: u32,
}

/// What a file says of itself, and who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileIdentity {
    /// Product version of its version resource.
    pub version: Answer<String>,
    /// Subject of the certificate that signed it. `Absent`: it bears no signature. A signature that does not hold is
    /// `Failed`.
    pub signer: Answer<String>,
}

/// A value in the registry. Of binary ones at most 64 bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegistryValue {
    /// `REG_SZ`, `REG_EXPAND_SZ`.
    #[serde(rename = "text")]
    Text(String),
    /// `REG_DWORD`, `REG_QWORD`.
    #[serde(rename = "number")]
    Number(u64),
    /// `REG_BINARY`, as hexadecimal digits. Of any other kind nothing but that it is there: no digits.
    #[serde(rename = "hex")]
    Hex(String),
}

/// A key that is there, with those of its values that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryKey {
    /// By name, as they were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, RegistryValue>,
}

/// A trusted root certificate's subject, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootSubject {
    /// `CN`.
    pub common_name: String,
    /// `O`; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub organization: String,
}

/// Profiles of browsers that have one extension. Neither users nor profiles are named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionUse {
    /// In how many.
    pub profiles: u32,
    /// Why some profiles could not be looked at; without users' names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// Microsoft Defender Antivirus by its own word (`MSFT_MpComputerStatus`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefenderStatus {
    /// `AMRunningMode`: `Normal`, `Passive Mode`, `EDR Block Mode` and others.
    pub running_mode: String,
    /// `AMServiceEnabled`.
    pub service_enabled: bool,
    /// `AntivirusEnabled`.
    pub antivirus_enabled: bool,
    /// `RealTimeProtectionEnabled`.
    pub real_time_enabled: bool,
    /// `AntivirusSignatureAge`, in days; 65535 where it never had any.
    pub signature_age_days: u32,
}

/// What BitLocker says of a volume (`Win32_EncryptableVolume`), in its own numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitLockerVolume {
    /// `DriveLetter`; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub drive: String,
    /// `ConversionStatus`: 0 is fully decrypted, everything else is encrypted or on the way.
    pub conversion: u32,
    /// `ProtectionStatus`: 0 off, 1 on, 2 not known (locked).
    pub protection: u32,
}
