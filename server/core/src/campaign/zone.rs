//! Time zones by name, from the data that is compiled in: the same answer on every machine.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The zone of that IANA name; `None` where there is none.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok()
}

/// An instant as RFC 3339 in UTC, to the second, for people. Instants beyond year 9999 are shown as their milliseconds.
#[must_use]
pub fn utc(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(
        |_| format!("{at_ms} ms"),
        |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}
