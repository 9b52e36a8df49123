//! Whether the disks are encrypted, and by whom. On Linux the targets of the catalog encrypt nothing, so what is found is
//! always somebody else's.

mod windows;

use cutover_proto::inventory::{DiskEncryption, OsFamily};

use super::macos_facts;
use crate::{
    facts::{Answer, Mount},
    host::{HostPath, HostView},
    parse,
};

const BLOCK_DEVICES: &str = "/sys/block";
const CRYPTTAB: &str = "/etc/crypttab";
/// Device-mapper devices that decrypt say so at the head of their UUID (cryptsetup).
const CRYPT: &[u8] = b"CRYPT-";
const MAX_UUID: u64 = 4096;
const MAX_CRYPTTAB: u64 = 1 << 20;

/// Who encrypts, and what says so or why it could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disks {
    pub(crate) by: DiskEncryption,
    pub(crate) reasons: Vec<String>,
}

/// Whether a target that may hold the keys of disks is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Encrypting {
    /// Products were not looked for.
    NotLooked,
    /// Looked for each, and none is there.
    Nobody,
    /// This one is there, was, or could not be looked for.
    Maybe(String),
}

pub(crate) fn look(view: &dyn HostView, encrypting: &Encrypting) -> Disks {
    match view.os_family() {
        OsFamily::Windows => windows::look(view, encrypting),
        OsFamily::Linux => plainly(on_linux(view)),
        OsFamily::Macos => plainly(macos_facts::encryption(view)),
    }
}

const fn plainly(by: DiskEncryption) -> Disks {
    Disks {
        by,
        reasons: Vec::new(),
    }
}

/// Looks at the kernel's block devices, at what is mounted, and at what is set up to be opened at start.
fn on_linux(view: &dyn HostView) -> DiskEncryption {
    let mounts = view.mounts().parsed(|bytes| parse::mountinfo::parse(&bytes));
    let looks = [set_up(view), mounted(&mounts), mapped(view)];
    if looks.contains(&Some(true)) {
        return DiskEncryption::Other;
    }
    let [_, mounted, mapped] = looks;
    match (mapped, mounted) {
        (Some(_), _) => DiskEncryption::None,
        // Without a look at the devices: the root lies plainly on one, and nothing that is mounted is mapped.
        (None, Some(_)) if mounts.as_ref().found().is_some_and(|mounts| plain_root(mounts)) => DiskEncryption::None,
        (None, Some(_) | None) => DiskEncryption::Unknown,
    }
}

/// Whether a device of the kernel decrypts; `None` when that could not be told.
fn mapped(view: &dyn HostView) -> Option<bool> {
    let devices = HostPath::unix(BLOCK_DEVICES);
    let names = view.list(&devices).found()?;
    let mut unread = false;
    for device in names.iter().filter(|entry| entry.name.starts_with("dm-")) {
        let uuid = devices.join(&device.name).join("dm/uuid");
        match view.read(&uuid, MAX_UUID) {
            Answer::Found(uuid) if uuid.starts_with(CRYPT) => return Some(true),
            Answer::Found(_) => {}
            Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => unread = true,
        }
    }
    (!unread).then_some(false)
}

fn mounted(mounts: &Answer<Vec<Mount>>) -> Option<bool> {
    let mounts = mounts.as_ref().found()?;
    Some(mounts.iter().any(Mount::encrypts))
}

fn plain_root(mounts: &[Mount]) -> bool {
    let root = mounts.iter().rev().find(|mount| mount.mount_point == "/");
    root.is_some_and(Mount::is_on_device) && !mounts.iter().any(Mount::is_mapped)
}

/// Whether crypttab(5) names a device.
fn set_up(view: &dyn HostView) -> Option<bool> {
    let text = view.read(&HostPath::unix(CRYPTTAB), MAX_CRYPTTAB).found()?;
    let is_entry = |line: &&[u8]| !matches!(line.trim_ascii_start().first(), None | Some(b'#'));
    Some(text.split(|byte| *byte == b'\n').any(|line| is_entry(&line)))
}
