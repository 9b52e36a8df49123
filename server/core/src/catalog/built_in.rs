//! The recipe files that are compiled in.

/// Name and text of each.
pub(super) const RECIPES: &[(&str, &str)] = &[
    (
        "clamav-daemon.toml",
        include_str!("../../../recipes/clamav-daemon.toml"),
    ),
    (
        "clamav-on-access.toml",
        include_str!("../../../recipes/clamav-on-access.toml"),
    ),
    ("clamav.toml", include_str!("../../../recipes/clamav.toml")),
    (
        "crowdstrike-falcon.toml",
        include_str!("../../../recipes/crowdstrike-falcon.toml"),
    ),
    (
        "defender-antivirus.toml",
        include_str!("../../../recipes/defender-antivirus.toml"),
    ),
    (
        "defender-endpoint.toml",
        include_str!("../../../recipes/defender-endpoint.toml"),
    ),
    ("epagent.toml", include_str!("../../../recipes/epagent.toml")),
    (
        "kaspersky-consumer.toml",
        include_str!("../../../recipes/kaspersky-consumer.toml"),
    ),
    (
        "kaspersky-embedded.toml",
        include_str!("../../../recipes/kaspersky-embedded.toml"),
    ),
    (
        "kaspersky-light-agent.toml",
        include_str!("../../../recipes/kaspersky-light-agent.toml"),
    ),
    (
        "kaspersky-mail-windows.toml",
        include_str!("../../../recipes/kaspersky-mail-windows.toml"),
    ),
    (
        "kaspersky-other.toml",
        include_str!("../../../recipes/kaspersky-other.toml"),
    ),
    (
        "kaspersky-password-manager.toml",
        include_str!("../../../recipes/kaspersky-password-manager.toml"),
    ),
    (
        "kaspersky-safe-kids.toml",
        include_str!("../../../recipes/kaspersky-safe-kids.toml"),
    ),
    (
        "kaspersky-software-updater.toml",
        include_str!("../../../recipes/kaspersky-software-updater.toml"),
    ),
    (
        "kaspersky-tools.toml",
        include_str!("../../../recipes/kaspersky-tools.toml"),
    ),
    (
        "kaspersky-traces.toml",
        include_str!("../../../recipes/kaspersky-traces.toml"),
    ),
    (
        "kaspersky-vpn.toml",
        include_str!("../../../recipes/kaspersky-vpn.toml"),
    ),
    ("kav-mac.toml", include_str!("../../../recipes/kav-mac.toml")),
    ("kea.toml", include_str!("../../../recipes/kea.toml")),
    ("kes-windows.toml", include_str!("../../../recipes/kes-windows.toml")),
    ("kesl-gui.toml", include_str!("../../../recipes/kesl-gui.toml")),
    ("kesl.toml", include_str!("../../../recipes/kesl.toml")),
    ("kess-windows.toml", include_str!("../../../recipes/kess-windows.toml")),
    ("kess.toml", include_str!("../../../recipes/kess.toml")),
    ("kics-windows.toml", include_str!("../../../recipes/kics-windows.toml")),
    ("kics.toml", include_str!("../../../recipes/kics.toml")),
    ("klms.toml", include_str!("../../../recipes/klms.toml")),
    ("klnagent-mac.toml", include_str!("../../../recipes/klnagent-mac.toml")),
    (
        "klnagent-windows.toml",
        include_str!("../../../recipes/klnagent-windows.toml"),
    ),
    ("klnagent64.toml", include_str!("../../../recipes/klnagent64.toml")),
    ("kpsn.toml", include_str!("../../../recipes/kpsn.toml")),
    ("ksc-console.toml", include_str!("../../../recipes/ksc-console.toml")),
    ("ksc-windows.toml", include_str!("../../../recipes/ksc-windows.toml")),
    ("ksc64.toml", include_str!("../../../recipes/ksc64.toml")),
    ("ksmg.toml", include_str!("../../../recipes/ksmg.toml")),
    ("ksws.toml", include_str!("../../../recipes/ksws.toml")),
    ("kuma.toml", include_str!("../../../recipes/kuma.toml")),
    ("kwts.toml", include_str!("../../../recipes/kwts.toml")),
    ("lmc.toml", include_str!("../../../recipes/lmc.toml")),
    ("scan-engine.toml", include_str!("../../../recipes/scan-engine.toml")),
];
