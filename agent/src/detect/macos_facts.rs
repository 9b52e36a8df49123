//! What a macOS says of itself: which it is, and whether its start volume is encrypted.

use cutover_proto::inventory::DiskEncryption;

use crate::{
    facts::{Answer, Firmware, OsRelease, Tool},
    host::{HostPath, HostView},
    parse::{filevault, ioreg, property_list},
};

const VERSION: &str = "/System/Library/CoreServices/SystemVersion.plist";

/// Family, version and name. What macOS does not tell is empty.
pub(super) fn release(view: &dyn HostView) -> OsRelease {
    let id = view.os_family().as_str().to_owned();
    let said = view
        .read(&HostPath::unix(VERSION), property_list::MAX)
        .parsed(|bytes| property_list::system_version(&bytes));
    match said {
        Answer::Found(system) => OsRelease {
            id,
            pretty_name: format!("{} {}", system.name, system.version),
            version_id: system.version,
            ..OsRelease::default()
        },
        Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => OsRelease {
            id,
            ..OsRelease::default()
        },
    }
}

/// What the firmware says of the machine; nothing where it is not told.
pub(super) fn firmware(view: &dyn HostView) -> Firmware {
    let said = view
        .tool(Tool::PlatformExpert)
        .parsed(|said| ioreg::firmware(&said.stdout));
    said.found().unwrap_or_default()
}

/// By FileVault, which is macOS's own, and so not a target's.
pub(super) fn encryption(view: &dyn HostView) -> DiskEncryption {
    match view
        .tool(Tool::FileVault)
        .parsed(|said| filevault::is_encrypted(&said.stdout))
    {
        Answer::Found(true) => DiskEncryption::Other,
        Answer::Found(false) => DiskEncryption::None,
        Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => DiskEncryption::Unknown,
    }
}
