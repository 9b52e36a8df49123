//! The form of campaign files, and the presets that are compiled in.

use cutover_proto::{ids::ProductId, inventory::OsFamily, verdict::Protection};
use serde::Deserialize;
use toml::Spanned;

use super::{CampaignKind, Mode, PendingRestart, Regime};
use crate::{
    catalog::{Settings, Source},
    coverage::CountedLooks,
};

/// The version of the file format that this program reads.
pub(super) const SCHEMA: u32 = 1;

/// Presets: name of the file and its text. The first is the default.
pub const PRESETS: &[(&str, &str)] = &[(
    "kaspersky-us-2024.toml",
    include_str!("../../../campaigns/kaspersky-us-2024.toml"),
)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignInFile {
    pub(super) schema: u32,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: CampaignKind,
    pub(super) targets: Vec<ProductId>,
    #[serde(default = "observe")]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) accepted_grades: Vec<Protection>,
    #[serde(default)]
    pub(super) recovery_target: Option<Spanned<toml::Value>>,
    pub(super) wave: WaveInFile,
    pub(super) milestone: Vec<MilestoneInFile>,
    pub(super) replacement: Vec<ReplacementInFile>,
    #[serde(default)]
    pub(super) policy: PolicyInFile,
    #[serde(default)]
    pub(super) executor: Option<ExecutorInFile>,
}

/// Others who do the work.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecutorInFile {
    pub(super) name: String,
    pub(super) owner: String,
    #[serde(deserialize_with = "super::span::deserialize")]
    pub(super) within: std::time::Duration,
}

/// A new campaign only looks.
const fn observe() -> Mode {
    Mode::Observe
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaveInFile {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MilestoneInFile {
    pub(super) name: String,
    pub(super) regime: Regime,
    pub(super) at: Spanned<toml::Value>,
    #[serde(default)]
    pub(super) note: String,
    #[serde(default)]
    pub(super) cutoff: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplacementInFile {
    #[serde(default)]
    pub(super) os_family: Vec<OsFamily>,
    #[serde(default)]
    pub(super) os_id: Vec<String>,
    pub(super) product: ProductId,
    #[serde(default)]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) settings: Settings,
    #[serde(default)]
    pub(super) source: Option<Source>,
}

/// Every key is optional; [`Policy::default`](super::Policy) says what holds otherwise. Lengths of time are texts.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyInFile {
    pub(super) grace: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) attempts: Option<u32>,
    pub(super) hindrances: Option<u32>,
    pub(super) retry_base: Option<String>,
    pub(super) retry_cap: Option<String>,
    pub(super) soak: Option<String>,
    pub(super) order_life: Option<String>,
    pub(super) fetch_within: Option<String>,
    pub(super) silence: Option<String>,
    pub(super) restart_within: Option<String>,
    pub(super) restart_notice: Option<String>,
    pub(super) restart_time: Option<String>,
    pub(super) pending_restart: Option<PendingRestart>,
    pub(super) stale_after: Option<String>,
    pub(super) agent_lost_after: Option<String>,
    pub(super) protection_bound: Option<String>,
    pub(super) max_in_flight: Option<u32>,
    pub(super) imported_looks: Option<CountedLooks>,
    pub(super) imported_look_holds: Option<String>,
}
