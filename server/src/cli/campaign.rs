//! `cutover campaign` and `cutover wave`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use cutover_core::report::instant;

use super::{
    client::Client,
    output::{self, Format, done},
};
use crate::{
    api::Ask,
    service::{
        AnswerGate, ApplyCampaign, ApproveWave, CampaignApplied, CampaignDetail, CampaignPreview, HaltCampaign, Moved,
        ResetWave, views::WaveView,
    },
};

/// Campaigns.
#[derive(Debug, Subcommand)]
pub enum Campaign {
    /// Every campaign of the server.
    List,
    /// The file in force, its versions, and what is not as it should be.
    #[command(disable_version_flag = true)]
    Show {
        /// The campaign; left out: the one that the server runs.
        campaign: Option<String>,
        /// The file of this version instead of the one in force.
        #[arg(long)]
        version: Option<i64>,
    },
    /// Puts a campaign file in force, whole or not at all.
    Apply {
        /// The file.
        file: PathBuf,
        /// The version that the file was written against: refused where another one is in force.
        #[arg(long)]
        if_version: Option<i64>,
        /// Only says what would change, key by key and in figures.
        #[arg(long)]
        dry_run: bool,
    },
    /// Starts nothing more; what hosts have runs to its end.
    Pause(Turn),
    /// Emergency stop: starts nothing more, and ends what hosts have at their next safe point. In force at once, and after a
    /// restart of the server too.
    Stop(Turn),
    /// Lets hosts start again.
    Resume(Turn),
    /// Ends the campaign for good, by two people: what is left, what one of them proposes, and what the other one confirms.
    Close(super::closing::Close),
}

/// A pause, a stop or their end.
#[derive(Debug, clap::Args)]
pub struct Turn {
    /// Why, and who says so.
    #[arg(long)]
    pub why: String,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

/// Waves.
#[derive(Debug, Subcommand)]
pub enum Wave {
    /// Every wave with its state and counts.
    List {
        #[command(flatten)]
        then: super::args::Then,
    },
    /// Lets the wave's hosts start.
    Open(WaveNamed),
    /// Stops starts in the wave; what has begun runs to its end.
    Pause(WaveNamed),
    /// Lets the hosts of a paused wave start again.
    Resume(WaveNamed),
    /// Lets a halted wave go on, with a few hosts first.
    Reset {
        /// The wave's name.
        name: String,
        /// What the cause was, and why it is gone.
        #[arg(long)]
        why: String,
        /// How many hosts go first [default: 5].
        #[arg(long)]
        first: Option<u32>,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Approves a wave's gate, so that the waves after it may open.
    Gate(Gate),
    /// Lets hosts start that wait for a person: servers, unless the campaign says otherwise, and every host in mode approve.
    Approve {
        /// The wave's name.
        name: String,
        /// Only this host, by id or name; may be given several times.
        #[arg(long = "host")]
        hosts: Vec<String>,
        /// Only says how many there would be.
        #[arg(long)]
        dry_run: bool,
    },
}

/// An answer at a gate.
#[derive(Debug, clap::Args)]
pub struct Gate {
    /// The wave's name.
    pub name: String,
    /// The change's number, where a system outside answers; without it you approve by your role.
    #[arg(long)]
    pub change: Option<String>,
    /// Refuses instead.
    #[arg(long)]
    pub refuse: bool,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

/// A wave.
#[derive(Debug, clap::Args)]
pub struct WaveNamed {
    /// The wave's name.
    pub name: String,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn ask(command: &Campaign, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Campaign::List => list(&client.get("campaigns", &[]).await?, format),
        Campaign::Show { campaign, version } => {
            let id = match campaign {
                Some(id) => id.clone(),
                None => running(client).await?,
            };
            let query: Vec<(&str, String)> = version.iter().map(|version| ("version", version.to_string())).collect();
            show(&client.get(&format!("campaigns/{id}"), &query).await?, format)
        }
        Campaign::Apply {
            file,
            if_version,
            dry_run,
        } => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let ask = ApplyCampaign {
                file: file.display().to_string(),
                text,
                if_version: *if_version,
                dry_run: *dry_run,
            };
            let id = running(client).await?;
            let answer = client
                .patient()?
                .post(&format!("campaigns/{id}/versions"), &ask)
                .await?;
            applied(&answer, format)
        }
        Campaign::Pause(turn) => turned(client, "pause", turn, format).await,
        Campaign::Stop(turn) => turned(client, "stop", turn, format).await,
        Campaign::Resume(turn) => turned(client, "resume", turn, format).await,
        Campaign::Close(close) => super::closing::ask(close, &running(client).await?, client, format).await,
    }
}

/// The campaign that the server runs.
async fn running(client: &Client) -> anyhow::Result<String> {
    let campaigns: Vec<CampaignDetail> = client.get("campaigns", &[]).await?;
    let first = campaigns.into_iter().next();
    Ok(first.context("the server runs no campaign")?.id)
}

async fn turned(client: &Client, how: &str, turn: &Turn, format: Format) -> anyhow::Result<()> {
    let id = running(client).await?;
    let ask = HaltCampaign {
        why: turn.why.clone(),
        dry_run: turn.dry_run,
    };
    done(&client.post(&format!("campaigns/{id}/{how}"), &ask).await?, format)
}

fn list(campaigns: &Vec<CampaignDetail>, format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = campaigns
        .iter()
        .map(|it| {
            [&it.id, &it.title, &it.kind, &it.mode, &it.state]
                .into_iter()
                .cloned()
                .chain([it.version.to_string()])
                .collect()
        })
        .collect();
    let header = ["campaign", "title", "kind", "mode", "state", "version"];
    output::listing(format, &header, &rows, campaigns)
}

fn show(it: &CampaignDetail, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => return output::json(it),
        Format::Csv => {
            let rows: Vec<Vec<String>> = it.versions.iter().map(version_row).collect();
            return output::listing(format, &["version", "since", "by", "catalog"], &rows, it);
        }
        Format::Table => {}
    }
    let state = if it.halted.is_empty() {
        it.state.clone()
    } else {
        it.halted.clone()
    };
    output::message(&format!(
        "{} ({}), {}, mode {}: {state}",
        it.title, it.id, it.kind, it.mode
    ));
    for row in it.versions.iter().map(version_row) {
        let in_force = if row[0] == it.version.to_string() {
            ", in force"
        } else {
            ""
        };
        output::message(&format!(
            "version {} since {} by {}, catalog {}{in_force}",
            row[0], row[1], row[2], row[3]
        ));
    }
    for date in &it.passed {
        output::message(&format!("passed: {}", date.text()));
    }
    for line in it.going_on.iter().chain(&it.warnings) {
        output::message(&format!("note: {line}"));
    }
    output::text(it.text.trim_end());
    Ok(())
}

fn version_row(it: &crate::service::CampaignVersion) -> Vec<String> {
    vec![
        it.version.to_string(),
        instant(it.made_ms),
        it.made_by.clone(),
        it.catalog_revision.to_string(),
    ]
}

fn applied(it: &CampaignApplied, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => return output::json(it),
        Format::Csv => return output::listing(format, &HEADER, &difference(&it.preview), it),
        Format::Table => {}
    }
    let rows = difference(&it.preview);
    if rows.is_empty() {
        output::message("the file changes nothing");
    } else {
        output::listing(format, &HEADER, &rows, it)?;
    }
    for warning in &it.preview.warnings {
        output::message(&format!("warning: {warning}"));
    }
    output::message(&match (it.applied, rows.is_empty()) {
        (true, _) if it.is_going_on => format!(
            "version {} is in force; hosts are still being decided anew under it, see `cutover campaign show`",
            it.version
        ),
        (true, _) => format!("version {} is in force", it.version),
        (false, true) => format!("version {} stays in force", it.version),
        (false, false) => format!(
            "nothing was changed: version {} is in force, and {} hosts were decided under the file to see what it would do",
            it.version, it.preview.hosts
        ),
    });
    Ok(())
}

const HEADER: [&str; 4] = ["what", "which", "before", "after"];

/// Keys, and counts of hosts, that differ.
fn difference(preview: &CampaignPreview) -> Vec<Vec<String>> {
    let or_none = |it: &Option<String>| it.clone().unwrap_or_else(|| "-".to_owned());
    let keys = preview.changes.iter().map(|it| {
        vec![
            "key".to_owned(),
            it.key.clone(),
            or_none(&it.before),
            or_none(&it.after),
        ]
    });
    let figures = [
        ("wave", &preview.waves),
        ("replacement", &preview.replacements),
        ("phase", &preview.phases),
        ("standing", &preview.standings),
    ];
    let counts = figures.into_iter().flat_map(|(what, rows)| {
        let moved = rows.iter().filter(|it| it.before != it.after);
        moved.map(move |it: &Moved| {
            vec![
                format!("hosts by {what}"),
                it.name.clone(),
                it.before.to_string(),
                it.after.to_string(),
            ]
        })
    });
    keys.chain(counts).collect()
}

pub(super) async fn ask_wave(command: &Wave, client: &Client, format: Format) -> anyhow::Result<()> {
    let (wave, how) = match command {
        Wave::List { then } => return waves(&client.get::<Vec<WaveView>>("waves", &then.query()).await?, format),
        Wave::Open(wave) => (wave, "open"),
        Wave::Resume(wave) => (wave, "resume"),
        Wave::Pause(wave) => (wave, "pause"),
        Wave::Reset {
            name,
            why,
            first,
            dry_run,
        } => {
            let ask = ResetWave {
                why: why.clone(),
                first: *first,
                dry_run: *dry_run,
            };
            return done(&client.post(&format!("waves/{name}/reset"), &ask).await?, format);
        }
        Wave::Gate(gate) => {
            let ask = AnswerGate {
                granted: !gate.refuse,
                change: gate.change.clone(),
                dry_run: gate.dry_run,
            };
            return done(&client.post(&format!("waves/{}/gate", gate.name), &ask).await?, format);
        }
        Wave::Approve { name, hosts, dry_run } => {
            let ask = ApproveWave {
                hosts: hosts.clone(),
                dry_run: *dry_run,
            };
            return done(&client.post(&format!("waves/{name}/approve"), &ask).await?, format);
        }
    };
    let ask = Ask { dry_run: wave.dry_run };
    done(&client.post(&format!("waves/{}/{how}", wave.name), &ask).await?, format)
}

fn waves(waves: &Vec<WaveView>, format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = waves
        .iter()
        .map(|wave| {
            let counts = [wave.hosts, wave.waiting, wave.moving, wave.done, wave.stuck];
            [wave.name.clone(), wave.state.clone()]
                .into_iter()
                .chain(counts.map(|count| count.to_string()))
                .chain([wave.note.clone()])
                .collect()
        })
        .collect();
    output::listing(
        format,
        &["wave", "state", "hosts", "waiting", "moving", "done", "stuck", "note"],
        &rows,
        waves,
    )
}
