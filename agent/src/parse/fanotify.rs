//! What the kernel says of a fanotify group (proc(5), `/proc/PID/fdinfo`).

/// `FAN_OPEN_PERM`, `FAN_ACCESS_PERM`, `FAN_OPEN_EXEC_PERM` and `FAN_PRE_ACCESS` (fanotify_mark(2)): the kernel waits for
/// the group's answer before it goes on.
const PERMISSION: u64 = 0x1_0000 | 0x2_0000 | 0x4_0000 | 0x10_0000;

/// A mark that does not read as the kernel writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kernel says of a fanotify group `{0}`, which this version cannot read")]
pub struct StrangeMark(String);

/// Whether the group decides about any file: one of its marks asks for permission events.
///
/// # Errors
/// When a mark has no mask that can be read.
pub fn asks_permission(group: &str) -> Result<bool, StrangeMark> {
    let mut asks = false;
    // The line of the group itself has no mask.
    for line in group.lines().filter(|line| line.contains(" mflags:")) {
        let mask = line.split(' ').find_map(|field| field.strip_prefix("mask:"));
        let mask = mask
            .and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .ok_or_else(|| StrangeMark(line.to_owned()))?;
        asks |= mask & PERMISSION != 0;
    }
    Ok(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_that_ask_for_permission_make_a_group_decide() {
        let group = |mask: &str| {
            format!("fanotify flags:4 event-flags:0\nfanotify mnt_id:12 mflags:40 mask:{mask} ignored_mask:40000003\n")
        };
        assert_eq!(asks_permission(&group("10000")), Ok(true));
        assert_eq!(asks_permission(&group("40020")), Ok(true));
        assert_eq!(asks_permission(&group("3b")), Ok(false));
        // What it asks not to be told about is another mask.
        assert_eq!(
            asks_permission("fanotify ino:4f969 sdev:800013 mflags:0 mask:3b ignored_mask:10000 fhandle-bytes:8\n"),
            Ok(false)
        );
        assert_eq!(asks_permission("fanotify flags:8 event-flags:0\n"), Ok(false));
        assert!(asks_permission(&group("zz")).is_err());
        assert!(asks_permission("fanotify mnt_id:1 mflags:0\n").is_err());
    }
}
