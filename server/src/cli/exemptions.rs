//! `cutover exemption`.

use clap::Subcommand;
use cutover_core::report::instant;

use super::{
    args::Then,
    client::Client,
    output::{self, Format, done},
    pages,
};
use crate::service::{ExemptionList, NewExemption, RevokeExemption};

/// Exemptions.
#[derive(Debug, Subcommand)]
pub enum Exemption {
    /// Lets hosts off until an end; then they come back by themselves. All that are named, or none.
    Add(Add),
    /// Every exemption in force, the one that ends first before the others.
    List {
        #[command(flatten)]
        then: Then,
    },
    /// Ends one before its time.
    Revoke {
        /// Host id or name.
        host: String,
        /// Why.
        #[arg(long)]
        why: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Exempts hosts.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Host ids or names.
    #[arg(required = true)]
    pub hosts: Vec<String>,
    /// Why they are let off.
    #[arg(long)]
    pub why: String,
    /// Who answers for it.
    #[arg(long)]
    pub owner: String,
    /// What is done instead.
    #[arg(long)]
    pub control: String,
    /// Its end, with offset or zone, such as 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    pub until: String,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn ask(command: &Exemption, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Exemption::Add(add) => {
            let ask = NewExemption {
                hosts: add.hosts.clone(),
                why: add.why.clone(),
                owner: add.owner.clone(),
                control: add.control.clone(),
                until: add.until.clone(),
                dry_run: add.dry_run,
            };
            done(&client.post("exemptions", &ask).await?, format)
        }
        Exemption::List { then } => list(then, client, format).await,
        Exemption::Revoke { host, why, dry_run } => {
            let ask = RevokeExemption {
                why: why.clone(),
                dry_run: *dry_run,
            };
            done(&client.post(&format!("exemptions/{host}/revoke"), &ask).await?, format)
        }
    }
}

async fn list(then: &Then, client: &Client, format: Format) -> anyhow::Result<()> {
    let found = pages::all::<ExemptionList>(client, "exemptions", then.query()).await?;
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|it| {
            vec![
                it.name.clone(),
                it.phase.clone(),
                it.until_ms.map_or_else(|| "until revoked".to_owned(), instant),
                it.owner.clone(),
                it.why.clone(),
                it.control.clone(),
                it.by.clone(),
                instant(it.since_ms),
                it.host_id.clone(),
            ]
        })
        .collect();
    output::listing(
        format,
        &[
            "name",
            "phase",
            "until",
            "owner",
            "why",
            "done instead",
            "granted by",
            "since",
            "id",
        ],
        &rows,
        &found,
    )
}
