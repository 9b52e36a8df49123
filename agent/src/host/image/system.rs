//! What the registry tells of the system itself.

use cutover_proto::rule::KnownFolder;

use super::registry::{Part, Registry};
use crate::{
    facts::{Answer, Kernel},
    host::users,
};

const WINDOWS: &str = r"Microsoft\Windows\CurrentVersion";
const WINDOWS_NT: &str = r"Microsoft\Windows NT\CurrentVersion";

pub(super) fn folder(registry: &Registry, folder: KnownFolder) -> Answer<String> {
    let (path, name) = match folder {
        KnownFolder::ProgramFiles => (WINDOWS, "ProgramFilesDir"),
        KnownFolder::ProgramFilesX86 => (WINDOWS, "ProgramFilesDir (x86)"),
        KnownFolder::ProgramData => (users::PROFILES, "ProgramData"),
        KnownFolder::SystemRoot => (WINDOWS_NT, "SystemRoot"),
    };
    let told = registry.text(Part::Software, path, name);
    let told = match folder {
        // A Windows of 32 bits has one folder for programs.
        KnownFolder::ProgramFilesX86 => registry.is_64().and_then(|is_64| match is_64 {
            true => told.expected(|| format!("the registry does not tell where {folder} is")),
            false => Answer::Absent,
        }),
        KnownFolder::ProgramFiles | KnownFolder::ProgramData | KnownFolder::SystemRoot => {
            told.expected(|| format!("the registry does not tell where {folder} is"))
        }
    };
    told.and_then(|told| registry.drive().map(|drive| users::on_drive(&told, &drive)))
}

/// As the system would tell it while it runs.
pub(super) fn kernel(registry: &Registry) -> Answer<Kernel> {
    let hostname = registry
        .text(Part::System, r"CurrentControlSet\Services\Tcpip\Parameters", "Hostname")
        .expected(|| "the registry does not tell this machine's name".to_owned());
    let number = |name| match registry.number(Part::Software, WINDOWS_NT, name) {
        Answer::Found(number) => Answer::Found(number),
        Answer::Absent | Answer::Unsupported => Answer::Found(0),
        Answer::Denied(why) => Answer::Denied(why),
        Answer::Failed(why) => Answer::Failed(why),
    };
    let build = registry
        .text(Part::Software, WINDOWS_NT, "CurrentBuildNumber")
        .expected(|| "the registry does not tell which Windows this is".to_owned());
    hostname.and_then(|hostname| {
        build.and_then(|build| {
            let major = number("CurrentMajorVersionNumber");
            let release = major.and_then(|major| {
                number("CurrentMinorVersionNumber")
                    .and_then(|minor| number("UBR").map(|revision| format!("{major}.{minor}.{build}.{revision}")))
            });
            release.and_then(|release| {
                registry.architecture().map(|architecture| Kernel {
                    hostname,
                    release,
                    machine: match architecture.to_ascii_uppercase().as_str() {
                        "AMD64" => "x86_64",
                        "ARM64" => "aarch64",
                        "X86" => "i686",
                        _ => "",
                    }
                    .to_owned(),
                })
            })
        })
    })
}
