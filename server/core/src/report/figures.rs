//! Figures of the deadline report, from totals and the rows that stand still.

use cutover_proto::ids::HostId;
use serde::Serialize;

use crate::{campaign::Campaign, standing::Totals};

/// A milestone as of an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MilestoneFigure {
    /// Its name.
    pub name: String,
    /// Whose: `legal`, `vendor`, `company`, or `recovery-target`.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Count by standing, none left out; `outside` is what lies outside the duty. Adds up to `hosts`.
    pub standings: Vec<(String, i64)>,
    /// `12 of 25 (48 %)`: replaced, of hosts that ever carried it.
    pub replaced: String,
    /// Unknown, of all expected or enrolled.
    pub unknown: String,
    /// Hosts that stand still, longest first.
    pub stuck: Vec<StuckHost>,
    /// What could not be computed, and why.
    pub notes: Vec<String>,
}

/// Computes them.
#[must_use]
pub fn figures(
    totals: &Totals,
    stuck: Vec<StuckHost>,
    campaign: &Campaign,
    catalog_revision: u64,
    now_ms: i64,
) -> Figures {
    todo!("{totals:?} {stuck:?} {campaign:?} {catalog_revision} {now_ms}")
}
