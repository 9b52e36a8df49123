//! Directories for SYSTEM and administrators alone. Every user may make directories in `%ProgramData%`, so one that bears
//! the agent's name may be anybody's: nothing in such a one is read.
#![expect(
    unsafe_code,
    reason = "windows-sys has these calls and no safe crate does; each says what makes it sound"
)]

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::windows::{
        fs::{MetadataExt, OpenOptionsExt},
        io::AsRawHandle,
    },
    path::{Path, PathBuf},
    ptr,
};

use windows_sys::Win32::{
    Foundation::{ERROR_ALREADY_EXISTS, LocalFree},
    Security::{
        Authorization::{
            ConvertSecurityDescriptorToStringSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
            SetSecurityInfo,
        },
        DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, PROTECTED_DACL_SECURITY_INFORMATION,
    },
    Storage::FileSystem::{
        CreateDirectoryW, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
        FILE_READ_ATTRIBUTES, READ_CONTROL, WRITE_DAC,
    },
};

use super::owner::{Behind, Descriptor, checked, is_ours, succeeded, wide};

/// SYSTEM and administrators, with everything below; nothing is inherited from above.
const PRIVATE: &str = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";
/// And whoever makes it: an agent that somebody tries out runs as that user.
const PRIVATE_TO_ITS_MAKER: &str = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";
/// What is laid aside is numbered; so many of them nobody leaves lying about by accident.
const MOST_ASIDE: u32 = 10_000;

/// Why a directory cannot be for the agent alone.
#[derive(Debug, thiserror::Error)]
pub enum NotPrivate {
    /// It leads elsewhere, or is none.
    #[error("{0} is a link or no directory; look at it, delete it and try again")]
    Elsewhere(PathBuf),
    /// The owner of a directory may always change it.
    #[error(
        "{0} belongs neither to SYSTEM nor to administrators, so anybody may have made it and could read the agent's keys: look \
         at it, and delete it or give it to them (icacls PATH /setowner Administrators)"
    )]
    Owner(PathBuf),
    /// The system refused.
    #[error("{path} cannot be made private to SYSTEM and administrators: {why}")]
    System {
        /// Which.
        path: PathBuf,
        /// What it says.
        why: io::Error,
    },
}

/// Something of somebody else's, where only the agent's own should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidAside {
    /// Where it was.
    pub from: PathBuf,
    /// Where it lies now, as it was.
    pub to: PathBuf,
}

/// What a directory was before it was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Not there, or already for nobody else.
    Private,
    /// Others could put things into it.
    Open,
}

/// Makes a directory for SYSTEM and administrators alone, or makes the one that is there so.
///
/// # Errors
/// When it leads elsewhere, somebody else owns it, or the system refuses.
pub fn claim(path: &Path) -> Result<(), NotPrivate> {
    take(path).map(|_| ())
}

/// The same, whatever others had put there before: that is laid aside beside it, unread. Gives what it was.
///
/// # Errors
/// When it leads elsewhere by whoever may decide that, or the system refuses.
pub fn clear_and_claim(path: &Path) -> Result<Vec<LaidAside>, NotPrivate> {
    let failed = |why| NotPrivate::System {
        path: path.to_owned(),
        why,
    };
    match take(path) {
        Ok(Before::Private) => Ok(Vec::new()),
        Ok(Before::Open) => {
            let mut aside = Vec::new();
            sweep(path, path, &mut aside).map_err(failed)?;
            Ok(aside)
        }
        Err(NotPrivate::Owner(_)) => {
            let aside = lay_aside(path, path).map_err(failed)?;
            claim(path)?;
            Ok(vec![aside])
        }
        Err(error) => Err(error),
    }
}

/// Refuses a directory that somebody else made, or that leads elsewhere. One that is not there is nobody's.
///
/// # Errors
/// As said; and when the system refuses.
pub fn refuse_strangers(path: &Path) -> Result<(), NotPrivate> {
    match look_at(path, 0) {
        Ok(it) if !it.is_ours => Err(NotPrivate::Owner(path.to_owned())),
        Ok(it) if !it.is_directory => Err(NotPrivate::Elsewhere(path.to_owned())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(NotPrivate::System {
            path: path.to_owned(),
            why,
        }),
    }
}

/// Makes a directory for SYSTEM, administrators and its maker. One that is there stays as it is.
pub(super) fn make(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            make(above)?;
        }
        create(path, &Descriptor::parse(PRIVATE_TO_ITS_MAKER)?)?;
    }
    Ok(())
}

/// False where something of that name is there.
fn create(path: &Path, descriptor: &Descriptor) -> io::Result<bool> {
    let (name, attributes) = (wide(path.as_os_str()), descriptor.attributes());
    // SAFETY: the name ends with a zero, and both pointers live beyond the call.
    if unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) } != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(ERROR_ALREADY_EXISTS.cast_signed()) {
        return Ok(false);
    }
    Err(error)
}

fn take(path: &Path) -> Result<Before, NotPrivate> {
    let failed = |why| NotPrivate::System {
        path: path.to_owned(),
        why,
    };
    let descriptor = Descriptor::parse(PRIVATE).map_err(failed)?;
    if create(path, &descriptor).map_err(failed)? {
        return Ok(Before::Private);
    }
    let it = match look_at(path, WRITE_DAC) {
        // Administrators and SYSTEM may look at all that is theirs, so whoever keeps them out is somebody else.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(NotPrivate::Owner(path.to_owned()));
        }
        it => it.map_err(failed)?,
    };
    if !it.is_ours {
        return Err(NotPrivate::Owner(path.to_owned()));
    }
    if !it.is_directory {
        return Err(NotPrivate::Elsewhere(path.to_owned()));
    }
    let before = it.before().map_err(failed)?;
    it.restrict(&descriptor).map_err(failed)?;
    Ok(before)
}

/// What lies under a name, without following where it leads.
struct It {
    handle: File,
    is_ours: bool,
    is_directory: bool,
}

fn look_at(path: &Path, more_access: u32) -> io::Result<It> {
    let handle = OpenOptions::new()
        .access_mode(READ_CONTROL | FILE_READ_ATTRIBUTES | more_access)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    let attributes = handle.metadata()?;
    Ok(It {
        is_ours: is_ours(&handle, Behind::File)?,
        is_directory: attributes.is_dir() && attributes.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT == 0,
        handle,
    })
}

impl It {
    fn before(&self) -> io::Result<Before> {
        let mut held = Descriptor(ptr::null_mut());
        // SAFETY: the handle is open; what comes back is freed by `held`.
        let status = unsafe {
            GetSecurityInfo(
                self.handle.as_raw_handle(),
                SE_FILE_OBJECT,
                DACL_SECURITY_INFORMATION,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut held.0,
            )
        };
        checked(status)?;
        // The system may say of itself that it has inherited automatically (AI), or not.
        let entries = |text: &str| {
            text.split_once('(')
                .map(|(flags, rest)| (flags.contains('P'), rest.to_owned()))
        };
        match entries(&in_words(&held)?) == entries(PRIVATE) {
            true => Ok(Before::Private),
            false => Ok(Before::Open),
        }
    }

    fn restrict(&self, descriptor: &Descriptor) -> io::Result<()> {
        let (mut present, mut defaulted, mut list) = (0, 0, ptr::null_mut());
        // SAFETY: the descriptor is valid for as long as it lives, and so is the list in it.
        let had =
            unsafe { GetSecurityDescriptorDacl(descriptor.0, &raw mut present, &raw mut list, &raw mut defaulted) };
        succeeded(had)?;
        // SAFETY: the handle is open for this; the list lives in `descriptor`.
        let status = unsafe {
            SetSecurityInfo(
                self.handle.as_raw_handle(),
                SE_FILE_OBJECT,
                DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                ptr::null_mut(),
                ptr::null_mut(),
                list,
                ptr::null(),
            )
        };
        checked(status)
    }
}

/// The access list of a descriptor, in its text form (SDDL).
fn in_words(descriptor: &Descriptor) -> io::Result<String> {
    let (mut text, mut length) = (ptr::null_mut(), 0_u32);
    // SAFETY: the descriptor is valid; the text comes from the system and is freed below.
    let done = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            DACL_SECURITY_INFORMATION,
            &raw mut text,
            &raw mut length,
        )
    };
    succeeded(done)?;
    // SAFETY: the system wrote so many characters there.
    let words = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(text, length as usize) });
    // SAFETY: it came from the system's allocator, and nothing points into it any more.
    unsafe { LocalFree(text.cast()) };
    Ok(words.trim_end_matches('\0').to_owned())
}

/// Lays everything below aside that is somebody else's. Nobody else can put anything there any more.
fn sweep(top: &Path, directory: &Path, aside: &mut Vec<LaidAside>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match look_at(&path, 0) {
            Ok(it) if it.is_ours && it.is_directory => sweep(top, &path, aside)?,
            Ok(it) if it.is_ours => {}
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            Ok(_) | Err(_) => aside.push(lay_aside(top, &path)?),
        }
    }
    Ok(())
}

/// Beside `top`, under the first name that is free.
fn lay_aside(top: &Path, path: &Path) -> io::Result<LaidAside> {
    for number in 1..=MOST_ASIDE {
        let mut to = top.as_os_str().to_owned();
        to.push(format!(".laid-aside-{number}"));
        let to = PathBuf::from(to);
        match fs::symlink_metadata(&to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::rename(path, &to)?;
                let from = path.to_owned();
                return Ok(LaidAside { from, to });
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(io::Error::other(format!(
        "{MOST_ASIDE} others were laid aside before; look at them and delete them"
    )))
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
    fn what_is_ours_stays_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("Cutover");
        fs::create_dir_all(directory.join("agent/identity")).unwrap();
        fs::write(directory.join("agent.toml"), "").unwrap();
        assert_eq!(clear_and_claim(&directory).unwrap(), []);
        assert_eq!(clear_and_claim(&directory).unwrap(), []);
        assert!(directory.join("agent/identity").is_dir());
        assert!(directory.join("agent.toml").exists());
        refuse_strangers(&directory).unwrap();
        refuse_strangers(&root.path().join("missing")).unwrap();
        let file = refuse_strangers(&directory.join("agent.toml"));
        assert!(matches!(file, Err(NotPrivate::Elsewhere(_))));
    }

    #[test]
    fn what_is_laid_aside_takes_the_next_free_name() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("Cutover");
        for number in 1..=2 {
            fs::create_dir(&top).unwrap();
            fs::write(top.join("agent.toml"), number.to_string()).unwrap();
            let aside = lay_aside(&top, &top).unwrap();
            assert_eq!(aside.from, top);
            assert_eq!(aside.to, root.path().join(format!("Cutover.laid-aside-{number}")));
            assert_eq!(
                fs::read_to_string(aside.to.join("agent.toml")).unwrap(),
                number.to_string()
            );
        }
        assert!(!top.exists());
    }
}
