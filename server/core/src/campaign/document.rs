//! The form of campaign files, and the presets that are compiled in.

use cutover_proto::{ids::ProductId, inventory::OsFamily, verdict::Protection};
use serde::Deserialize;
use toml::Spanned;

use super::{
    CampaignKind, DutyTrigger, Mode, PendingRestart, Regime,
    detection_tests::DetectionTestsInFile,
    drain::DrainInFile,
    notice::NoticeInFile,
    priority::PriorityInFile,
    readiness::ReadinessInFile,
    selector::{HostClass, Selector},
    timetable::SiteInFile,
    waves::{self, WaveInFile},
};
use crate::{
    catalog::{Settings, Source},
    coverage::CountedLooks,
    hours::{BlackoutInFile, WindowInFile},
};

/// The version of the file format that this program reads.
pub(super) const SCHEMA: u32 = 1;

/// Presets: name of the file and its text. The first is the default.
pub const PRESETS: &[(&str, &str)] = &[
    (
        "kaspersky-us-2024.toml",
        include_str!("../../../campaigns/kaspersky-us-2024.toml"),
    ),
    (
        "kaspersky-us-bod-17-01.toml",
        include_str!("../../../campaigns/kaspersky-us-bod-17-01.toml"),
    ),
    (
        "kaspersky-us-ndaa-1634.toml",
        include_str!("../../../campaigns/kaspersky-us-ndaa-1634.toml"),
    ),
    (
        "kaspersky-us-far-52-204-23.toml",
        include_str!("../../../campaigns/kaspersky-us-far-52-204-23.toml"),
    ),
    (
        "kaspersky-us-fcc-covered-list.toml",
        include_str!("../../../campaigns/kaspersky-us-fcc-covered-list.toml"),
    ),
    (
        "kaspersky-au-pspf-2025.toml",
        include_str!("../../../campaigns/kaspersky-au-pspf-2025.toml"),
    ),
    (
        "kaspersky-ca-mobile-2023.toml",
        include_str!("../../../campaigns/kaspersky-ca-mobile-2023.toml"),
    ),
    (
        "kaspersky-lt-2017.toml",
        include_str!("../../../campaigns/kaspersky-lt-2017.toml"),
    ),
    (
        "kaspersky-de-bsi-2022.toml",
        include_str!("../../../campaigns/kaspersky-de-bsi-2022.toml"),
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CampaignInFile {
    pub(super) schema: u32,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: CampaignKind,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(default)]
    pub(super) no_cutoff: String,
    #[serde(default)]
    pub(super) duty: Vec<DutyInFile>,
    pub(super) targets: Vec<ProductId>,
    #[serde(default = "observe")]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) accepted_grades: Vec<Protection>,
    #[serde(default)]
    pub(super) recovery_target: Option<Spanned<toml::Value>>,
    #[serde(deserialize_with = "waves::one_or_many")]
    pub(super) wave: Vec<WaveInFile>,
    #[serde(default)]
    pub(super) out_of_scope: Vec<ScopeInFile>,
    #[serde(default)]
    pub(super) priority: Vec<PriorityInFile>,
    #[serde(default)]
    pub(super) site: Vec<SiteInFile>,
    #[serde(default)]
    pub(super) window: Vec<Spanned<WindowInFile>>,
    #[serde(default)]
    pub(super) blackout: Vec<Spanned<BlackoutInFile>>,
    pub(super) milestone: Vec<MilestoneInFile>,
    pub(super) replacement: Vec<ReplacementInFile>,
    #[serde(default)]
    pub(super) readiness: Vec<ReadinessInFile>,
    #[serde(default)]
    pub(super) notice: Option<NoticeInFile>,
    #[serde(default)]
    pub(super) detection_tests: Option<DetectionTestsInFile>,
    #[serde(default)]
    pub(super) drain: Vec<DrainInFile>,
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

/// A duty to report.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DutyInFile {
    pub(super) name: Spanned<String>,
    pub(super) on: DutyTrigger,
    pub(super) to: String,
    #[serde(default)]
    pub(super) within: Option<String>,
    #[serde(default)]
    pub(super) follow_up: Option<String>,
    #[serde(default)]
    pub(super) note: String,
}

/// Hosts that the duty does not reach.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeInFile {
    pub(super) name: Spanned<String>,
    pub(super) why: String,
    #[serde(rename = "match")]
    pub(super) hosts: Selector,
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
    #[serde(default, rename = "match")]
    pub(super) hosts: Selector,
    pub(super) product: Spanned<ProductId>,
    #[serde(default)]
    pub(super) second: Option<ProductId>,
    #[serde(default)]
    pub(super) use_second: bool,
    #[serde(default)]
    pub(super) tenant: Option<String>,
    #[serde(default)]
    pub(super) settings: Settings,
    #[serde(default)]
    pub(super) source: Option<Source>,
    #[serde(default)]
    pub(super) download: Option<String>,
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
    pub(super) handwork_within: Option<String>,
    pub(super) max_in_flight: Option<u32>,
    pub(super) site_in_flight: Option<u32>,
    pub(super) starts_per_hour: Option<u32>,
    pub(super) bandwidth: Option<String>,
    pub(super) first_canaries: Option<u32>,
    pub(super) trust_unproven: Option<String>,
    pub(super) approval_for: Option<Vec<HostClass>>,
    pub(super) imported_looks: Option<CountedLooks>,
    pub(super) imported_look_holds: Option<String>,
    pub(super) retire: Option<String>,
}
