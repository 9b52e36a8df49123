//! Mounted file systems.

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub mount_point: String,
    /// For example `ext4`.
    pub fs_type: String,
    /// What is mounted: a device for those that have one.
    pub source: String,
}

impl Mount {
    /// Whether it lies on a block device.
    #[must_use]
    pub fn is_on_device(&self) -> bool {
        self.source.starts_with("/dev/")
    }

    /// Whether that device is made by the device mapper (LVM, LUKS, multipath).
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        self.source.starts_with("/dev/mapper/") || self.source.starts_with("/dev/dm-")
    }

    /// Whether the file system encrypts by itself.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        matches!(
            self.fs_type.as_str(),
            "ecryptfs" | "fuse.gocryptfs" | "fuse.encfs" | "fuse.cryfs"
        )
    }
}
