//! Files and directories.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

words! {
    /// What lies at a path.
    pub enum EntryKind("kind of file") {
        /// A plain file.
        File = "file",
        /// A directory.
        Directory = "directory",
        /// A symbolic link that was not followed.
        Link = "link",
        /// A device, socket or pipe.
        Other = "other",
    }
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The last part of its path. Bytes that are not UTF-8 are replaced, so such a name cannot be looked at again.
    pub name: String,
    /// What it is, links not followed.
    pub kind: EntryKind,
}

/// What the system says of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    /// What it is.
    pub kind: EntryKind,
    /// In bytes.
    pub size: u64,
    /// Last change of its contents, by the host's clock, in milliseconds since the epoch.
    pub modified_ms: i64,
    /// Whether anybody may execute it (for directories: enter it).
    pub executable: bool,
}
