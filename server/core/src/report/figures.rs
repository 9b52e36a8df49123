//! Figures of the deadline report, from totals and the rows that stand still.

use std::collections::BTreeMap;

use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use crate::{
    campaign::{Campaign, CampaignKind, TestedOn},
    forecast::no_target_text,
    plan::{Owner, Phase, Plan, ShownBy},
    standing::{Headline, Standing, Totals, standing},
    waiting::Waiting,
};

/// A milestone as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MilestoneFigure {
    /// Its name.
    pub name: String,
    /// Whose: `legal`, `vendor`, `company`; the recovery target is the company's.
    pub regime: String,
    /// When.
    pub at_ms: i64,
    /// Whole days until then (positive) or since (negative), rounded towards zero.
    pub days: i64,
    /// Whether it is past.
    pub past: bool,
    /// What is not certain about it.
    pub note: String,
}

/// A host that stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckHost {
    /// Which.
    pub host_id: HostId,
    /// For people.
    pub hostname: String,
    /// Where it stands.
    pub phase: String,
    /// How it relates to the duty.
    pub standing: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub remedy: String,
    /// Who must act.
    pub owner: String,
    /// Since when.
    pub since_ms: i64,
}

/// Everything the report says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// As of.
    pub at_ms: i64,
    /// Which campaign.
    pub campaign_id: String,
    /// Its title.
    pub campaign_title: String,
    /// Its version.
    pub campaign_version: u32,
    /// Of the recipes.
    pub catalog_revision: u64,
    /// All hosts.
    pub hosts: i64,
    /// Milestones, and the recovery target.
    pub milestones: Vec<MilestoneFigure>,
    /// Count by phase, in the phases' order, none left out.
    pub phases: Vec<(String, i64)>,
    /// Count by standing, none left out; `outside` is what lies outside the duty. Adds up to `hosts` and the assets that
    /// are no host, which the notes name.
    pub standings: Vec<(String, i64)>,
    /// Migrated hosts by what their work rests on, none left out: adds up to all that are migrated. Empty in reports of earlier
    /// versions, and where nobody asks.
    #[serde(default)]
    pub grades: Vec<(String, i64)>,
    /// `12 of 25 (48 %)`: replaced, of hosts that ever carried it.
    pub replaced: String,
    /// Unknown, of all expected or enrolled.
    pub unknown: String,
    /// Hosts that stand still, longest first.
    pub stuck: Vec<StuckHost>,
    /// What could not be computed, and why.
    pub notes: Vec<String>,
}

const DAY_MS: i64 = 86_400_000;

impl StuckHost {
    /// The row of a plan that stands still: one that waits for a person, or for something outside. `None` where the plan
    /// goes on by itself or is done.
    #[must_use]
    pub fn of(plan: &Plan, waiting: Option<&Waiting>, campaign: &Campaign, now_ms: i64) -> Option<Self> {
        let waiting = waiting?;
        let is_still = match plan.phase {
            Phase::Unassessed | Phase::Unplanned | Phase::Blocked | Phase::Handwork | Phase::Failed => true,
            Phase::Planned | Phase::Queued | Phase::Migrating | Phase::Rebooting | Phase::Verifying => {
                plan.stale || matches!(waiting.owner(), Owner::Operator | Owner::Helpdesk | Owner::Technician)
            }
            Phase::Clear | Phase::Migrated => plan.stale || plan.unhealthy_since_ms.is_some(),
            Phase::Exempt | Phase::Concluded | Phase::OutOfScope | Phase::Retired => false,
        };
        is_still.then(|| Self {
            host_id: plan.host_id,
            hostname: plan
                .assessment
                .as_ref()
                .map(|it| it.hostname.clone())
                .unwrap_or_default(),
            phase: plan.phase.to_string(),
            standing: spelling(standing(&plan.bucket(), now_ms, campaign)),
            reason: waiting.text(),
            remedy: waiting.remedy(),
            owner: waiting.owner().to_string(),
            since_ms: plan.phase_since_ms,
        })
    }
}

/// The stored spelling of a standing; `outside` is what lies outside the duty.
fn spelling(standing: Option<Standing>) -> String {
    standing.map_or("outside", Standing::as_str).to_owned()
}

/// Computes them.
#[must_use]
pub fn figures(
    totals: &Totals,
    mut stuck: Vec<StuckHost>,
    campaign: &Campaign,
    catalog_revision: u64,
    now_ms: i64,
) -> Figures {
    stuck.sort_by_key(|host| (host.since_ms, host.host_id));
    let by_phase = totals.by_phase();
    let by_standing = totals.by_standing(now_ms, campaign);
    let headline = Headline::of(totals, now_ms, campaign);
    let standings = Standing::ALL.iter().copied().map(Some).chain([None]);
    Figures {
        at_ms: now_ms,
        campaign_id: campaign.id.to_string(),
        campaign_title: campaign.title.clone(),
        campaign_version: campaign.version,
        catalog_revision,
        hosts: totals.hosts(),
        milestones: milestones(campaign, now_ms),
        phases: Phase::ALL
            .iter()
            .map(|phase| (phase.to_string(), by_phase.get(phase).copied().unwrap_or(0)))
            .collect(),
        standings: standings
            .map(|standing| (spelling(standing), by_standing.get(&standing).copied().unwrap_or(0)))
            .collect(),
        grades: Vec::new(),
        replaced: headline.replaced.to_string(),
        unknown: headline.unknown.to_string(),
        stuck,
        notes: assets_note(totals).into_iter().chain(notes(campaign, now_ms)).collect(),
    }
}

impl Figures {
    /// With migrated hosts by what their work rests on. What is kept of none of them is untold.
    #[must_use]
    pub fn with_grades(mut self, kept: &BTreeMap<ShownBy, i64>) -> Self {
        let migrated = Phase::Migrated.to_string();
        let migrated = self.phases.iter().find(|(phase, _)| *phase == migrated);
        let rest = migrated.map_or(0, |(_, hosts)| *hosts) - kept.values().sum::<i64>();
        self.grades = ShownBy::ALL
            .iter()
            .map(|grade| {
                let hosts = kept.get(grade).copied().unwrap_or(0);
                let untold = if *grade == ShownBy::Untold { rest } else { 0 };
                (grade.to_string(), hosts + untold)
            })
            .collect();
        self
    }
}

/// What is in the standings beside the hosts; nothing where no import named any.
fn assets_note(totals: &Totals) -> Option<String> {
    let count = totals.expected() - totals.hosts();
    let parts: Vec<String> = totals
        .assets()
        .iter()
        .map(|(bucket, assets)| format!("{bucket} {assets}"))
        .collect();
    (count > 0).then(|| {
        format!(
            "The standings count {count} assets without agent beside the {} hosts: {}.",
            totals.hosts(),
            parts.join(", ")
        )
    })
}

fn milestones(campaign: &Campaign, now_ms: i64) -> Vec<MilestoneFigure> {
    let figure = |name: &str, regime: &str, at_ms: i64, note: &str| MilestoneFigure {
        name: name.to_owned(),
        regime: regime.to_owned(),
        at_ms,
        days: (at_ms - now_ms) / DAY_MS,
        past: now_ms >= at_ms,
        note: note.to_owned(),
    };
    let set = campaign
        .milestones
        .iter()
        .map(|it| figure(&it.name, it.regime.as_str(), it.at_ms, &it.note));
    let recovery = campaign
        .recovery_target_ms
        .map(|at_ms| figure("recovery target", "company", at_ms, ""));
    set.chain(recovery).collect()
}

fn notes(campaign: &Campaign, now_ms: i64) -> Vec<String> {
    let use_is_free = match campaign.kind {
        CampaignKind::UseBan => None,
        CampaignKind::SaleAndUpdateBan => Some(
            "The duty bans sale and updates of the product; it does not forbid the use of what is installed."
                .to_owned(),
        ),
        CampaignKind::Advice => Some("The duty is advice; nobody is bound by it.".to_owned()),
    };
    let trusts = campaign
        .trusts_unproven()
        .map(|text| format!("By policy.trust_unproven of the campaign, {text}."));
    let untested = (campaign.detection_tests.on == TestedOn::None).then(|| {
        "By detection_tests of the campaign, no replacement is shown a test file: each counts as protecting by what it says of \
         itself."
            .to_owned()
    });
    no_target_text(campaign, now_ms)
        .into_iter()
        .chain(use_is_free)
        .chain(trusts)
        .chain(untested)
        .collect()
}
