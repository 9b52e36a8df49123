//! Instants in words: in UTC, and as the machine's own clocks on the wall show them.

/// An instant in UTC to the second, by the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms", 2013). A library of time zones would be half the agent.
#[must_use]
pub fn utc(at_ms: i64) -> String {
    format!("{}Z", civil(at_ms.div_euclid(1000), "T"))
}

/// An instant for somebody at the machine: local time to the minute where the machine says its zone, and UTC in any case.
///
/// `zone` is what `/etc/localtime` holds.
#[must_use]
pub fn spoken(at_ms: i64, zone: Option<&[u8]>) -> String {
    let seconds = at_ms.div_euclid(1000);
    let minutes = |seconds: i64| civil(seconds, " ").chars().take(16).collect::<String>();
    match zone.and_then(|bytes| offset_at(bytes, seconds)) {
        Some((offset, name)) => format!(
            "{} {name} ({} UTC)",
            minutes(seconds.saturating_add(offset.into())),
            minutes(seconds)
        ),
        None => format!("{} UTC", minutes(seconds)),
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, by the same algorithms; `None` where no month or day has such a number,
/// and for years that no program of today writes.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_sound = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let year = year - i64::from(month <= 2);
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    is_sound.then(|| year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468)
}

fn civil(seconds: i64, between: &str) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}")
}

/// Seconds east of Greenwich and the name of the time in force, out of a TZif file of version 2 or later (RFC 9636).
///
/// Rules beyond the file's last transition are not computed where clocks still change by them: then there is no answer,
/// and UTC has to do. Distributions ship files whose transitions reach to 2037.
fn offset_at(bytes: &[u8], seconds: i64) -> Option<(i32, String)> {
    let (_, rest) = Block::read(bytes, 4)?;
    let (block, footer) = Block::read(rest, 8)?;
    let times: Vec<i64> = block
        .times
        .chunks_exact(8)
        .filter_map(|time| Some(i64::from_be_bytes(time.try_into().ok()?)))
        .collect();
    let after = times.partition_point(|time| *time <= seconds);
    let has_rules = footer.contains(&b',');
    if after == times.len() && has_rules {
        return None;
    }
    let kind = match after.checked_sub(1) {
        // Before the first transition the first kind holds.
        None => 0,
        Some(last) => usize::from(*block.kinds.get(last)?),
    };
    let info = block.infos.chunks_exact(6).nth(kind)?;
    let offset = i32::from_be_bytes(info.get(..4)?.try_into().ok()?);
    let name = block.names.get(usize::from(*info.get(5)?)..)?;
    let name: String = name
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| char::from(*byte))
        .collect();
    let is_plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-'));
    is_plain.then_some((offset, name))
}

/// The parts of one of a file's two data blocks.
struct Block<'a> {
    times: &'a [u8],
    kinds: &'a [u8],
    infos: &'a [u8],
    names: &'a [u8],
}

impl<'a> Block<'a> {
    /// A block whose times are `width` bytes wide, and what follows it.
    fn read(bytes: &'a [u8], width: usize) -> Option<(Self, &'a [u8])> {
        let (header, rest) = bytes.split_at_checked(44)?;
        if !header.starts_with(b"TZif") || *header.get(4)? < b'2' {
            return None;
        }
        let mut counts = header.get(20..)?.chunks_exact(4).map(|count| {
            let count = u32::from_be_bytes(count.try_into().ok()?);
            usize::try_from(count).ok()
        });
        let mut count = || counts.next().flatten();
        let (is_utc, is_standard, leaps, times, kinds, names) =
            (count()?, count()?, count()?, count()?, count()?, count()?);
        let (times_part, rest) = rest.split_at_checked(times.checked_mul(width)?)?;
        let (kinds_part, rest) = rest.split_at_checked(times)?;
        let (infos, rest) = rest.split_at_checked(kinds.checked_mul(6)?)?;
        let (names, rest) = rest.split_at_checked(names)?;
        let more = leaps
            .checked_mul(width.checked_add(4)?)?
            .checked_add(is_standard)?
            .checked_add(is_utc)?;
        let (_, rest) = rest.split_at_checked(more)?;
        let block = Self {
            times: times_part,
            kinds: kinds_part,
            infos,
            names,
        };
        Some((block, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_printed_in_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(1_727_582_400_000), "2024-09-29T04:00:00Z");
        assert_eq!(utc(1_709_164_799_999), "2024-02-28T23:59:59Z");
        assert_eq!(utc(1_709_164_800_000), "2024-02-29T00:00:00Z");
        assert_eq!(utc(-1), "1969-12-31T23:59:59Z");
    }

    /// A file with two kinds of time, one transition into the second, and these rules behind it.
    fn file(transition: i64, rules: &str) -> Vec<u8> {
        let header = |times: u32, kinds: u32, names: u32| {
            let mut bytes = b"TZif2".to_vec();
            bytes.extend([0; 15]);
            for count in [0, 0, 0, times, kinds, names] {
                bytes.extend(count.to_be_bytes());
            }
            bytes
        };
        let mut bytes = header(0, 1, 4);
        bytes.extend([0, 0, 0, 0, 0, 0]);
        bytes.extend(b"UTC\0");
        bytes.extend(header(1, 2, 9));
        bytes.extend(transition.to_be_bytes());
        bytes.push(1);
        bytes.extend(3600_i32.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(7200_i32.to_be_bytes());
        bytes.extend([1, 4]);
        bytes.extend(b"CET\0CEST\0");
        bytes.extend(format!("\n{rules}\n").bytes());
        bytes
    }

    #[test]
    fn somebody_at_the_machine_reads_the_time_on_the_wall_and_utc() {
        let summer_ms = 1_711_846_800_000;
        let zone = file(summer_ms / 1000, "CEST-2");
        let said = |at_ms| spoken(at_ms, Some(&zone));
        assert_eq!(said(summer_ms - 1000), "2024-03-31 01:59 CET (2024-03-31 00:59 UTC)");
        assert_eq!(said(summer_ms), "2024-03-31 03:00 CEST (2024-03-31 01:00 UTC)");
        assert_eq!(spoken(summer_ms, None), "2024-03-31 01:00 UTC");
    }

    #[test]
    fn where_the_zone_cannot_be_told_utc_has_to_do() {
        let zone = file(1_711_846_800, "CET-1CEST,M3.5.0,M10.5.0/3");
        let later_ms = 4_000_000_000_000;
        assert_eq!(
            spoken(later_ms, Some(&zone)),
            "2096-10-02 07:06 UTC",
            "rules are not computed"
        );
        for length in 0..zone.len() {
            // Cut anywhere, it is no zone, or the same one: never another, and no panic.
            let said = spoken(0, zone.get(..length));
            assert!(said.starts_with("1970-01-01 0"), "{length}: {said}");
        }
        assert_eq!(spoken(0, Some(b"TZif1")), "1970-01-01 00:00 UTC");
    }
}
