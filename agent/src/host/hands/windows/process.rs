//! Processes that an earlier agent started: whether one still runs, and its end.
#![expect(unsafe_code, reason = "processes are told by an interface of C alone")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    thread,
    time::Duration,
};

use windows_sys::Win32::{
    Foundation::{FILETIME, WAIT_TIMEOUT},
    System::Threading::{
        GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE,
        TerminateProcess, WaitForSingleObject,
    },
};

use super::{super::seam::ProcessMark, job::ENDED};
use crate::host::{HostView, WindowsHost, windows::processes};

/// One that was ended may have started something just before; what it started is looked for again so often.
const ROUNDS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(100);

/// What names a running process for good.
pub(super) fn mark(pid: u32) -> Option<ProcessMark> {
    let process = open(pid, PROCESS_QUERY_LIMITED_INFORMATION)?;
    Some(ProcessMark {
        pid,
        start_ticks: started(&process)?,
        boot_id: session(),
    })
}

pub(super) fn is_alive(mark: &ProcessMark) -> bool {
    mark.boot_id == session() && running(mark.pid, mark.start_ticks).is_some()
}

/// Ends a process, and what it and its own started.
pub(super) fn stop(mark: &ProcessMark) {
    if mark.boot_id != session() {
        return;
    }
    let mut known = vec![(mark.pid, mark.start_ticks)];
    for _ in 0..ROUNDS {
        known.extend(children(&known));
        let left: Vec<_> = known.iter().filter_map(|(pid, start)| running(*pid, *start)).collect();
        if left.is_empty() {
            return;
        }
        for process in &left {
            // SAFETY: the handle is open, and allows it.
            if unsafe { TerminateProcess(process.as_raw_handle(), ENDED) } == 0 {
                tracing::debug!(pid = mark.pid, error = %io::Error::last_os_error(), "process not ended");
            }
        }
        thread::sleep(BETWEEN);
    }
    tracing::warn!(pid = mark.pid, "a process that is to end still runs");
}

/// The kernel session; empty where Windows does not tell it: then the time of the start alone tells processes apart.
fn session() -> String {
    WindowsHost.boot_id().found().unwrap_or_default()
}

/// The process of this number, if it is the one that started then and has not ended.
fn running(pid: u32, start: u64) -> Option<OwnedHandle> {
    let process = open(
        pid,
        PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE | PROCESS_TERMINATE,
    )?;
    // SAFETY: the handle is open, and the call does not wait.
    let has_ended = unsafe { WaitForSingleObject(process.as_raw_handle(), 0) } != WAIT_TIMEOUT;
    (!has_ended && started(&process)? == start).then_some(process)
}

fn open(pid: u32, rights: u32) -> Option<OwnedHandle> {
    // SAFETY: it takes no pointers.
    let handle = unsafe { OpenProcess(rights, 0, pid) };
    // SAFETY: it was opened just now, and nobody else has it.
    (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// When it started, in steps of 100 ns since 1601.
fn started(process: &OwnedHandle) -> Option<u64> {
    let mut times = [FILETIME::default(); 4];
    let [begun, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open, and all four are there.
    let told = unsafe { GetProcessTimes(process.as_raw_handle(), begun, ended, kernel, user) };
    (told != 0).then(|| u64::from(begun.dwHighDateTime) << 32 | u64::from(begun.dwLowDateTime))
}

/// The running processes that these started, with the times of their starts. A number that was used again started earlier
/// than whom it calls its own.
fn children(of: &[(u32, u64)]) -> Vec<(u32, u64)> {
    let mut found: Vec<(u32, u64)> = Vec::new();
    let all = parents();
    loop {
        let more: Vec<(u32, u64)> = all
            .iter()
            .filter(|(pid, _)| !of.iter().chain(&found).any(|(known, _)| known == pid))
            .filter_map(|(pid, parent)| {
                let (_, parent_start) = of.iter().chain(&found).find(|(known, _)| known == parent)?;
                let start = started(&open(*pid, PROCESS_QUERY_LIMITED_INFORMATION)?)?;
                (start >= *parent_start).then_some((*pid, start))
            })
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Every process, and whose it calls itself; as many as Windows lists.
fn parents() -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    let read = processes::each(|record| all.push((record.th32ProcessID, record.th32ParentProcessID)));
    if let Err(code) = read {
        tracing::debug!(code, "the list of processes was not read to its end");
    }
    all
}
