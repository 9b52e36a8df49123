//! The programs of macOS that are asked. Each lies on the sealed system volume, but for those of products.

use std::{path::Path, time::Duration};

use super::super::asking::{Asked, answer};
use crate::facts::{Answer, Tool, ToolOutput};

/// A system's own program that reads what it is asked for and ends.
const OWN: Asked<'static> = Asked {
    programs: &[],
    arguments: &[],
    codes: &[0],
    time_limit: Duration::from_secs(30),
    max: 1 << 20,
};

const PROCESSES: Asked<'static> = Asked {
    programs: &["/bin/ps"],
    arguments: &["-axww", "-o", "pid=", "-o", "comm="],
    // Some 100 bytes for each of at most some thousands.
    max: 8 << 20,
    ..OWN
};

const BOOT_SESSION: Asked<'static> = Asked {
    programs: &["/usr/sbin/sysctl"],
    arguments: &["-n", "kern.bootsessionuuid"],
    max: 1 << 10,
    ..OWN
};

const RECEIPTS: Asked<'static> = Asked {
    programs: &["/usr/sbin/pkgutil"],
    arguments: &["--pkgs"],
    ..OWN
};

const SYSTEM_EXTENSIONS: Asked<'static> = Asked {
    programs: &["/usr/bin/systemextensionsctl"],
    arguments: &["list"],
    ..OWN
};

const SYSTEM_KEYCHAIN: Asked<'static> = Asked {
    programs: &["/usr/bin/security"],
    arguments: &["find-certificate", "-a", "-p", "/Library/Keychains/System.keychain"],
    max: 8 << 20,
    ..OWN
};

/// It ends with 1 where `FileVault is Off.` (fdesetup(8) gives codes to `isactive` alone).
const FILEVAULT: Asked<'static> = Asked {
    programs: &["/usr/bin/fdesetup"],
    arguments: &["status"],
    codes: &[0, 1],
    max: 16 << 10,
    ..OWN
};

const BATTERIES: Asked<'static> = Asked {
    programs: &["/usr/bin/pmset"],
    arguments: &["-g", "batt"],
    max: 16 << 10,
    ..OWN
};

const PLATFORM_EXPERT: Asked<'static> = Asked {
    programs: &["/usr/sbin/ioreg"],
    arguments: &["-rd1", "-c", "IOPlatformExpertDevice"],
    max: 64 << 10,
    ..OWN
};

const MDATP_HEALTH: Asked<'static> = Asked {
    programs: &["/usr/local/bin/mdatp"],
    arguments: &["health", "--output", "json"],
    max: 256 << 10,
    ..OWN
};

pub(super) fn processes(programs: &Path) -> Answer<ToolOutput> {
    must_be_there(below(programs, &PROCESSES), &PROCESSES)
}

pub(super) fn boot_session(programs: &Path) -> Answer<ToolOutput> {
    must_be_there(below(programs, &BOOT_SESSION), &BOOT_SESSION)
}

pub(super) fn ask(programs: &Path, tool: Tool) -> Answer<ToolOutput> {
    match tool {
        Tool::Receipts => must_be_there(below(programs, &RECEIPTS), &RECEIPTS),
        // Of macOS 10.15 and later: an older one has no such extensions.
        Tool::SystemExtensions => below(programs, &SYSTEM_EXTENSIONS),
        Tool::SystemKeychain => must_be_there(below(programs, &SYSTEM_KEYCHAIN), &SYSTEM_KEYCHAIN),
        Tool::PlatformExpert => must_be_there(below(programs, &PLATFORM_EXPERT), &PLATFORM_EXPERT),
        Tool::FileVault => must_be_there(below(programs, &FILEVAULT), &FILEVAULT),
        Tool::PmsetBatteries => must_be_there(below(programs, &BATTERIES), &BATTERIES),
        Tool::MdatpHealth => below(programs, &MDATP_HEALTH),
        // Its own word has another form here (`falconctl stats`), which nobody has read to the end.
        Tool::FalconState => Answer::Failed("how Falcon answers on macOS is not known to this version".to_owned()),
        // Linux has these.
        Tool::RpmQueryAll | Tool::ClamdVersion | Tool::NeedsRestarting | Tool::NeedsRebooting | Tool::KeslAppInfo => {
            Answer::Unsupported
        }
    }
}

fn below(programs: &Path, asked: &Asked<'_>) -> Answer<ToolOutput> {
    if programs.as_os_str().is_empty() {
        return answer(asked);
    }
    let prefix = programs.display();
    let programs: Vec<String> = asked
        .programs
        .iter()
        .map(|program| format!("{prefix}{program}"))
        .collect();
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    answer(&Asked {
        programs: &programs,
        ..*asked
    })
}

/// Every macOS has it.
fn must_be_there(said: Answer<ToolOutput>, asked: &Asked<'_>) -> Answer<ToolOutput> {
    said.expected(|| format!("{} is missing, which every macOS has", asked.programs.join(" and ")))
}
