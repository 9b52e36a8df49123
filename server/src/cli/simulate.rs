//! `cutover simulate`.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Context as _;
use cutover_core::{
    campaign::Mode,
    report::instant,
    simulate::{Simulated, WaveCourse},
};

use super::{
    client::Client,
    output::{self, Format},
};
use crate::service::{AskSimulation, CampaignText, SimulationDone};

/// What would become of the fleet from here on.
#[derive(Debug, clap::Args)]
pub struct Simulate {
    /// A campaign file instead of the one in force.
    #[arg(long, value_name = "FILE")]
    pub campaign: Option<PathBuf>,
    /// How much the campaign does by itself, instead of what it says: observe, approve or automatic.
    #[arg(long, value_parser = mode)]
    pub mode: Option<Mode>,
    /// For how many days.
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// What everything drawn is drawn from; the same one gives the same course.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A wave that a person opens, and how long from now, such as `early=2d`. May be given several times.
    #[arg(long, value_name = "WAVE=AFTER", value_parser = opening)]
    pub open: Vec<(String, String)>,
    /// How soon people settle the readiness list, let hosts start and answer gates, such as `1d`; without it they do nothing.
    #[arg(long, value_name = "TIME")]
    pub people_within: Option<String>,
    /// Of a hundred attempts, how many fail [default: as many as did so far].
    #[arg(long, value_name = "PERCENT")]
    pub fails: Option<f64>,
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::parse(text).map_err(|error| error.to_string())
}

fn opening(text: &str) -> Result<(String, String), String> {
    let (wave, after) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` says no time; write for example {text}=2d, or {text}=0s for at once"))?;
    Ok((wave.to_owned(), after.to_owned()))
}

pub(super) async fn ask(command: &Simulate, client: &Client, format: Format) -> anyhow::Result<()> {
    let campaign = match &command.campaign {
        None => None,
        Some(file) => Some(CampaignText {
            file: file.display().to_string(),
            text: std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        }),
    };
    let ask = AskSimulation {
        campaign,
        mode: command.mode,
        days: command.days,
        seed: command.seed,
        open: command.open.iter().cloned().collect::<BTreeMap<_, _>>(),
        people_within: command.people_within.clone(),
        fails_percent: command.fails,
    };
    let done: SimulationDone = client.patient()?.post("simulations", &ask).await?;
    match format {
        Format::Json => output::json(&done),
        Format::Csv => waves(&done.simulated, format),
        Format::Table => told(&done),
    }
}

fn told(done: &SimulationDone) -> anyhow::Result<()> {
    let it = &done.simulated;
    let file = if done.is_other_file {
        "the file given"
    } else {
        "the file in force"
    };
    output::message(&format!(
        "{} of {} hosts are to be done; from {} to {}, mode {}, {file}, seed {}",
        it.to_do,
        it.hosts,
        instant(it.from_ms),
        instant(it.until_ms),
        done.mode,
        it.seed
    ));
    output::message(&assumed(done));
    waves(it, Format::Table)?;
    for share in &it.shares {
        let at = share.at_ms.map_or_else(|| "not reached".to_owned(), instant);
        output::text(&format!("{:>3} % done  {at}", share.percent));
    }
    for mark in &it.marks {
        output::text(&format!(
            "{} of {} are done at {}, {}",
            mark.done,
            it.to_do,
            mark.name,
            instant(mark.at_ms)
        ));
    }
    section("load of sites", it.sites.is_empty());
    let rows: Vec<Vec<String>> = it
        .sites
        .iter()
        .map(|site| {
            vec![
                if site.site.is_empty() {
                    "(none)".to_owned()
                } else {
                    site.site.clone()
                },
                site.starts.to_string(),
                site.most_at_work.to_string(),
                site.most_in_an_hour.to_string(),
                instant(site.busiest_ms),
                site.fetched_mib.to_string(),
            ]
        })
        .collect();
    let header = [
        "site",
        "starts",
        "at a time",
        "in an hour",
        "busiest hour ends",
        "MiB of artifacts",
    ];
    listed(&header, &rows, it)?;
    section("days", it.days.is_empty());
    let rows: Vec<Vec<String>> = it
        .days
        .iter()
        .map(|day| {
            vec![
                instant(day.day_ms).chars().take(10).collect(),
                day.starts.to_string(),
                day.restarts.to_string(),
                day.done.to_string(),
                day.failed.to_string(),
            ]
        })
        .collect();
    listed(&["day", "starts", "restarts", "done", "failed"], &rows, it)?;
    section("who is left", it.left.is_empty());
    let rows: Vec<Vec<String>> = it
        .left
        .iter()
        .map(|left| {
            vec![
                left.hosts.to_string(),
                left.why.clone(),
                left.remedy.clone(),
                left.named.join(", "),
            ]
        })
        .collect();
    listed(&["hosts", "why", "what to do", "such as"], &rows, it)?;
    if it.never_reached > 0 {
        output::text(&format!(
            "{} hosts are not heard of at all: {}",
            it.never_reached,
            it.never_reached_named.join(", ")
        ));
    }
    Ok(())
}

fn section(title: &str, is_empty: bool) {
    if !is_empty {
        output::text(&format!("\n{title}"));
    }
}

fn listed(header: &[&str], rows: &[Vec<String>], value: &Simulated) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    output::listing(Format::Table, header, rows, value)
}

/// What was made up, so that nobody takes it for known.
fn assumed(done: &SimulationDone) -> String {
    let it = &done.assumptions;
    let percent = |share: u16| f64::from(share) / 10.0;
    let people = it.people_within.map_or_else(
        || "people settle nothing, let no host start and answer no gate".to_owned(),
        |within| {
            let within = cutover_core::campaign::span::words(cutover_core::campaign::span::ms(within));
            format!("people settle the readiness list, let hosts start and answer gates within {within}")
        },
    );
    format!(
        "assumed: {} % of attempts fail, {} % of restarts do not come back, {} % of users put a restart off; {people}; \
         servers and Linux machines are always on, others in office hours; who has been away stays away as long again, \
         as likely as not",
        percent(it.fails.0),
        percent(it.goes_dark.0),
        percent(it.defers.0)
    )
}

fn waves(it: &Simulated, format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = it.waves.iter().map(wave).collect();
    let header = [
        "wave",
        "to do",
        "done",
        "opens",
        "first start",
        "half done",
        "done at",
        "halted",
    ];
    output::listing(format, &header, &rows, it)
}

fn wave(it: &WaveCourse) -> Vec<String> {
    let at = |at_ms: Option<i64>| at_ms.map_or_else(|| "-".to_owned(), instant);
    vec![
        it.name.clone(),
        it.to_do.to_string(),
        it.done.to_string(),
        at(it.opened_ms),
        at(it.first_start_ms),
        at(it.half_ms),
        at(it.done_ms),
        it.halts.join("; "),
    ]
}
