//! Where Windows keeps what programs have for all users.
#![expect(
    unsafe_code,
    reason = "no safe crate of ours has this call; each place says what makes it sound"
)]

use std::{
    ffi::{OsString, c_void},
    os::windows::ffi::OsStringExt,
    path::PathBuf,
    ptr,
};

use windows_sys::core::GUID;

/// FOLDERID_ProgramData.
const PROGRAM_DATA: GUID = GUID::from_u128(0x62ab_5d82_fdc1_4dc3_a9dd_070d_1d49_5d97);

// The two calls themselves, since windows-sys has them among all of the shell.
#[link(name = "shell32")]
unsafe extern "system" {
    fn SHGetKnownFolderPath(folder: *const GUID, flags: u32, token: *mut c_void, path: *mut *mut u16) -> i32;
}
#[link(name = "ole32")]
unsafe extern "system" {
    fn CoTaskMemFree(memory: *const c_void);
}

/// None where Windows does not say.
pub(super) fn program_data() -> Option<PathBuf> {
    let mut text = ptr::null_mut();
    // SAFETY: both pointers live beyond the call; no token means this process's user.
    let done = unsafe { SHGetKnownFolderPath(&PROGRAM_DATA, 0, ptr::null_mut(), &raw mut text) };
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
