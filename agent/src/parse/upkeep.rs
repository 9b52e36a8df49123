//! What products and installers say of a product's upkeep. Each reader looks for one bounded word and takes nothing else.

use super::instant::days;

const DAY_MS: i64 = 86_400_000;
/// The clocks that are furthest ahead are so much before UTC. An instant whose zone nobody tells is at least this early.
pub const FURTHEST_AHEAD_MS: i64 = 14 * 3_600_000;
/// No name of a machine in a network is longer.
const MAX_SERVER: usize = 255;

/// `05-05-2024 17-00-00`, in UTC: how the Network Agent keeps instants in the registry of Windows. In milliseconds since
/// the epoch.
#[must_use]
pub fn network_agent_instant(text: &str) -> Option<i64> {
    let (date, time) = text.trim().split_once(' ')?;
    let [day, month, year] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, '-')?;
    instant([year, month, day], [hour, minute, second])
}

/// Where the Network Agent's server is, when what it keeps is a name or an address and nothing else.
#[must_use]
pub fn server(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let fits = !text.is_empty() && text.len() <= MAX_SERVER && text.chars().all(is_plain);
    fits.then(|| text.to_owned())
}

/// The date of the bases that `kesl-control --app-info` names, in milliseconds since the epoch. It does not say in which
/// zone, so the earliest instant that it can mean.
#[must_use]
pub fn kesl_bases(said: &[u8]) -> Option<i64> {
    /// In the two languages in which it was seen.
    const LINES: [&str; 2] = [
        "Last release date of databases:",
        "Дата последнего выпуска баз приложения:",
    ];
    let text = String::from_utf8_lossy(said);
    let value = text
        .lines()
        .find_map(|line| LINES.iter().find_map(|head| line.trim().strip_prefix(head)))?;
    let (date, time) = value.trim().split_once(' ')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    instant([year, month, day], [hour, minute, second])
        // What was never updated has no date.
        .filter(|at| *at > 0)
        .map(|at| at - FURTHEST_AHEAD_MS)
}

/// `20240801`, as Windows Installer keeps a day: days since the epoch. Other installers write what they like.
#[must_use]
pub fn installer_day(text: &str) -> Option<i32> {
    let text = text.trim();
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse().ok();
    let days = days(part(0..4)?, part(4..6)?, part(6..8)?)?;
    i32::try_from(days).ok()
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let mut next = || {
        let part = parts.next()?;
        let is_number = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    };
    let found = [next()?, next()?, next()?];
    parts.next().is_none().then_some(found)
}

fn instant([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    // A leap second is one that nobody counts.
    let is_sound = hour < 24 && minute < 60 && second <= 60;
    let days = days(year, month, day).filter(|_| is_sound)?;
    Some(days * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_of_the_network_agent_are_in_utc() {
        // date -u -d '2024-05-05 17:00:00' +%s
        assert_eq!(network_agent_instant("05-05-2024 17-00-00"), Some(1_714_928_400_000));
        for other in [
            "",
            "not-a-date",
            "2024-05-05 17:00:00",
            "05-13-2024 17-00-00",
            "05-05-2024 24-00-00",
            "05-05-2024",
            "05-05-2024 17-00-00-00",
        ] {
            assert_eq!(network_agent_instant(other), None, "{other}");
        }
    }

    #[test]
    fn bases_of_kesl_are_dated_as_early_as_any_zone_allows() {
        let said = "Name:                                       Kaspersky Endpoint Security 10 SP1 for Linux\n\
                    License expiration date:                    2019-07-09\n\
                    Last release date of databases:             2018-08-23 04:11:00\n\
                    Anti-virus databases loaded:                Yes\n";
        // date -u -d '2018-08-22 14:11:00' +%s
        assert_eq!(kesl_bases(said.as_bytes()), Some(1_534_947_060_000));
        let russian = "Дата последнего выпуска баз приложения: 2018-08-23 04:11:00\n";
        assert_eq!(kesl_bases(russian.as_bytes()), Some(1_534_947_060_000));
        for none in [
            "",
            "Last release date of databases: 1970-01-01 00:00:00",
            "Last release date of databases: never",
        ] {
            assert_eq!(kesl_bases(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn a_day_of_windows_installer_is_read_and_another_spelling_is_not() {
        // date -u -d 2024-08-01 +%s / 86400
        assert_eq!(installer_day("20240801"), Some(19_936));
        for other in ["", "8/1/2024", "2024-08-01", "20241301", "00000000"] {
            assert_eq!(installer_day(other), None, "{other}");
        }
    }

    #[test]
    fn a_server_is_a_name_or_an_address_and_never_a_sentence() {
        for server_name in ["ksc01.corp.example", "10.0.0.5", "[fd00::5]:13000", "KSC_01", "сервер"] {
            assert_eq!(server(&format!(" {server_name} ")).as_deref(), Some(server_name));
        }
        for other in ["", "two words", "a=b", &"x".repeat(256)] {
            assert_eq!(server(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_words_never_panic(text in ".{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (network_agent_instant(&text), installer_day(&text), server(&text), kesl_bases(&bytes));
        }
    }
}
