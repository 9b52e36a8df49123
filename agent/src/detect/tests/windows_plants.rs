//! Windows machines as they are met, made by hand from what vendors' help, public inventories and reports say of them.
//! None of them was recorded.

use super::windows_families;
use crate::{
    facts::{Answer, EntryKind, Question, Reply, UninstallEntries, UninstallPlace},
    host::Fixture,
};

pub(super) const LAB: &str = "AO Kaspersky Lab";
pub(super) const LAB_CYRILLIC: &str = "АО \"Лаборатория Касперского\"";
pub(super) const VENDOR: &str = r"C:\Program Files (x86)\Kaspersky Lab";
const SIGNER: &str = "CN=Kaspersky Lab JSC, O=Kaspersky Lab JSC, C=RU";
/// What Security Center says of a product: on and current, on and old, off.
pub(super) const ON: u32 = 0x0004_1000;
pub(super) const OLD: u32 = 0x0004_1010;
pub(super) const OFF: u32 = 0x0004_0000;

pub(super) const MACHINE: UninstallPlace = UninstallPlace::Machine;
pub(super) const MACHINE_32: UninstallPlace = UninstallPlace::Machine32;

/// A laptop as it is bought and used: Microsoft Defender and the usual programs and drivers.
pub(super) fn laptop(about: &str) -> Fixture {
    Fixture::windows(about)
        .with_defender("Normal", true, 1)
        .with_security_product("Windows Defender", 0x0006_1100)
        .with_uninstall(
            MACHINE,
            "Microsoft 365 Apps for enterprise - en-us",
            "Microsoft Corporation",
            "16.0",
            r"C:\Program Files\Microsoft Office",
        )
        .with_uninstall(MACHINE, "7-Zip 24.08 (x64)", "Igor Pavlov", "24.08", "")
        .with_uninstall(MACHINE_32, "Microsoft Edge", "Microsoft Corporation", "129.0", "")
        .with_uninstall(MACHINE_32, "Google Chrome", "Google LLC", "129.0", "")
        .with_uninstall(
            UninstallPlace::Users,
            "Microsoft Teams",
            "Microsoft Corporation",
            "1.7",
            "",
        )
        .with_windows_path(r"C:\Program Files\Microsoft Office", EntryKind::Directory)
        .with_service(
            "Sense",
            r#""C:\Program Files\Windows Defender Advanced Threat Protection\MsSense.exe""#,
            false,
        )
        .with_service(
            "avpwatcher",
            r#""C:\Program Files\Audio Video Player\avpwatcher.exe""#,
            true,
        )
        .with_driver("kbdclass", r"\SystemRoot\System32\drivers\kbdclass.sys", true)
        .with_driver("ksthunk", r"\SystemRoot\system32\drivers\ksthunk.sys", true)
        .with_process(900, "explorer.exe", Some(r"C:\Windows\explorer.exe"))
}

/// A server without Security Center.
pub(super) fn server(about: &str) -> Fixture {
    Fixture::windows(about)
        .with_no_reply(&Question::SecurityCenter, Answer::Unsupported)
        .with_uninstall(
            MACHINE,
            "Microsoft SQL Server 2019 (64-bit)",
            "Microsoft Corporation",
            "15.0",
            "",
        )
        .with_service(
            "MSSQLSERVER",
            r#""C:\Program Files\Microsoft SQL Server\MSSQL15\Binn\sqlservr.exe" -s"#,
            true,
        )
}

pub(super) fn in_folder(host: Fixture, folder: &str) -> Fixture {
    host.with_windows_path(&format!(r"{VENDOR}\{folder}"), EntryKind::Directory)
}

/// Endpoint Security of this branch, at work.
pub(super) fn kes(about: &str) -> Fixture {
    kes_on(laptop(about), "Kaspersky Endpoint Security for Windows", LAB)
}

pub(super) fn kes_on(host: Fixture, name: &str, publisher: &str) -> Fixture {
    let program = format!(r"{VENDOR}\KES.12.4\avp.exe");
    in_folder(host, "KES.12.4")
        .with_uninstall(
            MACHINE_32,
            name,
            publisher,
            "12.4.0.467",
            &format!(r"{VENDOR}\KES.12.4"),
        )
        .with_service("AVP.KES.21.16", &format!("\"{program}\" -r"), true)
        .with_service("avpsus.KES.21.16", &format!(r#""{VENDOR}\KES.12.4\avpsus.exe""#), true)
        .with_driver("klif.KES-21-16", r"System32\DRIVERS\klif.KES-21-16.sys", true)
        .with_signed_file(r"C:\Windows\System32\DRIVERS\klif.KES-21-16.sys", "21.16", Some(SIGNER))
        .with_windows_path(&program, EntryKind::File)
        .with_process(2000, "avp.exe", Some(&program))
        .with_security_product(name, ON)
}

pub(super) fn nagent_on(host: Fixture, name: &str, publisher: &str) -> Fixture {
    in_folder(host, "NetworkAgent")
        .with_uninstall(MACHINE_32, name, publisher, "15.1.0.20748", "")
        .with_service("klnagent", &format!(r#""{VENDOR}\NetworkAgent\klnagent.exe""#), true)
        .with_process(
            2100,
            "klnagent.exe",
            Some(&format!(r"{VENDOR}\NetworkAgent\klnagent.exe")),
        )
}

pub(super) fn consumer_on(host: Fixture, name: &str, publisher: &str) -> Fixture {
    let program = format!(r"{VENDOR}\Kaspersky 21.25\avp.exe");
    in_folder(host, "Kaspersky 21.25")
        .with_uninstall(
            MACHINE_32,
            name,
            publisher,
            "21.25.6.259",
            &format!(r"{VENDOR}\Kaspersky 21.25"),
        )
        .with_service("AVP21.25", &format!("\"{program}\" -r"), true)
        .with_driver("klif", r"System32\drivers\K4W-21-25\klif.sys", true)
        .with_windows_path(&program, EntryKind::File)
        .with_process(2200, "avp.exe", Some(&program))
        .with_security_product(name, ON)
}

pub(super) fn uninstalled(about: &str, name: &str, publisher: &str) -> Fixture {
    laptop(about).with_uninstall(MACHINE_32, name, publisher, "1.2.3", "")
}

/// More than one, less than one, and what only looks like one.
fn awkward() -> Vec<Fixture> {
    let mut two = consumer_on(
        kes("windows, kes and a consumer line at once"),
        "Kaspersky",
        "Kaspersky",
    );
    two = two.with_driver("klif.K4W-21-25", r"System32\drivers\K4W-21-25\klif.sys", true);
    let orphan = laptop("windows, an uninstall key whose folder is gone").with_uninstall(
        MACHINE_32,
        "Kaspersky Endpoint Security for Windows",
        LAB,
        "11.6.0.394",
        &format!(r"{VENDOR}\KES.11.6"),
    );
    let drivers = laptop("windows, removed and not started again: drivers are loaded")
        .with_driver("klhk", r"System32\drivers\klhk.sys", true)
        .with_signed_file(r"C:\Windows\System32\drivers\klhk.sys", "21.3", Some(SIGNER))
        .with_driver("klim6", r"\SystemRoot\System32\drivers\klim6.sys", true)
        .with_driver(
            "klupd_a1b2c3_arkmon",
            r"System32\drivers\klupd_a1b2c3_arkmon.sys",
            false,
        );
    let alike = laptop("windows, names that only look alike")
        .with_uninstall(
            MACHINE,
            "Kaspersky Endpoint Security Report Viewer for Windows",
            "Contoso Tools",
            "1",
            "",
        )
        .with_uninstall(MACHINE, "Kaspersky", "A Screensaver Company", "1", "")
        .with_uninstall(MACHINE, "Anti-Virus Total Security", "Other GmbH", "1", "")
        .with_service("AVP", r#""C:\Program Files\Audio Video Player\player.exe""#, true)
        .with_driver("klmouflt", r"System32\drivers\klmouflt.sys", true)
        .with_signed_file(
            r"C:\Windows\System32\drivers\klmouflt.sys",
            "1",
            Some("CN=Keyboard Lights Ltd"),
        )
        .with_process(55, "avp.exe", Some(r"C:\Program Files\Audio Video Player\avp.exe"));
    let unsigned = laptop("windows, a driver whose signer cannot be read")
        .with_driver("klpd", r"System32\drivers\klpd.sys", true)
        .with_windows_path(r"C:\Windows\System32\drivers\klpd.sys", EntryKind::File)
        .with_no_reply(
            &Question::Identity(r"C:\Windows\System32\drivers\klpd.sys".into()),
            Answer::Denied("klpd.sys may not be opened".into()),
        );
    let embedded = laptop("windows, check point with this engine")
        .with_uninstall(
            MACHINE,
            "Check Point Endpoint Security",
            "Check Point",
            "88",
            r"C:\Program Files\CheckPoint\Endpoint",
        )
        .with_signed_file(r"C:\Program Files\CheckPoint\Endpoint\AM\engine.dll", "8", Some(SIGNER));
    let other_engine = laptop("windows, check point with another engine")
        .with_uninstall(
            MACHINE,
            "Check Point Endpoint Security",
            "Check Point",
            "88",
            r"C:\Program Files\CheckPoint\Endpoint",
        )
        .with_signed_file(
            r"C:\Program Files\CheckPoint\Endpoint\AM\engine.dll",
            "8",
            Some("CN=Sophos Ltd"),
        );
    vec![
        laptop("windows, a normal laptop"),
        server("windows, a normal server"),
        two,
        orphan,
        laptop("windows, a stale entry in security center").with_security_product("Kaspersky Internet Security", ON),
        laptop("windows, a service whose program is gone").with_service(
            "AVP.KES.21.9",
            &format!(r#""{VENDOR}\KES.11.9\avp.exe" -r"#),
            false,
        ),
        drivers,
        laptop("windows, registry and folders left behind")
            .with_registry(r"SOFTWARE\KasperskyLab", &[])
            .with_windows_path(r"C:\ProgramData\Kaspersky Lab\AVP21.3", EntryKind::Directory),
        laptop("windows, certificate, extension and task left behind")
            .with_root("Kaspersky Anti-Virus Personal Root Certificate", LAB)
            .with_browser_extension("amkpcclbbgegoafihnpgomddadjhcadd")
            .with_reply(
                &Question::Tasks,
                Reply::Tasks(vec![r"\KasperskyLab\Kaspersky Upgrade Launcher".into()]),
            ),
        laptop("windows, installed for one user").with_uninstall(
            UninstallPlace::Users,
            "Kaspersky Password Manager",
            LAB,
            "24.1",
            "",
        ),
        alike,
        unsigned,
        embedded,
        other_engine,
        laptop("windows, check point that does not say where it is").with_uninstall(
            MACHINE,
            "Check Point Endpoint Security",
            "Check Point",
            "88",
            "",
        ),
        kes("windows of 32 bits, kes")
            .with_no_reply(
                &Question::Folder(cutover_proto::rule::KnownFolder::ProgramFilesX86),
                Answer::Absent,
            )
            .with_no_reply(&Question::Uninstall(MACHINE_32), Answer::Unsupported)
            .with_uninstall(
                MACHINE,
                "Kaspersky Endpoint Security 10 for Windows",
                LAB,
                "10.3.3.275",
                "",
            ),
    ]
}

/// Machines that do not answer everything.
fn refusing() -> Vec<Fixture> {
    let denied = || Answer::Denied("access is denied; run as LocalSystem".into());
    let failed = || Answer::Failed("the registry is damaged".into());
    vec![
        laptop("windows, uninstall keys denied").with_no_reply(&Question::Uninstall(MACHINE), denied()),
        laptop("windows, uninstall keys of 32 bits denied").with_no_reply(&Question::Uninstall(MACHINE_32), denied()),
        laptop("windows, its uninstall key missing").with_no_reply(&Question::Uninstall(MACHINE), Answer::Absent),
        laptop("windows, users' registries could not be read").with_reply(
            &Question::Uninstall(UninstallPlace::Users),
            Reply::Uninstall(UninstallEntries {
                entries: Vec::new(),
                unread: vec!["the registry of a user is in use".into()],
            }),
        ),
        laptop("windows, services denied").with_no_reply(&Question::Services, denied()),
        laptop("windows, no service at all").with_reply(&Question::Services, Reply::Services(Vec::new())),
        kes("windows, kes, and its registry is damaged").with_no_reply(&Question::Uninstall(MACHINE_32), failed()),
        laptop("windows, security center fails").with_no_reply(&Question::SecurityCenter, failed()),
        Fixture::unasked(cutover_proto::inventory::OsFamily::Windows, "windows, never asked"),
    ]
}

/// Every Windows machine of the matrix.
pub(super) fn all() -> Vec<Fixture> {
    [
        awkward(),
        windows_families::families(),
        windows_families::localised(),
        refusing(),
        windows_families::replacements(),
    ]
    .concat()
}
