//! From the clock on the wall to instants: something that holds by wall-clock time is the same until the wall-clock time
//! reaches a turn of it, or until the zone shifts its clocks, whichever is first.

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneTransition},
};

/// A civil day, in milliseconds of wall-clock time.
pub(super) const DAY_MS: i64 = 86_400_000;

/// Instants beyond the calendar of the zone database (years -9999 to 9999) are taken as its first or last.
fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(if at_ms.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

fn offset_ms(at_ms: i64, zone: &TimeZone) -> i64 {
    i64::from(zone.to_offset(timestamp(at_ms)).seconds()) * 1000
}

/// What the clock on the wall shows, as milliseconds since 1970-01-01 00:00 on that clock.
pub(super) fn local_ms(at_ms: i64, zone: &TimeZone) -> i64 {
    at_ms.saturating_add(offset_ms(at_ms, zone))
}

fn instant_ms(transition: &TimeZoneTransition<'_>) -> i64 {
    transition.timestamp().as_millisecond()
}

/// The first instant after `at_ms` at which something may turn; `next` says it in wall-clock time. Later than `at_ms`.
pub(super) fn until_ms(at_ms: i64, zone: &TimeZone, next: impl Fn(i64) -> i64) -> i64 {
    let offset = offset_ms(at_ms, zone);
    let turn = next(at_ms.saturating_add(offset)).saturating_sub(offset);
    let shift = zone.following(timestamp(at_ms)).next();
    shift.map_or(turn, |shift| turn.min(instant_ms(&shift)))
}

/// The first instant of the stretch around `at_ms` in which nothing turns; `last` says the last turn at or before a
/// wall-clock time. At or before `at_ms`.
pub(super) fn since_ms(at_ms: i64, zone: &TimeZone, last: impl Fn(i64) -> i64) -> i64 {
    let offset = offset_ms(at_ms, zone);
    let turn = last(at_ms.saturating_add(offset)).saturating_sub(offset);
    // A shift at this very instant is the beginning of the stretch, and `preceding` leaves out what it is given.
    let shift = zone.preceding(timestamp(at_ms.saturating_add(1))).next();
    shift.map_or(turn, |shift| turn.max(instant_ms(&shift)))
}
