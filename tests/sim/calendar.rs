//! Virtual time: milliseconds since the epoch, from one Monday morning on.

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2024-07-22T08:00:00Z, a Monday, two days after the first milestone of the preset.
pub(crate) const START: i64 = 1_721_635_200_000;

/// Hour of the day, and whether it is one from Monday to Friday.
pub(crate) fn hour_and_workday(now_ms: i64) -> (i64, bool) {
    let hours = now_ms.div_euclid(HOUR);
    // 1970-01-01 was a Thursday.
    let weekday = (hours.div_euclid(24) + 3).rem_euclid(7);
    (hours.rem_euclid(24), weekday < 5)
}

/// For people.
pub(crate) fn shown(at_ms: i64) -> String {
    let since = at_ms - START;
    let (days, rest) = (since.div_euclid(DAY), since.rem_euclid(DAY));
    format!(
        "day {days} {:02}:{:02}:{:06.3}",
        rest / HOUR,
        rest % HOUR / MINUTE,
        (rest % MINUTE) as f64 / 1000.0
    )
}
