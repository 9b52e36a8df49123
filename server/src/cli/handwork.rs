//! `cutover handwork`, and holds of hosts.

use clap::Subcommand;
use cutover_core::report::instant;

use super::{
    args::Then,
    client::Client,
    output::{self, Format, done},
    pages,
};
use crate::service::{AssignHandwork, EndHandwork, HandworkList, HoldHost, HoldKindAsked, ReleaseHost};

/// What people do at machines by hand.
#[derive(Debug, Subcommand)]
pub enum Handwork {
    /// Everything that is open: for whom, by when, and what ends it.
    List {
        #[command(flatten)]
        then: Then,
    },
    /// Says who does it, and by when.
    Assign(Assign),
    /// It is done; a fresh look must confirm it.
    Done {
        /// Host id or name.
        host: String,
        /// What proves it: a ticket's number, a file, what was done.
        #[arg(long)]
        evidence: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Who does it.
#[derive(Debug, clap::Args)]
pub struct Assign {
    /// Host id or name.
    pub host: String,
    /// Who does it.
    #[arg(long)]
    pub owner: String,
    /// Under which number elsewhere: a ticket, a vendor's case.
    #[arg(long)]
    pub reference: Option<String>,
    /// By when, with offset or zone, such as 2027-01-31T00:00:00Z [default: the policy's `handwork_within`].
    #[arg(long, value_name = "INSTANT")]
    pub due: Option<String>,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

/// Sets a hold.
#[derive(Debug, clap::Args)]
pub struct Hold {
    /// Host id or name.
    pub host: String,
    /// Why nothing may start there.
    #[arg(long)]
    pub why: String,
    /// When it ends by itself, with offset or zone, such as 2027-01-31T00:00:00Z. A legal one may have no end.
    #[arg(long, value_name = "INSTANT", required_unless_present = "kind")]
    pub until: Option<String>,
    /// Which [default: operator].
    #[arg(long, value_enum)]
    pub kind: Option<HoldKindAsked>,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

/// Lifts a hold.
#[derive(Debug, clap::Args)]
pub struct Release {
    /// Host id or name.
    pub host: String,
    /// Which; only needed where people set one of each.
    #[arg(long, value_enum)]
    pub kind: Option<HoldKindAsked>,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn hold(hold: &Hold, client: &Client, format: Format) -> anyhow::Result<()> {
    let ask = HoldHost {
        kind: hold.kind.unwrap_or_default(),
        why: hold.why.clone(),
        until: hold.until.clone(),
        dry_run: hold.dry_run,
    };
    done(&client.post(&format!("hosts/{}/hold", hold.host), &ask).await?, format)
}

pub(super) async fn release(release: &Release, client: &Client, format: Format) -> anyhow::Result<()> {
    let ask = ReleaseHost {
        kind: release.kind,
        dry_run: release.dry_run,
    };
    done(
        &client.post(&format!("hosts/{}/release", release.host), &ask).await?,
        format,
    )
}

pub(super) async fn ask(command: &Handwork, client: &Client, format: Format) -> anyhow::Result<()> {
    match command {
        Handwork::List { then } => list(then, client, format).await,
        Handwork::Assign(assign) => {
            let ask = AssignHandwork {
                owner: assign.owner.clone(),
                reference: assign.reference.clone(),
                due: assign.due.clone(),
                dry_run: assign.dry_run,
            };
            done(
                &client.post(&format!("handwork/{}/assign", assign.host), &ask).await?,
                format,
            )
        }
        Handwork::Done {
            host,
            evidence,
            dry_run,
        } => {
            let ask = EndHandwork {
                evidence: evidence.clone(),
                dry_run: *dry_run,
            };
            done(&client.post(&format!("handwork/{host}/done"), &ask).await?, format)
        }
    }
}

async fn list(then: &Then, client: &Client, format: Format) -> anyhow::Result<()> {
    let mut found = pages::all::<HandworkList>(client, "handwork", then.query()).await?;
    found.sort_by_key(|it| it.due_ms);
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|it| {
            let overdue = if it.overdue { "overdue" } else { "" };
            let owner = if it.owner.is_empty() {
                format!("(a {})", it.role)
            } else {
                it.owner.clone()
            };
            vec![
                it.name.clone(),
                owner,
                it.reference.clone(),
                instant(it.due_ms),
                overdue.to_owned(),
                it.reason.clone(),
                it.ends_when.clone(),
                instant(it.since_ms),
                it.host_id.clone(),
            ]
        })
        .collect();
    output::listing(
        format,
        &[
            "name",
            "owner",
            "reference",
            "due",
            "",
            "what is so",
            "what ends it",
            "since",
            "id",
        ],
        &rows,
        &found,
    )
}
