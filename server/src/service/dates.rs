//! Dates of the campaign as they pass: how the fleet stood then is kept, and told where somebody was not done.

use cutover_core::{campaign::zone::utc, rollout::RunState, standing::StoodThen};
use serde::{Deserialize, Serialize};

use super::{Service, ServiceError, campaign::InForce};
use crate::store::WriteTx;

/// What is kept of the campaign's dates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dates {
    /// What passed up to here is kept, or was past when this server began to watch.
    until_ms: i64,
    /// Dates that passed while it watched, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passed: Vec<PassedDate>,
}

/// A date that passed, and how the fleet stood then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedDate {
    /// The milestone's name, or `recovery target`.
    pub name: String,
    /// When it was.
    pub at_ms: i64,
    /// When the server saw that; later where it was not running then. Nothing moved between, since it moves all that moves.
    pub noted_ms: i64,
    /// Replaced, of hosts that ever carried a target: `12 of 25 (48 %)`.
    pub replaced: String,
    /// Unknown, of all that are expected or enrolled.
    pub unknown: String,
    /// Those that were on track, at risk, overdue or unknown.
    pub open: i64,
}

impl PassedDate {
    /// In a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{} at {}: replaced {}, unknown {}, {} not done",
            self.name,
            utc(self.at_ms),
            self.replaced,
            self.unknown,
            self.open
        )
    }
}

impl Dates {
    /// Watched from here on: what is past already did not pass under anybody's eyes.
    pub(super) const fn from(now_ms: i64) -> Self {
        Self {
            until_ms: now_ms,
            passed: Vec::new(),
        }
    }

    pub(super) fn passed(&self) -> &[PassedDate] {
        &self.passed
    }
}

impl Service {
    /// Keeps how the fleet stood at dates that have passed; says how many passed. There is an alarm where somebody was not done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tend_dates(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let due = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                Ok::<_, ServiceError>(service.dates_are_due(&in_force))
            })
            .await?;
        if !due {
            return Ok(0);
        }
        let service = self.clone();
        self.0.store.write(move |tx| service.pass_dates(tx)).await
    }

    /// Whether a date has passed that is not kept.
    pub(super) fn dates_are_due(&self, in_force: &InForce) -> bool {
        in_force.run != RunState::Closed
            && in_force.progress.dates.as_ref().is_none_or(|dates| {
                let passed = in_force.campaign.dates_within(dates.until_ms, self.now_ms());
                !passed.is_empty()
            })
    }

    fn pass_dates(&self, tx: &mut WriteTx<'_>) -> Result<usize, ServiceError> {
        let (mut in_force, now_ms) = (self.in_force(tx)?, self.now_ms());
        if in_force.run == RunState::Closed {
            return Ok(0);
        }
        let Some(mut dates) = in_force.progress.dates.take() else {
            // A campaign from before dates were watched.
            in_force.progress.dates = Some(Dates::from(now_ms));
            self.put_campaign(tx, &in_force, None)?;
            return Ok(0);
        };
        let totals = self.totals(tx)?;
        let campaign = in_force.campaign.clone();
        let due = campaign.dates_within(dates.until_ms, now_ms);
        for date in &due {
            let stood = StoodThen::of(&totals, *date, &campaign);
            let passed = PassedDate {
                name: date.name.to_owned(),
                at_ms: date.at_ms,
                noted_ms: now_ms,
                replaced: stood.replaced,
                unknown: stood.unknown,
                open: stood.open,
            };
            if passed.open > 0 {
                tracing::warn!(
                    date = passed.name,
                    open = passed.open,
                    "a date of the campaign has passed"
                );
                tx.after_commit("alarm:date-passed");
            }
            let body =
                serde_json::to_value(&passed).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
            dates.until_ms = date.at_ms;
            dates.passed.push(passed);
            in_force.progress.dates = Some(dates.clone());
            self.put_campaign(tx, &in_force, Some(("date-passed", body)))?;
            in_force = self.in_force(tx)?;
        }
        Ok(due.len())
    }
}
