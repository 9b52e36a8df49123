//! Processes, by name and the path of their program.
#![expect(unsafe_code, reason = "processes are told by an interface of C alone")]

use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};

use windows_sys::Win32::{
    Foundation::{ERROR_NO_MORE_FILES, INVALID_HANDLE_VALUE},
    System::{
        Diagnostics::ToolHelp::{
            CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
        },
        Threading::{OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW},
    },
};

use super::native;
use crate::facts::{Answer, Process};

/// The longest path that Windows has.
const LONGEST: usize = 1 << 15;

/// Hands every process to `visit`.
///
/// # Errors
/// The code of Windows that says why the list could not be read to its end.
pub(in crate::host) fn each(mut visit: impl FnMut(&PROCESSENTRY32W)) -> Result<(), u32> {
    // SAFETY: it takes no pointers.
    let handle = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if handle == INVALID_HANDLE_VALUE {
        return Err(native::last_error());
    }
    // SAFETY: it was opened just now, and nobody else has it.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(handle) };
    // SAFETY: the record is made of numbers and an array of them, for which zero is a value.
    let mut record: PROCESSENTRY32W = unsafe { std::mem::zeroed() };
    record.dwSize = size_of::<PROCESSENTRY32W>() as u32;
    // SAFETY: the record states its own size and outlives the call.
    let mut more = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut record) };
    while more != 0 {
        visit(&record);
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut record) };
    }
    match native::last_error() {
        ERROR_NO_MORE_FILES => Ok(()),
        code => Err(code),
    }
}

pub(super) fn all() -> Answer<Vec<Process>> {
    let mut processes = Vec::new();
    let read = each(|record| {
        // The first is no process but what the processor does when nothing runs.
        if record.th32ProcessID != 0 {
            processes.push(Process {
                pid: record.th32ProcessID,
                comm: native::text(&record.szExeFile),
                exe: image(record.th32ProcessID),
            });
        }
    });
    match read {
        Ok(()) if !processes.is_empty() => {
            processes.sort();
            Answer::Found(processes)
        }
        Ok(()) => Answer::Failed(nothing()),
        Err(code) => native::answer_of(code, "the list of processes").expected(nothing),
    }
}

fn nothing() -> String {
    "Windows lists no process, and this is one".to_owned()
}

/// The path of its program; none where Windows does not tell it (its own protected ones) or the process has ended.
fn image(pid: u32) -> Option<String> {
    // SAFETY: it takes no pointers.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if handle.is_null() {
        return None;
    }
    // SAFETY: it was opened just now, and nobody else has it.
    let process = unsafe { OwnedHandle::from_raw_handle(handle) };
    let mut path = vec![0_u16; LONGEST];
    let mut length = LONGEST as u32;
    // SAFETY: the buffer has the stated length and outlives the call.
    let done = unsafe {
        QueryFullProcessImageNameW(
            process.as_raw_handle(),
            PROCESS_NAME_WIN32,
            path.as_mut_ptr(),
            &raw mut length,
        )
    };
    (done != 0).then(|| native::text(&path))
}
