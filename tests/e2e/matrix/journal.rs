//! The agent's journal, read while it is written: for the moment at which a cell strikes.

use serde_json::Value;

/// What one line says, as far as a cell needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A record of an event.
    Record {
        /// The step, 0 for events of the order.
        step: u32,
        /// The record's event.
        event: String,
    },
    /// A tool was started for a step.
    Tool(u32),
    /// The machine is asked to restart.
    RestartAsked,
}

/// All lines that are whole. A line is a checksum, a space, and one entry in JSON.
pub(super) fn lines(text: &str) -> Vec<Line> {
    text.lines().filter_map(read).collect()
}

fn read(line: &str) -> Option<Line> {
    let (_, json) = line.split_once(' ')?;
    let entry: Value = serde_json::from_str(json).ok()?;
    let number = |value: &Value| value.as_u64().and_then(|step| u32::try_from(step).ok());
    if let Some(record) = entry.pointer("/record/record") {
        return Some(Line::Record {
            step: number(&record["step"])?,
            event: record["event"].as_str()?.to_owned(),
        });
    }
    if entry.get("restart-asked").is_some() {
        return Some(Line::RestartAsked);
    }
    Some(Line::Tool(number(entry.pointer("/process/step")?)?))
}

/// The last thing that a journal says, in words.
pub(super) fn last(text: &str) -> String {
    match lines(text).last() {
        Some(Line::Record { step, event }) if event.starts_with("step-") => format!("{event} {step}"),
        Some(Line::Record { event, .. }) => event.clone(),
        Some(Line::RestartAsked) => "restart asked".to_owned(),
        Some(Line::Tool(step)) => format!("tool of {step}"),
        None => "nothing".to_owned(),
    }
}
