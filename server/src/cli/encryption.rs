//! `cutover hosts attest-encryption`, and what belongs to it.

use std::{io::Read as _, path::PathBuf};

use anyhow::Context as _;
use cutover_core::report::instant;

use super::{
    args::Then,
    client::Client,
    output::{self, Format, done},
    pages,
};
use crate::service::{AttestDisks, DisksList, DisksView, WithdrawDisks};

/// Says who encrypts hosts' disks.
#[derive(Debug, clap::Args)]
pub struct Attest {
    /// Host ids or names.
    #[arg(required_unless_present = "hosts_from")]
    pub hosts: Vec<String>,
    /// A file with more of them, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub hosts_from: Option<PathBuf>,
    /// What is so: not-encrypted-by-target, decrypted, or keys-escrowed.
    #[arg(long, value_name = "WORD", required_unless_present = "reported_by")]
    pub says: Option<String>,
    /// An imported report says it of each host, by the name of its source. Who imported it counts as the first of the two people.
    #[arg(long, value_name = "SOURCE", conflicts_with = "says")]
    pub reported_by: Option<String>,
    /// The day of what it rests on, with offset or zone, such as 2026-11-30T00:00:00Z. May be left out where the report says it.
    #[arg(long, value_name = "INSTANT", required_unless_present = "reported_by")]
    pub rests_on: Option<String>,
    /// Its end, with offset or zone: within 90 days of what it rests on.
    #[arg(long, value_name = "INSTANT")]
    pub until: String,
    /// By what it is known, and where that can be seen.
    #[arg(long)]
    pub why: String,
    /// Only says what would be noted.
    #[arg(long)]
    pub dry_run: bool,
}

/// Takes it back.
#[derive(Debug, clap::Args)]
pub struct Withdraw {
    /// Host id or name.
    pub host: String,
    /// Why.
    #[arg(long)]
    pub why: String,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn attest(attest: &Attest, client: &Client, format: Format) -> anyhow::Result<()> {
    let mut hosts = attest.hosts.clone();
    if let Some(file) = &attest.hosts_from {
        let text = if file.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.with_context(|| format!("cannot read hosts from {}", file.display()))?;
        hosts.extend(names(&text));
    }
    let ask = AttestDisks {
        hosts,
        says: attest.says.clone(),
        reported_by: attest.reported_by.clone(),
        rests_on: attest.rests_on.clone(),
        until: attest.until.clone(),
        why: attest.why.clone(),
        dry_run: attest.dry_run,
    };
    done(&client.post("encryption", &ask).await?, format)
}

/// One a line; what is empty names nobody.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
}

pub(super) async fn withdraw(withdraw: &Withdraw, client: &Client, format: Format) -> anyhow::Result<()> {
    let ask = WithdrawDisks {
        why: withdraw.why.clone(),
        dry_run: withdraw.dry_run,
    };
    let path = format!("encryption/{}/withdraw", withdraw.host);
    done(&client.post(&path, &ask).await?, format)
}

pub(super) async fn list(then: &Then, client: &Client, format: Format) -> anyhow::Result<()> {
    let found = pages::all::<DisksList>(client, "encryption", then.query()).await?;
    let rows: Vec<Vec<String>> = found.iter().map(columns).collect();
    let header = [
        "name",
        "phase",
        "disks",
        "counts",
        "as of",
        "until",
        "attested by",
        "id",
    ];
    output::listing(format, &header, &rows, &found)
}

fn columns(it: &DisksView) -> Vec<String> {
    let signed: Vec<String> = it
        .signed
        .iter()
        .map(|by| format!("{} by {}: {}", instant(by.at_ms), by.by, by.why))
        .collect();
    let counts = if it.counts {
        "yes"
    } else {
        "no: another person is missing"
    };
    vec![
        it.name.clone(),
        it.phase.clone(),
        it.says.clone(),
        counts.to_owned(),
        instant(it.rests_on_ms),
        instant(it.until_ms),
        signed.join("; "),
        it.host_id.clone(),
    ]
}
