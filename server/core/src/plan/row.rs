//! The plan itself.

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::{
    ids::{CampaignId, HostId, ProductId},
    step::StepKind,
};
use serde::{Deserialize, Serialize};

use super::{
    Account, Approval, DiskAttestation, Drain, Exemption, Gap, Handwork, Hold, HoldKind, JournalFault, Known,
    LastFailure, Notices, OpenOrder, Origin, Phase, Pool, Reason, RestartOwed, Tried, Verify,
};
use crate::{catalog::Proven, judge::Assessment, rollout::Outcome, upkeep::Dates};

/// One host in one campaign. Stored as JSON; fields that a later version adds are tolerated, and have defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whose.
    pub host_id: HostId,
    /// In which campaign.
    pub campaign_id: CampaignId,
    /// The version that it was last decided under.
    #[serde(default)]
    pub campaign_version: u32,
    /// How many events made it; 0 before [`Input::Enrolled`](crate::decide::Input::Enrolled).
    pub seq: u64,
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub phase_since_ms: i64,
    /// Its wave.
    #[serde(default)]
    pub wave: String,
    /// Its site; empty where none is known.
    #[serde(default)]
    pub site: String,
    /// Attempts used up since the last retry by an operator.
    #[serde(default)]
    pub attempts_used: u32,
    /// Hindrances in a row that used no attempt (lock, network).
    #[serde(default)]
    pub hindrances: u32,
    /// The order that is out.
    #[serde(default)]
    pub order: Option<OpenOrder>,
    /// The highest order number that was issued.
    #[serde(default)]
    pub highest_order: u64,
    /// The identity that this machine shared with others; its history goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<HostId>,
    /// What people and records say of it.
    #[serde(default)]
    pub known: Known,
    /// It came into its wave when that was open already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_late_joiner: bool,
    /// The machines that this plan is of, where they come and go from one image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// What stops starts.
    #[serde(default)]
    pub holds: BTreeMap<HoldKind, Hold>,
    /// Why the host's own agent begins no order, as it said last: its `hold` file.
    #[serde(default)]
    pub local_hold: Option<String>,
    /// Kinds of steps that the host's agent does not know, as it said last. No order holds one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking_steps: Vec<StepKind>,
    /// A waiver.
    #[serde(default)]
    pub exemption: Option<Exemption>,
    /// What people attest of its disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disks: Option<DiskAttestation>,
    /// What was arranged about the handwork that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handwork: Option<Handwork>,
    /// The named rule that leaves this host out of scope.
    #[serde(default)]
    pub scoped_out_by: Option<String>,
    /// Whether a look or an import ever showed a target.
    #[serde(default)]
    pub ever_carried: bool,
    /// When that was first.
    #[serde(default)]
    pub first_carried_ms: Option<i64>,
    /// When the agent enrolled (last time).
    #[serde(default)]
    pub enrolled_ms: i64,
    /// No forced start before `grace` from here: enrolment, or coming back.
    #[serde(default)]
    pub grace_from_ms: i64,
    /// Host time of the newest look that was taken in.
    #[serde(default)]
    pub last_looked_ms: Option<i64>,
    /// The kernel session that was last heard of.
    #[serde(default)]
    pub last_boot_id: String,
    /// What the newest look means.
    #[serde(default)]
    pub assessment: Option<Assessment>,
    /// What looks told last of how targets are kept up that are there or may be. A look that tells no date does not take
    /// one back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dates: BTreeMap<ProductId, Dates>,
    /// The replacement that is planned.
    #[serde(default)]
    pub replacement: Option<ProductId>,
    /// Why it is in its phase, where that needs saying.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// No start before.
    #[serde(default)]
    pub retry_at_ms: Option<i64>,
    /// What the last attempt said.
    #[serde(default)]
    pub last_failure: Option<LastFailure>,
    /// Secrets that did not help a product of this host to go, by digests: none is tried here again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets_tried: BTreeMap<ProductId, BTreeSet<String>>,
    /// How far verifying has come.
    #[serde(default)]
    pub verify: Option<Verify>,
    /// Recipes of its next order with which a few go first, since they have not soaked here yet, as it was last decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untried: Vec<String>,
    /// How many bytes its next order would make it fetch, as it was last decided; 0 where no line of its is limited.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub fetches: u64,
    /// The recipes that its newest order went by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipes: Vec<String>,
    /// The least that the recipes of its orders were shown on, since it last began to carry a target; `None` before the first that
    /// said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Proven>,
    /// Its places among those that go first with a recipe, held until it is known what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_places: Vec<String>,
    /// Such places that it keeps since its work failed, or it was not heard of any more: until it succeeds, or a person decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_places: Vec<String>,
    /// Who did the work that is, or was, verified.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// A person let it start.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// The host's journal is not to be trusted until a fresh look settles it.
    #[serde(default)]
    pub journal_fault: Option<JournalFault>,
    /// Host time that this look must be newer than; set at the first contact after the fault.
    #[serde(default)]
    pub journal_look_after_ms: Option<i64>,
    /// Since when the replacement of a migrated host has not been healthy.
    #[serde(default)]
    pub unhealthy_since_ms: Option<i64>,
    /// Products whose leftovers are still to be swept.
    #[serde(default)]
    pub leftovers: Vec<ProductId>,
    /// Time under protection.
    pub account: Account,
    /// The gap that an order opened and nothing has closed yet.
    #[serde(default)]
    pub gap: Option<Gap>,
    /// How often the target came back after `migrated`.
    #[serde(default)]
    pub regressions: u32,
    /// How often it came back since a person last acted on that.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounds: u32,
    /// How often protection was lost after `migrated`.
    #[serde(default)]
    pub protection_losses: u32,
    /// Not heard of for longer than `stale_after`.
    #[serde(default)]
    pub stale: bool,
    /// It fell silent right after enrolling while a target was there: the product may have removed the agent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agent_perhaps_lost: bool,
    /// The forecast says that it will miss the target.
    #[serde(default)]
    pub late: bool,
    /// A restart without which a removal is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_owed: Option<RestartOwed>,
    /// The kernel session that the newest restart of ours began; empty before the first. What still waits for a restart
    /// in it is not cured by another one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub restarted_into: String,
    /// What came of the newest order of ours, for the gate and the breaker of its wave.
    #[serde(default, skip_serializing_if = "Outcome::is_none")]
    pub outcome: Outcome,
    /// The round of the wave's breaker in which that counts.
    #[serde(default, skip_serializing_if = "super::is_first")]
    pub round: u32,
    /// The wave in which it counts: that of the host when the order was issued.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tried_in: String,
    /// What it was before the order that is under way; that comes back where nothing comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_before: Option<Tried>,
    /// What its user was told of the start ahead, and put off.
    #[serde(default, skip_serializing_if = "Notices::is_none")]
    pub notices: Notices,
    /// Another system drains it, or drained it, before its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// How often it was drained, or asked to be; the number of the newest.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub drains: u32,
}

impl Plan {
    /// A plan before its first event.
    #[must_use]
    pub fn unborn(host_id: HostId, campaign_id: CampaignId) -> Self {
        Self {
            host_id,
            campaign_id,
            campaign_version: 0,
            seq: 0,
            phase: Phase::Unassessed,
            phase_since_ms: 0,
            wave: String::new(),
            site: String::new(),
            attempts_used: 0,
            hindrances: 0,
            order: None,
            highest_order: 0,
            forked_from: None,
            known: Known::default(),
            is_late_joiner: false,
            pool: None,
            holds: BTreeMap::new(),
            local_hold: None,
            lacking_steps: Vec::new(),
            exemption: None,
            disks: None,
            handwork: None,
            scoped_out_by: None,
            ever_carried: false,
            first_carried_ms: None,
            enrolled_ms: 0,
            grace_from_ms: 0,
            last_looked_ms: None,
            last_boot_id: String::new(),
            assessment: None,
            dates: BTreeMap::new(),
            replacement: None,
            reason: Some(Reason::NoInventory),
            retry_at_ms: None,
            last_failure: None,
            secrets_tried: BTreeMap::new(),
            verify: None,
            untried: Vec::new(),
            fetches: 0,
            recipes: Vec::new(),
            grade: None,
            first_places: Vec::new(),
            kept_places: Vec::new(),
            origin: None,
            approval: None,
            journal_fault: None,
            journal_look_after_ms: None,
            unhealthy_since_ms: None,
            leftovers: Vec::new(),
            account: Account::open(0),
            gap: None,
            regressions: 0,
            rounds: 0,
            protection_losses: 0,
            stale: false,
            agent_perhaps_lost: false,
            late: false,
            restart_owed: None,
            restarted_into: String::new(),
            outcome: Outcome::None,
            round: 0,
            tried_in: String::new(),
            tried_before: None,
            notices: Notices::default(),
            drain: None,
            drains: 0,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
const fn is_nothing(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
