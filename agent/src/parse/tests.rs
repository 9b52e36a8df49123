use proptest::prelude::*;

use super::{dpkg, mountinfo, os_release, unit};
use crate::facts::{Package, PackageDatabase, PackageState};

const KESL: &str = "Package: kesl\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: 12.1.0-1297\n\
Maintainer: somebody\nDescription: one line\n and more\n .\n of it\n\n";
const GUI_REMOVED: &str =
    "Package: kesl-gui\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 12.1.0-1297\n\n";

fn read(bytes: &[u8]) -> Result<Vec<Package>, dpkg::DpkgError> {
    dpkg::stanzas(bytes)
        .map(|stanza| stanza.map(|stanza| stanza.to_package()))
        .collect()
}

#[test]
fn a_status_file_is_read() {
    let packages = read(format!("{KESL}{GUI_REMOVED}").as_bytes()).expect("sound");
    let short: Vec<_> = packages
        .iter()
        .map(|p| (p.name.as_str(), p.version.as_str(), p.state))
        .collect();
    assert_eq!(
        short,
        [
            ("kesl", "12.1.0-1297", PackageState::Installed),
            ("kesl-gui", "12.1.0-1297", PackageState::ConfigFiles),
        ]
    );
    assert_eq!(packages[0].architecture, "amd64");
}

#[test]
fn every_state_of_dpkg_is_kept() {
    for state in PackageState::ALL {
        let text = format!("Package: kesl\nStatus: deinstall reinstreq {state}\nVersion: 1\n\n");
        assert_eq!(read(text.as_bytes()).expect("sound")[0].state, *state);
    }
}

#[test]
fn a_maintainer_in_an_old_encoding_does_no_harm() {
    let mut bytes = b"Package: kesl\nStatus: install ok installed\nVersion: 1\nMaintainer: Andr\xe9\n\n".to_vec();
    assert_eq!(read(&bytes).expect("sound").len(), 1);
    bytes.truncate(0);
    bytes.extend_from_slice(b"Package: k\xe9sl\nStatus: install ok installed\nVersion: 1\n\n");
    let error = read(&bytes).expect_err("a name is plain text");
    assert_eq!(error.to_string(), "is damaged at line 4: Package is not a package name");
}

#[test]
fn both_entries_of_a_duplicate_are_given() {
    let text = format!("{KESL}Package: kesl\nStatus: purge ok not-installed\n\n");
    let states: Vec<_> = read(text.as_bytes()).expect("sound").iter().map(|p| p.state).collect();
    assert_eq!(states, [PackageState::Installed, PackageState::NotInstalled]);
}

#[test]
fn an_empty_database_is_an_error() {
    assert_eq!(read(b""), Err(dpkg::DpkgError::Empty));
    assert_eq!(read(b"\n\n\n"), Err(dpkg::DpkgError::Empty));
}

#[test]
fn damage_is_told_with_its_line() {
    for (text, why) in [
        (
            "Package: kesl\n\0\0\0\0\n\n",
            "is damaged at line 2: no field name before a colon",
        ),
        (
            "Package: kesl\nVersion: 1\n\n",
            "is damaged at line 3: an entry without Status",
        ),
        (
            "Status: install ok installed\n\n",
            "is damaged at line 2: an entry without Package",
        ),
        (
            "Package: kesl\nStatus: install ok gone\n\n",
            "is damaged at line 3: Status is none that dpkg writes",
        ),
        (
            "Package: a\nPackage: b\n\n",
            "is damaged at line 2: a field stands twice in one entry",
        ),
        (" x\n\n", "is damaged at line 1: a continued line continues nothing"),
        (
            "Package: kesl\nStatus: install ok installed\n\n",
            "is damaged at line 3: an installed package without Version",
        ),
    ] {
        assert_eq!(read(text.as_bytes()).expect_err(text).to_string(), why, "{text:?}");
    }
}

#[test]
fn a_record_of_dpkgs_journal_needs_no_closing_line() {
    let open = KESL.trim_end_matches('\n').to_owned() + "\n";
    assert!(matches!(read(open.as_bytes()), Err(dpkg::DpkgError::Cut { .. })));
    let read: Vec<_> = dpkg::update_record(open.as_bytes())
        .collect::<Result<_, _>>()
        .expect("sound");
    assert_eq!(read[0].name, "kesl");
}

#[test]
fn this_kind_of_quoting_is_understood_in_os_release() {
    let release = os_release::parse(
        b"# comment\nNAME=\"Astra Linux\"\nID=astra\nID_LIKE='debian'\nVERSION_ID=\"1.7_\\\"x86\"\nPRETTY_NAME=\"Astra \xff\"\nnonsense\n",
    );
    assert_eq!(release.id, "astra");
    assert_eq!(release.package_database(), Some(PackageDatabase::Dpkg));
    assert_eq!(release.version_id, "1.7_\"x86");
    assert_eq!(release.pretty_name, "Astra \u{fffd}");
}

#[test]
fn a_systems_own_name_and_then_its_nearest_kin_say_where_its_packages_are() {
    let database = |text: &str| os_release::parse(text.as_bytes()).package_database();
    for text in [
        "ID=fedora",
        "ID=\"rhel\"\nID_LIKE=\"fedora\"",
        "ID=\"ol\"\nID_LIKE=\"fedora\"",
        "ID=\"sles\"\nID_LIKE=\"suse\"",
        "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"",
        "ID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"",
        "ID=\"something\"\nID_LIKE=\"unknown rhel debian\"",
    ] {
        assert_eq!(database(text), Some(PackageDatabase::Rpm), "{text}");
    }
    assert_eq!(database("ID=debian\nID_LIKE=rhel"), Some(PackageDatabase::Dpkg));
    assert_eq!(database("ID=arch"), None);
}

#[test]
fn what_os_release_does_not_say_has_the_standards_default() {
    let release = os_release::parse(b"");
    assert_eq!((release.id.as_str(), release.pretty_name.as_str()), ("linux", "Linux"));
    assert_eq!(release.package_database(), None);
}

#[test]
fn a_unit_file_is_read() {
    let unit = unit::parse(
        b"[Unit]\nDescription=Endpoint \\\n# between\nSecurity\n[Service]\nExecStart=/old\nExecStart=\nExecStart = /opt/a --b\n\
[Install]\nWantedBy=multi-user.target graphical.target\n[X]\nExecStart=/no\n",
    );
    assert_eq!(unit.description, "Endpoint Security");
    assert_eq!(unit.exec_start, ["/opt/a --b"]);
    assert_eq!(unit.wanted_by, ["multi-user.target", "graphical.target"]);
}

#[test]
fn mounts_are_read_with_their_escapes() {
    let mounts = mountinfo::parse(
        b"22 27 0:21 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw\n30 22 8:1 / /mnt/a\\040b rw - ext4 /dev/sda1 rw\n",
    )
    .expect("sound");
    assert!(mounts[0].is_mapped() && mounts[0].is_on_device());
    assert_eq!(mounts[1].mount_point, "/mnt/a b");
    assert!(!mounts[1].is_mapped());
    assert_eq!(mountinfo::parse(b""), Err(mountinfo::MountinfoError::Empty));
    assert_eq!(
        mountinfo::parse(b"x\n"),
        Err(mountinfo::MountinfoError::Damaged { line: 1 })
    );
}

fn a_status_file() -> impl Strategy<Value = Vec<u8>> {
    let stanza = ("[a-z][a-z0-9+.-]{1,12}", "[0-9][0-9.:~-]{0,8}", "[ -~]{0,30}").prop_map(|(name, version, rest)| {
        format!("Package: {name}\nStatus: install ok installed\nVersion: {version}\nDescription: {rest}\n {rest}\n\n")
    });
    proptest::collection::vec(stanza, 1..6).prop_map(|stanzas| stanzas.concat().into_bytes())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes);
        let _ = dpkg::update_record(&bytes).count();
        let _ = os_release::parse(&bytes);
        let _ = unit::parse(&bytes);
        let _ = mountinfo::parse(&bytes);
    }

    #[test]
    fn text_that_looks_like_it_never_panics(text in "((Package|Status|Version|ExecStart|ID|[a-z ]{0,5})[:=]?[ -~\\\\\"']{0,12}\n){0,20}") {
        let _ = read(text.as_bytes());
        let _ = os_release::parse(text.as_bytes());
        let _ = unit::parse(text.as_bytes());
        let _ = mountinfo::parse(text.as_bytes());
    }

    /// Cut inside an entry: an error. Cut between two entries cannot be seen here; detect compares with dpkg's file lists.
    #[test]
    fn a_file_cut_inside_an_entry_is_never_taken_for_whole(file in a_status_file(), at in any::<prop::sample::Index>()) {
        let cut = at.index(file.len());
        let read = read(&file[..cut]);
        let between = file[..cut].ends_with(b"\n\n");
        prop_assert_eq!(read.is_ok(), between, "cut at {} of {}", cut, file.len());
    }
}
