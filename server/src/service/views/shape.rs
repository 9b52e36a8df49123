//! What pages, REST and command line are given: one set of figures for all of them.

use serde::{Deserialize, Serialize};

use super::super::{FindingView, LookView, ProofView};

/// A part of a whole, never without the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// What is counted.
    pub part: u64,
    /// Of how many.
    pub whole: u64,
    /// As printed: 100 % and 0 % only when true.
    pub percent: String,
}

/// A count under a name, in the order in which it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Phase or standing.
    pub name: String,
    /// Hosts.
    pub count: u64,
}

/// An instant of the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MilestoneView {
    /// Its name.
    pub name: String,
    /// Legal, vendor, company.
    pub regime: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// In words: `785 days past`, `in 12 days`.
    pub distance: String,
}

/// A wave's state and counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveView {
    /// Its name.
    pub name: String,
    /// Open, closed or paused.
    pub state: String,
    /// All of its hosts.
    pub hosts: u64,
    /// Not started.
    pub waiting: u64,
    /// On their way.
    pub moving: u64,
    /// At their end.
    pub done: u64,
    /// Waiting for a person.
    pub stuck: u64,
    /// Why it is halted, who goes first, or what its gate waits for; empty where there is nothing of the kind.
    #[serde(default)]
    pub note: String,
}

/// A host that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckView {
    /// Its id.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub remedy: String,
    /// Who.
    pub owner: String,
}

/// Where the fleet stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// When, in milliseconds since the epoch.
    pub as_of_ms: i64,
    /// The campaign's id.
    pub campaign: String,
    /// Its title.
    pub title: String,
    /// Use ban, sale-and-update ban, advice.
    pub kind: String,
    /// Observe, approve, automatic.
    pub mode: String,
    /// Who paused, stopped or closed it, when and why; empty where it runs.
    #[serde(default)]
    pub halted: String,
    /// When it was closed: its figures are of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_ms: Option<i64>,
    /// Its version.
    pub campaign_version: u64,
    /// Of the recipes.
    pub catalog_revision: u64,
    /// Milestones and target in order of time.
    pub milestones: Vec<MilestoneView>,
    /// Every host of the campaign.
    pub hosts: u64,
    /// Hosts, and assets that are none: the whole of `standing` and `unknown`.
    pub expected: u64,
    /// Assets that are no host, by what they count as.
    pub assets: Vec<Count>,
    /// By phase; adds up to `hosts`.
    pub phases: Vec<Count>,
    /// By standing; adds up to `expected`.
    pub standing: Vec<Count>,
    /// Migrated, of hosts that ever carried a target.
    pub replaced: Share,
    /// Unknown, of all that are expected or enrolled.
    pub unknown: Share,
    /// Hosts whose last look showed real-time or on-demand protection, of all.
    pub protected: Share,
    /// Waves.
    pub waves: Vec<WaveView>,
    /// Hosts that wait for a person; at most [`STUCK_SHOWN`].
    pub stuck: Vec<StuckView>,
}

/// Stands for a last contact that is not kept.
pub const NOT_KEPT: i64 = -1;

const fn not_kept() -> i64 {
    NOT_KEPT
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_not_kept(ms: &i64) -> bool {
    *ms == NOT_KEPT
}

/// How many stuck hosts a summary names; `hosts list` has all.
pub const STUCK_SHOWN: usize = 50;

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// Its id.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// Its system, for people.
    pub system: String,
    /// Its phase.
    pub phase: String,
    /// Its standing.
    pub standing: String,
    /// How it is protected.
    pub protection: String,
    /// Its wave.
    pub wave: String,
    /// Why it is here, what comes next.
    pub reason: String,
    /// When it last called; 0 when never since. An answer as of an instant does not have it: what matters of it is in the reason.
    #[serde(default = "not_kept", skip_serializing_if = "is_not_kept")]
    pub last_contact_ms: i64,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostList {
    /// The rows.
    pub hosts: Vec<HostRow>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One event in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// Its place in the order of everything.
    pub pos: i64,
    /// By the server's clock.
    pub at_ms: i64,
    /// The host's id.
    pub host_id: String,
    /// The host's name.
    pub host: String,
    /// What happened.
    pub text: String,
}

/// One record of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The order's number.
    pub order: u64,
    /// The record's number in the order.
    pub sequence: u32,
    /// The step in words; empty for the order itself.
    pub step: String,
    /// What happened.
    pub event: String,
    /// By the host's clock.
    pub at_ms: i64,
    /// The tool's, where one ran.
    pub exit_code: Option<i32>,
    /// For a person.
    pub detail: String,
    /// The end of the tool's output.
    pub log_tail: String,
}

/// What one look found of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictView {
    /// The product.
    pub product: String,
    /// The verdict, with the reason where it is unknown.
    pub verdict: String,
    /// The version, where known.
    pub version: String,
    /// Every look in words.
    pub evidence: Vec<String>,
}

/// Time under protection, in seconds; the three add up to the time since the first look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProtectionTime {
    /// With protection.
    pub protected: i64,
    /// Without.
    pub unprotected: i64,
    /// Nobody looked.
    pub unobserved: i64,
}

/// One host, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDetail {
    /// As in the listing.
    #[serde(flatten)]
    pub row: HostRow,
    /// Why it is here, what happens next, when at the latest.
    pub why: Vec<String>,
    /// When it is to be heard of next, what happens then, and what the clock brings without it. Empty of a host as it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<String>,
    /// What people have set on it, by whom and until when: an exemption, holds, handwork that is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Whether something waits for a restart there, and what: `yes: libc6`, `no`, `unknown`.
    #[serde(default)]
    pub restart_pending: String,
    /// Whether other machines have or had its identity, and what is to be decided; empty where it is one machine's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<String>,
    /// Its agent, and what became of the newest release that it was told to go on with, in words.
    #[serde(default)]
    pub program: String,
    /// The machine itself: who encrypts its disks, what it does for others, whether it has a battery, whether it belongs to
    /// a domain, to which time zone it is set, whose it is and who says so, and when it is usually heard of. `unknown` where nothing could tell.
    #[serde(default)]
    pub machine: Vec<String>,
    /// Whose it is: `corporate`, `contractor`, `personal` or `unknown`.
    #[serde(default)]
    pub ownership: String,
    /// What operators call it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How it reaches this server, in words; empty where it never said so.
    #[serde(default)]
    pub network: String,
    /// How good the evidence of a migrated host is: `self-reported`, or `corroborated` and by whom; empty otherwise.
    #[serde(default)]
    pub grade: String,
    /// Where its own looks and what other systems say of it do not fit together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
    /// What was true of it at each milestone.
    #[serde(default)]
    pub proofs: Vec<ProofView>,
    /// Looks at it that people carried here, the last made first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<LookView>,
    /// What the last look found, the absent left out.
    pub verdicts: Vec<VerdictView>,
    /// Time under protection.
    pub protection_seconds: ProtectionTime,
    /// Records of every order.
    pub steps: Vec<StepView>,
    /// Events of host and plan, newest last.
    pub timeline: Vec<EventView>,
    /// Whether the hash chains of its events verify.
    pub chain_verified: bool,
}

/// One run of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Which schedule; `by-hand` for one that was asked for.
    pub schedule: String,
    /// The period that it stands for.
    pub period: String,
    /// When it was made.
    pub made_ms: i64,
    /// Where its files lie.
    pub files: Vec<String>,
    /// How its delivery stands.
    pub delivery: String,
}
