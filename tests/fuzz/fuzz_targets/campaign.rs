//! A campaign's file, its spans and its report schedules.

#![no_main]

use cutover_core::{campaign::Campaign, campaign::span, report::Schedule};

bounded::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Campaign::parse("fuzzed.toml", text, 1).map_err(|error| error.to_string());
    if let Ok(duration) = span::parse(text) {
        let _ = span::words(span::ms(duration));
    }
    if let Some((expression, zone)) = text.split_once('\n')
        && let Ok(schedule) = Schedule::parse(expression, zone)
    {
        let _ = schedule.due_periods(1_727_000_000_000, 1_727_900_000_000, 20);
    }
});
