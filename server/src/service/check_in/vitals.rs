//! What moves too often on a host for its inventories. Kept with the host's row as it was told last, shown on its page.

use cutover_proto::v1;
use serde::{Deserialize, Serialize};

use super::{super::CallError, network::put_reported};
use crate::store::hosts::HostRow;

/// The key of [`HostRow::reported`] that holds them.
const KEY: &str = "vitals";

/// A host's vitals; what it could not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Vitals {
    free_disk_mib: Option<u64>,
    on_battery: Option<bool>,
    #[serde(default)]
    battery_percent: Option<u32>,
}

impl Vitals {
    /// None where nothing crossed a threshold, and of agents that tell none.
    pub(super) fn said(vitals: Option<v1::Vitals>) -> Option<Self> {
        vitals.map(|it| Self {
            free_disk_mib: it.free_disk_mib,
            on_battery: it.on_battery,
            battery_percent: it.battery_percent.filter(|percent| *percent <= 100),
        })
    }

    /// As the host told them last; none where it never did.
    pub(in super::super) fn of(reported: &str) -> Option<Self> {
        let all: serde_json::Value = serde_json::from_str(reported).ok()?;
        serde_json::from_value(all.get(KEY)?.clone()).ok()
    }

    /// For people. What a host never told is as unknown as what it could not tell.
    pub(in super::super) fn in_words(vitals: Option<&Self>) -> Vec<String> {
        let power = match vitals.and_then(|it| it.on_battery) {
            Some(true) => "on its battery",
            Some(false) => "from the mains",
            None => "unknown",
        };
        let charge = vitals
            .and_then(|it| it.battery_percent)
            .map_or_else(String::new, |percent| format!(", {percent} % full"));
        let free = vitals
            .and_then(|it| it.free_disk_mib)
            .map_or_else(|| "unknown".to_owned(), |mib| format!("at least {mib} MiB"));
        vec![format!("power: {power}{charge}"), format!("free disk: {free}")]
    }
}

/// Puts what was said into the host's row.
pub(super) fn take(host: &mut HostRow, said: Option<&Vitals>) -> Result<(), CallError> {
    match said {
        Some(said) if Vitals::of(&host.reported).as_ref() != Some(said) => put_reported(host, KEY, said),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_told_or_could_not_be_told_is_unknown() {
        let unknown = ["power: unknown", "free disk: unknown"];
        assert_eq!(Vitals::in_words(None), unknown);
        let silent = Vitals::said(Some(v1::Vitals::default()));
        assert_eq!(Vitals::in_words(silent.as_ref()), unknown);
        assert_eq!(Vitals::said(None), None);
        let told = Vitals::said(Some(v1::Vitals {
            free_disk_mib: Some(0),
            on_battery: Some(true),
            battery_percent: Some(200),
            ..v1::Vitals::default()
        }));
        assert_eq!(
            Vitals::in_words(told.as_ref()),
            ["power: on its battery", "free disk: at least 0 MiB"]
        );
    }
}
