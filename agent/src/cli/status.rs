//! `cutover-agent status`: asks the running service.

use std::process::ExitCode;

use anyhow::Result;

use crate::{app::AgentStatus, config::Config, osservice};

/// How the status is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

/// Ask the running agent how it stands. Only root and the user it runs as are answered.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct StatusArgs {
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

pub(super) fn run(arguments: &StatusArgs, config: &Config) -> Result<ExitCode> {
    let status = super::runtime()?.block_on(osservice::ask_status(&config.socket))?;
    let text = match arguments.output {
        Output::Table => table(&status),
        Output::Json => serde_json::to_string_pretty(&status)? + "\n",
    };
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn table(status: &AgentStatus) -> String {
    let session = &status.session;
    let order = status.order.as_ref().map_or_else(
        || "none".to_owned(),
        |order| {
            let attempt = order
                .attempt
                .map_or_else(String::new, |attempt| format!(", attempt {attempt}"));
            let end = if order.past_last_safe_point {
                ", past its last safe point"
            } else {
                ""
            };
            format!("{}{attempt}, step {}{end}", order.number, order.step + 1)
        },
    );
    let journal = match &status.journal.trouble {
        Some(trouble) => format!("{}: {trouble}", status.journal.state),
        None => format!(
            "{}, {} records wait",
            status.journal.state, status.journal.waiting_records
        ),
    };
    let next = match (&session.next_check_in_why, session.next_check_in_ms) {
        (Some(why), Some(at)) => format!("{} ({why})", time(at)),
        _ => "under way".to_owned(),
    };
    let rows = [
        ("host", status.host_id.clone()),
        ("agent", status.agent_version.clone()),
        ("servers", status.servers.join(", ")),
        (
            "last check-in",
            session
                .last_check_in_ms
                .map_or_else(|| "none since the start".to_owned(), time),
        ),
        (
            "last failure",
            session.last_failure.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        ("next check-in", next),
        (
            "last look",
            session.looked_at_ms.map_or_else(|| "none".to_owned(), time),
        ),
        ("rules", format!("revision {}", session.rules_revision)),
        ("order", order),
        ("journal", journal),
        ("certificate", format!("until {}", time(session.certificate_end_ms))),
    ];
    rows.iter()
        .map(|(name, value)| format!("{name:<14} {value}\n"))
        .collect()
}

/// An instant of trusted time in UTC, by the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms", 2013). A library of time zones would be half the agent.
fn time(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn instants_are_printed_in_utc() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_727_582_400_000), "2024-09-29T04:00:00Z");
        assert_eq!(time(1_709_164_799_999), "2024-02-28T23:59:59Z");
        assert_eq!(time(1_709_164_800_000), "2024-02-29T00:00:00Z");
        assert_eq!(time(-1), "1969-12-31T23:59:59Z");
    }
}
