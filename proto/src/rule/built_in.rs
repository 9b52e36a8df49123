//! The rule files that are compiled in.

/// The revision of the rules that are compiled in. The server raises it when it signs newer ones.
pub const BUILT_IN_REVISION: u64 = 4;

macro_rules! files {
    ($($name:literal,)+) => {
        &[$(($name, include_str!(concat!("../../rules/", $name))),)+]
    };
}

/// Every rule file that is compiled in: name and text.
pub const BUILT_IN: &[(&str, &str)] = files![
    "bitdefender.toml",
    "clamav-daemon.toml",
    "clamav-on-access.toml",
    "clamav.toml",
    "crowdstrike-falcon.toml",
    "defender-antivirus.toml",
    "defender-endpoint.toml",
    "epagent.toml",
    "eset.toml",
    "kaspersky-consumer.toml",
    "kaspersky-embedded.toml",
    "kaspersky-light-agent.toml",
    "kaspersky-mail-windows.toml",
    "kaspersky-other.toml",
    "kaspersky-password-manager.toml",
    "kaspersky-safe-kids.toml",
    "kaspersky-software-updater.toml",
    "kaspersky-tools.toml",
    "kaspersky-traces.toml",
    "kaspersky-vpn.toml",
    "kav-mac.toml",
    "kea.toml",
    "kes-windows.toml",
    "kesl-gui.toml",
    "kesl.toml",
    "kess-windows.toml",
    "kess.toml",
    "kics-windows.toml",
    "kics.toml",
    "klms.toml",
    "klnagent-mac.toml",
    "klnagent-windows.toml",
    "klnagent64.toml",
    "kpsn.toml",
    "ksc-console.toml",
    "ksc-windows.toml",
    "ksc64.toml",
    "ksmg.toml",
    "ksws.toml",
    "kuma.toml",
    "kwts.toml",
    "lmc.toml",
    "scan-engine.toml",
    "sentinelone.toml",
    "sophos.toml",
    "trend-micro.toml",
    "ultraav.toml",
    "ultravpn.toml",
];
