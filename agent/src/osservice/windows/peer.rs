//! Who is at the other end of a pipe, and who works at this machine.
#![expect(
    unsafe_code,
    reason = "windows-sys has these calls and no safe crate does; each says what makes it sound"
)]

use std::{io, os::windows::io::AsRawHandle, ptr};

use windows_sys::Win32::{
    Security::{RevertToSelf, TokenSessionId, WinLocalSystemSid},
    System::{
        Pipes::ImpersonateNamedPipeClient,
        RemoteDesktop::{WTSActive, WTSConnectState, WTSFreeMemory, WTSQuerySessionInformationW},
    },
};

use crate::disk::owner::{Token, is_well_known, succeeded};

/// Who is at the other end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// SYSTEM, or an administrator whose token is not filtered.
    pub(super) is_administrator: bool,
    /// Where its process runs; services are in session 0.
    pub(super) session: u32,
}

/// Asks the system who is at the other end. Something must have been read from it before.
pub(super) fn of(pipe: &impl AsRawHandle) -> io::Result<Peer> {
    // SAFETY: the handle is a pipe's and open. No other code runs on this thread before the end of the impersonation.
    succeeded(unsafe { ImpersonateNamedPipeClient(pipe.as_raw_handle()) })?;
    let token = Token::of_thread();
    // SAFETY: has no argument.
    if unsafe { RevertToSelf() } == 0 {
        // To go on as somebody else would be worse than to end.
        std::process::abort();
    }
    let token = token?;
    let mut session = 0_u32;
    token.read(TokenSessionId, (&raw mut session).cast(), size_of::<u32>())?;
    Ok(Peer {
        is_administrator: token.is_administrator()? || token.is_user(|user| is_well_known(user, WinLocalSystemSid))?,
        session,
    })
}

/// Whether somebody works in a session, at the machine or from afar, at this moment.
pub(super) fn is_active(session: u32) -> io::Result<bool> {
    let (mut buffer, mut length) = (ptr::null_mut(), 0_u32);
    // SAFETY: a null handle is this machine; the buffer comes from the system and is freed below.
    let asked = unsafe {
        WTSQuerySessionInformationW(
            ptr::null_mut(),
            session,
            WTSConnectState,
            &raw mut buffer,
            &raw mut length,
        )
    };
    succeeded(asked)?;
    let wide_enough = length as usize >= size_of::<i32>() && !buffer.is_null();
    // SAFETY: the buffer holds at least one number, wherever it is aligned.
    let state = wide_enough.then(|| unsafe { buffer.cast::<i32>().read_unaligned() });
    // SAFETY: it came from the call above, and nothing points into it any more.
    unsafe { WTSFreeMemory(buffer.cast()) };
    Ok(state == Some(WTSActive))
}
