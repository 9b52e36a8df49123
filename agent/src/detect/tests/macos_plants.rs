//! Macs as they are met, made by hand from public scripts of device management and the vendor's collector. None of them was
//! recorded.

use cutover_proto::inventory::OsFamily;

use super::plants::PEM;
use crate::{
    facts::{Answer, Tool},
    host::Fixture,
};

const TEAM: &str = "2Y8XE5CQ94";
const SUPPORT: &str = "/Library/Application Support/Kaspersky Lab";
const MDE: &str = r#"{"healthy":true,"healthIssues":[],"licensed":true,"orgId":"b1c2","realTimeProtectionEnabled":{"value":true},
    "passiveModeEnabled":{"value":false},"definitionsStatus":{"$type":"upToDate"},"fullDiskAccessEnabled":true}"#;

/// A Mac under device management, with a protection of another vendor.
pub(super) fn managed(about: &str) -> Fixture {
    Fixture::macos(about)
        .with_receipt("com.jamf.management.binary")
        .with_receipt("com.microsoft.wdav")
        .with_receipt("com.google.Chrome")
        .with_directory("/Applications/Microsoft Defender.app")
        .with_directory("/Applications/Google Chrome.app")
        .with_directory("/Applications/Self Service.app")
        .with_system_extensions(&[
            (
                "UBF8T346G9",
                "com.microsoft.wdav.epsext (101.24/101.24)",
                "activated enabled",
            ),
            (
                "UBF8T346G9",
                "com.microsoft.wdav.netext (101.24/101.24)",
                "activated enabled",
            ),
        ])
        .with_tool(Tool::MdatpHealth, MDE, "")
        .with_process(300, "jamf", Some("/usr/local/jamf/bin/jamf"))
}

fn kav(about: &str) -> Fixture {
    Fixture::macos(about)
        .with_receipt("com.kaspersky.kav.core")
        .with_directory("/Applications/Kaspersky Endpoint Security.app")
        .with_directory(SUPPORT)
        .with_directory(&format!("{SUPPORT}/KAV"))
        .with_file("/Library/LaunchDaemons/com.kaspersky.kav.plist", b"x", 0)
        .with_system_extensions(&[(
            TEAM,
            "com.kaspersky.kav.sysext (12.1.0/12.1.0.553)",
            "activated enabled",
        )])
}

/// Every Mac of the matrix.
pub(super) fn all() -> Vec<Fixture> {
    let failing =
        |about: &str, tool: Tool| managed(about).with_failing_tool(tool, "did not answer within 30 s and was ended");
    let mut denied = kav("mac, kaspersky, and the list of applications is denied");
    denied.lists.insert(
        "/Applications".into(),
        Answer::Denied("/Applications may not be read; grant Full Disk Access".into()),
    );
    let mut old = Fixture::macos("mac, of before system extensions");
    old.tools.insert(Tool::SystemExtensions.to_string(), Answer::Absent);
    vec![
        Fixture::macos("mac, clean"),
        managed("mac, managed, with defender for endpoint"),
        kav("mac, kaspersky running"),
        kav("mac, kaspersky and network agent")
            .with_receipt("com.kaspersky.klnagent.core")
            .with_directory(&format!("{SUPPORT}/klnagent"))
            .with_process(
                400,
                "klnagent",
                Some("/Library/Application Support/Kaspersky Lab/klnagent/Binaries/klnagent"),
            ),
        managed("mac, kaspersky's application was thrown away, its extension waits for a restart")
            .with_system_extensions(&[(
                TEAM,
                "com.kaspersky.kav.sysext (11.3/11.3)",
                "terminated waiting to uninstall on reboot",
            )]),
        managed("mac, only the extension works on").with_system_extensions(&[(
            TEAM,
            "com.kaspersky.kav.sysext (12.1/12.1)",
            "activated enabled",
        )]),
        managed("mac, folders left behind")
            .with_directory(SUPPORT)
            .with_directory(&format!("{SUPPORT}/klnagent_conf")),
        managed("mac, certificate and extension left behind")
            .with_tool(Tool::SystemKeychain, PEM, "")
            .with_browser_extension("amkpcclbbgegoafihnpgomddadjhcadd"),
        managed("mac, names that only look alike")
            .with_receipt("com.kasperskyfans.wallpaper")
            .with_directory("/Applications/Not Kaspersky.app")
            .with_process(401, "klnagentd", None),
        denied,
        failing("mac, receipts do not answer", Tool::Receipts),
        failing("mac, system extensions do not answer", Tool::SystemExtensions),
        failing("mac, the keychain does not answer", Tool::SystemKeychain),
        Fixture::macos("mac, a list of extensions that was cut").with_tool(
            Tool::SystemExtensions,
            "2 extension(s)\n",
            "",
        ),
        Fixture::macos("mac, no receipt at all").with_tool(Tool::Receipts, "", ""),
        managed("mac, defender for endpoint without full disk access").with_tool(
            Tool::MdatpHealth,
            &MDE.replace("AccessEnabled\":true", "AccessEnabled\":false"),
            "",
        ),
        managed("mac, defender for endpoint in passive mode").with_tool(
            Tool::MdatpHealth,
            &MDE.replace(
                "\"passiveModeEnabled\":{\"value\":false}",
                "\"passiveModeEnabled\":{\"value\":true}",
            ),
            "",
        ),
        Fixture::macos("mac, falcon").with_directory("/Applications/Falcon.app"),
        old,
        Fixture::unasked(OsFamily::Macos, "mac, never asked"),
    ]
}
