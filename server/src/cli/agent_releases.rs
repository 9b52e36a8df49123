//! `cutover agent-release`: the programs that agents go on with.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Subcommand;
use cutover_core::{report::instant, rollout::ReleasePace};
use cutover_proto::release::Platform;

use super::{
    artifacts,
    client::Client,
    output::{self, Format},
};
use crate::{
    api::Done,
    service::{AgentReleaseView, AskRelease, NewAgentRelease, NewProgram},
};

/// The first bytes of a program say what it was built for.
const HEADER: u64 = 4096;

/// Releases of the agent.
#[derive(Debug, Subcommand)]
pub enum AgentRelease {
    /// Gives programs of a new version to the server, and lets agents go on with them: a few first.
    #[command(disable_version_flag = true)]
    Add {
        /// The agent's programs themselves, one a platform; not packages.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// As the programs say it of themselves (`cutover-agent --version`).
        #[arg(long)]
        version: String,
        /// So many hosts have to go on well with it before any other gets it.
        #[arg(long, default_value_t = 3)]
        canaries: u32,
        /// After them no more than so many are on their way to it at once.
        #[arg(long, default_value_t = 50)]
        at_once: u32,
        /// Seconds that a new program has for an answer to a check-in; then the one before comes back.
        #[arg(long, default_value_t = 600)]
        trial_seconds: u32,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Every release, with what became of it.
    List,
    /// No further host gets the newest release; those that have it keep it.
    Halt {
        /// Its revision.
        revision: u64,
        /// Why, and who says so.
        #[arg(long)]
        why: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Lets a halted release go on.
    Resume {
        /// Its revision.
        revision: u64,
        /// What was found and done about it, and who says so.
        #[arg(long)]
        why: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn ask(command: &AgentRelease, client: &Client, format: Format) -> anyhow::Result<()> {
    let change = async |revision: &u64, word: &str, why: &String, dry_run: &bool| {
        let ask = AskRelease {
            why: why.clone(),
            dry_run: *dry_run,
        };
        let done: Done = client.post(&format!("agent-releases/{revision}/{word}"), &ask).await?;
        output::done(&done, format)
    };
    match command {
        AgentRelease::Add {
            files,
            version,
            canaries,
            at_once,
            trial_seconds,
            dry_run,
        } => {
            let programs = files
                .iter()
                .map(|file| platform(file))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let given = artifacts::give(client, files, *dry_run).await?;
            let programs = programs
                .into_iter()
                .zip(given)
                .map(|(platform, sha256)| NewProgram {
                    platform,
                    sha256: sha256.to_string(),
                })
                .collect();
            let new = NewAgentRelease {
                version: version.clone(),
                programs,
                trial_seconds: *trial_seconds,
                pace: ReleasePace {
                    canaries: *canaries,
                    at_once: *at_once,
                },
                dry_run: *dry_run,
            };
            let done: Done = client.post("agent-releases", &new).await?;
            output::done(&done, format)
        }
        AgentRelease::List => list(
            &client.get::<Vec<AgentReleaseView>>("agent-releases", &[]).await?,
            format,
        ),
        AgentRelease::Halt { revision, why, dry_run } => change(revision, "halt", why, dry_run).await,
        AgentRelease::Resume { revision, why, dry_run } => change(revision, "resume", why, dry_run).await,
    }
}

/// What a program was built for, before anything is sent.
fn platform(file: &Path) -> anyhow::Result<Platform> {
    let mut header = Vec::new();
    let opened = std::fs::File::open(file);
    opened
        .and_then(|opened| opened.take(HEADER).read_to_end(&mut header))
        .with_context(|| format!("cannot read {}", file.display()))?;
    Platform::of_program(&header).with_context(|| {
        format!(
            "{} is no program for a system and processor that agents run on; give the agent's program itself, not its package",
            file.display()
        )
    })
}

fn list(releases: &[AgentReleaseView], format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = releases
        .iter()
        .map(|release| {
            vec![
                release.revision.to_string(),
                release.version.clone(),
                release.platforms.join(" "),
                release.state.clone(),
                release.on_their_way.to_string(),
                release.in_force.to_string(),
                release.failed.to_string(),
                instant(release.made_ms),
                release.why.clone(),
            ]
        })
        .collect();
    let header = [
        "revision",
        "version",
        "for",
        "state",
        "on their way",
        "in force",
        "failed",
        "made",
        "why",
    ];
    output::listing(format, &header, &rows, &releases)
}
