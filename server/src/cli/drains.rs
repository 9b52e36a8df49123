//! `cutover hosts drained` and `released`: what a person says of a host that another system drains.

use super::{
    client::Client,
    output::{Format, done},
};
use crate::service::{AnswerDrain, HostReleased};

/// Says that a host is drained.
#[derive(Debug, clap::Args)]
pub struct Drained {
    /// Host id or name.
    pub host: String,
    /// The number of the change over there.
    #[arg(long)]
    pub change: Option<String>,
    /// It is not, and will not be for now.
    #[arg(long)]
    pub refused: bool,
    /// Only says what would be noted.
    #[arg(long)]
    pub dry_run: bool,
}

/// Says that a host was released.
#[derive(Debug, clap::Args)]
pub struct Released {
    /// Host id or name.
    pub host: String,
    /// Only says what would be noted.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn drained(it: &Drained, client: &Client, format: Format) -> anyhow::Result<()> {
    let ask = AnswerDrain {
        granted: !it.refused,
        change: it.change.clone(),
        key: None,
        dry_run: it.dry_run,
    };
    done(&client.post(&format!("hosts/{}/drain", it.host), &ask).await?, format)
}

pub(super) async fn released(it: &Released, client: &Client, format: Format) -> anyhow::Result<()> {
    let ask = HostReleased {
        key: None,
        dry_run: it.dry_run,
    };
    let path = format!("hosts/{}/drain/released", it.host);
    done(&client.post(&path, &ask).await?, format)
}
