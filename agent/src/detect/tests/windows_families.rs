//! Windows machines that carry one product each, in every language, and those that carry what may take its place. Made by
//! hand; none was recorded.

use super::windows_plants::{
    LAB, LAB_CYRILLIC, MACHINE, MACHINE_32, OFF, OLD, ON, VENDOR, consumer_on, in_folder, kes, kes_on, laptop,
    nagent_on, server, uninstalled,
};
use crate::{
    facts::{Answer, EntryKind, Question, RegistryValue},
    host::Fixture,
};

/// Every family, one machine each.
pub(super) fn families() -> Vec<Fixture> {
    let ksws = in_folder(server("windows server, ksws"), "Kaspersky Security for Windows Server")
        .with_uninstall(
            MACHINE_32,
            "Kaspersky Security 11.0.1 for Windows Server",
            LAB,
            "11.0.1.897",
            "",
        )
        .with_service(
            "KAVFS",
            &format!(r#""{VENDOR}\Kaspersky Security for Windows Server\kavfs.exe""#),
            true,
        )
        .with_service(
            "KAVFSGT",
            &format!(r#""{VENDOR}\Kaspersky Security for Windows Server\kavfsgt.exe""#),
            true,
        )
        .with_process(700, "kavfswp.exe", None);
    let ksc = in_folder(
        server("windows server, security center with its database and console"),
        "Kaspersky Security Center",
    )
    .with_uninstall(MACHINE_32, "Kaspersky Security Center 14.2", LAB, "14.2.0.26967", "")
    .with_uninstall(MACHINE_32, "Kaspersky Security Center Web Console", LAB, "14.2", "")
    .with_uninstall(
        MACHINE_32,
        "Kaspersky Endpoint Security 12 for Windows Management Plug-in",
        LAB,
        "12.4",
        "",
    )
    .with_service(
        "kladminserver",
        &format!(r#""{VENDOR}\Kaspersky Security Center\klserver.exe""#),
        true,
    )
    .with_service(
        "klwebsrv",
        &format!(r#""{VENDOR}\Kaspersky Security Center\klcsweb.exe""#),
        true,
    )
    .with_service(
        "MSSQL$KAV_CS_ADMIN_KIT",
        r#""C:\Program Files\Microsoft SQL Server\sqlservr.exe" -sKAV_CS"#,
        true,
    )
    .with_windows_path(r"C:\ProgramData\KasperskyLab\adminkit", EntryKind::Directory);
    vec![
        kes("windows, kes running"),
        nagent_on(
            kes("windows, kes and network agent"),
            "Kaspersky Security Center 15.1 Network Agent",
            LAB,
        ),
        consumer_on(laptop("windows, the bare name kaspersky"), "Kaspersky", "Kaspersky"),
        uninstalled(
            "windows, kaspersky anti-virus, installed only by its entry",
            "Kaspersky Anti-Virus 21.3",
            LAB,
        ),
        uninstalled(
            "windows, kaspersky small office security",
            "Kaspersky Small Office Security",
            LAB,
        ),
        ksws,
        uninstalled(
            "windows, embedded systems security",
            "Kaspersky Embedded Systems Security 3.2",
            LAB,
        ),
        uninstalled(
            "windows, industrial cybersecurity for nodes",
            "Kaspersky Industrial CyberSecurity for Nodes",
            LAB,
        ),
        in_folder(
            uninstalled("windows, endpoint agent", "Kaspersky Endpoint Agent 3.16", LAB),
            "Endpoint Agent",
        )
        .with_service("SOYUZ", &format!(r#""{VENDOR}\Endpoint Agent\soyuz.exe""#), true),
        nagent_on(
            laptop("windows, network agent alone"),
            "Kaspersky Security Center 14 Network Agent",
            LAB,
        ),
        ksc,
        uninstalled(
            "windows, console alone",
            "Kaspersky Security Center 13 Administration Console",
            LAB,
        ),
        uninstalled(
            "windows, light agent",
            "Kaspersky Security for Virtualization 5.2 Light Agent",
            LAB,
        )
        .with_service("AVP", r#""D:\Security\avp.exe" -r"#, true),
        uninstalled("windows, vpn left behind", "Kaspersky VPN", "Kaspersky").with_process(
            800,
            "ksde.exe",
            Some(&format!(r"{VENDOR}\Kaspersky VPN 5.21\ksde.exe")),
        ),
        uninstalled("windows, password manager", "Kaspersky Password Manager", LAB),
        uninstalled("windows, safe kids", "Kaspersky Safe Kids", LAB),
        uninstalled("windows, software updater", "Kaspersky Software Updater", LAB),
        server("windows server, security for exchange").with_uninstall(
            MACHINE_32,
            "Kaspersky Security 9.0 for Microsoft Exchange Servers",
            LAB,
            "9.0",
            "",
        ),
        uninstalled(
            "windows, a product that no rule names",
            "Kaspersky Something New",
            "Kaspersky",
        )
        .with_service("KlNew", &format!(r#""{VENDOR}\Something New\new.exe""#), true),
        laptop("windows, the removal tool at work").with_process(77, "kavremvr.exe", Some(r"C:\Temp\kavremvr.exe")),
        uninstalled("windows, ultraav and ultravpn", "UltraAV", "Pango Group")
            .with_uninstall(MACHINE, "UltraVPN", "", "1", ""),
    ]
}

/// Names and publishers in other languages.
pub(super) fn localised() -> Vec<Fixture> {
    let russian = kes_on(
        laptop("windows, russian"),
        "Kaspersky Endpoint Security для Windows",
        LAB_CYRILLIC,
    );
    vec![
        nagent_on(
            russian,
            "Агент администрирования Kaspersky Security Center",
            LAB_CYRILLIC,
        ),
        uninstalled("windows, german", "Kaspersky Endpoint Security für Windows", LAB),
        uninstalled(
            "windows, german agent",
            "Administrationsagent von Kaspersky Security Center",
            LAB,
        ),
        uninstalled("windows, french", "Kaspersky Endpoint Security 11.9 pour Windows", LAB),
        uninstalled(
            "windows, french agent",
            "Agent d'administration de Kaspersky Security Center",
            LAB,
        )
        .with_uninstall(
            MACHINE_32,
            "Console d'administration de Kaspersky Security Center",
            LAB,
            "13",
            "",
        ),
        uninstalled("windows, spanish", "Kaspersky Endpoint Security para Windows", LAB).with_uninstall(
            MACHINE_32,
            "Agente de red de Kaspersky Security Center",
            LAB,
            "13",
            "",
        ),
        uninstalled(
            "windows, a name in cyrillic that no rule has",
            "Антивирус Касперского",
            "Лаборатория Касперского",
        ),
        uninstalled(
            "windows, russian server",
            "Сервер администрирования Kaspersky Security Center",
            LAB_CYRILLIC,
        ),
    ]
}

/// Machines with what may take the product's place.
pub(super) fn replacements() -> Vec<Fixture> {
    let falcon_key =
        r"SYSTEM\CrowdStrike\{9b03c1d9-3138-44ed-9fae-d9f4c034b88d}\{16e0423f-7058-48c9-a204-725362b67639}\Default";
    let id = |text: &str| RegistryValue::Hex(text.into());
    let mde_key = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";
    let passive = || {
        Fixture::windows("windows, defender beside another, passive")
            .with_defender("Passive Mode", false, 1)
            .with_service(
                "CSFalconService",
                r#""C:\Program Files\CrowdStrike\CSFalconService.exe""#,
                true,
            )
    };
    let third = |about: &str, service: &str, name: &str, state: u32| {
        Fixture::windows(about)
            .with_service(service, &format!(r#""C:\Program Files\Vendor\{service}.exe""#), true)
            .with_security_product(name, state)
    };
    let mut off = Fixture::windows("windows, defender turned off by policy");
    off = off
        .with_service(
            "WinDefend",
            r#""C:\ProgramData\Microsoft\Windows Defender\MsMpEng.exe""#,
            true,
        )
        .with_no_reply(
            &Question::DefenderStatus,
            Answer::Failed("MSFT_MpComputerStatus answers 0x800106ba; the service is off".into()),
        );
    vec![
        Fixture::windows("windows, defender with old signatures").with_defender("Normal", true, 30),
        Fixture::windows("windows, defender without real-time protection").with_defender("Normal", false, 1),
        Fixture::windows("windows, defender in edr block mode").with_defender("EDR Block Mode", false, 1),
        off,
        passive().with_registry(
            falcon_key,
            &[
                ("AG", id("f3edc954d286243b5bd94130c2f2647d")),
                ("CU", id("79391c24113773b01d8181c38c3e111a")),
            ],
        ),
        Fixture::windows("windows, falcon without an agent id")
            .with_service(
                "CSFalconService",
                r#""C:\Program Files\CrowdStrike\CSFalconService.exe""#,
                true,
            )
            .with_registry(falcon_key, &[("CU", id("79391c24113773b01d8181c38c3e111a"))]),
        Fixture::windows("windows, defender for endpoint")
            .with_defender("Normal", true, 0)
            .with_service(
                "Sense",
                r#""C:\Program Files\Windows Defender Advanced Threat Protection\MsSense.exe""#,
                true,
            )
            .with_registry(
                mde_key,
                &[
                    ("OnboardingState", RegistryValue::Number(1)),
                    (
                        "OrgId",
                        RegistryValue::Text("B1C2D3E4-0000-4000-8000-000000000001".into()),
                    ),
                ],
            ),
        third(
            "windows, sophos",
            "Sophos Endpoint Defense Service",
            "Sophos Intercept X",
            ON,
        )
        .with_service(
            "Sophos MCS Agent",
            r#""C:\Program Files (x86)\Sophos\McsAgent.exe""#,
            true,
        ),
        third("windows, eset with old signatures", "ekrn", "ESET Security", OLD),
        third(
            "windows, bitdefender off",
            "EPSecurityService",
            "Bitdefender Endpoint Security Tools Antimalware",
            OFF,
        )
        .with_service(
            "EPProtectedService",
            r#""C:\Program Files\Bitdefender\EPProtectedService.exe""#,
            true,
        ),
        third(
            "windows, trend micro",
            "TMBMServer",
            "Trend Micro Apex One Antivirus",
            ON,
        ),
        third("windows, sentinelone", "SentinelAgent", "Sentinel Agent", ON),
        server("windows server, eset: nothing tells its health").with_service(
            "ekrn",
            r#""C:\Program Files\ESET\ekrn.exe""#,
            true,
        ),
    ]
}
