//! `cutover campaign close`: what is left, the first signature, the second, and the way back between the two.

use std::path::PathBuf;

use anyhow::Context as _;
use cutover_core::report::instant;

use super::{
    client::Client,
    output::{self, Format, done},
};
use crate::service::{ClosingView, ConfirmClosing, ProposeClosing, ResidualView, WithdrawClosing};

/// A campaign's end. Without any option: what is left, and what was proposed.
#[derive(Debug, clap::Args)]
pub struct Close {
    /// Proposes to close it, or with --withdraw takes that back: why.
    #[arg(long, conflicts_with = "confirm")]
    pub why: Option<String>,
    /// What is left, and who bears it; may be given several times.
    #[arg(long = "risk", requires = "why", conflicts_with = "withdraw")]
    pub risk: Vec<String>,
    /// A file with such lines; empty ones, and those that begin with #, are left out.
    #[arg(long, value_name = "FILE", requires = "why", conflicts_with = "withdraw")]
    pub risks: Option<PathBuf>,
    /// Confirms, as another person, what has this digest. From then on nothing of the campaign changes any more.
    #[arg(long, value_name = "DIGEST")]
    pub confirm: Option<String>,
    /// Takes back what was proposed.
    #[arg(long, requires = "why", conflicts_with = "confirm")]
    pub withdraw: bool,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn ask(close: &Close, campaign: &str, client: &Client, format: Format) -> anyhow::Result<()> {
    let at = format!("campaigns/{campaign}/closing");
    let dry_run = close.dry_run;
    if let Some(digest) = &close.confirm {
        let ask = ConfirmClosing {
            digest: digest.clone(),
            dry_run,
        };
        return done(&client.post(&format!("{at}/confirm"), &ask).await?, format);
    }
    match &close.why {
        Some(why) if close.withdraw => {
            let why = why.clone();
            let ask = WithdrawClosing { why, dry_run };
            done(&client.post(&format!("{at}/withdraw"), &ask).await?, format)
        }
        Some(why) => {
            let ask = ProposeClosing {
                why: why.clone(),
                risks: risks(close)?,
                dry_run,
            };
            done(&client.post(&at, &ask).await?, format)
        }
        None => show(&client.get(&at, &[]).await?, format),
    }
}

fn risks(close: &Close) -> anyhow::Result<Vec<String>> {
    let mut risks = close.risk.clone();
    if let Some(file) = &close.risks {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let lines = text.lines().map(str::trim);
        risks.extend(
            lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(str::to_owned),
        );
    }
    Ok(risks)
}

fn show(it: &ClosingView, format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = it.left.iter().map(row).collect();
    output::listing(format, &["left", "count", "what", "names"], &rows, it)?;
    output::message(&format!(
        "{}: {} of {} hosts that ever carried it are replaced; {} are enrolled or expected",
        it.state, it.replaced, it.carried, it.expected
    ));
    if let Some(proposal) = &it.proposal {
        output::message(&format!(
            "proposed at {} by {}: {} (version {}, catalog {})",
            instant(proposal.at_ms),
            proposal.by,
            proposal.why,
            proposal.version,
            proposal.catalog_revision
        ));
        for left in &proposal.left {
            output::message(&format!("left by then: {} {}, {}", left.count, left.kind, left.text));
        }
        for risk in &proposal.risks {
            output::message(&format!("risk: {risk}"));
        }
        match &it.closed {
            Some(closed) => output::message(&format!("closed at {} by {}", instant(closed.at_ms), closed.by)),
            None => output::message(&format!(
                "another person confirms this with: cutover campaign close --confirm {}",
                proposal.digest
            )),
        }
    }
    for hindrance in &it.hindrances {
        output::message(&format!("against it: {hindrance}"));
    }
    Ok(())
}

fn row(it: &ResidualView) -> Vec<String> {
    vec![it.kind.clone(), it.count.to_string(), it.text.clone(), it.names.clone()]
}
