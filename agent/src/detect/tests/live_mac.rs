//! A whole look through the view of a running Mac, over a directory that stands for one: its files, and programs in the
//! places of macOS's own that say what those are publicly known to say. None of it was recorded on a Mac.

use std::{fs, os::unix::fs::PermissionsExt as _};

use cutover_proto::{
    inventory::{DiskEncryption, Inventory},
    verdict::Verdict,
};
use tempfile::TempDir;

use super::plants::looked;
use crate::{
    detect::{RuleSet, ScanOutcome, outcome},
    host::{MacHost, Recorder},
};

const SYSTEM_VERSION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>ProductBuildVersion</key><string>24B83</string><key>ProductName</key><string>macOS</string>
<key>ProductVersion</key><string>15.1</string></dict></plist>"#;
const EXTENSIONS: &str = "1 extension(s)
--- com.apple.system_extension.endpoint_security (Go to 'System Settings > General > Login Items & Extensions' to modify these system extension(s))
enabled\tactive\tteamID\tbundleID (version)\tname\t[state]
*\t*\tUBF8T346G9\tcom.microsoft.wdav.epsext (101.24/101.24)\tMicrosoft Defender Endpoint Security Extension\t[activated enabled]
";
const PROCESSES: &str = "    1 /sbin/launchd\n  112 /usr/libexec/logd\n  300 /usr/local/jamf/bin/jamf\n  512 -zsh\n";
const SESSION: &str = "4E1F6C52-6A0E-4F3B-9C57-0D1A2B3C4D5E";
const IOREG: &str = "usr/sbin/ioreg";
const EXPERT: &str = "+-o Mac14,2\n    {\n      \"IOPlatformUUID\" = \"5F0D8D7C-2B6E-5C11-9A77-3E1F2D4C5B6A\"\n      \"IOPlatformSerialNumber\" = \"C02EXAMPLE01\"\n    }\n";
const PKGUTIL: &str = "usr/sbin/pkgutil";

struct Mac(TempDir);

/// What changes a Mac.
type Plant<'p> = &'p dyn Fn(&Mac);

impl Mac {
    /// Under device management, with another vendor's protection, FileVault on.
    fn managed() -> Self {
        let mac = Self(tempfile::tempdir().expect("a directory"));
        mac.says("bin/ps", PROCESSES);
        mac.says("usr/sbin/sysctl", SESSION);
        mac.says(
            PKGUTIL,
            "com.apple.pkg.CLTools_Executables\ncom.jamf.management.binary\ncom.microsoft.wdav\n",
        );
        mac.says("usr/bin/systemextensionsctl", EXTENSIONS);
        mac.says("usr/bin/security", "");
        mac.says("usr/bin/fdesetup", "FileVault is On.\n");
        mac.says(IOREG, EXPERT);
        mac.holds("System/Library/CoreServices/SystemVersion.plist", SYSTEM_VERSION);
        for application in ["Safari", "Self Service", "Microsoft Defender"] {
            mac.bundle(application, "101.24");
        }
        for directory in [
            "Library/LaunchDaemons",
            "Library/LaunchAgents",
            "Users/ann/Library/Application Support",
        ] {
            fs::create_dir_all(mac.0.path().join(directory)).expect("made");
        }
        mac
    }

    fn holds(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("below")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn says(&self, program: &str, text: &str) {
        self.runs(program, &format!("cat <<'SAID'\n{text}\nSAID\n"));
    }

    fn runs(&self, program: &str, script: &str) {
        self.holds(program, &format!("#!/bin/sh\n{script}"));
        fs::set_permissions(self.0.path().join(program), fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn bundle(&self, name: &str, version: &str) {
        let list = SYSTEM_VERSION
            .replace("ProductVersion", "CFBundleShortVersionString")
            .replace("15.1", version);
        self.holds(&format!("Applications/{name}.app/Contents/Info.plist"), &list);
    }

    fn looked(&self) -> (Inventory, ScanOutcome) {
        let recorder = Recorder::new(MacHost::below(self.0.path()).expect("a root"), "a mac");
        let inventory = looked(&recorder);
        assert_eq!(
            looked(&recorder.fixture()).sightings,
            inventory.sightings,
            "what was recorded replays to the same"
        );
        let outcome = outcome(&inventory, &RuleSet::built_in());
        (inventory, outcome)
    }
}

/// Products that are not absent, with why.
fn not_absent(inventory: &Inventory) -> Vec<(&str, Verdict, &str)> {
    let sightings = inventory.sightings.iter();
    sightings
        .filter(|it| it.verdict != Verdict::Absent)
        .map(|it| (it.product.as_str(), it.verdict, it.why.as_str()))
        .collect()
}

#[test]
fn a_managed_mac_without_the_product_is_clear_and_says_which_mac_it_is() {
    let (inventory, outcome) = Mac::managed().looked();
    assert_eq!(outcome, ScanOutcome::NoTarget, "{:#?}", not_absent(&inventory));
    let facts = &inventory.facts;
    assert_eq!((facts.os_id.as_str(), facts.os_version.as_str()), ("macos", "15.1"));
    assert_eq!(facts.os_name, "macOS 15.1");
    assert_eq!(facts.encryption, DiskEncryption::Other);
    assert_eq!(inventory.boot_id, SESSION);
    assert_eq!(facts.serial, "C02EXAMPLE01");
    assert_eq!(facts.system_uuid, "5F0D8D7C-2B6E-5C11-9A77-3E1F2D4C5B6A");
    assert_eq!(facts.restart_pending, None, "nothing that was looked at tells");
}

#[test]
fn the_product_is_seen_by_each_of_its_traces() {
    let says_receipt = |mac: &Mac| mac.says(PKGUTIL, "com.apple.pkg.Core\ncom.kaspersky.kav.core\n");
    let has_bundle = |mac: &Mac| mac.bundle("Kaspersky Endpoint Security", "12.1.0.553");
    let has_extension = |mac: &Mac| {
        mac.says(
            "usr/bin/systemextensionsctl",
            &EXTENSIONS.replace(
                "UBF8T346G9\tcom.microsoft.wdav.epsext",
                "2Y8XE5CQ94\tcom.kaspersky.kav.sysext",
            ),
        );
    };
    let runs = |mac: &Mac| mac.says("bin/ps", &format!("{PROCESSES}  611 /Library/x/kav_agent\n"));
    let traces: [(&str, Plant<'_>, Verdict); 4] = [
        ("receipt", &says_receipt, Verdict::Installed),
        ("bundle", &has_bundle, Verdict::Installed),
        ("extension", &has_extension, Verdict::Running),
        ("process", &runs, Verdict::Running),
    ];
    for (name, plant, verdict) in traces {
        let mac = Mac::managed();
        plant(&mac);
        let (inventory, outcome) = mac.looked();
        assert_eq!(outcome, ScanOutcome::TargetFound, "{name}");
        let kav = inventory
            .sightings
            .iter()
            .find(|it| it.product.as_str() == "kav-mac")
            .expect("looked for");
        assert_eq!(kav.verdict, verdict, "{name}: {}", kav.why);
        if name == "bundle" {
            assert_eq!(kav.version.as_deref(), Some("12.1.0.553"));
        }
    }
}

#[test]
fn a_program_that_fails_or_talks_nonsense_leaves_the_mac_unknown() {
    let required = ["bin/ps", PKGUTIL, "usr/bin/systemextensionsctl"];
    for program in required {
        for script in ["exit 1\n", "echo nonsense\n", "printf ''\n"] {
            if program == PKGUTIL && script.starts_with("echo") {
                // A word alone is the form of a receipt.
                continue;
            }
            let mac = Mac::managed();
            mac.runs(program, script);
            let (inventory, outcome) = mac.looked();
            assert_eq!(outcome, ScanOutcome::Unknown, "{program}: {script}");
            let kav = inventory
                .sightings
                .iter()
                .find(|it| it.product.as_str() == "kav-mac")
                .expect("looked for");
            assert_eq!(kav.verdict, Verdict::Unknown, "{program}: {script}: {}", kav.why);
        }
    }
}

#[test]
fn encryption_is_unknown_where_fdesetup_does_not_tell() {
    for (said, expected) in [
        ("FileVault is Off.", DiskEncryption::None),
        (
            "FileVault is Off.\nDecryption in progress: Percent completed = 12",
            DiskEncryption::Other,
        ),
        ("Error: unknown", DiskEncryption::Unknown),
    ] {
        let mac = Mac::managed();
        mac.says("usr/bin/fdesetup", said);
        assert_eq!(mac.looked().0.facts.encryption, expected, "{said}");
    }
}
