//! Which fanotify groups a process holds.

use std::fs;

use rustix::{
    fs::{Dir, Mode, OFlags, open, readlinkat},
    io::Errno,
};

use crate::{facts::Answer, host::rootdir::answer_of};

/// What the kernel calls a handle of a fanotify group.
const GROUP: &[u8] = b"anon_inode:[fanotify]";
/// All handles of all processes together that are looked at. Large servers have some hundred thousand.
pub(super) const MAX_HANDLES: usize = 2_000_000;

/// What `/proc/PID/fdinfo` says of each group; `Absent` for a process that holds none, or has ended.
pub(super) fn groups(pid: u32, budget: &mut usize) -> Answer<Vec<String>> {
    let path = format!("/proc/{pid}/fd");
    match of(pid, &path, budget) {
        Ok(Some(groups)) if groups.is_empty() => Answer::Absent,
        Ok(Some(groups)) => Answer::Found(groups),
        Ok(None) => Answer::Failed(format!(
            "processes have more than {MAX_HANDLES} open files, so who intercepts files was not looked for to the end"
        )),
        // It ended meanwhile.
        Err(Errno::NOENT | Errno::SRCH) => Answer::Absent,
        Err(errno) => answer_of(errno, path),
    }
}

/// `None` when the budget is used up.
fn of(pid: u32, path: &str, budget: &mut usize) -> Result<Option<Vec<String>>, Errno> {
    let handles = open(
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut groups = Vec::new();
    let mut target = Vec::new();
    for entry in Dir::read_from(&handles)? {
        let entry = entry?;
        let handle = entry.file_name();
        if handle.to_bytes().first() == Some(&b'.') {
            continue;
        }
        if *budget == 0 {
            return Ok(None);
        }
        *budget -= 1;
        target.clear();
        target = match readlinkat(&handles, handle, target) {
            Ok(target) => target.into_bytes(),
            // Closed meanwhile.
            Err(Errno::NOENT) => Vec::new(),
            Err(errno) => return Err(errno),
        };
        if target == GROUP {
            let info = format!("/proc/{pid}/fdinfo/{}", handle.to_string_lossy());
            match fs::read_to_string(info) {
                Ok(info) => groups.push(of_fanotify(&info)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            }
        }
    }
    Ok(Some(groups))
}

fn of_fanotify(info: &str) -> String {
    let lines = info.lines().filter(|line| line.starts_with("fanotify"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_without_groups_is_absent_and_a_budget_that_is_used_up_is_failed() {
        let me = std::process::id();
        let mut budget = MAX_HANDLES;
        assert_eq!(groups(me, &mut budget), Answer::Absent);
        assert!(budget < MAX_HANDLES, "no handle was looked at");
        assert!(matches!(groups(me, &mut 0), Answer::Failed(_)));
        assert_eq!(groups(u32::MAX, &mut budget), Answer::Absent);
    }

    #[test]
    fn only_what_is_said_of_fanotify_is_kept() {
        let info = "pos:\t0\nflags:\t02\nfanotify flags:4 event-flags:0\nfanotify mnt_id:1d mask:10000\n";
        assert_eq!(
            of_fanotify(info),
            "fanotify flags:4 event-flags:0\nfanotify mnt_id:1d mask:10000\n"
        );
    }
}
