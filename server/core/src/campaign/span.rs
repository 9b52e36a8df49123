//! Lengths of time as files spell them: `90s`, `15m`, `24h`, `7d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error as _};

/// Reads a length of time.
///
/// # Errors
/// When it is not a whole number followed by `ms`, `s`, `m`, `h` or `d`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let refuse = || format!("`{text}` is no length of time; write for example 90s, 15m, 24h or 7d");
    let number: u64 = text[..digits].parse().map_err(|_| refuse())?;
    let unit_ms: u64 = match text[digits..].trim() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(refuse()),
    };
    number
        .checked_mul(unit_ms)
        // Instants are signed milliseconds: ten thousand years is longer than any campaign.
        .filter(|ms| *ms <= 315_360_000_000_000)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{text}` is longer than ten thousand years"))
}

/// For `#[serde(deserialize_with)]`.
///
/// # Errors
/// As [`parse`].
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(D::Error::custom)
}

/// A length of time as a file would spell it, in the largest unit that divides it.
#[must_use]
pub fn words(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.iter().find(|(unit, _)| ms != 0 && ms % unit == 0) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => format!("{ms}ms"),
    }
}

/// A duration as signed milliseconds, the unit of instants.
#[must_use]
pub fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
