mod clocks;
mod file;
mod reference;

use jiff::{Timestamp, tz::TimeZone};

use super::{Blackout, BlackoutInFile, Calendar, Closed, HORIZON_MS, Span, Window, WindowInFile};
use crate::campaign::{Selector, zone::zone};

fn window(days: &str, from: &str, to: &str) -> Window {
    in_file(days, from, to).read().unwrap()
}

fn in_file(days: &str, from: &str, to: &str) -> WindowInFile {
    WindowInFile {
        days: days.split(',').map(str::to_owned).collect(),
        from: from.to_owned(),
        to: to.to_owned(),
        zone: None,
        hosts: Selector::default(),
    }
}

fn blackout(from: &str, to: &str) -> Blackout {
    BlackoutInFile {
        from: toml::Value::String(from.to_owned()),
        to: toml::Value::String(to.to_owned()),
        name: "close".to_owned(),
        why: String::new(),
        hosts: Selector::default(),
    }
    .read()
    .unwrap()
}

fn in_zone(name: &str) -> TimeZone {
    zone(name).unwrap()
}

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// An instant as the host's clock shows it.
fn shown(at_ms: Option<i64>, zone: &TimeZone) -> String {
    at_ms.map_or("never".to_owned(), |at_ms| {
        let at = Timestamp::from_millisecond(at_ms).unwrap();
        at.to_zoned(zone.clone()).strftime("%F %T%.f%:z").to_string()
    })
}
