//! The programs of Linux that are asked.

use std::time::Duration;

use super::{
    super::asking::{Asked, answer},
    clamd,
};
use crate::facts::{Answer, Tool, ToolOutput};

const RPM_QUERY_ALL: Asked<'static> = Asked {
    programs: &["/usr/bin/rpm", "/bin/rpm"],
    arguments: &["-qa", "--qf", crate::facts::RPM_QUERY_FORMAT],
    codes: &[0],
    // 2,000 packages take half a second; a database that another program has locked is waited for.
    time_limit: Duration::from_secs(60),
    // Some 60 bytes a package.
    max: 16 << 20,
};

/// Of yum-utils (RHEL 7 and its kin; later a wrapper of the plugin). It ends with 1 where a restart is wanted, and where it
/// failed.
const NEEDS_RESTARTING: Asked<'static> = Asked {
    programs: &["/usr/bin/needs-restarting"],
    arguments: &["-r"],
    codes: &[0, 1],
    time_limit: Duration::from_secs(60),
    max: 64 << 10,
};

/// A plugin of dnf. By `-C` no repository is asked.
const DNF_NEEDS_RESTARTING: Asked<'static> = Asked {
    programs: &["/usr/bin/dnf"],
    arguments: &["-C", "needs-restarting", "-r"],
    ..NEEDS_RESTARTING
};

/// It ends with 102 where a restart is wanted (zypper(8), `ZYPPER_EXIT_INF_REBOOT_NEEDED`).
const NEEDS_REBOOTING: Asked<'static> = Asked {
    programs: &["/usr/bin/zypper"],
    arguments: &["--non-interactive", "needs-rebooting"],
    codes: &[0, 102],
    ..NEEDS_RESTARTING
};

const MDATP_HEALTH: Asked<'static> = Asked {
    programs: &["/usr/bin/mdatp"],
    arguments: &["health", "--output", "json"],
    codes: &[0],
    // It asks its own daemon; one that hangs is no answer.
    time_limit: Duration::from_secs(30),
    // Some 3 kB.
    max: 256 << 10,
};

const FALCON_STATE: Asked<'static> = Asked {
    programs: &["/opt/CrowdStrike/falconctl"],
    arguments: &["-g", "--cid", "--aid", "--rfm-state"],
    codes: &[0],
    time_limit: Duration::from_secs(30),
    // A line or two.
    max: 16 << 10,
};

/// It asks its own daemon, so a limit: a similar tool of the vendor's on another system is known to hang.
const KESL_APP_INFO: Asked<'static> = Asked {
    programs: &["/opt/kaspersky/kesl/bin/kesl-control", "/usr/bin/kesl-control"],
    arguments: &["--app-info"],
    codes: &[0],
    time_limit: Duration::from_secs(30),
    // Some twenty lines.
    max: 64 << 10,
};

pub(super) fn ask(tool: Tool) -> Answer<ToolOutput> {
    match tool {
        Tool::RpmQueryAll => answer(&RPM_QUERY_ALL),
        Tool::ClamdVersion => clamd::version(),
        Tool::NeedsRestarting => match answer(&NEEDS_RESTARTING) {
            Answer::Absent => answer(&DNF_NEEDS_RESTARTING),
            said @ (Answer::Found(_) | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => said,
        },
        Tool::NeedsRebooting => answer(&NEEDS_REBOOTING),
        Tool::MdatpHealth => answer(&MDATP_HEALTH),
        Tool::FalconState => answer(&FALCON_STATE),
        Tool::KeslAppInfo => answer(&KESL_APP_INFO),
        // macOS has these.
        Tool::Receipts
        | Tool::SystemExtensions
        | Tool::SystemKeychain
        | Tool::FileVault
        | Tool::PlatformExpert
        | Tool::PmsetBatteries => Answer::Unsupported,
    }
}
