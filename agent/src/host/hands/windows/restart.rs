//! Asks Windows for a restart. One that is asked for so begins another kernel session also where fast startup is on.
#![expect(unsafe_code, reason = "a restart is asked for by an interface of C alone")]

use std::{
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr,
};

use windows_sys::Win32::{
    Foundation::LUID,
    Security::{
        AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_PRIVILEGE_ENABLED,
        TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES, TOKEN_QUERY,
    },
    System::{
        Shutdown::{
            InitiateSystemShutdownExW, SHTDN_REASON_FLAG_PLANNED, SHTDN_REASON_MAJOR_APPLICATION,
            SHTDN_REASON_MINOR_INSTALLATION,
        },
        Threading::{GetCurrentProcess, OpenProcessToken},
    },
};

use super::super::seam::HandsError;
use crate::host::windows::native::wide;

/// The right to shut this machine down; the system's own account has it, and it is off until it is asked for.
const RIGHT: &str = "SeShutdownPrivilege";

/// Returns before the machine goes down. Notice was given and the wait is over, so programs are not asked any more.
pub(super) fn request(reason: &str) -> Result<(), HandsError> {
    let failed = |error| HandsError::io("restart", error);
    take_the_right().map_err(failed)?;
    let message = wide(&format!("cutover: {reason}"));
    let why = SHTDN_REASON_MAJOR_APPLICATION | SHTDN_REASON_MINOR_INSTALLATION | SHTDN_REASON_FLAG_PLANNED;
    // SAFETY: null means this machine; the message has its zero and outlives the call.
    match unsafe { InitiateSystemShutdownExW(ptr::null(), message.as_ptr(), 0, 1, 1, why) } {
        0 => Err(failed(io::Error::last_os_error())),
        _ => Ok(()),
    }
}

fn take_the_right() -> io::Result<()> {
    let mut token = ptr::null_mut();
    // SAFETY: the process is this one, and the token is written before it says that it did.
    if unsafe {
        OpenProcessToken(
            GetCurrentProcess(),
            TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY,
            &raw mut token,
        )
    } == 0
    {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was opened just now, and nobody else has it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut luid = LUID::default();
    let right = wide(RIGHT);
    // SAFETY: null means this machine; the name has its zero and outlives the call.
    if unsafe { LookupPrivilegeValueW(ptr::null(), right.as_ptr(), &raw mut luid) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let wanted = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES {
            Luid: luid,
            Attributes: SE_PRIVILEGE_ENABLED,
        }],
    };
    // SAFETY: the token is open, what is wanted outlives the call, and what was before is not asked for.
    let is_done = unsafe {
        AdjustTokenPrivileges(
            token.as_raw_handle(),
            0,
            &raw const wanted,
            0,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    // It says that it did also where the account does not have the right.
    let error = io::Error::last_os_error();
    match (is_done, error.raw_os_error()) {
        (1.., Some(0) | None) => Ok(()),
        _ => Err(error),
    }
}
