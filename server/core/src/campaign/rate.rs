//! What a line carries, and how much is carried, as files spell them: `20 Mbit/s`, `350 MB`.

use std::fmt;

/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// How much a line may carry for this work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// Never 0.
    bits_a_second: u64,
}

/// Units of rates, in bits a second, largest first; a bit is a bit and a `B` eight of them.
const RATES: [(&str, u64); 6] = [
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1000),
    ("GB/s", 8_000_000_000),
    ("MB/s", 8_000_000),
    ("kB/s", 8000),
];

/// Units of sizes, in bytes.
const SIZES: [(&str, u64); 6] = [
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// The most that a file may say: a terabit a second, a terabyte. More is a slip of the pen.
const MOST: u64 = 1_000_000_000_000;

impl Rate {
    /// Reads a rate.
    ///
    /// # Errors
    /// When it is not a whole number and a unit, is zero, or beyond a terabit a second.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bits_a_second = number(text, &RATES, "rate", "20 Mbit/s, 512 kbit/s or 2 MB/s")?;
        if bits_a_second == 0 {
            return Err(format!(
                "`{text}` carries nothing, so nothing would ever start; write what the line may carry, such as 20 Mbit/s, or \
                 leave it out where nothing limits it"
            ));
        }
        Ok(Self { bits_a_second })
    }

    /// How many bytes it carries within an hour.
    #[must_use]
    pub const fn an_hour(self) -> u64 {
        self.bits_a_second.saturating_mul(3600) / 8
    }

    /// How many bytes it carries within a time.
    #[must_use]
    pub fn within(self, ms: i64) -> u64 {
        let bytes = u128::from(self.bits_a_second) * u128::from(ms.max(0).unsigned_abs()) / 8000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// How long it takes to carry so many bytes, in milliseconds.
    #[must_use]
    pub fn takes_ms(self, bytes: u64) -> i64 {
        let ms = (u128::from(bytes) * 8000).div_ceil(u128::from(self.bits_a_second));
        i64::try_from(ms).unwrap_or(i64::MAX)
    }

    /// For how long so many bytes count on a line of this rate from when they were started: an hour, or as long as the line
    /// takes for them where that is longer. Where nothing limits the line, an hour.
    #[must_use]
    pub fn counts_ms(limit: Option<Self>, bytes: u64) -> i64 {
        limit.map_or(HOUR_MS, |rate| rate.takes_ms(bytes).max(HOUR_MS))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, of) = RATES
            .iter()
            .take(3)
            .find(|(_, of)| self.bits_a_second.is_multiple_of(*of))
            .copied()
            .unwrap_or(("bit/s", 1));
        write!(f, "{} {unit}", self.bits_a_second / of)
    }
}

/// Reads a size, in bytes.
///
/// # Errors
/// When it is not a whole number and a unit, is zero, or beyond a terabyte.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let bytes = number(text, &SIZES, "size", "350 MB or 2 GiB")?;
    if bytes == 0 {
        return Err(format!("`{text}` is nothing; write how much it is, such as 350 MB"));
    }
    Ok(bytes)
}

/// A size for people, rounded to three digits or so.
#[must_use]
pub fn size_words(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    match units.into_iter().find(|(of, _)| bytes >= *of) {
        None => format!("{bytes} bytes"),
        Some((of, unit)) => {
            let rounded = |to: u64| (u128::from(bytes) + u128::from(to / 2)) / u128::from(to);
            let tenths = rounded(of / 10);
            match (tenths / 10, tenths % 10) {
                (100.., _) => format!("{} {unit}", rounded(of)),
                (whole, 0) => format!("{whole} {unit}"),
                (whole, tenth) => format!("{whole}.{tenth} {unit}"),
            }
        }
    }
}

fn number(text: &str, units: &[(&str, u64)], what: &str, example: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let refuse = || format!("`{text}` is no {what}; write a whole number and its unit, such as {example}");
    let number: u64 = text[..digits].parse().map_err(|_| refuse())?;
    let unit = text[digits..].trim();
    let (_, of) = units.iter().find(|(name, _)| *name == unit).ok_or_else(refuse)?;
    number
        .checked_mul(*of)
        .filter(|it| *it <= MOST)
        .ok_or_else(|| format!("`{text}` is more than any {what} here; write for example {example}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_its_unit_and_nothing_else() {
        for (text, an_hour, shown) in [
            ("20 Mbit/s", 9_000_000_000, "20 Mbit/s"),
            ("8kbit/s", 3_600_000, "8 kbit/s"),
            ("2 MB/s", 7_200_000_000, "16 Mbit/s"),
            ("1500 kbit/s", 675_000_000, "1500 kbit/s"),
        ] {
            let rate = Rate::parse(text).unwrap();
            assert_eq!((rate.an_hour(), rate.to_string().as_str()), (an_hour, shown), "{text}");
        }
        for bad in [
            "",
            "20",
            "20 Mbit",
            "20 mbit/s",
            "1.5 Mbit/s",
            "-1 Mbit/s",
            "0 Mbit/s",
            "2000 Gbit/s",
        ] {
            assert!(Rate::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_line_carries_in_a_time_it_takes_that_time_for() {
        let rate = Rate::parse("3 kbit/s").unwrap();
        assert_eq!(rate.within(8000), 3000);
        assert_eq!(rate.takes_ms(3000), 8000);
        assert_eq!(rate.takes_ms(3001), 8003, "never too early");
        assert_eq!(Rate::counts_ms(Some(rate), 3000), HOUR_MS);
        assert_eq!(Rate::counts_ms(Some(rate), 3 * rate.an_hour()), 3 * HOUR_MS);
        assert_eq!(Rate::counts_ms(None, u64::MAX), HOUR_MS);
    }

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes) in [
            ("350 MB", 350_000_000),
            ("2GiB", 2_147_483_648),
            ("5 MiB", 5_242_880),
            ("3 KiB", 3072),
            ("7 kB", 7000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes));
        }
        for bad in ["", "350", "350 mb", "0 MB", "2000 GB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        let shown = [7, 7000, 1_540_000, 350_600_000, 2_147_483_648].map(size_words);
        assert_eq!(shown, ["7 bytes", "7 kB", "1.5 MB", "351 MB", "2.1 GB"]);
    }
}
