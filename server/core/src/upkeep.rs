//! What a person should know of a host and what moves no plan: a target that was kept up, or put there, after a milestone
//! that forbids it. Nothing here says that use is illegal, and what an agent could not tell is no finding.

use std::fmt;

use cutover_proto::{ids::ProductId, inventory::Inventory, upkeep::Upkeep, words};

use crate::{
    campaign::{Campaign, Milestone, Regime},
    report::instant,
};

const DAY_MS: i64 = 86_400_000;
/// A day begins where clocks are furthest ahead so much before it begins in UTC.
const FURTHEST_AHEAD_MS: i64 = 14 * 3_600_000;

words! {
    /// What was found.
    pub enum DatedKind("kind of date") {
        /// The bases are younger than the legal milestone `updates`.
        UpdatedAfter = "updated-after",
        /// It was installed, or changed by its installer, after the legal milestone `sale`. Which of the two, no system says.
        InstalledAfter = "installed-after",
    }
}

impl DatedKind {
    /// The name of the legal milestone that it is about.
    const fn milestone(self) -> &'static str {
        match self {
            Self::UpdatedAfter => "updates",
            Self::InstalledAfter => "sale",
        }
    }
}

/// A finding about one product on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedAfter {
    /// What.
    pub kind: DatedKind,
    /// About which product.
    pub product: ProductId,
    /// The date that shows it, in words.
    pub date: String,
    /// When the milestone was.
    pub milestone_ms: i64,
}

impl fmt::Display for DatedAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind, product, date, ..
        } = self;
        let (milestone, when) = (kind.milestone(), instant(self.milestone_ms));
        match kind {
            DatedKind::UpdatedAfter => write!(
                f,
                "still updating after the cutoff: {product} tells bases of {date} or later, and the milestone `{milestone}` was \
                 {when}; see where it gets them from"
            ),
            DatedKind::InstalledAfter => write!(
                f,
                "installed or changed after the sale ban: the installer of {product} dates it {date}, and the milestone \
                 `{milestone}` was {when}; see whether it was bought, updated or repaired then"
            ),
        }
    }
}

/// Everything about targets that the newest inventory shows, in the order of its sightings.
#[must_use]
pub fn dated_after(inventory: &Inventory, campaign: &Campaign) -> Vec<DatedAfter> {
    let legal = |kind: DatedKind| {
        let is_meant = |it: &&Milestone| it.regime == Regime::Legal && it.name == kind.milestone();
        campaign.milestones.iter().find(is_meant).map(|it| it.at_ms)
    };
    let (updates, sale) = (legal(DatedKind::UpdatedAfter), legal(DatedKind::InstalledAfter));
    let is_target = |product: &ProductId| campaign.targets.contains(product);
    let mut found = Vec::new();
    for sighting in inventory
        .sightings
        .iter()
        .filter(|it| it.is_present() && is_target(&it.product))
    {
        let Some(upkeep) = &sighting.upkeep else { continue };
        let mut add = |kind, milestone_ms, date| {
            found.push(DatedAfter {
                kind,
                product: sighting.product.clone(),
                date,
                milestone_ms,
            });
        };
        if let (Some(bases_ms), Some(updates_ms)) = (upkeep.bases_ms, updates)
            && bases_ms > updates_ms
        {
            add(DatedKind::UpdatedAfter, updates_ms, instant(bases_ms));
        }
        if let (Some(day), Some(sale_ms)) = (upkeep.installed_day, sale)
            && i64::from(day) * DAY_MS - FURTHEST_AHEAD_MS > sale_ms
        {
            add(DatedKind::InstalledAfter, sale_ms, date(day));
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
    } = upkeep;
    let server = management_server.as_ref().map(|server| format!("managed by {server}"));
    let contact = last_contact_ms.map(|at_ms| format!("last contact with its server: {} or later", instant(at_ms)));
    let bases = bases_ms.map(|at_ms| format!("bases: {} or later", instant(at_ms)));
    let installed = installed_day.map(|day| format!("installed or last changed: {}", date(day)));
    [server, contact, bases, installed].into_iter().flatten().collect()
}

/// A day of a calendar that names no zone.
fn date(day: i32) -> String {
    let mut date = crate::campaign::zone::utc(i64::from(day) * DAY_MS);
    date.truncate("2024-08-01".len());
    date
}

#[cfg(test)]
mod tests {
    use cutover_proto::verdict::Verdict;

    use super::*;
    use crate::samples::{campaign, inventory, with};

    /// 2024-09-29T04:00:00Z.
    const UPDATES_MS: i64 = 1_727_582_400_000;
    /// 2024-07-20 and the day after.
    const SALE_DAY: i32 = 19_924;

    fn kept_up(verdict: Verdict, upkeep: Upkeep) -> Vec<(DatedKind, String)> {
        let mut inventory = with(inventory(), "kesl", verdict);
        let sighting = inventory.sightings.iter_mut().find(|it| it.product.as_str() == "kesl");
        sighting.unwrap().upkeep = Some(upkeep);
        let found = dated_after(&inventory, &campaign(""));
        assert!(found.iter().all(|it| it.product.as_str() == "kesl"));
        found.into_iter().map(|it| (it.kind, it.to_string())).collect()
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
        assert_eq!(kind, DatedKind::UpdatedAfter);
        assert!(said.contains("2024-09-29") && said.contains("kesl"), "{said}");
        assert_eq!(kept_up(Verdict::Running, bases(UPDATES_MS)), []);
        assert_eq!(kept_up(Verdict::Running, Upkeep::default()), []);
    }

    #[test]
    fn a_day_is_after_the_sale_ban_only_where_it_is_so_in_every_zone() {
        let (kind, said) = kept_up(Verdict::Installed, installed(SALE_DAY + 1)).remove(0);
        assert_eq!(kind, DatedKind::InstalledAfter);
        assert!(said.contains("2024-07-21"), "{said}");
        assert_eq!(kept_up(Verdict::Installed, installed(SALE_DAY)), []);
    }

    #[test]
    fn what_is_not_there_or_no_target_is_no_finding() {
        assert_eq!(kept_up(Verdict::Remnant, bases(UPDATES_MS * 2)), []);
        let mut other = with(inventory(), "clamav", Verdict::Installed);
        for sighting in &mut other.sightings {
            sighting.upkeep = Some(installed(SALE_DAY + 100));
        }
        assert_eq!(dated_after(&other, &campaign("")), []);
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
