//! Jobs: what ends all that a tool started, and nothing else.
#![expect(unsafe_code, reason = "jobs are made by an interface of C alone")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    process::Child,
    ptr,
};

use windows_sys::Win32::System::JobObjects::{AssignProcessToJobObject, CreateJobObjectW, TerminateJobObject};

/// How a process that these hands ended says so: as Windows says it of a program that somebody closed. No installer uses it.
pub(super) const ENDED: u32 = 0xC000_013A;

/// A job. Its end ends nothing: what runs in it outlives the agent.
pub(super) struct Job(OwnedHandle);

impl Job {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: both may be null: the defaults, and no name.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was made just now, and nobody else has it.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Puts a process into it, with all that it starts from here on.
    pub(super) fn take(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are open for as long as the call lasts.
        match unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), child.as_raw_handle()) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Ends every process in it.
    pub(super) fn end(&self) -> io::Result<()> {
        // SAFETY: the handle is open.
        match unsafe { TerminateJobObject(self.0.as_raw_handle(), ENDED) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }
}
