//! What Windows keeps in security descriptors: who may enter a directory, who may open a pipe, who is at its other end.
#![expect(
    unsafe_code,
    reason = "windows-sys has these calls and no safe crate does; each says what makes it sound"
)]

use std::{
    ffi::{OsStr, c_void},
    fs, io,
    os::windows::{ffi::OsStrExt, fs::MetadataExt, io::AsRawHandle},
    path::{Path, PathBuf},
    ptr,
};

use windows_sys::Win32::{
    Foundation::{CloseHandle, ERROR_ALREADY_EXISTS, ERROR_SUCCESS, HANDLE, LocalFree},
    Security::{
        Authorization::{
            ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, GetSecurityInfo,
            SDDL_REVISION_1, SE_FILE_OBJECT, SE_KERNEL_OBJECT, SetNamedSecurityInfoW,
        },
        CheckTokenMembership, CreateWellKnownSid, DACL_SECURITY_INFORMATION, EqualSid, GetSecurityDescriptorDacl,
        GetTokenInformation, IsWellKnownSid, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
        PSECURITY_DESCRIPTOR, PSID, RevertToSelf, SECURITY_ATTRIBUTES, SECURITY_MAX_SID_SIZE, TOKEN_OWNER, TOKEN_QUERY,
        TOKEN_USER, TokenOwner, TokenSessionId, TokenUser, WinBuiltinAdministratorsSid, WinLocalSystemSid,
    },
    Storage::FileSystem::{CreateDirectoryW, FILE_ATTRIBUTE_REPARSE_POINT},
    System::{
        Pipes::ImpersonateNamedPipeClient,
        RemoteDesktop::{WTSActive, WTSConnectState, WTSFreeMemory, WTSQuerySessionInformationW},
        Threading::{GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken},
    },
};

/// SYSTEM and administrators, with everything below; nothing is inherited from above.
const PRIVATE: &str = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// Why a directory cannot be for the agent alone.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    /// It leads elsewhere, or is none.
    #[error("{0} is a link or no directory; somebody else put it there: look at it, delete it and try again")]
    Elsewhere(PathBuf),
    /// Every user may make directories in `%ProgramData%`, and the owner of one may always change it.
    #[error(
        "{0} belongs neither to SYSTEM nor to administrators, so its owner could read the agent's keys: look at it, delete it \
         and try again"
    )]
    Owner(PathBuf),
    /// The system refused.
    #[error("{path} cannot be made private to SYSTEM and administrators: {source}")]
    System {
        /// Which.
        path: PathBuf,
        /// What it says.
        source: io::Error,
    },
}

/// Makes a directory for SYSTEM and administrators alone, or makes the one that is there so.
///
/// # Errors
/// When it leads elsewhere, somebody else owns it, or the system refuses.
pub fn claim(path: &Path) -> Result<(), NotPrivate> {
    let failed = |source| NotPrivate::System {
        path: path.to_owned(),
        source,
    };
    let descriptor = Descriptor::parse(PRIVATE).map_err(failed)?;
    let (name, attributes) = (wide(path.as_os_str()), descriptor.attributes());
    // SAFETY: the name ends with a zero, and both pointers live beyond the call.
    if unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() != Some(ERROR_ALREADY_EXISTS.cast_signed()) {
        return Err(failed(error));
    }
    let there = fs::symlink_metadata(path).map_err(failed)?;
    if !there.is_dir() || there.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(NotPrivate::Elsewhere(path.to_owned()));
    }
    let mut owner: PSID = ptr::null_mut();
    let mut held = Descriptor(ptr::null_mut());
    // SAFETY: the name ends with a zero; `owner` points into `held`, which outlives its use.
    let status = unsafe {
        GetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut held.0,
        )
    };
    checked(status).map_err(failed)?;
    if !is_trusted(owner).map_err(failed)? {
        return Err(NotPrivate::Owner(path.to_owned()));
    }
    let (mut present, mut defaulted, mut list) = (0, 0, ptr::null_mut());
    // SAFETY: the descriptor is valid for as long as `descriptor` lives, and so is the list in it.
    let had = unsafe { GetSecurityDescriptorDacl(descriptor.0, &raw mut present, &raw mut list, &raw mut defaulted) };
    succeeded(had).map_err(failed)?;
    // SAFETY: the name ends with a zero; the list lives in `descriptor`.
    let status = unsafe {
        SetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            list,
            ptr::null(),
        )
    };
    checked(status).map_err(failed)
}

/// A security descriptor that the system allocated.
#[derive(Debug)]
pub(super) struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    /// From its text form (SDDL).
    pub(super) fn parse(text: &str) -> io::Result<Self> {
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
    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
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

/// Who is at the other end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// SYSTEM, or an administrator whose token is not filtered.
    pub(super) is_administrator: bool,
    /// Where its process runs; services are in session 0.
    pub(super) session: u32,
}

/// Asks the system who is at the other end. Something must have been read from it before.
pub(super) fn peer(pipe: &impl AsRawHandle) -> io::Result<Peer> {
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

/// Whether SYSTEM, administrators or whoever runs this process own what is behind a handle.
pub(super) fn is_ours(handle: &impl AsRawHandle) -> io::Result<bool> {
    let mut owner: PSID = ptr::null_mut();
    let mut held = Descriptor(ptr::null_mut());
    // SAFETY: the handle is open; `owner` points into `held`, which outlives its use.
    let status = unsafe {
        GetSecurityInfo(
            handle.as_raw_handle(),
            SE_KERNEL_OBJECT,
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

fn is_trusted(owner: PSID) -> io::Result<bool> {
    if is_well_known(owner, WinLocalSystemSid) || is_well_known(owner, WinBuiltinAdministratorsSid) {
        return Ok(true);
    }
    let token = Token::of_process()?;
    // SAFETY: both are valid identifiers for the time of the call.
    let same = |own| unsafe { EqualSid(own, owner) } != 0;
    Ok(token.is_user(same)? || token.is_owner(same)?)
}

fn is_well_known(sid: PSID, kind: i32) -> bool {
    // SAFETY: the system gave the identifier, and its descriptor or token is still held.
    unsafe { IsWellKnownSid(sid, kind) != 0 }
}

/// Room for a structure with a pointer to the identifier behind it; the larger of the two.
const WITH_SID: [u64; (size_of::<TOKEN_USER>() + SECURITY_MAX_SID_SIZE as usize).div_ceil(8)] =
    [0; (size_of::<TOKEN_USER>() + SECURITY_MAX_SID_SIZE as usize).div_ceil(8)];

struct Token(HANDLE);

impl Token {
    fn of_thread() -> io::Result<Self> {
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

    fn read(&self, what: i32, into: *mut c_void, length: usize) -> io::Result<()> {
        let (length, mut written) = (u32::try_from(length).unwrap_or(0), 0);
        // SAFETY: callers give a buffer of this length.
        succeeded(unsafe { GetTokenInformation(self.0, what, into, length, &raw mut written) })
    }

    /// Only of a thread that stands for somebody else: that alone can be asked.
    fn is_administrator(&self) -> io::Result<bool> {
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

    fn is_user(&self, is: impl FnOnce(PSID) -> bool) -> io::Result<bool> {
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
pub(super) fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn succeeded(done: i32) -> io::Result<()> {
    if done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn checked(status: u32) -> io::Result<()> {
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
    fn a_directory_is_claimed_twice_and_a_file_is_none() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("Cutover");
        claim(&directory).unwrap();
        claim(&directory).unwrap();
        assert!(directory.is_dir());
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(claim(&file), Err(NotPrivate::Elsewhere(_))));
        let nowhere = claim(&root.path().join("missing/Cutover"));
        assert!(matches!(nowhere, Err(NotPrivate::System { .. })));
    }

    #[test]
    fn a_descriptor_that_is_none_is_refused() {
        assert!(Descriptor::parse("D:(nonsense)").is_err());
        Descriptor::parse(PRIVATE).unwrap();
    }
}
