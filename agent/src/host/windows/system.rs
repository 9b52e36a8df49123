//! The system itself: its folders, its version, its present session.
#![expect(unsafe_code, reason = "these are told by interfaces of C alone")]

use std::ptr;

use cutover_proto::rule::KnownFolder;
use windows_sys::Win32::{
    NetworkManagement::NetManagement::{
        NetApiBufferFree, NetGetJoinInformation, NetSetupDomainName, NetSetupUnjoined, NetSetupUnknownStatus,
        NetSetupWorkgroupName,
    },
    System::{
        Com::CoTaskMemFree,
        Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS},
        SystemInformation::{
            ComputerNamePhysicalDnsHostname, GetComputerNameExW, GetNativeSystemInfo, GetTickCount64,
            PROCESSOR_ARCHITECTURE_AMD64, PROCESSOR_ARCHITECTURE_ARM64, PROCESSOR_ARCHITECTURE_INTEL, SYSTEM_INFO,
        },
    },
    UI::Shell::{
        FOLDERID_ProgramData, FOLDERID_ProgramFiles, FOLDERID_ProgramFilesX86, FOLDERID_Windows, SHGetKnownFolderPath,
    },
};
use windows_version::OsVersion;

use super::{native, registry};
use crate::facts::{Answer, Kernel, RegistryKey, RegistryValue};

/// Longer names of machines there are not.
const LONGEST_NAME: usize = 256;
/// Where the kernel tells every process a few things of itself (`KUSER_SHARED_DATA`, at the same address in all of them),
/// and how far into it the number of this start is (`BootId`, from Windows 10 1607 on; zero before).
const BOOT_NUMBER: usize = 0x7ffe_0000 + 0x2c4;
/// Where the same number is kept between starts.
const KEPT: (&str, &str) = (
    r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters",
    "BootId",
);
/// When this Windows was installed: a number alone would be that of another installation too.
const INSTALLED: (&str, &str) = (r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "InstallDate");

pub(super) fn folder(folder: KnownFolder) -> Answer<String> {
    let id = match folder {
        KnownFolder::ProgramFiles => FOLDERID_ProgramFiles,
        // A Windows of 32 bits has one folder for programs.
        KnownFolder::ProgramFilesX86 if cfg!(target_pointer_width = "32") => return Answer::Absent,
        KnownFolder::ProgramFilesX86 => FOLDERID_ProgramFilesX86,
        KnownFolder::ProgramData => FOLDERID_ProgramData,
        KnownFolder::SystemRoot => FOLDERID_Windows,
    };
    let mut path = ptr::null_mut();
    // SAFETY: null means the present user; the path is freed below, also where the call failed.
    let result = unsafe { SHGetKnownFolderPath(&raw const id, 0, ptr::null_mut(), &raw mut path) };
    let answer = if result == 0 && !path.is_null() {
        // SAFETY: on success it is a text with its zero.
        let wide = unsafe {
            let mut length = 0;
            while *path.add(length) != 0 {
                length += 1;
            }
            std::slice::from_raw_parts(path, length)
        };
        Answer::Found(native::text(wide))
    } else {
        native::answer_of(native::code_of(result), folder)
    };
    // SAFETY: Windows gave it, or it is null, which is fine.
    unsafe { CoTaskMemFree(path.cast()) };
    answer
}

/// Of what the power's state tells (`SYSTEM_POWER_STATUS`), what Windows does not know.
const NOT_KNOWN: u8 = 255;

fn power() -> Answer<SYSTEM_POWER_STATUS> {
    let mut status = SYSTEM_POWER_STATUS::default();
    // SAFETY: the record is Windows' own and outlives the call.
    if unsafe { GetSystemPowerStatus(&raw mut status) } == 0 {
        return Answer::Failed(format!(
            "the state of the power: {}",
            native::told(native::last_error())
        ));
    }
    Answer::Found(status)
}

pub(super) fn battery() -> Answer<bool> {
    const NO_BATTERY: u8 = 128;
    power().and_then(|status| match status.BatteryFlag {
        NOT_KNOWN => Answer::Failed("Windows does not know whether there is a battery".to_owned()),
        flags => Answer::Found(flags & NO_BATTERY == 0),
    })
}

pub(super) fn on_battery() -> Answer<bool> {
    power().and_then(|status| match status.ACLineStatus {
        0 => Answer::Found(true),
        1 => Answer::Found(false),
        _ => Answer::Failed("Windows does not know whether it runs on its battery".to_owned()),
    })
}

pub(super) fn domain_join() -> Answer<bool> {
    let mut name = ptr::null_mut();
    let mut status = NetSetupUnknownStatus;
    // SAFETY: null means this machine; the name is freed below.
    let result = unsafe { NetGetJoinInformation(ptr::null(), &raw mut name, &raw mut status) };
    if !name.is_null() {
        // SAFETY: Windows gave it. Which domain it is stays here.
        unsafe { NetApiBufferFree(name.cast()) };
    }
    if result != 0 {
        return native::answer_of(result, "whether this machine belongs to a domain");
    }
    if status == NetSetupDomainName {
        Answer::Found(true)
    } else if [NetSetupUnjoined, NetSetupWorkgroupName].contains(&status) {
        Answer::Found(false)
    } else {
        Answer::Failed("Windows does not know whether it belongs to a domain".to_owned())
    }
}

pub(super) fn kernel() -> Answer<Kernel> {
    let mut name = [0_u16; LONGEST_NAME];
    let mut length = LONGEST_NAME as u32;
    // SAFETY: the buffer has the stated length.
    let named = unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &raw mut length) };
    if named == 0 {
        return Answer::Failed(format!("this machine's name: {}", native::told(native::last_error())));
    }
    let mut system = SYSTEM_INFO::default();
    // SAFETY: the record is Windows' own and outlives the call.
    unsafe { GetNativeSystemInfo(&raw mut system) };
    // SAFETY: both readings of this part are numbers.
    let architecture = unsafe { system.Anonymous.Anonymous.wProcessorArchitecture };
    let machine = match architecture {
        PROCESSOR_ARCHITECTURE_AMD64 => "x86_64",
        PROCESSOR_ARCHITECTURE_ARM64 => "aarch64",
        PROCESSOR_ARCHITECTURE_INTEL => "i686",
        _ => "",
    };
    let version = OsVersion::current();
    Answer::Found(Kernel {
        hostname: native::text(&name),
        release: format!(
            "{}.{}.{}.{}",
            version.major,
            version.minor,
            version.build,
            windows_version::revision()
        ),
        machine: machine.to_owned(),
    })
}

/// For how many seconds the kernel has been at work. Sleep counts, and so does a shutdown that only puts the kernel to sleep.
pub(super) fn session_age() -> u64 {
    // SAFETY: it takes nothing and cannot fail.
    let ms = unsafe { GetTickCount64() };
    ms / 1000
}

/// The kernel counts its starts. A shutdown that only puts the kernel to sleep ("fast startup") is none, and wakes the
/// session that was there, number and all; hence not the time of the start, which is computed from clocks that are set.
pub(super) fn boot_id() -> Answer<String> {
    number(INSTALLED, "when this Windows was installed").and_then(|installed| {
        // SAFETY: this page is mapped in every process of every Windows, readable, and larger than what is read.
        let told = unsafe { (BOOT_NUMBER as *const u32).read_volatile() };
        let number = if told == 0 {
            number(KEPT, "the number of this start")
        } else {
            Answer::Found(told.into())
        };
        number.map(|number| format!("{installed:x}-{number}"))
    })
}

fn number((path, name): (&str, &str), what: &str) -> Answer<u64> {
    let key: Answer<RegistryKey> = registry::key(false, path, &[name.to_owned()]);
    let number = key.and_then(|key| match key.values.get(name) {
        Some(RegistryValue::Number(number)) => Answer::Found(*number),
        Some(RegistryValue::Text(_) | RegistryValue::Hex(_)) | None => Answer::Absent,
    });
    number.expected(|| format!("Windows does not tell {what}"))
}
