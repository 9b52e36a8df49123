//! What tells who put a target there.

use cutover_proto::placed::{Placed, PlacedBy, PlacedRecord, PlacedTrace};

use super::{
    macos_plants::managed,
    plants::{DAY_MS, NOW_MS, debian, fedora, installed, leap, looked, rpm},
    windows_plants::{LAB, MACHINE_32, kes, laptop, nagent_on},
};
use crate::{
    facts::{Answer, EntryKind, Question, RegistryKey, Reply, UninstallPlace},
    host::{Fixture, HostView, Recorder},
};

const KES: &str = "Kaspersky Endpoint Security for Windows";
/// date -u -d 2024-08-01 +%s / 86400
const DAY: i32 = 19_936;

fn placed(host: &dyn HostView, product: &str) -> Option<Placed> {
    let inventory = looked(host);
    let sighting = inventory.sighting(&product.into()).unwrap();
    assert!(sighting.is_present(), "{sighting:?}");
    sighting.upkeep.clone().and_then(|upkeep| upkeep.placed)
}

fn only(host: &dyn HostView, product: &str) -> PlacedTrace {
    let placed = placed(host, product).unwrap_or_default();
    assert_eq!(placed.traces.len(), 1, "{placed:?}");
    placed.traces[0].clone()
}

fn kesl(about: &str) -> Fixture {
    debian(about, &[installed("kesl", "12.1.0-1297")])
}

#[test]
fn windows_installer_tells_from_where_it_installed_and_names_no_person() {
    let from = |source: &str| kes("windows, kes from somewhere").with_install_source(MACHINE_32, KES, source);
    let share = from(r"\\corp.example\SysVol\corp.example\Policies\{31B2F340}\Machine\")
        .with_install_date(MACHINE_32, KES, "20240801");
    assert_eq!(
        only(&share, "kes-windows"),
        PlacedTrace {
            record: PlacedRecord::UninstallKey,
            what: r"\\corp.example\SysVol\corp.example\Policies\{31B2F340}\Machine\".into(),
            by: None,
            day: Some(DAY),
        }
    );
    let home = only(&from(r"C:\Users\alice\Downloads\"), "kes-windows").what;
    assert!(home.contains("Downloads") && !home.contains("alice"), "{home}");
    assert_eq!(
        placed(&kes("windows, kes that says nothing of it"), "kes-windows"),
        None
    );
    let hostile = only(
        &from(&format!("\\\\x\u{1b}[31m\n{}", "y".repeat(100_000))),
        "kes-windows",
    )
    .what;
    assert!(hostile.len() <= 300 && !hostile.contains(char::is_control), "{hostile}");
}

#[test]
fn a_users_own_entry_is_a_persons_installation() {
    let host = laptop("windows, kes of a user").with_uninstall(UninstallPlace::Users, KES, LAB, "12.4", "");
    let running = host.with_process(
        2000,
        "avp.exe",
        Some(r"C:\Program Files (x86)\Kaspersky Lab\KES.12.4\avp.exe"),
    );
    assert_eq!(only(&running, "kes-windows").by, Some(PlacedBy::Person));
}

#[test]
fn what_installs_software_on_a_windows_is_named_where_a_target_is() {
    let app_mgmt = Question::Registry {
        is_32: false,
        key: r"SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\AppMgmt".into(),
        values: Vec::new(),
    };
    let host = nagent_on(
        laptop("windows, managed"),
        "Kaspersky Security Center 14.2 Network Agent",
        LAB,
    )
    .with_windows_path(r"C:\Windows\CCM\CcmExec.exe", EntryKind::File)
    .with_windows_path(
        r"C:\Program Files (x86)\Microsoft Intune Management Extension",
        EntryKind::Directory,
    );
    let deployers = |host: &Fixture| placed(host, "klnagent-windows").unwrap_or_default().deployers;
    assert_eq!(deployers(&host), ["configuration-manager", "intune"]);
    let policies = host
        .clone()
        .with_reply(&app_mgmt, Reply::Registry(RegistryKey::default()));
    assert_eq!(
        deployers(&policies),
        ["group-policy", "configuration-manager", "intune"]
    );
    let denied = host.with_no_reply(&app_mgmt, Answer::Denied("denied".into()));
    assert_eq!(
        deployers(&denied),
        ["configuration-manager", "intune"],
        "not known is not named"
    );
}

#[test]
fn apts_history_tells_the_call_and_whether_somebody_asked() {
    let log = "Start-Date: 2024-08-01  10:11:12\nCommandline: apt-get install kesl\nRequested-By: alice (1000)\n\
        Install: kesl:amd64 (12.1.0-1297)\nEnd-Date: 2024-08-01  10:11:20\n";
    let host = kesl("kesl by apt")
        .with_file("/var/log/apt/history.log", log.as_bytes(), 0)
        .with_file("/usr/bin/salt-minion", b"x", 0);
    let placed = placed(&host, "kesl").unwrap();
    assert_eq!(
        placed.traces,
        [PlacedTrace {
            record: PlacedRecord::AptHistory,
            what: "apt-get install kesl".into(),
            by: Some(PlacedBy::Person),
            day: Some(DAY),
        }]
    );
    assert_eq!(placed.deployers, ["salt"]);
    assert!(!format!("{:?}", looked(&host)).contains("alice"));
    let by_root = log.replace("Requested-By: alice (1000)\n", "");
    let host = kesl("kesl by root").with_file("/var/log/apt/history.log", by_root.as_bytes(), 0);
    assert_eq!(only(&host, "kesl").by, Some(PlacedBy::System));
}

#[test]
fn what_dpkg_did_without_apt_is_dpkgs() {
    let dpkg = b"2024-08-01 10:11:12 install kesl:amd64 <none> 12.1.0-1297\n";
    let apt = |day: &str| {
        format!("Start-Date: {day}  10:11:12\nCommandline: apt-get install kesl\nInstall: kesl:amd64 (12)\n")
    };
    let host = |day: &str| {
        kesl("kesl by dpkg").with_file("/var/log/dpkg.log", dpkg, 0).with_file(
            "/var/log/apt/history.log",
            apt(day).as_bytes(),
            0,
        )
    };
    assert_eq!(only(&host("2024-08-01"), "kesl").record, PlacedRecord::AptHistory);
    let later = only(&host("2024-07-01"), "kesl");
    assert_eq!(
        (later.record, later.day, later.what.as_str()),
        (PlacedRecord::DpkgLog, Some(DAY), "")
    );
}

#[test]
fn systems_of_rpms_tell_by_their_own_logs() {
    let line = [rpm("kesl", "12.1.0-1297")];
    let log = b"2024-08-01T08:32:46-0500 SUBDEBUG Installed: kesl-12.1.0-1297.x86_64\n";
    let dnf = fedora("kesl by dnf", &line).with_file("/var/log/dnf.rpm.log", log, 0);
    assert_eq!(only(&dnf, "kesl").record, PlacedRecord::RpmLog);
    let history = b"2024-08-01 12:38:20|command|root@pc1|'zypper' 'install' 'kesl'|\n\
        2024-08-01 12:38:21|install|kesl|12.1.0-1297|x86_64|root@pc1|repo|a28b|\n";
    let zypper = leap("kesl by zypper", &line).with_file("/var/log/zypp/history", history, 0);
    let trace = only(&zypper, "kesl");
    assert_eq!(
        (trace.record, trace.what.as_str()),
        (PlacedRecord::ZyppHistory, "zypper install kesl")
    );
}

#[test]
fn a_log_that_cannot_be_read_or_is_too_long_says_nothing_and_takes_nothing_away() {
    let log = "Start-Date: 2024-08-01  10:11:12\nCommandline: apt-get install kesl\nInstall: kesl:amd64 (12)\n";
    let mut long = vec![b'#'; 5 << 20];
    long.extend_from_slice(log.as_bytes());
    assert_eq!(
        placed(
            &kesl("kesl, long log").with_file("/var/log/apt/history.log", &long, 0),
            "kesl"
        ),
        None
    );
    let mut denied = kesl("kesl, denied log");
    denied
        .files
        .insert("/var/log/apt/history.log".into(), Answer::Denied("not yours".into()));
    assert_eq!(placed(&denied, "kesl"), None);
}

#[test]
fn a_mac_tells_the_program_that_installed_the_day_and_who_manages_it() {
    let list = r#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><array><dict>
        <key>date</key><date>2024-08-01T10:00:00Z</date>
        <key>packageIdentifiers</key><array><string>com.kaspersky.kav.core</string></array>
        <key>processName</key><string>installer</string></dict></array></plist>"#;
    let host = managed("mac, kav put back")
        .with_receipt("com.kaspersky.kav.core")
        .with_file("/usr/local/jamf/bin/jamf", b"x", 0)
        .with_file("/Library/Receipts/InstallHistory.plist", list.as_bytes(), 0);
    let inventory = looked(&host);
    let upkeep = inventory.sighting(&"kav-mac".into()).unwrap().upkeep.clone().unwrap();
    assert_eq!(upkeep.installed_day, Some(DAY));
    let placed = upkeep.placed.unwrap();
    assert_eq!(placed.deployers, ["jamf"]);
    assert_eq!(
        (placed.traces[0].record, placed.traces[0].what.as_str()),
        (PlacedRecord::InstallHistory, "installer")
    );
}

#[test]
fn a_recording_holds_none_of_the_logs() {
    let log = b"Start-Date: 2024-08-01  1:1:1\nRequested-By: alice (1000)\nInstall: kesl:amd64 (1)\n";
    let host = kesl("kesl").with_file("/var/log/apt/history.log", log, NOW_MS - DAY_MS);
    let recorder = Recorder::new(host, "recorded");
    looked(&recorder);
    let kept = serde_json::to_string(&recorder.fixture()).unwrap();
    assert!(!kept.contains("alice") && !kept.contains("Requested-By"));
}
