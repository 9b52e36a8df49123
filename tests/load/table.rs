//! Markdown tables on standard output.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};

use crate::setting::Setting;

/// Prints a heading, the setting and the rows.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print<const N: usize>(
    title: &str,
    setting: &Setting,
    header: [&str; N],
    rows: &[[String; N]],
) -> Result<()> {
    let mut text = format!("### {title}\n\n{setting}\n");
    let mut line = |cells: &[&str]| writeln!(text, "| {} |", cells.join(" | ")).context("cannot make the table");
    line(&header)?;
    line(&["---"; N])?;
    for row in rows {
        line(&row.each_ref().map(String::as_str))?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").context("cannot print the table")
}

/// Says on standard error what is done now, since a run takes minutes.
pub(crate) fn progress(what: &str) {
    // Nobody may be reading, and a figure does not depend on it.
    let _ = writeln!(std::io::stderr(), "load: {what}");
}

/// Megabytes (10^6 bytes) of a number of KiB.
#[expect(clippy::cast_precision_loss, reason = "a loss beyond 2^53 KiB")]
pub(crate) fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}
