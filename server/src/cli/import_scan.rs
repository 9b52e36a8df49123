//! `cutover import-scan`: a look that a person carried here.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use base64::Engine as _;
use cutover_core::report::instant;
use cutover_proto::scan_file::MAX_BYTES;

use super::{
    client::Client,
    output::{self, Format},
};
use crate::service::{ScanImport, ScanImported, views::VerdictView};

/// A look to import.
#[derive(Debug, clap::Args)]
pub struct ImportScan {
    /// A file of `cutover-agent scan --sign --out FILE`, or one that the collector wrote.
    file: PathBuf,
    /// When it was gathered, for a collection that does not tell: an instant with its zone.
    #[arg(long, value_name = "INSTANT")]
    taken: Option<String>,
    /// Only says what would happen.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn ask(import: &ImportScan, client: &Client, format: Format) -> anyhow::Result<()> {
    let ImportScan { file, taken, dry_run } = import;
    let cannot = || format!("cannot read {}", file.display());
    let size = fs::metadata(file).with_context(cannot)?.len();
    if size > MAX_BYTES {
        bail!("{} has {size} bytes; {MAX_BYTES} are taken at most", file.display());
    }
    let content = fs::read(file).with_context(cannot)?;
    let ask = ScanImport {
        file_name: file
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        content: base64::engine::general_purpose::STANDARD.encode(content),
        taken: taken.clone().unwrap_or_default(),
        dry_run: *dry_run,
    };
    let done: ScanImported = client.post("scans", &ask).await?;
    output::message(&done.done);
    let mut rows = vec![
        vec![
            "machine".into(),
            done.name.clone(),
            format!("{}{}", done.asset_id, done.host_id),
        ],
        vec![
            "found".into(),
            done.found.clone(),
            format!("at {}", instant(done.taken_ms)),
        ],
        vec![
            "vouched".into(),
            done.vouched.clone(),
            "self-reported, not watched".into(),
        ],
        vec!["sha256".into(), done.sha256.clone(), String::new()],
        vec![
            "judged by".into(),
            format!("rules revision {}", done.rules_revision),
            format!("catalog revision {}", done.catalog_revision),
        ],
    ];
    rows.extend(verdict_rows(&done.verdicts));
    output::listing(format, &["what", "", ""], &rows, &done)
}

/// A row for each product: that nothing was there is as good as that something was.
pub(super) fn verdict_rows(verdicts: &[VerdictView]) -> Vec<Vec<String>> {
    let row = |it: &VerdictView| {
        let seen = it.evidence.iter().filter(|line| !line.ends_with(": nothing"));
        vec![
            "verdict".to_owned(),
            format!("{} {} {}", it.product, it.verdict, it.version)
                .trim_end()
                .to_owned(),
            seen.cloned().collect::<Vec<_>>().join("; "),
        ]
    };
    verdicts.iter().map(row).collect()
}
