//! Dates of a campaign that pass while it is watched, and how hosts stood then.

use super::{Headline, Standing, Totals};
use crate::campaign::Campaign;

/// What the recovery target is called beside milestones, which have names of their own.
const RECOVERY_TARGET: &str = "recovery target";

/// A date of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignDate<'c> {
    /// The milestone's name, or `recovery target`.
    pub name: &'c str,
    /// When.
    pub at_ms: i64,
}

/// How hosts and assets stood when a date passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoodThen {
    /// `12 of 25 (48 %)`: replaced, of hosts that ever carried a target.
    pub replaced: String,
    /// `3 of 40 (7 %)`: unknown, of all that are expected or enrolled.
    pub unknown: String,
    /// Those that were not compliant and not let off: on track, at risk, overdue or unknown.
    pub open: i64,
}

impl Campaign {
    /// Its milestones and its recovery target that lie after `after_ms` and not after `until_ms`, in the order of time.
    #[must_use]
    pub fn dates_within(&self, after_ms: i64, until_ms: i64) -> Vec<CampaignDate<'_>> {
        let milestones = self.milestones.iter().map(|it| CampaignDate {
            name: &it.name,
            at_ms: it.at_ms,
        });
        let recovery = self.recovery_target_ms.map(|at_ms| CampaignDate {
            name: RECOVERY_TARGET,
            at_ms,
        });
        let mut dates: Vec<_> = milestones
            .chain(recovery)
            .filter(|date| date.at_ms > after_ms && date.at_ms <= until_ms)
            .collect();
        dates.sort_by_key(|date| date.at_ms);
        dates
    }
}

impl StoodThen {
    /// By the totals, as of the date: whoever is overdue with it is overdue here.
    #[must_use]
    pub fn of(totals: &Totals, date: CampaignDate<'_>, campaign: &Campaign) -> Self {
        let headline = Headline::of(totals, date.at_ms, campaign);
        let standings = totals.by_standing(date.at_ms, campaign);
        let open = standings
            .iter()
            .filter(|(standing, _)| standing.is_some_and(Standing::is_open));
        Self {
            replaced: headline.replaced.to_string(),
            unknown: headline.unknown.to_string(),
            open: open.map(|(_, count)| count).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CampaignDate, StoodThen, Totals};
    use crate::{
        campaign::{Campaign, instant_ms},
        samples,
    };

    #[test]
    fn who_is_left_at_a_date_is_neither_done_nor_let_off() {
        use crate::{plan::Phase, standing::Bucket};
        let campaign = samples::campaign("");
        let bucket = |phase: Phase| Bucket {
            campaign: campaign.id.clone(),
            phase,
            wave: "all".to_owned(),
            site: String::new(),
            stale: false,
            late: false,
            closed: phase.is_closed(),
            carried: true,
        };
        let phases = [
            (Phase::Migrated, 5),
            (Phase::Exempt, 7),
            (Phase::Queued, 2),
            (Phase::Unassessed, 1),
            (Phase::Retired, 9),
        ];
        let totals: Totals = phases
            .into_iter()
            .map(|(phase, hosts)| (bucket(phase), hosts))
            .collect();
        let at_ms = instant_ms("2024-09-29T04:00:00Z").unwrap();
        let stood = StoodThen::of(&totals, CampaignDate { name: "updates", at_ms }, &campaign);
        assert_eq!(stood.open, 3);
        assert_eq!(stood.replaced, "5 of 15 (33 %)");
        assert_eq!(stood.unknown, "1 of 15 (7 %)");
    }

    fn names(campaign: &Campaign, after: &str, until: &str) -> Vec<String> {
        let within = campaign.dates_within(instant_ms(after).unwrap(), instant_ms(until).unwrap());
        within.into_iter().map(|date| date.name.to_owned()).collect()
    }

    #[test]
    fn a_date_passes_at_its_instant_once_and_in_the_order_of_time() {
        let campaign = samples::campaign("recovery_target = \"2024-10-15T00:00:00Z\"\n");
        assert_eq!(
            names(&campaign, "2024-07-20T03:59:59Z", "2024-10-15T00:00:00Z"),
            ["sale", "vendor-updates", "updates", "recovery target"]
        );
        assert_eq!(
            names(&campaign, "2024-07-20T04:00:00Z", "2024-07-31T23:59:59Z"),
            [""; 0]
        );
        assert_eq!(
            names(&campaign, "2024-07-20T03:59:59Z", "2024-07-20T04:00:00Z"),
            ["sale"]
        );
    }
}
