//! systemd units.

use cutover_proto::words;

words! {
    /// Whether a unit starts by itself.
    pub enum UnitState("unit state") {
        /// Replaced by nothing, so that it cannot start.
        Masked = "masked",
        /// Linked from a target that wants it.
        Enabled = "enabled",
        /// There, and nothing wants it.
        Disabled = "disabled",
    }
}

/// What a unit file says, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitFile {
    /// `[Unit] Description=`.
    pub description: String,
    /// `[Service] ExecStart=`, each the whole line.
    pub exec_start: Vec<String>,
    /// `[Install] WantedBy=` and `RequiredBy=`: the targets that start it, once it is enabled.
    pub wanted_by: Vec<String>,
}
