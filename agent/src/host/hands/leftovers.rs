//! Leftovers that are no files of their own: an entry among the groups, an anchor of the trust store.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

use super::{
    seam::{Anchor, HandsError},
    tree,
};
use crate::facts::ANCHORS;

/// The number of a group that may be deleted; `None` when there is none of this name.
///
/// # Errors
/// When a user has it as the primary group, or the lists of accounts cannot be read.
pub(crate) fn unused_group(root: &Path, name: &str) -> Result<Option<u32>, HandsError> {
    let read = |file: &str| fs::read(root.join(file)).map_err(|error| HandsError::io(format!("read /{file}"), error));
    let groups = read("etc/group")?;
    // group(5): NAME:PASSWORD:NUMBER:MEMBERS. passwd(5): NAME:PASSWORD:NUMBER:GROUP:...
    let of = |line: &[u8], field: usize| line.split(|byte| *byte == b':').nth(field).map(<[u8]>::to_vec);
    let mut lines = groups.split(|byte| *byte == b'\n');
    let Some(entry) = lines.find(|line| of(line, 0).as_deref() == Some(name.as_bytes())) else {
        return Ok(None);
    };
    let number = of(entry, 2).unwrap_or_default();
    let users = read("etc/passwd")?;
    if users
        .split(|byte| *byte == b'\n')
        .any(|line| of(line, 3).as_ref() == Some(&number))
    {
        return Err(HandsError::GroupInUse(name.to_owned()));
    }
    let number = std::str::from_utf8(&number).ok().and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(|| {
        HandsError::io(
            format!("read the entry of {name} in /etc/group"),
            io::Error::other("it is damaged; repair it with grpck"),
        )
    })
}

/// Deletes an anchor that is still the file that was looked at. Nothing there is fine.
///
/// # Errors
/// When it is no anchor, has changed, or cannot be deleted.
pub(crate) fn delete_anchor(root: &Path, anchor: &Anchor) -> Result<(), HandsError> {
    let refused = |why: &str| HandsError::PathRefused {
        path: anchor.path.clone(),
        why: why.to_owned(),
    };
    let below = |dir: &str| anchor.path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    if !ANCHORS.iter().any(|dir| below(dir)) {
        return Err(refused("it lies in no directory of trust anchors"));
    }
    let path = root.join(anchor.path.trim_start_matches('/'));
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err(refused("it is no plain file any more; look again")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(HandsError::io(format!("look at {}", anchor.path), error)),
    }
    let bytes = fs::read(&path).map_err(|error| HandsError::io(format!("read {}", anchor.path), error))?;
    if Sha256::digest(&bytes)[..] != anchor.sha256 {
        return Err(refused("it has changed since it was looked at; look again"));
    }
    tree::delete(root, &anchor.path).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: &str = "/usr/local/share/ca-certificates";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::create_dir_all(root.path().join(&DIR[1..])).unwrap();
        fs::write(
            root.path().join("etc/group"),
            "root:x:0:\nkeslu:x:7:\nkesluser:x:1001:alice,bob\nown:x:1002:\n",
        )
        .unwrap();
        fs::write(
            root.path().join("etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nalice:x:1000:1002::/home/alice:/bin/sh\n",
        )
        .unwrap();
        root
    }

    #[test]
    fn a_group_with_members_may_go_and_a_users_primary_group_may_not() {
        let root = root();
        assert_eq!(unused_group(root.path(), "kesluser").unwrap(), Some(1001));
        assert_eq!(unused_group(root.path(), "kesl").unwrap(), None);
        let said = unused_group(root.path(), "own").unwrap_err().to_string();
        assert!(said.contains("primary group") && !said.contains("alice"), "{said}");
    }

    #[test]
    fn only_an_anchor_that_is_still_the_one_that_was_seen_is_deleted() {
        let root = root();
        let path = format!("{DIR}/kl.crt");
        let file = root.path().join(&path[1..]);
        fs::write(&file, "one").unwrap();
        let anchor = |path: &str, bytes: &str| Anchor {
            path: path.to_owned(),
            sha256: Sha256::digest(bytes).into(),
        };
        assert!(delete_anchor(root.path(), &anchor(&path, "another")).is_err());
        assert!(delete_anchor(root.path(), &anchor("/etc/passwd", "one")).is_err());
        assert!(delete_anchor(root.path(), &anchor(&format!("{DIR}/../../../../etc/passwd"), "one")).is_err());
        assert!(file.exists());
        delete_anchor(root.path(), &anchor(&path, "one")).unwrap();
        assert!(!file.exists());
        delete_anchor(root.path(), &anchor(&path, "one")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        assert!(delete_anchor(root.path(), &anchor(&path, "one")).is_err());
    }
}
