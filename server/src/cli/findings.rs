//! `cutover findings`: what must be reported, what does not fit together, and what to do about it.

use anyhow::Context as _;
use clap::Subcommand;
use cutover_core::report::instant;

use super::{
    client::Client,
    output::{self, Format, done},
    pages,
};
use crate::service::{DutyView, FindingList, ReportDuty};

/// What is done about a duty to report.
#[derive(Debug, Subcommand)]
pub enum Findings {
    /// Prints a draft of the notice that is to be sent next.
    Draft {
        /// The duty's name.
        duty: String,
    },
    /// Notes that the report that was to be made next was made.
    Reported {
        /// The duty's name.
        duty: String,
        /// Under which number, or what shows it.
        #[arg(long)]
        reference: String,
        /// When it was made, with offset or zone [default: now].
        #[arg(long, value_name = "INSTANT")]
        at: Option<String>,
        /// Only says what would be noted.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn ask(action: Option<&Findings>, client: &Client, format: Format) -> anyhow::Result<()> {
    match action {
        None => list(client, format).await,
        Some(Findings::Draft { duty }) => {
            let duties: Vec<DutyView> = client.get("duties", &[]).await?;
            let found = duties.iter().find(|it| it.name == *duty);
            let found = found
                .with_context(|| format!("there is no duty `{duty}` that was called for; see `cutover findings`"))?;
            match format {
                Format::Json => output::json(found),
                Format::Table | Format::Csv if found.draft.is_empty() => {
                    output::message("every report of this duty was made");
                    Ok(())
                }
                Format::Table | Format::Csv => {
                    output::text(&found.draft);
                    Ok(())
                }
            }
        }
        Some(Findings::Reported {
            duty,
            reference,
            at,
            dry_run,
        }) => {
            let ask = ReportDuty {
                reference: reference.clone(),
                at: at.clone(),
                dry_run: *dry_run,
            };
            done(&client.post(&format!("duties/{duty}/reported"), &ask).await?, format)
        }
    }
}

async fn list(client: &Client, format: Format) -> anyhow::Result<()> {
    let found = pages::all::<FindingList>(client, "findings", Vec::new()).await?;
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|it| {
            vec![
                it.name.clone(),
                it.kind.clone(),
                it.text.clone(),
                it.remedy.clone(),
                instant(it.since_ms),
                it.of_id.clone(),
            ]
        })
        .collect();
    output::listing(
        format,
        &["machine", "finding", "what is said", "what to do", "since", "id"],
        &rows,
        &found,
    )
}
