//! Virtual time: milliseconds since the epoch, from one of some Monday mornings on.

use jiff::Timestamp;

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2024-07-22T08:00:00Z, a Monday, two days after the first milestone of the preset.
pub(crate) const START: i64 = 1_721_635_200_000;

/// Mondays at eight from which runs begin, all on or after [`START`]. In the week after the second lies the cutoff of the
/// preset, and in the one after it Australia puts its clocks forward; after the third Europe and then America put them back;
/// in the fourth, long after the cutoff, Europe puts them forward, and a week later Australia and Chile put them back.
const MONDAYS: [i64; 4] = [START, START + 63 * DAY, START + 91 * DAY, START + 245 * DAY];

/// When the run of a seed begins.
pub(crate) fn begins_ms(seed: u64) -> i64 {
    let nth = usize::try_from(seed % 4).unwrap_or(0);
    MONDAYS.get(nth).copied().unwrap_or(START)
}

/// Hour of the day, and whether it is one from Monday to Friday.
pub(crate) fn hour_and_workday(now_ms: i64) -> (i64, bool) {
    let hours = now_ms.div_euclid(HOUR);
    // 1970-01-01 was a Thursday.
    let weekday = (hours.div_euclid(24) + 3).rem_euclid(7);
    (hours.rem_euclid(24), weekday < 5)
}

/// For people, and as campaign files write an instant.
pub(crate) fn shown(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |at| at.to_string())
}
