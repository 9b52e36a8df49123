//! Tells whoever is logged in: a message in every session that somebody has, on a screen or not.
#![expect(unsafe_code, reason = "sessions are listed and told by an interface of C alone")]

use std::{io, ptr};

use windows_sys::Win32::System::RemoteDesktop::{
    WTS_CURRENT_SERVER_HANDLE, WTS_SESSION_INFOW, WTSActive, WTSDisconnected, WTSEnumerateSessionsW, WTSFreeMemory,
    WTSSendMessageW,
};

use super::super::seam::HandsError;
use crate::host::windows::native::wide;

const TITLE: &str = "Cutover";
/// One button, and the sign of something to know: `MB_OK | MB_ICONINFORMATION`.
const STYLE: u32 = 0x40;
/// Where services run, and nobody is.
const SERVICES: u32 = 0;

/// Nobody is waited for: the message stays until it is closed.
pub(super) fn to_every_session(text: &str) -> Result<(), HandsError> {
    let sessions = with_somebody().map_err(|error| HandsError::io("list the sessions", error))?;
    if sessions.is_empty() {
        tracing::info!("nobody is logged in who could be told");
    }
    let told: Vec<io::Result<()>> = sessions.into_iter().map(|session| tell(session, text)).collect();
    let is_any_told = told.iter().any(Result::is_ok);
    match told.into_iter().find_map(Result::err) {
        // One that ended just now, for example.
        Some(error) if is_any_told => {
            tracing::warn!(%error, "a session was not told");
            Ok(())
        }
        Some(error) => Err(HandsError::io("tell a session", error)),
        None => Ok(()),
    }
}

/// The sessions in which somebody works, or from which somebody is away.
fn with_somebody() -> io::Result<Vec<u32>> {
    let (mut sessions, mut count) = (ptr::null_mut::<WTS_SESSION_INFOW>(), 0);
    // SAFETY: both results are written before it says that it did.
    let is_told = unsafe { WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &raw mut sessions, &raw mut count) };
    if is_told == 0 {
        return Err(io::Error::last_os_error());
    }
    let length = usize::try_from(count).unwrap_or(0);
    let mut found = Vec::new();
    for index in 0..length {
        // SAFETY: so many were written, and they are freed only below.
        let session = unsafe { &*sessions.add(index) };
        if session.SessionId != SERVICES && [WTSActive, WTSDisconnected].contains(&session.State) {
            found.push(session.SessionId);
        }
    }
    // SAFETY: it was allocated by the call above, and nothing of it is used any more.
    unsafe { WTSFreeMemory(sessions.cast()) };
    Ok(found)
}

fn tell(session: u32, text: &str) -> io::Result<()> {
    let (title, text) = (wide(TITLE), wide(text));
    // In bytes, without the zero at the end.
    let length = |text: &[u16]| u32::try_from(text.len().saturating_sub(1).saturating_mul(2)).unwrap_or(u32::MAX);
    let mut response = 0;
    // SAFETY: both texts outlive the call, and it reads no more of them than is said; the answer is written at once, since
    // nobody is waited for.
    let is_told = unsafe {
        WTSSendMessageW(
            WTS_CURRENT_SERVER_HANDLE,
            session,
            title.as_ptr(),
            length(&title),
            text.as_ptr(),
            length(&text),
            STYLE,
            0,
            &raw mut response,
            0,
        )
    };
    match is_told {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
