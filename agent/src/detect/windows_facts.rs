//! What a Windows says of itself: which it is, its id, whether a restart waits.

use sha2::{Digest, Sha256};

use super::pending_restart::PendingRestart;
use crate::{
    facts::{Answer, OsRelease, Question, RegistryKey, RegistryValue, Reply},
    host::HostView,
    parse::time_zone,
};

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const VERSION_VALUES: [&str; 5] = [
    "ProductName",
    "CurrentBuildNumber",
    "UBR",
    "DisplayVersion",
    "InstallationType",
];
/// Where Windows keeps the suffix of its own name: what it was set up with, and what is in force until the next start.
const TCP_IP: &str = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";
const TCP_IP_VALUES: [&str; 2] = ["NV Domain", "Domain"];
/// To which zone Windows is set, by the name of its key, and whether its clock goes with daylight time.
const TIME_ZONE: &str = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
const TIME_ZONE_VALUES: [&str; 3] = ["TimeZoneKeyName", "DynamicDaylightTimeDisabled", "Bias"];
const CRYPTOGRAPHY: &str = r"SOFTWARE\Microsoft\Cryptography";
const MACHINE_GUID: &str = "MachineGuid";
/// The id itself stays on the machine, as the one of systemd does.
const MACHINE_ID_PURPOSE: &[u8] = b"cutover machine id v1\0";
/// The first build of Windows 11, whose `ProductName` still says 10.
const ELEVEN: u64 = 22_000;

/// Keys that are there while a restart waits, and what for.
const WAITS: [(&str, &str); 2] = [
    (
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
        "Windows changed its own components",
    ),
    (
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
        "Windows Update installed something",
    ),
];
const SESSION_MANAGER: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager";
const RENAMES: &str = "PendingFileRenameOperations";

fn registry(view: &dyn HostView, key: &str, values: &[&str]) -> Answer<RegistryKey> {
    let question = Question::Registry {
        is_32: false,
        key: key.to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    view.ask(&question).parsed(Reply::registry)
}

fn text(key: &RegistryKey, name: &str) -> String {
    match key.values.get(name) {
        Some(RegistryValue::Text(text)) => text.trim().to_owned(),
        Some(RegistryValue::Number(number)) => number.to_string(),
        Some(RegistryValue::Hex(_)) | None => String::new(),
    }
}

/// Family, version and name. What Windows does not tell is empty.
pub(super) fn release(view: &dyn HostView) -> OsRelease {
    let key = registry(view, VERSION, &VERSION_VALUES).found().unwrap_or_default();
    let build = text(&key, "CurrentBuildNumber");
    let is_server = text(&key, "InstallationType").to_lowercase().starts_with("server");
    let mut name = text(&key, "ProductName");
    if !is_server && build.parse().is_ok_and(|build: u64| build >= ELEVEN) {
        name = name.replacen("Windows 10", "Windows 11", 1);
    }
    let update = text(&key, "DisplayVersion");
    if !name.is_empty() && !update.is_empty() {
        name = format!("{name} {update}");
    }
    let revision = text(&key, "UBR");
    let version = match (build.as_str(), revision.as_str()) {
        ("", _) => String::new(),
        (build, "") => format!("10.0.{build}"),
        (build, revision) => format!("10.0.{build}.{revision}"),
    };
    OsRelease {
        id: if is_server { "windows-server" } else { "windows" }.to_owned(),
        version_id: version,
        pretty_name: name,
        ..OsRelease::default()
    }
}

/// Whether it is a server, by its own word. What does not say so is none.
pub(super) fn is_server(view: &dyn HostView) -> bool {
    release(view).id == "windows-server"
}

/// The domain that is a part of the machine's full name, as it is set up; empty where there is none.
pub(super) fn domain(view: &dyn HostView) -> String {
    let key = registry(view, TCP_IP, &TCP_IP_VALUES).found().unwrap_or_default();
    let [set_up, in_force] = TCP_IP_VALUES.map(|name| text(&key, name));
    let domain = if set_up.is_empty() { in_force } else { set_up };
    domain.trim_matches('.').to_owned()
}

/// The IANA name of the zone to which it is set.
pub(super) fn time_zone(view: &dyn HostView) -> Answer<String> {
    let [name, no_daylight, bias] = TIME_ZONE_VALUES;
    registry(view, TIME_ZONE, &TIME_ZONE_VALUES).parsed(|key| {
        let number = |name: &str| match key.values.get(name) {
            Some(RegistryValue::Number(number)) => Some(*number),
            Some(RegistryValue::Text(_) | RegistryValue::Hex(_)) | None => None,
        };
        let daylight = number(no_daylight).is_none_or(|disabled| disabled == 0);
        time_zone::of_windows(&text(&key, name), daylight, number(bias))
    })
}

/// A hash of the id that Windows makes when it is set up; empty where it has none.
pub(super) fn machine_id(view: &dyn HostView) -> String {
    let key = registry(view, CRYPTOGRAPHY, &[MACHINE_GUID])
        .found()
        .unwrap_or_default();
    let id = text(&key, MACHINE_GUID).to_lowercase();
    if id.is_empty() {
        return id;
    }
    let digest = Sha256::new()
        .chain_update(MACHINE_ID_PURPOSE)
        .chain_update(id.as_bytes())
        .finalize();
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// One sign is enough; that none waits takes a look at all of them. Files that are to be replaced at the next start may be
/// anybody's, and are not told: their paths are users' business.
pub(super) fn pending_restart(view: &dyn HostView) -> PendingRestart {
    let mut pending = PendingRestart {
        is_pending: Some(false),
        reasons: Vec::new(),
    };
    let mut untold = Vec::new();
    for (key, what) in WAITS {
        match registry(view, key, &[]) {
            Answer::Found(_) => pending.reasons.push(what.to_owned()),
            Answer::Absent => {}
            Answer::Unsupported => untold.push("nobody can be asked here".to_owned()),
            Answer::Denied(why) | Answer::Failed(why) => untold.push(why),
        }
    }
    match registry(view, SESSION_MANAGER, &[RENAMES]) {
        Answer::Found(key) if key.values.contains_key(RENAMES) => {
            pending
                .reasons
                .push("files are to be replaced at the next start".to_owned());
        }
        Answer::Found(_) => {}
        Answer::Absent => untold.push("the session manager has no key in the registry".to_owned()),
        Answer::Unsupported => untold.push("nobody can be asked here".to_owned()),
        Answer::Denied(why) | Answer::Failed(why) => untold.push(why),
    }
    if !pending.reasons.is_empty() {
        pending.is_pending = Some(true);
    } else if !untold.is_empty() {
        untold.dedup();
        pending = PendingRestart {
            is_pending: None,
            reasons: untold,
        };
    }
    pending
}

#[cfg(test)]
impl crate::host::Fixture {
    /// Says which kind of Windows it is.
    pub(super) fn with_installation_type(self, kind: &str) -> Self {
        let question = Question::Registry {
            is_32: false,
            key: VERSION.to_owned(),
            values: VERSION_VALUES.map(str::to_owned).to_vec(),
        };
        let values = [("InstallationType".to_owned(), RegistryValue::Text(kind.to_owned()))];
        let found = RegistryKey { values: values.into() };
        self.with_reply(&question, Reply::Registry(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::host_facts, host::Fixture};

    fn with(host: Fixture, key: &str, asked: &[&str], values: &[(&str, &str)]) -> Fixture {
        let question = Question::Registry {
            is_32: false,
            key: key.to_owned(),
            values: asked.iter().map(|&value| value.to_owned()).collect(),
        };
        let values = values.iter().map(|&(name, text)| {
            let value = text
                .parse()
                .map_or_else(|_| RegistryValue::Text(text.to_owned()), RegistryValue::Number);
            (name.to_owned(), value)
        });
        let found = RegistryKey {
            values: values.collect(),
        };
        host.with_reply(&question, Reply::Registry(found))
    }

    fn versioned(values: &[(&str, &str)]) -> (String, String, String) {
        let facts = host_facts(&with(Fixture::windows("versions"), VERSION, &VERSION_VALUES, values));
        (facts.os_id, facts.os_version, facts.os_name)
    }

    fn told(id: &str, version: &str, name: &str) -> (String, String, String) {
        (id.to_owned(), version.to_owned(), name.to_owned())
    }

    #[test]
    fn a_windows_is_named_by_its_build_and_a_server_is_one_by_its_own_word() {
        let eleven = [
            ("ProductName", "Windows 10 Pro"),
            ("CurrentBuildNumber", "22631"),
            ("UBR", "4317"),
            ("DisplayVersion", "23H2"),
            ("InstallationType", "Client"),
        ];
        assert_eq!(
            versioned(&eleven),
            told("windows", "10.0.22631.4317", "Windows 11 Pro 23H2")
        );
        let server = [
            ("ProductName", "Windows Server 2022 Standard"),
            ("CurrentBuildNumber", "20348"),
            ("InstallationType", "Server Core"),
        ];
        assert_eq!(
            versioned(&server),
            told("windows-server", "10.0.20348", "Windows Server 2022 Standard")
        );
        assert_eq!(versioned(&[]), told("windows", "", ""));
    }

    #[test]
    fn a_windows_tells_its_serial_number_uuid_and_full_name() {
        let machine = |domain: &[(&str, &str)]| {
            let firmware = crate::facts::Firmware {
                serial: " PF2X9ABC ".to_owned(),
                uuid: "4C4C4544-0042-3510-8051-B9C04F4E3132".to_owned(),
            };
            let host = Fixture::windows("a laptop").with_reply(&Question::Firmware, Reply::Firmware(firmware));
            host_facts(&with(host, TCP_IP, &TCP_IP_VALUES, domain))
        };
        let facts = machine(&[("NV Domain", "corp.example.org"), ("Domain", "old.example.org")]);
        assert_eq!(facts.serial, "PF2X9ABC");
        assert_eq!(facts.system_uuid, "4C4C4544-0042-3510-8051-B9C04F4E3132");
        assert_eq!(facts.fqdn, format!("{}.corp.example.org", facts.hostname));
        let facts = machine(&[("Domain", "old.example.org.")]);
        assert_eq!(facts.fqdn, format!("{}.old.example.org", facts.hostname));
        assert_eq!(machine(&[("NV Domain", "")]).fqdn, "");
        let silent = host_facts(&Fixture::windows("says nothing"));
        assert_eq!((silent.serial.as_str(), silent.fqdn.as_str()), ("", ""));
    }

    #[test]
    fn a_windows_tells_the_zone_to_which_it_is_set() {
        let zone = |values: &[(&str, &str)]| {
            let host = with(Fixture::windows("somewhere"), TIME_ZONE, &TIME_ZONE_VALUES, values);
            host_facts(&host).time_zone
        };
        let eastern = ("TimeZoneKeyName", "Eastern Standard Time");
        let (on, off) = (
            ("DynamicDaylightTimeDisabled", "0"),
            ("DynamicDaylightTimeDisabled", "1"),
        );
        assert_eq!(zone(&[eastern]), "America/New_York");
        assert_eq!(zone(&[eastern, on, ("Bias", "300")]), "America/New_York");
        assert_eq!(zone(&[eastern, off, ("Bias", "300")]), "Etc/GMT+5");
        assert_eq!(zone(&[eastern, off]), "");
        assert_eq!(zone(&[("TimeZoneKeyName", "Mars Standard Time")]), "");
        assert_eq!(host_facts(&Fixture::windows("says nothing")).time_zone, "");
    }

    #[test]
    fn the_id_of_a_machine_is_told_as_a_hash_alone() {
        let id = "8a7f6f0e-6f5b-4c8a-9d1e-2b3c4d5e6f70";
        let host = with(
            Fixture::windows("id"),
            CRYPTOGRAPHY,
            &[MACHINE_GUID],
            &[(MACHINE_GUID, id)],
        );
        let told = host_facts(&host).machine_id;
        assert_eq!(told.len(), 32);
        assert!(!told.contains("8a7f6f0e"));
        assert_eq!(machine_id(&Fixture::windows("none")), "");
    }

    #[test]
    fn a_restart_waits_by_one_sign_and_none_waits_only_when_all_were_looked_at() {
        let none = || with(Fixture::windows("restarts"), SESSION_MANAGER, &[RENAMES], &[]);
        let servicing = Question::Registry {
            is_32: false,
            key: WAITS[0].0.to_owned(),
            values: Vec::new(),
        };
        assert_eq!(pending_restart(&none()).is_pending, Some(false));
        let denied = none().with_no_reply(&servicing, Answer::Denied("not yours".into()));
        let unknown = pending_restart(&denied);
        assert_eq!(
            (unknown.is_pending, unknown.reasons),
            (None, vec!["not yours".to_owned()])
        );
        let renames = [(RENAMES, "C:\\Users\\alice\\x")];
        for host in [
            with(none(), WAITS[1].0, &[], &[]),
            with(denied, SESSION_MANAGER, &[RENAMES], &renames),
        ] {
            let waits = pending_restart(&host);
            assert_eq!((waits.is_pending, waits.reasons.len()), (Some(true), 1));
            assert!(!waits.reasons[0].contains("alice"));
        }
        assert_eq!(
            pending_restart(&Fixture::windows("no session manager")).is_pending,
            None
        );
    }
}
