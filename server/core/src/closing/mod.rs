//! The end of a campaign: what is left at it, and the two different people who sign that it ends with that left.

use std::collections::BTreeMap;

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use crate::{
    campaign::Campaign,
    plan::{Personal, Phase, Plan},
    readiness::Signature,
    standing::{Headline, Standing, Totals},
};

#[cfg(test)]
mod tests;

words! {
    /// What may be left when a campaign ends.
    pub enum Residual("kind of what is left") {
        /// Never looked at completely, silent for too long, or without an agent.
        Unknown = "unknown",
        /// The target date is past and the target is there.
        Overdue = "overdue",
        /// It would be late, or stands still until a person acts.
        AtRisk = "at-risk",
        /// It would go on by itself.
        OnTrack = "on-track",
        /// Let off until an end.
        Exempt = "exempt",
        /// Work that people have not done.
        Handwork = "handwork",
        /// Said to be gone, and no look showed that the target was.
        RetiredUnproven = "retired-unproven",
        /// What does not fit together.
        Findings = "findings",
        /// Duties with a report that was not made.
        Duties = "duties",
    }
}

impl Residual {
    /// What it means, for who signs.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "hosts and machines of which nobody knows whether they carry a target",
            Self::Overdue => "hosts that carry a target, or may, after the target date",
            Self::AtRisk => "hosts that are not done and wait for a person, or come late",
            Self::OnTrack => "hosts that are not done and would go on by themselves",
            Self::Exempt => "hosts that are let off; no exemption ends any more once the campaign is closed",
            Self::Handwork => "hosts at which work by hand is open",
            Self::RetiredUnproven => "hosts that were retired, and no look showed them free of targets",
            Self::Findings => "findings about hosts and machines that are open",
            Self::Duties => "duties with a report that was not made",
        }
    }

    /// The command that names them.
    #[must_use]
    pub const fn names(self) -> &'static str {
        match self {
            Self::Unknown => "cutover hosts list --standing unknown; cutover assets list",
            Self::Overdue => "cutover hosts list --standing overdue",
            Self::AtRisk => "cutover hosts list --standing at-risk",
            Self::OnTrack => "cutover hosts list --standing on-track",
            Self::Exempt => "cutover exemption list",
            Self::Handwork => "cutover handwork list",
            Self::RetiredUnproven => "cutover hosts list --phase retired",
            Self::Findings | Self::Duties => "cutover findings",
        }
    }
}

/// What is counted beside the totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// Retired hosts for which [`is_proven_free`] does not hold.
    pub retired_unproven: i64,
    /// Findings of hosts and assets.
    pub findings: i64,
    /// Duties that were called for and have a report that was not made.
    pub duties: i64,
}

/// What is left of a campaign, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residue {
    /// All that are enrolled or expected.
    pub expected: i64,
    /// Hosts that ever carried a target.
    pub carried: i64,
    /// Of these, replaced.
    pub replaced: i64,
    /// Of each kind so many; a kind with none is not there.
    pub left: BTreeMap<Residual, i64>,
}

impl Residue {
    /// What is left, by the totals and what is counted beside them. A host of which handwork is open is in a standing too.
    #[must_use]
    pub fn of(totals: &Totals, beside: Beside, campaign: &Campaign, now_ms: i64) -> Self {
        let (mut left, headline) = (BTreeMap::new(), Headline::of(totals, now_ms, campaign));
        for (standing, count) in totals.by_standing(now_ms, campaign) {
            let kind = match standing {
                None | Some(Standing::Compliant) => continue,
                Some(Standing::Exempt) => Residual::Exempt,
                Some(Standing::Unknown) => Residual::Unknown,
                Some(Standing::Overdue) => Residual::Overdue,
                Some(Standing::AtRisk) => Residual::AtRisk,
                Some(Standing::OnTrack) => Residual::OnTrack,
            };
            left.insert(kind, count);
        }
        let handwork = totals.by_phase().get(&Phase::Handwork).copied().unwrap_or_default();
        left.insert(Residual::Handwork, handwork);
        left.insert(Residual::RetiredUnproven, beside.retired_unproven);
        left.insert(Residual::Findings, beside.findings);
        left.insert(Residual::Duties, beside.duties);
        left.retain(|_, count| *count != 0);
        Self {
            expected: totals.expected(),
            carried: headline.replaced.whole,
            replaced: headline.replaced.part,
            left,
        }
    }

    /// So many of a kind.
    #[must_use]
    pub fn count(&self, kind: Residual) -> i64 {
        self.left.get(&kind).copied().unwrap_or_default()
    }
}

/// Whether the last look at a host, before it was retired, showed it free of targets. A host that nobody looked at is not.
#[must_use]
pub fn is_proven_free(plan: &Plan) -> bool {
    plan.assessment.as_ref().is_some_and(crate::judge::Assessment::is_free)
}

/// What two people sign: who proposes it and why, what is left, and of which definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Which campaign.
    pub campaign: String,
    /// The version in force.
    pub version: u64,
    /// Of rules and recipes.
    pub catalog_revision: u64,
    /// What is left.
    pub residue: Residue,
    /// What the first one says is left and borne, in mentions.
    pub risks: Vec<Personal>,
    /// The first signature.
    pub proposed: Signature,
}

/// What was proposed, by the name that the second signature says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// SHA-256 of the paper's JSON, lower-case hex.
    pub digest: String,
    /// What is signed.
    pub paper: Paper,
}

/// The second signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Who.
    pub by: Personal,
    /// When, by the server's clock.
    pub at_ms: i64,
}

/// How far a campaign's end has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// What the first one signed.
    pub proposal: Proposal,
    /// The second signature; with it the campaign is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
}

/// Why a second person cannot sign, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConfirmed {
    /// It names another paper than the one that stands.
    #[error(
        "{asked} is not what was proposed, {stands} is; read it (cutover campaign close) and confirm that, or withdraw it"
    )]
    Other {
        /// What was named.
        asked: String,
        /// What was proposed.
        stands: String,
    },
    /// The one who proposed it, or one who may be.
    #[error(
        "whoever proposed it cannot confirm it; the second signature is another person's, by an access token of another name"
    )]
    SamePerson,
    /// What is left is no longer what the first one signed.
    #[error("what was proposed no longer holds: {}; withdraw it and propose anew", .0.join("; "))]
    Changed(Vec<String>),
}

impl Proposal {
    /// Whether a second signature makes it hold. `is_another` says whether the second one is certainly not the first.
    ///
    /// # Errors
    /// When it names another paper, is the first one's, or the figures have moved since.
    pub fn may_confirm(
        &self,
        asked: &str,
        is_another: bool,
        (version, catalog_revision): (u64, u64),
        residue: &Residue,
    ) -> Result<(), NotConfirmed> {
        if asked != self.digest {
            return Err(NotConfirmed::Other {
                asked: asked.to_owned(),
                stands: self.digest.clone(),
            });
        }
        if !is_another {
            return Err(NotConfirmed::SamePerson);
        }
        let signed = &self.paper;
        let mut pairs = vec![
            ("campaign version", count(signed.version), count(version)),
            (
                "catalog revision",
                count(signed.catalog_revision),
                count(catalog_revision),
            ),
            ("enrolled or expected", signed.residue.expected, residue.expected),
            ("ever carried it", signed.residue.carried, residue.carried),
            ("replaced", signed.residue.replaced, residue.replaced),
        ];
        for kind in Residual::ALL {
            pairs.push((kind.as_str(), signed.residue.count(*kind), residue.count(*kind)));
        }
        let changed: Vec<String> = pairs
            .into_iter()
            .filter(|(_, signed, now)| signed != now)
            .map(|(what, signed, now)| format!("{what} was {signed} and is {now}"))
            .collect();
        if changed.is_empty() {
            Ok(())
        } else {
            Err(NotConfirmed::Changed(changed))
        }
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
