//! `cutover-agent status`: asks the running service.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    app::{AgentStatus, RestartStatus, utc as time},
    config::Config,
    osservice,
    session::SessionStatus,
    words::Language,
};

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
            let step = (order.step + 1).min(order.steps);
            let what = order
                .what
                .as_ref()
                .map_or_else(String::new, |what| format!(" ({what})"));
            format!("{}{attempt}, step {step} of {}{what}{end}", order.number, order.steps)
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
    let footprint = status.footprint.map_or_else(
        || "not known on this system".to_owned(),
        |used| {
            let limit = status
                .memory_limit_mib
                .map_or_else(|| "no limit".to_owned(), |limit| format!("limit {limit} MiB"));
            format!(
                "{} MiB of memory, {} at most, {limit}; {}.{:03} s of processor time",
                used.resident_kib.div_ceil(1024),
                used.peak_kib.div_ceil(1024),
                used.cpu_ms / 1000,
                used.cpu_ms % 1000
            )
        },
    );
    let mut rows = vec![
        ("host", status.host_id.clone()),
        ("agent", status.agent_version.clone()),
        ("servers", status.servers.join(", ")),
        ("connection", connection(session)),
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
        ("hold", status.hold.clone().unwrap_or_else(|| "none".to_owned())),
        ("restart", restart(status.restart.as_ref())),
        (
            "work ahead",
            status.start.as_ref().map_or_else(
                || "none announced".to_owned(),
                |start| start.text(&time, Language::English),
            ),
        ),
        ("journal", journal),
        ("certificate", format!("until {}", time(session.certificate_end_ms))),
        ("footprint", footprint),
    ];
    let inspected = session.intercepted_by.as_ref();
    rows.extend(inspected.map(|by| ("inspected by", format!("{by}; exclude the server's address from that"))));
    rows.extend(status.ending.clone().map(|why| ("ending", why)));
    rows.iter()
        .map(|(name, value)| format!("{name:<14} {value}\n"))
        .collect()
}

/// Where calls go, and how.
fn connection(session: &SessionStatus) -> String {
    let address = session.address.clone().unwrap_or_else(|| "none".to_owned());
    let way = match session.way.as_deref() {
        Some("post") => {
            let again = session
                .back_to_http2_ms
                .map_or_else(String::new, |at| format!(", tried again from {} on", time(at)));
            format!(" by HTTPS POST (HTTP/2 does not come through{again})")
        }
        Some(_) | None => " by HTTP/2".to_owned(),
    };
    let proxy = session
        .proxy
        .as_ref()
        .map_or_else(String::new, |proxy| format!(", through the proxy {proxy}"));
    let better = session.better_address_ms.map_or_else(String::new, |at| {
        format!("; the addresses before it are tried from {} on", time(at))
    });
    format!("{address}{way}{proxy}{better}")
}

fn restart(due: Option<&RestartStatus>) -> String {
    let Some(due) = due else {
        return "none due".to_owned();
    };
    let comes = due
        .comes_ms
        .map_or_else(|| "due".to_owned(), |at_ms| format!("at {}", time(at_ms)));
    let off = if due.is_deferred { ", put off by its user" } else { "" };
    format!(
        "{comes}{off} ({}); can be put off until {}: cutover-agent defer 2h",
        due.reason,
        time(due.latest_ms)
    )
}
