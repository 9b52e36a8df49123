//! How targets are kept up, as their hosts' looks date it: by which server, how fresh, since when. What is dated after a milestone
//! that forbids it is a finding, and moves no plan. Nothing here says that use is illegal, and what no agent could tell is no
//! finding.

use std::collections::BTreeMap;

use cutover_proto::{deployer::deployer, ids::ProductId, placed::PlacedBy, upkeep::Upkeep};
use serde::{Deserialize, Serialize};

use crate::{
    campaign::{Campaign, Milestone, Regime},
    findings::{Finding, FindingKind},
    judge::Assessment,
    report::instant,
};

const DAY_MS: i64 = 86_400_000;
/// A day begins where clocks are furthest ahead so much before it begins in UTC.
const FURTHEST_AHEAD_MS: i64 = 14 * 3_600_000;

/// The dates that tell how a target is kept up; `None` where no look told it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dates {
    /// Of its bases: the earliest instant that it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bases_ms: Option<i64>,
    /// The day, since the epoch, on which its installer put it there or last changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_day: Option<i32>,
}

impl Dates {
    /// Those that a look told.
    #[must_use]
    pub const fn of(upkeep: &Upkeep) -> Self {
        Self {
            bases_ms: upkeep.bases_ms,
            installed_day: upkeep.installed_day,
        }
    }

    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bases_ms.is_none() && self.installed_day.is_none()
    }
}

/// What is known of dates after one more look. Of a target that is there, what is told replaces what was known, and what is
/// not told stays; of one that could not be looked at, all stays; any other is gone, with its dates.
pub(crate) fn remember(known: &mut BTreeMap<ProductId, Dates>, look: &Assessment) {
    let there = |product: &ProductId| look.targets.iter().any(|it| it.product == *product);
    let untold = |product: &ProductId| look.unknown.iter().any(|it| it.product == *product);
    known.retain(|product, _| there(product) || untold(product));
    for target in look.targets.iter().filter(|target| !target.dates.is_empty()) {
        let dates = known.entry(target.product.clone()).or_default();
        dates.bases_ms = target.dates.bases_ms.or(dates.bases_ms);
        dates.installed_day = target.dates.installed_day.or(dates.installed_day);
    }
}

/// Everything that is dated after the campaign's legal milestones `updates` and `sale`.
#[must_use]
pub fn dated_after(known: &BTreeMap<ProductId, Dates>, campaign: &Campaign) -> Vec<Finding> {
    let legal = |name: &str| {
        let is_meant = |it: &&Milestone| it.regime == Regime::Legal && it.name == name;
        campaign.milestones.iter().find(is_meant).map(|it| it.at_ms)
    };
    let (updates, sale) = (legal("updates"), legal("sale"));
    let mut found = Vec::new();
    for (product, dates) in known.iter().filter(|(product, _)| campaign.targets.contains(product)) {
        let mut add = |kind, text| {
            let source = product.to_string();
            found.push(Finding { kind, source, text });
        };
        if let (Some(bases_ms), Some(updates_ms)) = (dates.bases_ms, updates)
            && bases_ms > updates_ms
        {
            let text = format!(
                "still updating after the cutoff: {product} tells bases of {} or later, and the milestone `updates` was {}",
                instant(bases_ms),
                instant(updates_ms)
            );
            add(FindingKind::UpdatedAfterCutoff, text);
        }
        if let (Some(day), Some(sale_ms)) = (dates.installed_day, sale)
            && i64::from(day) * DAY_MS - FURTHEST_AHEAD_MS > sale_ms
        {
            let text = format!(
                "installed or changed after the sale ban: the installer of {product} dates it {}, and the milestone `sale` was {}",
                date(day),
                instant(sale_ms)
            );
            add(FindingKind::InstalledAfterSaleBan, text);
        }
    }
    found
}

/// What is known of a target's upkeep, in words.
#[must_use]
pub fn upkeep_lines(upkeep: &Upkeep) -> Vec<String> {
    let Upkeep {
        management_server,
        last_contact_ms,
        bases_ms,
        installed_day,
        placed,
    } = upkeep;
    let server = management_server.as_ref().map(|server| format!("managed by {server}"));
    let contact = last_contact_ms.map(|at_ms| format!("last contact with its server: {} or later", instant(at_ms)));
    let bases = bases_ms.map(|at_ms| format!("bases: {} or later", instant(at_ms)));
    let installed = installed_day.map(|day| format!("installed or last changed: {}", date(day)));
    let mut lines: Vec<String> = [server, contact, bases, installed].into_iter().flatten().collect();
    for trace in placed.iter().flat_map(|placed| &placed.traces) {
        let what = if trace.what.is_empty() { "no more" } else { &trace.what };
        let by = trace.by.map_or("", |by| match by {
            PlacedBy::Person => ", asked for by somebody who was logged in",
            PlacedBy::System => "",
        });
        lines.push(format!("put there, by {}: {what}{by}", trace.record));
    }
    let deployers = placed.iter().flat_map(|placed| &placed.deployers);
    lines.extend(deployers.map(|name| {
        let title = deployer(name).map_or(name.as_str(), |it| it.title.as_str());
        format!("{title} installs software on this machine; whether it did this is not known")
    }));
    lines
}

/// A day of a calendar that names no zone.
pub(crate) fn date(day: i32) -> String {
    let mut date = crate::campaign::zone::utc(i64::from(day) * DAY_MS);
    date.truncate("2024-08-01".len());
    date
}

#[cfg(test)]
mod tests {
    use cutover_proto::verdict::Verdict;

    use super::*;
    use crate::{
        judge,
        samples::{campaign, catalog, inventory, with},
    };

    /// 2024-09-29T04:00:00Z.
    const UPDATES_MS: i64 = 1_727_582_400_000;
    /// 2024-07-20 and the day after.
    const SALE_DAY: i32 = 19_924;

    /// Takes in a look at a host where kesl is so and so kept up.
    fn look(known: &mut BTreeMap<ProductId, Dates>, verdict: Verdict, upkeep: Upkeep) {
        let mut inventory = with(inventory(), "kesl", verdict);
        let sighting = inventory.sightings.iter_mut().find(|it| it.product.as_str() == "kesl");
        sighting.unwrap().upkeep = Some(upkeep);
        remember(
            known,
            &judge::assess(&inventory, &crate::plan::Known::default(), &campaign(""), &catalog()),
        );
    }

    fn found(known: &BTreeMap<ProductId, Dates>) -> Vec<(FindingKind, String)> {
        let found = dated_after(known, &campaign(""));
        assert!(found.iter().all(|it| it.source == "kesl"));
        found.into_iter().map(|it| (it.kind, it.text)).collect()
    }

    fn kept_up(verdict: Verdict, upkeep: Upkeep) -> Vec<(FindingKind, String)> {
        let mut known = BTreeMap::new();
        look(&mut known, verdict, upkeep);
        found(&known)
    }

    fn bases(at_ms: i64) -> Upkeep {
        Upkeep {
            bases_ms: Some(at_ms),
            ..Upkeep::default()
        }
    }

    fn installed(day: i32) -> Upkeep {
        Upkeep {
            installed_day: Some(day),
            ..Upkeep::default()
        }
    }

    #[test]
    fn bases_younger_than_the_cutoff_are_a_finding_and_older_ones_are_none() {
        let (kind, said) = kept_up(Verdict::Running, bases(UPDATES_MS + 1000)).remove(0);
        assert_eq!(kind, FindingKind::UpdatedAfterCutoff);
        assert!(said.contains("2024-09-29") && said.contains("kesl"), "{said}");
        assert_eq!(kept_up(Verdict::Running, bases(UPDATES_MS)), []);
        assert_eq!(kept_up(Verdict::Running, Upkeep::default()), []);
    }

    #[test]
    fn a_day_is_after_the_sale_ban_only_where_it_is_so_in_every_zone() {
        let (kind, said) = kept_up(Verdict::Installed, installed(SALE_DAY + 1)).remove(0);
        assert_eq!(kind, FindingKind::InstalledAfterSaleBan);
        assert!(said.contains("2024-07-21"), "{said}");
        assert_eq!(kept_up(Verdict::Installed, installed(SALE_DAY)), []);
    }

    #[test]
    fn a_day_that_begins_with_the_sale_ban_where_clocks_are_furthest_ahead_is_not_after_it() {
        let mut known = BTreeMap::new();
        look(&mut known, Verdict::Installed, installed(SALE_DAY + 1));
        let begins_ms = (i64::from(SALE_DAY) + 1) * 86_400_000 - 14 * 3_600_000;
        for (sale_ms, findings) in [(begins_ms - 1, 1), (begins_ms, 0)] {
            let mut campaign = campaign("");
            for milestone in campaign.milestones.iter_mut().filter(|it| it.name == "sale") {
                milestone.at_ms = sale_ms;
            }
            assert_eq!(dated_after(&known, &campaign).len(), findings, "{sale_ms}");
        }
    }

    #[test]
    fn a_campaign_with_other_milestones_or_targets_finds_otherwise_in_what_is_known() {
        let mut known = BTreeMap::new();
        look(&mut known, Verdict::Running, bases(UPDATES_MS + 1000));
        let mut later = campaign("");
        for milestone in later.milestones.iter_mut().filter(|it| it.name == "updates") {
            milestone.at_ms += 2000;
        }
        assert_eq!(dated_after(&known, &later), []);
        let mut without = campaign("");
        without.milestones.retain(|it| it.name != "updates");
        assert_eq!(dated_after(&known, &without), []);
        let mut other = campaign("");
        other.targets.retain(|it| it.as_str() != "kesl");
        assert_eq!(dated_after(&known, &other), []);
    }

    #[test]
    fn what_is_not_there_or_no_target_is_no_finding() {
        assert_eq!(kept_up(Verdict::Remnant, bases(UPDATES_MS * 2)), []);
        let mut other = with(inventory(), "clamav", Verdict::Installed);
        for sighting in &mut other.sightings {
            sighting.upkeep = Some(installed(SALE_DAY + 100));
        }
        let mut known = BTreeMap::new();
        remember(
            &mut known,
            &judge::assess(&other, &crate::plan::Known::default(), &campaign(""), &catalog()),
        );
        assert_eq!(found(&known), []);
    }

    #[test]
    fn a_look_that_tells_no_date_takes_none_back_and_one_that_finds_the_target_gone_does() {
        let mut known = BTreeMap::new();
        look(&mut known, Verdict::Running, bases(UPDATES_MS + 1000));
        look(&mut known, Verdict::Installed, installed(SALE_DAY + 1));
        look(&mut known, Verdict::Unknown, Upkeep::default());
        assert_eq!(found(&known).len(), 2);
        look(&mut known, Verdict::Running, bases(UPDATES_MS - 1000));
        assert_eq!(found(&known).len(), 1, "older bases are told");
        look(&mut known, Verdict::Absent, Upkeep::default());
        assert_eq!(known, BTreeMap::new());
    }

    #[test]
    fn a_target_of_which_no_date_is_known_is_not_remembered() {
        let mut known = BTreeMap::new();
        look(&mut known, Verdict::Running, Upkeep::default());
        assert_eq!(known, BTreeMap::new());
    }

    #[test]
    fn upkeep_is_told_in_words() {
        let all = Upkeep {
            management_server: Some("ksc01".into()),
            last_contact_ms: Some(UPDATES_MS),
            ..bases(UPDATES_MS)
        };
        let lines = upkeep_lines(&Upkeep {
            installed_day: Some(SALE_DAY),
            ..all
        });
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines.last().map(String::as_str),
            Some("installed or last changed: 2024-07-20")
        );
    }
}
