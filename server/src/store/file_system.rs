//! Refuses to put SQLite on a network file system, where its locks and its shared memory do not hold
//! (<https://www.sqlite.org/wal.html>, <https://www.sqlite.org/faq.html#q5>).

use std::path::{Path, PathBuf};

use super::error::StoreError;

/// What a look at a directory's file system found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// `f_type` of statfs(2); 0 where the system has none.
    pub magic: u64,
    /// The type by name as the mount table has it (`nfs4`, `fuse.sshfs`); empty where it could not be told.
    pub name: String,
}

/// Looks at the file system of a directory. A plain function, so that a test can put another in its place.
pub type FileSystemProbe = fn(&Path) -> std::io::Result<FileSystem>;

/// `f_type` values of network file systems: statfs(2) and linux/magic.h.
const NETWORK_MAGIC: &[(u64, &str)] = &[
    (0x6969, "nfs"),
    (0x517B, "smb"),
    (0xFE53_4D42, "smb2"),
    (0xFF53_4D42, "cifs"),
    (0x0102_1997, "9p"),
    (0x564C, "ncp"),
    (0x7375_7245, "coda"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "afs"),
    (0x00C3_6400, "ceph"),
    (0x0BD0_0BD0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x786F_4256, "vboxsf"),
    (0xBACB_ACBC, "vmhgfs"),
];

/// Network file systems by the name in the mount table, for those that statfs shows as plain FUSE.
const NETWORK_NAMES: &[&str] = &[
    "nfs",
    "nfs4",
    "smb3",
    "cifs",
    "smbfs",
    "9p",
    "afs",
    "afpfs",
    "ceph",
    "webdav",
    "lustre",
    "glusterfs",
    "vboxsf",
    "prl_fs",
    "fuse.sshfs",
    "fuse.s3fs",
    "fuse.rclone",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.cephfs",
    "fuse.davfs",
    "fuse.davfs2",
    "fuse.curlftpfs",
    "fuse.smbnetfs",
    "fuse.vmhgfs-fuse",
    "fuse.gcsfuse",
    "fuse.goofys",
    "fuse.juicefs",
    "fuse.moosefs",
    "fuse.nfs",
    "fuse.grpcfuse",
];

/// The network file system's name, or `None` for a local one.
pub(super) fn network_kind(found: &FileSystem) -> Option<String> {
    if NETWORK_NAMES.contains(&found.name.as_str()) {
        return Some(found.name.clone());
    }
    NETWORK_MAGIC
        .iter()
        .find(|(magic, _)| *magic == found.magic)
        .map(|(_, name)| (*name).to_owned())
}

/// Where a database file really is: a link would hide its file system. Refuses one on a network file system.
pub(super) fn settle(path: &Path, probe: FileSystemProbe) -> Result<PathBuf, StoreError> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    check(directory, probe)?;
    Ok(path)
}

/// Refuses a directory on a network file system.
fn check(directory: &Path, probe: FileSystemProbe) -> Result<(), StoreError> {
    let found = probe(directory).map_err(|error| StoreError::File {
        path: directory.to_owned(),
        why: error.to_string(),
    })?;
    network_kind(&found).map_or(Ok(()), |kind| {
        Err(StoreError::NetworkFileSystem {
            path: directory.to_owned(),
            kind,
        })
    })
}

/// Asks the running system: statfs(2) and the mount table.
///
/// # Errors
/// What the system said when the directory cannot be looked at.
#[cfg(target_os = "linux")]
pub(super) fn look(directory: &Path) -> std::io::Result<FileSystem> {
    let directory = std::fs::canonicalize(directory)?;
    let magic = rustix::fs::statfs(&directory)?.f_type;
    // On 32-bit systems the field is signed and narrow; only its 32 bits mean anything anywhere.
    let magic = u64::try_from(magic & 0xFFFF_FFFF).unwrap_or_default();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    Ok(FileSystem {
        magic,
        name: mounted_as(&mounts, &directory.to_string_lossy()),
    })
}

/// Where statfs has no type number, nothing is known and nothing refused.
///
/// # Errors
/// What the system said when the directory cannot be looked at.
#[cfg(not(target_os = "linux"))]
pub(super) fn look(directory: &Path) -> std::io::Result<FileSystem> {
    std::fs::canonicalize(directory)?;
    Ok(FileSystem {
        magic: 0,
        name: String::new(),
    })
}

/// The type of the mount that holds `path`: the last of the longest mount points above it (proc(5), mountinfo: field 5
/// is the mount point, the type follows the lone hyphen).
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has mountinfo"))]
fn mounted_as(mountinfo: &str, path: &str) -> String {
    let mut best = (0, "");
    for line in mountinfo.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let Some(point) = left.split(' ').nth(4) else {
            continue;
        };
        // Blanks in a mount point are written in octal.
        let point = point.replace("\\040", " ");
        let above = point == "/"
            || path == point
            || path
                .strip_prefix(point.as_str())
                .is_some_and(|rest| rest.starts_with('/'));
        if above && point.len() >= best.0 {
            best = (point.len(), right.split(' ').next().unwrap_or_default());
        }
    }
    best.1.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
30 21 0:40 / /srv/share rw - nfs4 nas:/x rw
31 21 0:41 / /srv/with\\040blank rw shared:1 - fuse.sshfs host:/ rw
32 21 0:42 / /srv/share/local rw - xfs /dev/sdb1 rw
";

    #[test]
    fn the_longest_mount_above_a_path_names_its_file_system() {
        assert_eq!(mounted_as(MOUNTS, "/var/lib/cutover"), "ext4");
        assert_eq!(mounted_as(MOUNTS, "/srv/share/data"), "nfs4");
        assert_eq!(mounted_as(MOUNTS, "/srv/shared"), "ext4");
        assert_eq!(mounted_as(MOUNTS, "/srv/share/local/data"), "xfs");
        assert_eq!(mounted_as(MOUNTS, "/srv/with blank/x"), "fuse.sshfs");
        assert_eq!(mounted_as("nonsense\n", "/x"), "");
    }

    #[test]
    fn network_file_systems_are_known_by_number_and_by_name() {
        let by = |magic, name: &str| {
            network_kind(&FileSystem {
                magic,
                name: name.to_owned(),
            })
        };
        assert_eq!(by(0x6969, ""), Some("nfs".to_owned()));
        assert_eq!(by(0xFF53_4D42, "cifs"), Some("cifs".to_owned()));
        assert_eq!(by(0xFE53_4D42, ""), Some("smb2".to_owned()));
        assert_eq!(by(0x0102_1997, "9p"), Some("9p".to_owned()));
        assert_eq!(by(0x6573_5546, "fuse.sshfs"), Some("fuse.sshfs".to_owned()));
        assert_eq!(by(0x6573_5546, "fuse.ntfs-3g"), None, "a local disk by FUSE");
        assert_eq!(by(0xEF53, "ext4"), None);
    }

    #[test]
    fn a_network_directory_is_refused_with_the_remedy() {
        let refused = check(Path::new("/srv/share"), |_| {
            Ok(FileSystem {
                magic: 0x6969,
                name: "nfs4".to_owned(),
            })
        })
        .expect_err("NFS is refused");
        let text = refused.to_string();
        assert!(text.contains("/srv/share") && text.contains("nfs4"), "{text}");
        assert!(text.contains("local disk"), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_running_system_answers_and_a_missing_directory_is_an_error() {
        assert_ne!(look(Path::new("/")).expect("the root exists").magic, 0);
        assert!(matches!(
            check(Path::new("/does/not/exist"), look),
            Err(StoreError::File { .. })
        ));
    }
}
