//! The name of a machine's time zone, as its system keeps it.

use super::windows_zones::ZONES;

/// A name of the IANA database is shorter.
const MAX_NAME: usize = 64;

/// The IANA name in what `/etc/localtime` leads to: what stands below a directory `zoneinfo`.
///
/// # Errors
/// When the link leads elsewhere.
pub fn of_link(target: &str) -> Result<String, String> {
    let below = target
        .rsplit_once("/zoneinfo/")
        // macOS keeps its own there where no newer ones were installed.
        .or_else(|| target.rsplit_once("/zoneinfo.default/"))
        .map(|(_, below)| below)
        .ok_or_else(|| format!("a link to {target} names no time zone"))?;
    // The same zones with and without leap seconds.
    let name = below
        .strip_prefix("posix/")
        .or_else(|| below.strip_prefix("right/"))
        .unwrap_or(below);
    named(name)
}

/// The IANA name in `/etc/timezone`, which holds nothing else.
///
/// # Errors
/// When its first line is none.
pub fn of_file(text: &str) -> Result<String, String> {
    named(text.trim_start().lines().next().unwrap_or_default().trim_end())
}

/// The IANA name of the zone to which Windows is set. With `daylight` off its clock stays the same all year, at `bias_min`
/// minutes to UTC, which few zones have: then it is the zone of that many whole hours, if there is one.
///
/// # Errors
/// When no such zone is known.
pub fn of_windows(key_name: &str, daylight: bool, bias_min: Option<u64>) -> Result<String, String> {
    if daylight {
        // Some programs wrote the value with what lay behind it in memory.
        let key_name = key_name.split('\0').next().unwrap_or_default().trim();
        return ZONES
            .iter()
            .find(|(windows, _)| windows.eq_ignore_ascii_case(key_name))
            .map(|(_, iana)| (*iana).to_owned())
            .ok_or_else(|| format!("`{key_name}` is no time zone of Windows that is known here"));
    }
    let bias = bias_min
        .and_then(|bias| u32::try_from(bias).ok())
        .map(u32::cast_signed)
        .ok_or("daylight time is off, and it is not told how far the clock is from UTC")?;
    match (bias / 60, bias % 60) {
        (0, 0) => Ok("Etc/GMT".to_owned()),
        // Zones of this kind count as a bias does: west of Greenwich is plus.
        (hours @ -14..=12, 0) => Ok(format!("Etc/GMT{hours:+}")),
        _ => Err(format!("no time zone is {bias} minutes behind UTC all year")),
    }
}

/// A name that could be one.
fn named(name: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+');
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= MAX_NAME
        && name.bytes().all(plain)
        && !name.ends_with('/');
    if is_name {
        Ok(name.to_owned())
    } else {
        Err("this is no name of a time zone".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_the_zone_below_zoneinfo() {
        for (target, name) in [
            ("/usr/share/zoneinfo/Europe/Berlin", Some("Europe/Berlin")),
            (
                "../usr/share/zoneinfo/America/Argentina/Ushuaia",
                Some("America/Argentina/Ushuaia"),
            ),
            ("/usr/share/zoneinfo/posix/Etc/GMT+12", Some("Etc/GMT+12")),
            ("/usr/share/zoneinfo/right/UTC", Some("UTC")),
            ("/var/db/timezone/zoneinfo/America/New_York", Some("America/New_York")),
            ("/usr/share/zoneinfo.default/Asia/Kathmandu", Some("Asia/Kathmandu")),
            ("/etc/zoneinfo/Europe/Zurich", Some("Europe/Zurich")),
            ("/mnt/clock", None),
            ("/usr/share/zoneinfo/", None),
            ("/usr/share/zoneinfo/../../etc/shadow", None),
            ("/usr/share/zoneinfo/Europe/Ber lin", None),
        ] {
            assert_eq!(of_link(target).ok().as_deref(), name, "{target}");
        }
        assert!(of_link(&format!("/usr/share/zoneinfo/{}", "A".repeat(65))).is_err());
    }

    #[test]
    fn a_file_names_it_in_its_first_line() {
        assert_eq!(of_file("Etc/UTC\n").as_deref(), Ok("Etc/UTC"));
        assert_eq!(of_file("\n  Europe/Berlin  \nmore").as_deref(), Ok("Europe/Berlin"));
        assert!(of_file("").is_err());
        assert!(of_file("# none\n").is_err());
    }

    #[test]
    fn a_zone_of_windows_has_its_iana_name() {
        let of = |key_name| of_windows(key_name, true, None).ok();
        for (key_name, name) in [
            ("Pacific Standard Time", Some("America/Los_Angeles")),
            ("eastern standard time", Some("America/New_York")),
            ("W. Europe Standard Time\0garbage", Some("Europe/Berlin")),
            ("Lord Howe Standard Time", Some("Australia/Lord_Howe")),
            ("UTC", Some("Etc/UTC")),
            ("Mars Standard Time", None),
            ("", None),
        ] {
            assert_eq!(of(key_name).as_deref(), name, "{key_name}");
        }
    }

    #[test]
    fn a_windows_without_daylight_time_has_the_zone_of_its_bias() {
        let of = |bias: i32| of_windows("Eastern Standard Time", false, Some(u64::from(bias.cast_unsigned()))).ok();
        assert_eq!(of(300).as_deref(), Some("Etc/GMT+5"));
        assert_eq!(of(-120).as_deref(), Some("Etc/GMT-2"));
        assert_eq!(of(0).as_deref(), Some("Etc/GMT"));
        assert_eq!(of(-345), None, "Nepal has no zone of whole hours");
        assert_eq!(of(30), None);
        assert_eq!(of(-900), None);
        assert!(of_windows("Eastern Standard Time", false, None).is_err());
    }

    #[test]
    fn the_table_is_sorted_and_names_every_zone_once() {
        assert!(ZONES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(ZONES.iter().all(|(_, iana)| named(iana).is_ok()));
        assert!(ZONES.len() > 130);
    }
}
