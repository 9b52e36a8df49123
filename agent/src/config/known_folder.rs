//! Where Windows keeps what programs have for all users.
#![expect(
    unsafe_code,
    reason = "no safe crate of ours has this call; each place says what makes it sound"
)]

use std::{ffi::OsString, os::windows::ffi::OsStringExt, path::PathBuf, ptr};

use windows_sys::Win32::{
    System::Com::CoTaskMemFree,
    UI::Shell::{FOLDERID_ProgramData, SHGetKnownFolderPath},
};

/// None where Windows does not say.
pub(super) fn program_data() -> Option<PathBuf> {
    let (id, mut text) = (FOLDERID_ProgramData, ptr::null_mut());
    // SAFETY: both pointers live beyond the call; no token means this process's user.
    let done = unsafe { SHGetKnownFolderPath(&raw const id, 0, ptr::null_mut(), &raw mut text) };
    let path = (done >= 0 && !text.is_null()).then(|| {
        // SAFETY: on success it is a text that ends with a zero.
        let length = (0..).take_while(|at| unsafe { *text.add(*at) } != 0).count();
        // SAFETY: so many characters were just read.
        let wide = unsafe { std::slice::from_raw_parts(text, length) };
        PathBuf::from(OsString::from_wide(wide))
    });
    // SAFETY: it came from the call above, also when that failed; null is allowed.
    unsafe { CoTaskMemFree(text.cast_const().cast()) };
    path.filter(|path| path.is_absolute())
}
