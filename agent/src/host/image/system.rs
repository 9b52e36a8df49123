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

/// As the system would tell it while it runs. What the registry does not tell is empty: an image that was never started has
/// no name.
pub(super) fn kernel(registry: &Registry) -> Answer<Kernel> {
    let hostname = told(registry.text(Part::System, r"CurrentControlSet\Services\Tcpip\Parameters", "Hostname"));
    let build = told(registry.text(Part::Software, WINDOWS_NT, "CurrentBuildNumber"));
    let number = |name| told(registry.number(Part::Software, WINDOWS_NT, name));
    let (major, minor) = (number("CurrentMajorVersionNumber"), number("CurrentMinorVersionNumber"));
    let release = build.and_then(|build| {
        let parts = major.and_then(|major| minor.and_then(|minor| number("UBR").map(|ubr| (major, minor, ubr))));
        parts.map(|(major, minor, revision)| match build.as_str() {
            "" => String::new(),
            build => format!("{major}.{minor}.{build}.{revision}"),
        })
    });
    let machine = registry
        .architecture()
        .map(|word| match word.to_ascii_uppercase().as_str() {
            "AMD64" => "x86_64",
            "ARM64" => "aarch64",
            "X86" => "i686",
            _ => "",
        });
    hostname.and_then(|hostname| {
        release.and_then(|release| {
            machine.map(|machine| Kernel {
                hostname,
                release,
                machine: machine.to_owned(),
            })
        })
    })
}

/// Nothing, for what is not there.
fn told<T: Default>(answer: Answer<T>) -> Answer<T> {
    match answer {
        Answer::Absent | Answer::Unsupported => Answer::Found(T::default()),
        other @ (Answer::Found(_) | Answer::Denied(_) | Answer::Failed(_)) => other,
    }
}
