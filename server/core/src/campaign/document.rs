//! Campaign files: the form, and the presets that are compiled in.

/// Presets: name of the file and its text. The first is the default.
pub const PRESETS: &[(&str, &str)] = &[(
    "kaspersky-us-2024.toml",
    include_str!("../../../campaigns/kaspersky-us-2024.toml"),
)];
