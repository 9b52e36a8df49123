//! The calendar of a campaign against another implementation: Python's zoneinfo on the machine's own time zone database,
//! by a script that follows the words of the rules and looks at every minute.
//!
//! The two databases may be of different versions. Every instant that is asked about lies before 2025, so that both know
//! what the clocks of its zone showed.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use cutover_agent::parse::windows_zones;
use cutover_core::{
    campaign::{Campaign, CampaignError, PRESETS, zone},
    hours::{BlackoutInFile, Calendar, WindowInFile},
};
use cutover_tests::harness::{
    process::{find, run, tool},
    requirement,
};
use jiff::Timestamp;
use serde::Deserialize;

/// The script takes some seconds.
const LIMIT: Duration = Duration::from_secs(300);

/// The instant from which the United States forbade updates, where it was written down.
const CUTOFF: &str = "2024-09-29T00:00:00-04:00";

/// Sixty zones: every offset that is in use, with and without daylight time.
const ZONES: [&str; 60] = [
    "Africa/Abidjan",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Adak",
    "America/Anchorage",
    "America/Argentina/Ushuaia",
    "America/Asuncion",
    "America/Bogota",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Noronha",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Ho_Chi_Minh",
    "Asia/Jerusalem",
    "Asia/Kabul",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Asia/Yangon",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Darwin",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Etc/GMT+12",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Marquesas",
    "Pacific/Noumea",
    "Pacific/Pago_Pago",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    about: String,
    zone: String,
    at: String,
    needed_min: i64,
    windows: Vec<WindowInFile>,
    blackouts: Vec<Ends>,
}

#[derive(Deserialize)]
struct Ends {
    from: String,
    to: String,
}

/// Instants are milliseconds since the epoch.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Answer {
    open: bool,
    next_open: Option<i64>,
    closes: Option<i64>,
    latest_start: Option<i64>,
}

#[derive(Deserialize)]
struct Answers {
    calendars: Vec<Answer>,
    instants: Vec<String>,
}

fn here(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("hours").join(name)
}

fn at_ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// What Python says to all questions; `None` where this machine has none that could.
fn asked(calendars: &serde_json::Value) -> Result<Option<Answers>> {
    let program = find("python3").context("python3 is missing: apt-get install python3 tzdata");
    if !requirement::met(program.map(drop))? {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let questions = directory.path().join("questions.json");
    let instant = serde_json::json!({ "at": CUTOFF, "zones": ZONES.as_slice() });
    fs::write(
        &questions,
        serde_json::json!({ "calendars": calendars, "instant": instant }).to_string(),
    )?;
    let mut command = tool("python3");
    // Not the zones that a package of Python may bring.
    command.arg("-I").arg(here("expected.py")).arg(&questions);
    let said = run(command, LIMIT)?.succeeded()?;
    Ok(Some(serde_json::from_str(&said.stdout)?))
}

fn calendar(question: &Question) -> Calendar {
    let blackout = |ends: &Ends| {
        BlackoutInFile {
            from: toml::Value::String(ends.from.clone()),
            to: toml::Value::String(ends.to.clone()),
            name: question.about.clone(),
            why: String::new(),
            hosts: cutover_core::campaign::Selector::default(),
        }
        .read()
        .unwrap()
    };
    Calendar {
        windows: question.windows.iter().map(|window| window.read().unwrap()).collect(),
        blackouts: question.blackouts.iter().map(blackout).collect(),
        needs_window: false,
    }
}

#[test]
fn the_calendar_answers_as_pythons_zones_do() -> Result<()> {
    let text = fs::read_to_string(here("vectors.json"))?;
    let questions: Vec<Question> = serde_json::from_str(&text)?;
    assert!(questions.len() >= 60);
    let Some(expected) = asked(&serde_json::from_str(&text)?)? else {
        return Ok(());
    };
    assert_eq!(expected.calendars.len(), questions.len());
    for (question, expected) in questions.iter().zip(&expected.calendars) {
        let host = zone::zone(&question.zone).unwrap();
        let (calendar, at_ms) = (calendar(question), at_ms(&question.at));
        let answer = Answer {
            open: calendar.is_open(at_ms, &host),
            next_open: calendar.next_open_ms(at_ms, &host),
            closes: calendar.closes_ms(at_ms, &host),
            latest_start: calendar.latest_start_ms(at_ms, question.needed_min * 60_000, &host),
        };
        let Question { about, zone, at, .. } = question;
        assert_eq!(&answer, expected, "{about}: {zone}, {at}");
    }
    Ok(())
}

/// The preset with another text for the instant of its cutoff.
fn with_cutoff(text: &str) -> Result<Campaign, CampaignError> {
    let (file, preset) = PRESETS[0];
    let kept = "\"2024-09-29T04:00:00Z\"";
    assert!(preset.contains(kept), "the preset has that instant");
    Campaign::parse(file, &preset.replace(kept, text), 1)
}

#[test]
fn a_milestone_is_the_same_instant_by_the_clocks_of_sixty_zones() -> Result<()> {
    let Some(answers) = asked(&serde_json::json!([]))? else {
        return Ok(());
    };
    assert_eq!(answers.instants.len(), ZONES.len());
    for (name, text) in ZONES.iter().zip(&answers.instants) {
        let campaign = with_cutoff(&format!("\"{text}\""))?;
        assert_eq!(campaign.cutoff_ms(), Some(at_ms(CUTOFF)), "{name}: {text}");
        let without_quotes = with_cutoff(text)?;
        assert_eq!(without_quotes.cutoff_ms(), Some(at_ms(CUTOFF)), "{name}: {text}");
        // By the name of the zone, as by its offset.
        let (clock, _) = text.split_at("2024-09-29T00:00:00".len());
        let named = with_cutoff(&format!("\"{clock}[{name}]\""))?;
        assert_eq!(named.cutoff_ms(), Some(at_ms(CUTOFF)), "{name}: {clock}");
    }
    Ok(())
}

#[test]
fn a_bare_date_is_no_milestone_in_any_spelling() {
    for text in [
        "2024-09-29",
        "\"2024-09-29\"",
        "2024-09-29T00:00:00",
        "\"2024-09-29T00:00:00\"",
        "\"2024-09-29 00:00\"",
        "00:00:00",
    ] {
        let refused = with_cutoff(text).unwrap_err();
        assert!(
            matches!(&refused, CampaignError::BareDate { example, .. } if example.parse::<Timestamp>().is_ok()),
            "{text}: {refused}"
        );
    }
}

#[test]
fn every_zone_that_a_windows_may_be_set_to_is_known_here() {
    for (windows, iana) in windows_zones::ZONES {
        assert!(zone::zone(iana).is_some(), "{windows}: {iana}");
    }
}
