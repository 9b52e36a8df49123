//! A Windows Server of the ledger, as looks see it: on a client nothing begins before somebody attested that the target does not
//! encrypt its disks.

use cutover_agent::{
    facts::{Answer, EntryKind, Question, RegistryValue, UninstallEntry, UninstallPlace},
    host::Fixture,
};

use crate::{
    goods::{AGENT, GUARD, KES, KLIF, VPN},
    machine::State,
};

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const SENSOR: &str =
    r"SYSTEM\CrowdStrike\{9b03c1d9-3138-44ed-9fae-d9f4c034b88d}\{16e0423f-7058-48c9-a204-725362b67639}\Default";
const PASSIVE: &str = r"SOFTWARE\Policies\Microsoft\Windows Advanced Threat Protection";
const LAB: &str = "AO Kaspersky Lab";
const VENDOR: &str = r"C:\Program Files (x86)\Kaspersky Lab";

pub(crate) fn seen(state: &State) -> Fixture {
    let text = |text: &str| RegistryValue::Text(text.to_owned());
    let age = if state.restarts == 0 { 86_400 } else { 30 };
    let mut host = Fixture::windows("a machine of the ledger")
        .with_registry(
            VERSION,
            &[
                ("ProductName", text("Windows Server 2022 Standard")),
                ("CurrentBuildNumber", text("20348")),
                ("UBR", RegistryValue::Number(2700)),
                ("DisplayVersion", text("21H2")),
                ("InstallationType", text("Server")),
            ],
        )
        .with_no_reply(&Question::SecurityCenter, Answer::Unsupported)
        .with_reply(&Question::SessionAge, cutover_agent::facts::Reply::SessionAge(age));
    let (mode, age_days) = (
        if state.is_told_to_stand_back {
            "Passive Mode"
        } else {
            "Normal"
        },
        if state.has_todays { 0 } else { 40 },
    );
    host = host
        .with_defender(mode, !state.is_told_to_stand_back, age_days)
        .with_reply(&Question::DomainJoin, cutover_agent::facts::Reply::DomainJoin(false));
    if state.is_told_to_stand_back {
        host = host.with_registry(PASSIVE, &[("ForceDefenderPassiveMode", RegistryValue::Number(1))]);
    }
    for code in &state.packages {
        host = with_product(host, state, code);
    }
    if state.loaded.contains(KLIF) {
        let image = format!(r"System32\DRIVERS\{KLIF}.sys");
        host = host.with_driver(KLIF, &image, true);
    }
    host
}

fn with_product(host: Fixture, state: &State, code: &str) -> Fixture {
    match code {
        KES => {
            let folder = format!(r"{VENDOR}\KES.12.4");
            let program = format!(r"{folder}\avp.exe");
            with_entry(host, code, "Kaspersky Endpoint Security for Windows", LAB, &folder)
                .with_windows_path(&program, EntryKind::File)
                .with_service("AVP.KES.21.16", &format!("\"{program}\" -r"), true)
                .with_process(2000, "avp.exe", Some(&program))
        }
        AGENT => {
            let program = format!(r"{VENDOR}\NetworkAgent\klnagent.exe");
            with_entry(host, code, "Kaspersky Security Center Network Agent", LAB, "")
                .with_windows_path(&program, EntryKind::File)
                .with_service("klnagent", &format!("\"{program}\""), true)
                .with_process(2100, "klnagent.exe", Some(&program))
        }
        VPN => with_entry(host, code, "Kaspersky VPN", LAB, ""),
        GUARD => {
            let id = RegistryValue::Hex("f3edc954".to_owned());
            with_entry(host, code, "Stand-in Guard", "Cutover's tests", "")
                .with_service(
                    "StandInGuard",
                    r"C:\Program Files\Stand-in Guard\guard.exe",
                    state.is_at_work("StandInGuard"),
                )
                .with_registry(SENSOR, &[("AG", id.clone()), ("CU", id)])
        }
        other => panic!("{other} is no package of this test's"),
    }
}

fn with_entry(host: Fixture, code: &str, name: &str, publisher: &str, location: &str) -> Fixture {
    let entry = UninstallEntry {
        key: code.to_owned(),
        name: name.to_owned(),
        publisher: publisher.to_owned(),
        version: "12.4.0.467".to_owned(),
        location: location.to_owned(),
        is_msi: true,
        installed: String::new(),
        source: String::new(),
    };
    host.with_entry(UninstallPlace::Machine, entry)
}
