//! Who owns what on Windows, and who this process is.
#![expect(
    unsafe_code,
    reason = "windows-sys has these calls and no safe crate does; each says what makes it sound"
)]

use std::{
    ffi::{OsStr, c_void},
    io,
    os::windows::{ffi::OsStrExt, io::AsRawHandle},
    ptr,
};

use windows_sys::Win32::{
    Foundation::{CloseHandle, ERROR_SUCCESS, HANDLE, LocalFree},
    Security::{
        Authorization::{
            ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
            SE_KERNEL_OBJECT,
        },
        CheckTokenMembership, CreateWellKnownSid, EqualSid, GetTokenInformation, IsWellKnownSid,
        OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES, SECURITY_MAX_SID_SIZE,
        TOKEN_OWNER, TOKEN_QUERY, TOKEN_USER, TokenOwner, TokenUser, WinBuiltinAdministratorsSid, WinLocalSystemSid,
    },
    System::Threading::{GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken},
};

/// What a handle is of; the system keeps owners in another place for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A file or a directory.
    File,
    /// A pipe, and what else the kernel has.
    KernelObject,
}

/// Whether SYSTEM, administrators or whoever runs this process own what is behind a handle.
pub(crate) fn is_ours(handle: &impl AsRawHandle, behind: Behind) -> io::Result<bool> {
    let kind = match behind {
        Behind::File => SE_FILE_OBJECT,
        Behind::KernelObject => SE_KERNEL_OBJECT,
    };
    let mut owner: PSID = ptr::null_mut();
    let mut held = Descriptor(ptr::null_mut());
    // SAFETY: the handle is open; `owner` points into `held`, which outlives its use.
    let status = unsafe {
        GetSecurityInfo(
            handle.as_raw_handle(),
            kind,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut held.0,
        )
    };
    checked(status)?;
    is_trusted(owner)
}

/// A security descriptor that the system allocated.
#[derive(Debug)]
pub(crate) struct Descriptor(pub(super) PSECURITY_DESCRIPTOR);

impl Descriptor {
    /// From its text form (SDDL).
    pub(crate) fn parse(text: &str) -> io::Result<Self> {
        let text = wide(OsStr::new(text));
        let mut made = Self(ptr::null_mut());
        // SAFETY: the text ends with a zero; what comes back is freed by `drop`.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut made.0,
                ptr::null_mut(),
            )
        };
        succeeded(done)?;
        Ok(made)
    }

    /// For calls that make something. They point into this.
    pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(u32::MAX),
            lpSecurityDescriptor: self.0,
            bInheritHandle: 0,
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it came from the system's allocator, and nobody else frees it.
            unsafe { LocalFree(self.0) };
        }
    }
}

fn is_trusted(owner: PSID) -> io::Result<bool> {
    if is_well_known(owner, WinLocalSystemSid) || is_well_known(owner, WinBuiltinAdministratorsSid) {
        return Ok(true);
    }
    let token = Token::of_process()?;
    // SAFETY: both are valid identifiers for the time of the call.
    let same = |own| unsafe { EqualSid(own, owner) } != 0;
    Ok(token.is_user(same)? || token.is_owner(same)?)
}

pub(crate) fn is_well_known(sid: PSID, kind: i32) -> bool {
    // SAFETY: the system gave the identifier, and its descriptor or token is still held.
    unsafe { IsWellKnownSid(sid, kind) != 0 }
}

/// Room for a structure with a pointer to the identifier behind it; the larger of the two.
const WITH_SID: [u64; (size_of::<TOKEN_USER>() + SECURITY_MAX_SID_SIZE as usize).div_ceil(8)] =
    [0; (size_of::<TOKEN_USER>() + SECURITY_MAX_SID_SIZE as usize).div_ceil(8)];

/// Whom a process or a thread stands for.
pub(crate) struct Token(HANDLE);

impl Token {
    pub(crate) fn of_thread() -> io::Result<Self> {
        let mut token = Self(ptr::null_mut());
        // SAFETY: the thread's handle is a constant; what comes back is closed by `drop`.
        succeeded(unsafe { OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &raw mut token.0) })?;
        Ok(token)
    }

    fn of_process() -> io::Result<Self> {
        let mut token = Self(ptr::null_mut());
        // SAFETY: the process's handle is a constant; what comes back is closed by `drop`.
        succeeded(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token.0) })?;
        Ok(token)
    }

    pub(crate) fn read(&self, what: i32, into: *mut c_void, length: usize) -> io::Result<()> {
        let (length, mut written) = (u32::try_from(length).unwrap_or(0), 0);
        // SAFETY: callers give a buffer of this length.
        succeeded(unsafe { GetTokenInformation(self.0, what, into, length, &raw mut written) })
    }

    /// Only of a thread that stands for somebody else: that alone can be asked.
    pub(crate) fn is_administrator(&self) -> io::Result<bool> {
        let mut administrators = [0_u64; SECURITY_MAX_SID_SIZE.div_ceil(8) as usize];
        let (sid, mut length) = (administrators.as_mut_ptr().cast(), SECURITY_MAX_SID_SIZE);
        // SAFETY: the buffer is as long as the longest identifier.
        let made = unsafe { CreateWellKnownSid(WinBuiltinAdministratorsSid, ptr::null_mut(), sid, &raw mut length) };
        succeeded(made)?;
        let mut is_member = 0;
        // SAFETY: token and identifier are valid.
        succeeded(unsafe { CheckTokenMembership(self.0, sid, &raw mut is_member) })?;
        Ok(is_member != 0)
    }

    pub(crate) fn is_user(&self, is: impl FnOnce(PSID) -> bool) -> io::Result<bool> {
        let mut buffer = WITH_SID;
        self.read(TokenUser, buffer.as_mut_ptr().cast(), size_of_val(&buffer))?;
        // SAFETY: the system filled the buffer, which is aligned for the structure and outlives `is`.
        Ok(is(unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid }))
    }

    /// Whether it is whom everything that this process makes belongs to.
    fn is_owner(&self, is: impl FnOnce(PSID) -> bool) -> io::Result<bool> {
        let mut buffer = WITH_SID;
        self.read(TokenOwner, buffer.as_mut_ptr().cast(), size_of_val(&buffer))?;
        // SAFETY: the system filled the buffer, which is aligned for the structure and outlives `is`.
        Ok(is(unsafe { (*buffer.as_ptr().cast::<TOKEN_OWNER>()).Owner }))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: it is open, and only this closes it.
            unsafe { CloseHandle(self.0) };
        }
    }
}

/// With the zero that Windows expects at its end.
pub(crate) fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

pub(crate) fn succeeded(done: i32) -> io::Result<()> {
    if done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

pub(crate) fn checked(status: u32) -> io::Result<()> {
    if status == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(status.cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_that_is_none_is_refused() {
        assert!(Descriptor::parse("D:(nonsense)").is_err());
        Descriptor::parse("D:P(A;;FA;;;SY)").unwrap();
    }

    #[test]
    fn what_this_process_makes_is_ours() {
        let root = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(root.path().join("file")).unwrap();
        assert!(is_ours(&file, Behind::File).unwrap());
    }
}
