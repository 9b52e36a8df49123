//! What a process uses, from the files of proc(5).

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Unit of the times in `/proc/PID/stat`: USER_HZ, 100 a second on every architecture that the agent and the server are
/// built for (time(7)). Linux scales their sum to the precise run time, so only the rounding is coarse.
const TICK: Duration = Duration::from_millis(10);

/// Memory in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All resident pages.
    pub(crate) resident: u64,
    /// Those of them that no file backs: what the program itself asked for.
    pub(crate) anonymous: u64,
}

/// User and system time of a process, ended threads included, in steps of 10 ms.
///
/// # Errors
/// When there is no such process.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let text = read(&format!("/proc/{pid}/stat"))?;
    ticks(&text, [11, 12]).with_context(|| format!("/proc/{pid}/stat cannot be read"))
}

/// User and system time of the children of this process that ended and were waited for, in steps of 10 ms.
///
/// # Errors
/// When the system does not tell.
pub(crate) fn cpu_of_children() -> Result<Duration> {
    ticks(&read("/proc/self/stat")?, [13, 14]).context("/proc/self/stat cannot be read")
}

/// Run time of the threads that a process has at this moment, in nanoseconds (`schedstat`).
///
/// # Errors
/// When there is no such process, or its kernel keeps no such statistics.
pub(crate) fn cpu_of_threads(pid: u32) -> Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("there is no process {pid}"))? {
        let path = task?.path().join("schedstat");
        // A thread that ended since the listing.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let nanoseconds = text
            .split_whitespace()
            .next()
            .and_then(|first| first.parse::<u64>().ok());
        sum += nanoseconds.with_context(|| format!("{} cannot be read", path.display()))?;
    }
    Ok(Duration::from_nanos(sum))
}

/// Resident and anonymous memory of a process.
///
/// # Errors
/// When there is no such process, or it is another user's.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let text = read(&format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name| kib(&text, name).with_context(|| format!("smaps_rollup of process {pid} has no {name}"));
    Ok(Memory {
        resident: field("Rss")?,
        anonymous: field("Anonymous")?,
    })
}

/// The most memory that a process ever had resident, in KiB; nothing once it has ended.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    kib(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmHWM")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// The sum of two fields of `/proc/PID/stat`, counted from 0 behind the name, which stands in brackets and may hold
/// anything.
fn ticks(stat: &str, fields: [usize; 2]) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let values: Vec<&str> = rest.split_whitespace().collect();
    let mut sum = 0;
    for field in fields {
        sum += values.get(field)?.parse::<u32>().ok()?;
    }
    Some(TICK * sum)
}

/// A line `Name:   123 kB`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_a_name_with_brackets_and_spaces() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 7 5 30 4 20 0 1 0 99 1 1\n";
        assert_eq!(ticks(stat, [11, 12]), Some(Duration::from_millis(120)));
        assert_eq!(ticks(stat, [13, 14]), Some(Duration::from_millis(340)));
        assert_eq!(ticks("42 (cut", [11, 12]), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "VmHWM_not:\t9 kB\nVmHWM:\t    3712 kB\nRss:    12 kB\n";
        assert_eq!(kib(text, "VmHWM"), Some(3712));
        assert_eq!(kib(text, "Rss"), Some(12));
        assert_eq!(kib(text, "Anonymous"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let pid = std::process::id();
        let memory = memory(pid).expect("own memory can be read");
        assert!(memory.resident > 0 && memory.anonymous <= memory.resident);
        assert!(peak_memory(pid) >= Some(memory.resident / 2));
        assert!(cpu_of_threads(pid).expect("own threads can be read") > Duration::ZERO);
        assert!(cpu(pid).is_ok() && cpu_of_children().is_ok());
    }
}
