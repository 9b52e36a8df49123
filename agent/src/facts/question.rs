//! Questions to a system's own interfaces, and their replies.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::firmware::Firmware;
use super::windows::{
    BitLockerVolume, DefenderStatus, ExtensionUse, FileIdentity, RegistryKey, RootSubject, SecurityProduct,
    UninstallEntries, UninstallPlace, WindowsService,
};
use cutover_proto::rule::KnownFolder;

/// A question: a closed set. Each is one bounded look that changes nothing; all but the extension are Windows' alone, and
/// other systems answer them `Unsupported`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Where a known folder lies: its path as Windows spells it. `Absent` where this Windows has none (32 bits).
    Folder(KnownFolder),
    /// The uninstall entries of one place.
    Uninstall(UninstallPlace),
    /// Every service and driver.
    Services,
    /// What Windows Security Center lists. `Unsupported` on servers, which have none.
    SecurityCenter,
    /// Version and signer of a file, by its path as Windows spells it.
    Identity(String),
    /// A key below `HKEY_LOCAL_MACHINE`.
    Registry {
        /// In the view of programs of 32 bits, on a system of 64.
        is_32: bool,
        /// Its path.
        key: String,
        /// The values that are wanted.
        values: Vec<String>,
    },
    /// The paths of all scheduled tasks.
    Tasks,
    /// The subjects of the machine's trusted root certificates.
    RootSubjects,
    /// How many profiles of Chromium's family have an extension. Asked by id, so that no other is seen or kept.
    BrowserExtension(String),
    /// What Microsoft Defender Antivirus says of itself. `Absent` where it is not installed (servers).
    DefenderStatus,
    /// What BitLocker says of every volume. `Absent` where it is not installed (servers).
    BitLocker,
    /// Whether the machine has a battery.
    Battery,
    /// Whether the machine runs on its battery now.
    OnBattery,
    /// For how many seconds the kernel has been at work, sleep and fast startup counted in.
    SessionAge,
    /// Whether the machine belongs to a domain.
    DomainJoin,
    /// The serial number and UUID that the machine's firmware has.
    Firmware,
}

/// How a recording names the question.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "folder {folder}"),
            Self::Uninstall(place) => write!(f, "uninstall {place}"),
            Self::Services => f.write_str("services"),
            Self::SecurityCenter => f.write_str("security-center"),
            Self::Identity(path) => write!(f, "identity {path}"),
            Self::Registry { is_32, key, values } => {
                let view = if *is_32 { " 32" } else { "" };
                write!(f, "registry{view} {key}")?;
                if values.is_empty() {
                    return Ok(());
                }
                write!(f, " [{}]", values.join(", "))
            }
            Self::Tasks => f.write_str("tasks"),
            Self::RootSubjects => f.write_str("root-subjects"),
            Self::BrowserExtension(id) => write!(f, "browser-extension {id}"),
            Self::DefenderStatus => f.write_str("defender-status"),
            Self::BitLocker => f.write_str("bitlocker"),
            Self::Battery => f.write_str("battery"),
            Self::OnBattery => f.write_str("on-battery"),
            Self::SessionAge => f.write_str("session-age"),
            Self::DomainJoin => f.write_str("domain-join"),
            Self::Firmware => f.write_str("firmware"),
        }
    }
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// A path as Windows spells it.
    #[serde(rename = "folder")]
    Folder(String),
    /// Uninstall entries.
    #[serde(rename = "uninstall")]
    Uninstall(UninstallEntries),
    /// Services and drivers.
    #[serde(rename = "services")]
    Services(Vec<WindowsService>),
    /// Products that registered themselves.
    #[serde(rename = "security-center")]
    SecurityCenter(Vec<SecurityProduct>),
    /// Version and signer.
    #[serde(rename = "identity")]
    Identity(FileIdentity),
    /// A key that is there.
    #[serde(rename = "registry")]
    Registry(RegistryKey),
    /// Paths of tasks.
    #[serde(rename = "tasks")]
    Tasks(Vec<String>),
    /// Subjects.
    #[serde(rename = "root-subjects")]
    RootSubjects(Vec<RootSubject>),
    /// Profiles with the extension.
    #[serde(rename = "browser-extension")]
    BrowserExtension(ExtensionUse),
    /// Defender's own word.
    #[serde(rename = "defender-status")]
    DefenderStatus(DefenderStatus),
    /// Volumes.
    #[serde(rename = "bitlocker")]
    BitLocker(Vec<BitLockerVolume>),
    /// Whether there is one.
    #[serde(rename = "battery")]
    Battery(bool),
    /// Whether it does.
    #[serde(rename = "on-battery")]
    OnBattery(bool),
    /// Seconds.
    #[serde(rename = "session-age")]
    SessionAge(u64),
    /// Whether it does.
    #[serde(rename = "domain-join")]
    DomainJoin(bool),
    /// Serial number and UUID.
    #[serde(rename = "firmware")]
    Firmware(Firmware),
}

/// A reply to another question than the one that was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is one to another question; record this host again")]
pub struct WrongReply;

macro_rules! taken {
    ($($name:ident: $variant:ident -> $kind:ty,)+) => {
        impl Reply {
            $(
                /// The reply, where it is one to this question.
                ///
                /// # Errors
                /// When it is one to another.
                pub fn $name(self) -> Result<$kind, WrongReply> {
                    if let Self::$variant(value) = self { Ok(value) } else { Err(WrongReply) }
                }
            )+
        }
    };
}
taken! {
    folder: Folder -> String,
    uninstall: Uninstall -> UninstallEntries,
    services: Services -> Vec<WindowsService>,
    security_center: SecurityCenter -> Vec<SecurityProduct>,
    identity: Identity -> FileIdentity,
    registry: Registry -> RegistryKey,
    tasks: Tasks -> Vec<String>,
    root_subjects: RootSubjects -> Vec<RootSubject>,
    browser_extension: BrowserExtension -> ExtensionUse,
    defender_status: DefenderStatus -> DefenderStatus,
    bit_locker: BitLocker -> Vec<BitLockerVolume>,
    battery: Battery -> bool,
    on_battery: OnBattery -> bool,
    session_age: SessionAge -> u64,
    domain_join: DomainJoin -> bool,
    firmware: Firmware -> Firmware,
}
