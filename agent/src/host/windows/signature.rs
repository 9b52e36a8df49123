//! What a file says of itself, and who signed it: in the file, or in a catalogue of the system's. No certificate is
//! looked up in the network, and nobody is asked anything.
#![expect(unsafe_code, reason = "signatures and versions are told by interfaces of C alone")]

use std::{fs::File, io, os::windows::io::AsRawHandle, ptr};

use windows_sys::{
    Win32::{
        Foundation::{
            ERROR_BAD_EXE_FORMAT, ERROR_BAD_FORMAT, ERROR_NOT_FOUND, ERROR_RESOURCE_DATA_NOT_FOUND,
            ERROR_RESOURCE_NAME_NOT_FOUND, ERROR_RESOURCE_TYPE_NOT_FOUND, TRUST_E_NOSIGNATURE,
            TRUST_E_PROVIDER_UNKNOWN, TRUST_E_SUBJECT_FORM_UNKNOWN,
        },
        Security::{
            Cryptography::Catalog::{
                CATALOG_INFO, CryptCATAdminAcquireContext2, CryptCATAdminCalcHashFromFileHandle2,
                CryptCATAdminEnumCatalogFromHash, CryptCATAdminReleaseCatalogContext, CryptCATAdminReleaseContext,
                CryptCATCatalogInfoFromContext,
            },
            WinTrust::{
                WINTRUST_ACTION_GENERIC_VERIFY_V2, WINTRUST_CATALOG_INFO, WINTRUST_DATA, WINTRUST_DATA_0,
                WINTRUST_FILE_INFO, WTD_CACHE_ONLY_URL_RETRIEVAL, WTD_CHOICE_CATALOG, WTD_CHOICE_FILE,
                WTD_DISABLE_MD2_MD4, WTD_REVOCATION_CHECK_NONE, WTD_REVOKE_NONE, WTD_STATEACTION_CLOSE,
                WTD_STATEACTION_VERIFY, WTD_UI_NONE, WTHelperGetProvCertFromChain, WTHelperGetProvSignerFromChain,
                WTHelperProvDataFromStateData, WinVerifyTrust,
            },
        },
        Storage::FileSystem::{GetFileVersionInfoSizeW, GetFileVersionInfoW, VS_FIXEDFILEINFO, VerQueryValueW},
    },
    w,
};

use super::{certificates, native};
use crate::facts::{Answer, FileIdentity};

/// The longest hash of a catalogue.
const LONGEST_HASH: usize = 64;

pub(super) fn identity(path: &str) -> Answer<FileIdentity> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return failed(&error, path),
    };
    match file.metadata() {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Answer::Failed(format!("{path} is no plain file")),
        Err(error) => return failed(&error, path),
    }
    Answer::Found(FileIdentity {
        version: version(path),
        signer: signer(&file, path),
    })
}

fn failed<T>(error: &io::Error, path: &str) -> Answer<T> {
    error.raw_os_error().map_or_else(
        || Answer::Failed(format!("{path}: {error}")),
        |code| native::answer_of(code.cast_unsigned(), path),
    )
}

/// The product version of its version resource, in numbers; `Absent` where it has none.
fn version(path: &str) -> Answer<String> {
    let wide = native::wide(path);
    let without = |code| match code {
        ERROR_RESOURCE_DATA_NOT_FOUND
        | ERROR_RESOURCE_TYPE_NOT_FOUND
        | ERROR_RESOURCE_NAME_NOT_FOUND
        | ERROR_BAD_EXE_FORMAT
        | ERROR_BAD_FORMAT => Answer::Absent,
        code => Answer::Failed(format!("version of {path}: {}", native::told(code))),
    };
    // SAFETY: the path ends with a zero; what is not wanted may be null.
    let size = unsafe { GetFileVersionInfoSizeW(wide.as_ptr(), ptr::null_mut()) };
    if size == 0 {
        return without(native::last_error());
    }
    // Aligned for what lies in it.
    let mut resource = vec![0_u64; (size as usize).div_ceil(size_of::<u64>())];
    // SAFETY: the buffer has at least the stated length.
    if unsafe { GetFileVersionInfoW(wide.as_ptr(), 0, size, resource.as_mut_ptr().cast()) } == 0 {
        return without(native::last_error());
    }
    let (mut at, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the resource was filled by Windows; the pointer that comes back leads into it.
    let found = unsafe { VerQueryValueW(resource.as_ptr().cast(), w!("\\"), &raw mut at, &raw mut length) };
    if found == 0 || (length as usize) < size_of::<VS_FIXEDFILEINFO>() {
        return Answer::Absent;
    }
    // SAFETY: Windows says that so many bytes lie there, and the record is made of numbers alone.
    let fixed = unsafe { at.cast::<VS_FIXEDFILEINFO>().read_unaligned() };
    let (high, low) = (fixed.dwProductVersionMS, fixed.dwProductVersionLS);
    Answer::Found(format!(
        "{}.{}.{}.{}",
        high >> 16,
        high & 0xffff,
        low >> 16,
        low & 0xffff
    ))
}

fn signer(file: &File, path: &str) -> Answer<String> {
    let wide = native::wide(path);
    let mut subject = WINTRUST_FILE_INFO {
        cbStruct: size_of::<WINTRUST_FILE_INFO>() as u32,
        pcwszFilePath: wide.as_ptr(),
        hFile: file.as_raw_handle(),
        ..WINTRUST_FILE_INFO::default()
    };
    let choice = WINTRUST_DATA_0 {
        pFile: &raw mut subject,
    };
    match verified(WTD_CHOICE_FILE, choice) {
        Ok(signer) => signer,
        Err(TRUST_E_NOSIGNATURE | TRUST_E_SUBJECT_FORM_UNKNOWN | TRUST_E_PROVIDER_UNKNOWN) => in_catalogue(file, path),
        Err(code) => does_not_hold(path, code),
    }
}

fn does_not_hold(path: &str, code: i32) -> Answer<String> {
    Answer::Failed(format!(
        "the signature of {path} does not hold: {}",
        native::told(code.cast_unsigned())
    ))
}

/// Who signed it, or what Windows has against the signature.
fn verified(kind: u32, subject: WINTRUST_DATA_0) -> Result<Answer<String>, i32> {
    let mut data = WINTRUST_DATA {
        cbStruct: size_of::<WINTRUST_DATA>() as u32,
        dwUIChoice: WTD_UI_NONE,
        fdwRevocationChecks: WTD_REVOKE_NONE,
        dwUnionChoice: kind,
        Anonymous: subject,
        dwStateAction: WTD_STATEACTION_VERIFY,
        dwProvFlags: WTD_CACHE_ONLY_URL_RETRIEVAL | WTD_REVOCATION_CHECK_NONE | WTD_DISABLE_MD2_MD4,
        ..WINTRUST_DATA::default()
    };
    let mut action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    // SAFETY: the record states its own size, and what it points to outlives both calls.
    let result = unsafe { WinVerifyTrust(ptr::null_mut(), &raw mut action, (&raw mut data).cast()) };
    let said = if result == 0 {
        Ok(first_signer(&data))
    } else {
        Err(result)
    };
    data.dwStateAction = WTD_STATEACTION_CLOSE;
    // SAFETY: as above; this frees what the first call kept.
    unsafe { WinVerifyTrust(ptr::null_mut(), &raw mut action, (&raw mut data).cast()) };
    said
}

fn first_signer(data: &WINTRUST_DATA) -> Answer<String> {
    // SAFETY: the state is open; each pointer is looked at before it is followed.
    let name = unsafe {
        let provider = WTHelperProvDataFromStateData(data.hWVTStateData);
        if provider.is_null() {
            None
        } else {
            let signer = WTHelperGetProvSignerFromChain(provider, 0, 0, 0);
            if signer.is_null() {
                None
            } else {
                let certificate = WTHelperGetProvCertFromChain(signer, 0);
                (!certificate.is_null()).then(|| certificates::shown((*certificate).pCert))
            }
        }
    };
    name.filter(|name| !name.is_empty()).map_or_else(
        || Answer::Failed("Windows trusts the signature and does not tell whose it is".to_owned()),
        Answer::Found,
    )
}

/// The system's own catalogues, released when it goes.
struct Catalogues(isize);

impl Drop for Catalogues {
    fn drop(&mut self) {
        // SAFETY: it was opened by this type's only maker, and is released once.
        unsafe { CryptCATAdminReleaseContext(self.0, 0) };
    }
}

/// Most of Windows' own files, and many drivers, are signed in a catalogue that lists their hashes.
fn in_catalogue(file: &File, path: &str) -> Answer<String> {
    for algorithm in [w!("SHA256"), w!("SHA1")] {
        let mut handle = 0;
        // SAFETY: the name ends with a zero; what is not wanted may be null.
        if unsafe { CryptCATAdminAcquireContext2(&raw mut handle, ptr::null(), algorithm, ptr::null(), 0) } == 0 {
            return Answer::Failed(format!(
                "the catalogues of signatures cannot be opened: {}",
                native::told(native::last_error())
            ));
        }
        let catalogues = Catalogues(handle);
        let (mut hash, mut length) = ([0_u8; LONGEST_HASH], LONGEST_HASH as u32);
        // SAFETY: the file is open and the buffer has the stated length.
        let done = unsafe {
            CryptCATAdminCalcHashFromFileHandle2(
                catalogues.0,
                file.as_raw_handle(),
                &raw mut length,
                hash.as_mut_ptr(),
                0,
            )
        };
        if done == 0 {
            return Answer::Failed(format!(
                "{path} cannot be hashed: {}",
                native::told(native::last_error())
            ));
        }
        let hash = &mut hash[..(length as usize).min(LONGEST_HASH)];
        // SAFETY: the hash has the stated length; the first catalogue is asked for.
        let found =
            unsafe { CryptCATAdminEnumCatalogFromHash(catalogues.0, hash.as_ptr(), length, 0, ptr::null_mut()) };
        if found == 0 {
            match native::last_error() {
                ERROR_NOT_FOUND | 0 => continue,
                code => return Answer::Failed(format!("the catalogues of signatures: {}", native::told(code))),
            }
        }
        let mut info = CATALOG_INFO {
            cbStruct: size_of::<CATALOG_INFO>() as u32,
            ..CATALOG_INFO::default()
        };
        // SAFETY: the catalogue is open; the record states its own size.
        let told = unsafe { CryptCATCatalogInfoFromContext(found, &raw mut info, 0) };
        let signer = if told == 0 {
            Answer::Failed(format!(
                "a catalogue of signatures: {}",
                native::told(native::last_error())
            ))
        } else {
            listed(&catalogues, &info, file, path, hash)
        };
        // SAFETY: it was opened above and is released once.
        unsafe { CryptCATAdminReleaseCatalogContext(catalogues.0, found, 0) };
        return signer;
    }
    Answer::Absent
}

fn listed(catalogues: &Catalogues, info: &CATALOG_INFO, file: &File, path: &str, hash: &mut [u8]) -> Answer<String> {
    let (wide, tag) = (native::wide(path), native::wide(&hex::encode_upper(&hash)));
    let mut subject = WINTRUST_CATALOG_INFO {
        cbStruct: size_of::<WINTRUST_CATALOG_INFO>() as u32,
        pcwszCatalogFilePath: info.wszCatalogFile.as_ptr(),
        pcwszMemberTag: tag.as_ptr(),
        pcwszMemberFilePath: wide.as_ptr(),
        hMemberFile: file.as_raw_handle(),
        pbCalculatedFileHash: hash.as_mut_ptr(),
        cbCalculatedFileHash: hash.len() as u32,
        hCatAdmin: catalogues.0,
        ..WINTRUST_CATALOG_INFO::default()
    };
    let choice = WINTRUST_DATA_0 {
        pCatalog: &raw mut subject,
    };
    match verified(WTD_CHOICE_CATALOG, choice) {
        Ok(signer) => signer,
        Err(code) => does_not_hold(path, code),
    }
}
