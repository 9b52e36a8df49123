//! How files write windows and blackouts.

use std::cmp::Ordering;

use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime},
};
use serde::Deserialize;

use super::{
    Blackout, Span, Window,
    window::{DAY_MIN, DAYS},
};
use crate::campaign::{Selector, zone::zone};

/// A window, as a file writes it.
///
/// ```toml
/// days = ["mon-fri", "sun"]
/// from = "22:00"
/// to = "05:00"               # the next morning
/// zone = "America/New_York"  # left out: the host's own
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowInFile {
    /// Days of the week on which it begins, or ranges of them.
    pub days: Vec<String>,
    /// When it begins, `00:00` to `23:59`.
    pub from: String,
    /// When it ends, `00:00` to `24:00`; at or before `from` it is a time of the next day.
    pub to: String,
    /// The IANA name of the zone in which these times are meant.
    #[serde(default)]
    pub zone: Option<String>,
    /// Which hosts it is for; left out: all.
    #[serde(default, rename = "match")]
    pub hosts: Selector,
}

/// A blackout, as a file writes it.
///
/// ```toml
/// name = "year-end close"
/// why = "Finance closes the books"
/// from = 2024-12-20               # whole days where the host is, the last one too
/// to = 2025-01-03
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlackoutInFile {
    /// The first day, or the first instant.
    pub from: toml::Value,
    /// The last day, or the instant at which it is over.
    pub to: toml::Value,
    /// What people call it.
    pub name: String,
    /// Why, for who must wait.
    #[serde(default)]
    pub why: String,
    /// Which hosts it is for; left out: all.
    #[serde(default, rename = "match")]
    pub hosts: Selector,
}

impl WindowInFile {
    /// The window that it says.
    ///
    /// # Errors
    /// Which key makes no sense, and what to write.
    pub fn read(&self) -> Result<Window, String> {
        let days = days(&self.days).map_err(|why| format!("days: {why}"))?;
        let from_min = minutes(&self.from).map_err(|why| format!("from: {why}"))?;
        let to_min = minutes(&self.to).map_err(|why| format!("to: {why}"))?;
        if from_min >= DAY_MIN {
            return Err("from: `24:00` is over before it begins; write 00:00 and the day after".to_owned());
        }
        let length_min = match to_min.cmp(&from_min) {
            Ordering::Equal => {
                return Err(format!(
                    "from and to are both {}; write from = \"00:00\" and to = \"24:00\" for whole days, or two different times",
                    self.from.trim()
                ));
            }
            Ordering::Greater => to_min - from_min,
            Ordering::Less => to_min + DAY_MIN - from_min,
        };
        let zone = match &self.zone {
            None => None,
            Some(name) => Some(zone(name.trim()).ok_or_else(|| {
                format!(
                    "zone: `{name}` is no zone of the IANA database; write for example America/New_York, or leave it out \
                     for the host's own"
                )
            })?),
        };
        Ok(Window {
            days,
            from_min,
            length_min,
            zone,
        })
    }
}

fn days(texts: &[String]) -> Result<[bool; 7], String> {
    let mut days = [false; 7];
    for text in texts {
        let day = |name: &str| {
            DAYS.iter().position(|day| *day == name.trim()).ok_or_else(|| {
                format!("`{text}` is no day of the week; write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri")
            })
        };
        let (first, last) = match text.split_once('-') {
            None => (day(text)?, day(text)?),
            Some((first, last)) => (day(first)?, day(last)?),
        };
        // A range may go round the end of the week: fri-mon.
        let length = (last + 7 - first) % 7;
        for step in 0..=length {
            days[(first + step) % 7] = true;
        }
    }
    if days.contains(&true) {
        Ok(days)
    } else {
        Err(
            "there is none, so it would never open; write for example [\"mon-fri\"], or [\"mon-sun\"] for every day"
                .to_owned(),
        )
    }
}

/// A time of day in minutes, `24:00` included.
fn minutes(text: &str) -> Result<u16, String> {
    let number = |digits: &str| -> Option<u16> {
        let plain = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    text.trim()
        .split_once(':')
        .and_then(|(hours, minutes)| Some((number(hours)?, number(minutes)?)))
        .filter(|(hours, minutes)| *hours < 24 && *minutes < 60 || (*hours, *minutes) == (24, 0))
        .map(|(hours, minutes)| hours * 60 + minutes)
        .ok_or_else(|| format!("`{text}` is no time of day; write hours and minutes, for example 05:00 or 22:30"))
}

enum End {
    Day(Date),
    Instant(i64),
}

impl BlackoutInFile {
    /// The blackout that it says.
    ///
    /// # Errors
    /// Which key makes no sense, and what to write.
    pub fn read(&self) -> Result<Blackout, String> {
        if self.name.trim().is_empty() {
            return Err("name is empty; write what people call it, such as year-end close".to_owned());
        }
        let span = match (end("from", &self.from)?, end("to", &self.to)?) {
            (End::Day(from), End::Day(to)) => {
                if to < from {
                    return Err(format!(
                        "to = {to} is before from = {from}, so it would hold on no day; swap them"
                    ));
                }
                Span::Days { from, to }
            }
            (End::Instant(from_ms), End::Instant(to_ms)) => {
                if to_ms <= from_ms {
                    return Err(format!(
                        "to = {} is not after from = {}, so it would never hold; write a later end",
                        self.to, self.from
                    ));
                }
                Span::Instants { from_ms, to_ms }
            }
            (End::Day(_), End::Instant(_)) | (End::Instant(_), End::Day(_)) => {
                return Err(format!(
                    "from = {} and to = {} are a day and an instant; write two days for whole days where each host is, or \
                     two times with an offset for the same time everywhere",
                    self.from, self.to
                ));
            }
        };
        Ok(Blackout {
            name: self.name.trim().to_owned(),
            why: self.why.trim().to_owned(),
            span,
        })
    }
}

fn end(key: &str, value: &toml::Value) -> Result<End, String> {
    let remedy = "write a day such as 2024-12-20, or a time with an offset such as 2024-12-20T18:00:00-05:00";
    let text = match value {
        toml::Value::String(text) => text.trim().to_owned(),
        toml::Value::Datetime(datetime) => datetime.to_string(),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => {
            return Err(format!("{key} = {value} is neither a day nor an instant; {remedy}"));
        }
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(End::Instant(instant.as_millisecond()));
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(End::Instant(zoned.timestamp().as_millisecond()));
    }
    if let Ok(day) = Date::strptime("%Y-%m-%d", &text) {
        return Ok(End::Day(day));
    }
    Err(match text.parse::<DateTime>() {
        Ok(civil) => format!(
            "{key} = {value} has a time and no offset; write {}-05:00 with the offset that is meant, or {} for the whole day",
            civil.strftime("%Y-%m-%dT%H:%M:%S"),
            civil.date()
        ),
        Err(_) => format!("{key} = {value} is neither a day nor an instant; {remedy}"),
    })
}
