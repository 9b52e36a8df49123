//! What clamd says of itself (clamd(8), VERSION).

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Engine and signatures of a daemon at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// For example `ClamAV 1.4.6`.
    pub engine: String,
    /// When the official database that it loaded was built, to the day, in milliseconds since the epoch. Signatures of
    /// another making alone have no day.
    pub built_ms: Option<i64>,
}

/// Reads `ClamAV 1.4.6/27500/Tue Nov 24 09:30:12 2026`, or `ClamAV 1.4.6` without an official database.
///
/// # Errors
/// When it is neither.
pub fn version(bytes: &[u8]) -> Result<Loaded, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\0', '\n']);
    let mut parts = text.splitn(3, '/');
    let engine = parts.next().unwrap_or_default();
    if !engine.starts_with("ClamAV ") {
        let said: String = text.chars().take(80).collect();
        return Err(format!("clamd says `{said}`, which is no version of it"));
    }
    let built_ms = match parts.nth(1) {
        None => None,
        Some(date) => Some(day(date).ok_or_else(|| format!("clamd names no day in `{date}`"))?),
    };
    Ok(Loaded {
        engine: engine.to_owned(),
        built_ms,
    })
}

/// `Tue Nov 24 09:30:12 2026`, in the daemon's own zone; the day is all that is used.
fn day(date: &str) -> Option<i64> {
    let words: Vec<&str> = date.split_ascii_whitespace().collect();
    let [_, month, day, _, year] = words.as_slice() else {
        return None;
    };
    let month = i64::try_from(MONTHS.iter().position(|name| name == month)?).ok()? + 1;
    let days = super::instant::days(year.parse().ok()?, month, day.parse().ok()?)?;
    Some(days * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_the_loaded_database_is_read() {
        let built = |text: &str| version(text.as_bytes()).map(|loaded| loaded.built_ms);
        // date -d 2026-11-24 +%s, and a leap day.
        assert_eq!(
            built("ClamAV 1.4.6/27500/Tue Nov 24 09:30:12 2026\0"),
            Ok(Some(1_795_478_400_000))
        );
        assert_eq!(
            built("ClamAV 1.0.9/27199/Thu Feb 29 23:59:59 2024\n"),
            Ok(Some(1_709_164_800_000))
        );
        assert_eq!(
            built("ClamAV 1.0.9/27200/Fri Mar  1 08:00:00 2024"),
            Ok(Some(1_709_251_200_000))
        );
        assert_eq!(built("ClamAV 1.4.6\0"), Ok(None));
    }

    #[test]
    fn what_is_no_version_is_an_error() {
        for text in [
            "",
            "UNKNOWN COMMAND",
            "ClamAV 1/2/yesterday",
            "ClamAV 1/2/Tue Foo 24 09:30:12 2026",
            "ClamAV 1/2/Tue Nov 99 09:30:12 2026",
        ] {
            assert!(version(text.as_bytes()).is_err(), "{text}");
        }
    }
}
