//! Windows images in directories, their registry written by a program of others (the crate `regf`).

use std::{fs, path::Path};

use regf::{
    DataType,
    writer::{HiveBuilder, KeyTreeNode, KeyTreeValue},
};

use crate::host::{self, HostView};

const NT: &str = r"Microsoft\Windows NT\CurrentVersion";
const WINDOWS: &str = r"Microsoft\Windows\CurrentVersion";
const SET: &str = "ControlSet001";
/// The machine's user, and a second one.
pub(super) const ANNA: &str = "S-1-5-21-1004336348-1177238915-682003330-1001";
pub(super) const BORIS: &str = "S-1-5-21-1004336348-1177238915-682003330-1002";

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A file of the registry that is being made.
pub(super) struct Made(KeyTreeNode);

impl Made {
    pub(super) fn new() -> Self {
        Self(KeyTreeNode::new("ROOT"))
    }

    pub(super) fn key(mut self, path: &str) -> Self {
        self.0.get_or_create_path(path);
        self
    }

    fn with(mut self, path: &str, name: &str, data_type: DataType, data: Vec<u8>) -> Self {
        self.0.get_or_create_path(path).values.push(KeyTreeValue {
            name: name.to_owned(),
            data_type,
            data,
        });
        self
    }

    pub(super) fn text(self, path: &str, name: &str, text: &str) -> Self {
        self.with(path, name, DataType::String, wide(text))
    }

    pub(super) fn number(self, path: &str, name: &str, number: u32) -> Self {
        self.with(path, name, DataType::Dword, number.to_le_bytes().to_vec())
    }

    pub(super) fn bytes(self, path: &str, name: &str, bytes: Vec<u8>) -> Self {
        self.with(path, name, DataType::Binary, bytes)
    }

    /// An uninstall entry in one of the two views, or in a user's registry.
    pub(super) fn uninstall(self, below: &str, key: &str, name: &str, publisher: &str, version: &str) -> Self {
        let path = format!(r"{below}\{WINDOWS}\Uninstall\{key}");
        self.text(&path, "DisplayName", name)
            .text(&path, "Publisher", publisher)
            .text(&path, "DisplayVersion", version)
            .number(&path, "WindowsInstaller", 1)
    }

    /// A service (`0x10`) or driver (`1`) of the control set in use.
    pub(super) fn service(self, name: &str, kind: u32, image: &str) -> Self {
        let path = format!(r"{SET}\Services\{name}");
        self.number(&path, "Type", kind)
            .with(&path, "ImagePath", DataType::ExpandString, wide(image))
    }

    pub(super) fn profile(self, id: &str, folder: &str) -> Self {
        self.with(
            &format!(r"{NT}\ProfileList\{id}"),
            "ProfileImagePath",
            DataType::ExpandString,
            wide(folder),
        )
    }

    pub(super) fn file(self) -> Vec<u8> {
        let mut builder = HiveBuilder::from_tree_with_version(self.0, 1, 5).expect("a tree is written");
        builder.to_bytes().expect("it is kept in memory")
    }
}

/// What every Windows of 64 bits has.
pub(super) fn software() -> Made {
    Made::new()
        .text(WINDOWS, "ProgramFilesDir", r"C:\Program Files")
        .text(WINDOWS, "ProgramFilesDir (x86)", r"C:\Program Files (x86)")
        .text(NT, "SystemRoot", r"C:\Windows")
        .text(NT, "ProductName", "Windows 10 Pro")
        .text(NT, "CurrentBuildNumber", "19045")
        .text(NT, "InstallationType", "Client")
        .number(NT, "CurrentMajorVersionNumber", 10)
        .number(NT, "CurrentMinorVersionNumber", 0)
        .number(NT, "UBR", 4412)
        .text(
            r"Microsoft\Cryptography",
            "MachineGuid",
            "8a7f6f0e-6f5b-4c8a-9d1e-2b3c4d5e6f70",
        )
        .text(
            &format!(r"{NT}\ProfileList"),
            "ProgramData",
            r"%SystemDrive%\ProgramData",
        )
        .profile("S-1-5-18", r"%systemroot%\system32\config\systemprofile")
        .profile(ANNA, r"C:\Users\anna")
        .text(
            &format!(r"{NT}\Schedule\TaskCache\Tree\Microsoft\Windows\Defrag"),
            "Id",
            "{1}",
        )
        .key(r"Microsoft\SystemCertificates\ROOT\Certificates")
        .uninstall("", "7-Zip", "7-Zip 24.08 (x64)", "Igor Pavlov", "24.08")
        .uninstall(
            "Wow6432Node",
            "Edge",
            "Microsoft Edge",
            "Microsoft Corporation",
            "129.0",
        )
}

/// What every Windows of 64 bits has. Of the products that were there before, another control set still knows.
pub(super) fn system() -> Made {
    Made::new()
        .number("Select", "Current", 1)
        .number("Select", "LastKnownGood", 2)
        .text(
            &format!(r"{SET}\Control\Session Manager\Environment"),
            "PROCESSOR_ARCHITECTURE",
            "AMD64",
        )
        .text(&format!(r"{SET}\Services\Tcpip\Parameters"), "Hostname", "DESK-7")
        .service(
            "Dhcp",
            0x20,
            r"%SystemRoot%\system32\svchost.exe -k LocalServiceNetworkRestricted",
        )
        .service("kbdclass", 1, r"\SystemRoot\System32\drivers\kbdclass.sys")
        .key(&format!(r"{SET}\Services\.NET CLR Data\Linkage"))
        .number(r"ControlSet002\Services\AVP", "Type", 0x10)
}

/// A user's, with what users install for themselves.
pub(super) fn user() -> Made {
    Made::new().uninstall("Software", "Teams", "Microsoft Teams", "Microsoft Corporation", "1.7")
}

/// An image in a directory of its own. Its folders are spelled as a disk may have them, and not as rules name them.
pub(super) fn image(software: Made, system: Made, anna: Option<Made>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for folder in [
        "Windows/system32/Config",
        "Program Files",
        "PROGRAM FILES (X86)",
        "ProgramData",
        "Users/anna",
    ] {
        fs::create_dir_all(dir.path().join(folder)).expect("made");
    }
    put(dir.path(), "Windows/system32/Config/software", &software.file());
    put(dir.path(), "Windows/system32/Config/SYSTEM", &system.file());
    if let Some(anna) = anna {
        put(dir.path(), "Users/anna/ntuser.dat", &anna.file());
    }
    dir
}

pub(super) fn put(dir: &Path, file: &str, bytes: &[u8]) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().expect("below the root")).expect("made");
    fs::write(path, bytes).expect("written");
}

pub(super) fn view(dir: &Path) -> Box<dyn HostView> {
    host::rooted(dir).expect("a root")
}
