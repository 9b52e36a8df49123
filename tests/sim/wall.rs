//! What the clock on a machine's wall shows, and whether work may start there by it: written from the words of
//! docs/campaigns.md with jiff alone, beside what the server makes of the same hours.

use std::sync::LazyLock;

use jiff::{
    Timestamp, Zoned,
    tz::{TimeZone, TimeZoneDatabase},
};

use crate::{
    calendar::DAY,
    plot::{Dark, HOME, Hours, Plot},
};

/// The zones that come with the program, so that the answers are the same on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

fn zone(name: &str) -> TimeZone {
    ZONES.get(name).unwrap_or(TimeZone::UTC)
}

/// What the clock shows at an instant.
fn wall(at_ms: i64, zone: &TimeZone) -> Zoned {
    Timestamp::from_millisecond(at_ms)
        .unwrap_or_default()
        .to_zoned(zone.clone())
}

/// The zone of a machine: its own, its site's, or home.
pub(crate) fn zone_of(plot: &Plot, site: &str, told: &str) -> TimeZone {
    if !told.is_empty() {
        return zone(told);
    }
    let at = plot.sites.iter().find(|it| it.name == site);
    zone(at.map_or(HOME, |it| it.zone))
}

/// Whether a machine there may start, and whether any hours are for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// No hours are for it.
    NoHours,
    /// It is within them.
    Within,
    OutOfHours,
    Dark,
}

pub(crate) fn says(plot: &Plot, site: &str, told: &str, at_ms: i64) -> Says {
    let here = zone_of(plot, site, told);
    let is_for = |wanted: Option<&str>| wanted.is_none_or(|wanted| wanted == site);
    let is_dark = |dark: Dark| match dark {
        Dark::Instants(from, to) => from <= at_ms && at_ms < to,
        Dark::Days(from, to) => {
            // Files name days; those of an instant are London's winter time's.
            let [first, last] = [from, to].map(|it| wall(it, &TimeZone::UTC).date());
            let today = wall(at_ms, &here).date();
            first <= today && today <= last
        }
    };
    if plot.dark.iter().any(|(dark, site)| is_for(*site) && is_dark(*dark)) {
        return Says::Dark;
    }
    let mut hours = plot.hours.iter().filter(|hours| is_for(hours.site)).peekable();
    if hours.peek().is_none() {
        return Says::NoHours;
    }
    if hours.any(|hours| is_open(hours, &here, at_ms)) {
        Says::Within
    } else {
        Says::OutOfHours
    }
}

fn is_open(hours: &Hours, here: &TimeZone, at_ms: i64) -> bool {
    let shown = wall(at_ms, &hours.zone.map_or_else(|| here.clone(), zone));
    let minute = i64::from(shown.hour()) * 60 + i64::from(shown.minute());
    let today = usize::try_from(shown.weekday().to_monday_zero_offset()).unwrap_or(0);
    let (begins_today, began_yesterday) = (hours.days[today], hours.days[(today + 6) % 7]);
    if hours.from < hours.to {
        return begins_today && hours.from <= minute && minute < hours.to;
    }
    begins_today && minute >= hours.from || began_yesterday && minute < hours.to
}

/// Whether the clock there is changed within a day of an instant: forward, or back.
pub(crate) fn change_near(plot: &Plot, site: &str, told: &str, at_ms: i64) -> Option<bool> {
    let zone = zone_of(plot, site, told);
    let offset = |at_ms| wall(at_ms, &zone).offset().seconds();
    let (before, after) = (offset(at_ms - DAY), offset(at_ms + DAY));
    (before != after).then_some(after > before)
}
