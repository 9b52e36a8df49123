//! `cutover readiness`: what must be so around the machines, and who said that it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use cutover_core::report::instant;

use super::{
    artifacts,
    client::Client,
    output::{self, Format, done},
};
use crate::service::{AttestItem, AttestedFile, ReadinessView, SignItem};

/// The readiness list.
#[derive(Debug, Subcommand)]
pub enum Readiness {
    /// Every item, and who said that it is so.
    List,
    /// Says that an item is so.
    Attest {
        /// The item's name.
        item: String,
        /// What it rests on, and where it can be seen.
        #[arg(long)]
        why: String,
        /// A file that shows it. It is not sent: its name, size and SHA-256 are kept, so that it can be recognised later.
        #[arg(long)]
        file: Option<PathBuf>,
        /// Only says what would be noted.
        #[arg(long)]
        dry_run: bool,
    },
    /// Says that an item need not be so. Two different people have to.
    Waive(Sign),
    /// Takes back what was said of an item. Where mode automatic needs it, nothing more starts.
    Withdraw(Sign),
}

/// A waiver, or its end.
#[derive(Debug, clap::Args)]
pub struct Sign {
    /// The item's name.
    pub item: String,
    /// Why.
    #[arg(long)]
    pub why: String,
    /// Only says what would be noted.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn ask(command: &Readiness, client: &Client, format: Format) -> anyhow::Result<()> {
    let (sign, how) = match command {
        Readiness::List => return list(&client.get("readiness", &[]).await?, format),
        Readiness::Attest {
            item,
            why,
            file,
            dry_run,
        } => {
            let file = match file {
                Some(file) => Some(attested(file).await?),
                None => None,
            };
            let ask = AttestItem {
                why: why.clone(),
                file,
                dry_run: *dry_run,
            };
            return done(&client.post(&format!("readiness/{item}/attest"), &ask).await?, format);
        }
        Readiness::Waive(sign) => (sign, "waive"),
        Readiness::Withdraw(sign) => (sign, "withdraw"),
    };
    let ask = SignItem {
        why: sign.why.clone(),
        dry_run: sign.dry_run,
    };
    let path = format!("readiness/{}/{how}", sign.item);
    done(&client.post(&path, &ask).await?, format)
}

async fn attested(file: &Path) -> anyhow::Result<AttestedFile> {
    let name = file.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{} is not the name of a file", file.display()))?;
    let (sha256, size) = artifacts::hashed(file.to_owned()).await?;
    Ok(AttestedFile {
        name: name.to_owned(),
        sha256: sha256.to_string(),
        size,
    })
}

fn list(items: &Vec<ReadinessView>, format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|it| {
            vec![
                it.name.clone(),
                state(it),
                if it.required { "yes" } else { "no" }.to_owned(),
                it.title.clone(),
                it.proof.clone(),
                said(it),
            ]
        })
        .collect();
    let header = ["item", "state", "required", "what must be so", "what shows it", "said"];
    output::listing(format, &header, &rows, items)
}

fn state(it: &ReadinessView) -> String {
    if it.waits_for.is_empty() {
        it.state.clone()
    } else {
        format!("after {}", it.waits_for.join(", "))
    }
}

fn said(it: &ReadinessView) -> String {
    let signed = it
        .signed
        .iter()
        .map(|by| format!("{} by {}: {}", instant(by.at_ms), by.by, by.why));
    let file = it
        .file
        .iter()
        .map(|file| format!("{}, {} bytes, SHA-256 {}", file.name, file.size, file.sha256));
    signed.chain(file).collect::<Vec<_>>().join("; ")
}
