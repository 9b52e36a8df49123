//! How listings are printed: a table for people, JSON or CSV for scripts. The only place that writes to stdout.

use comfy_table::{ContentArrangement, Table, presets};
use cutover_core::report::csv_cell;
use serde::Serialize;

use crate::api::Done;

/// How listings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people; fits the terminal.
    Table,
    /// One value.
    Json,
    /// With a header line.
    Csv,
}

/// Prints text for people or scripts as it is.
#[expect(clippy::print_stdout, reason = "the command line's own output")]
pub(crate) fn text(text: &str) {
    println!("{text}");
}

/// Prints to stderr: what is said, not what is asked for.
#[expect(clippy::print_stderr, reason = "the command line's own messages")]
pub(crate) fn message(text: &str) {
    eprintln!("{text}");
}

/// Prints a value as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    text(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints rows under a header in the format asked for; `value` is what JSON prints.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn listing(
    format: Format,
    header: &[&str],
    rows: &[Vec<String>],
    value: &impl Serialize,
) -> anyhow::Result<()> {
    match format {
        Format::Json => json(value),
        Format::Table => {
            text(&table(header, rows));
            Ok(())
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(header)?;
            for row in rows {
                writer.write_record(row.iter().map(|cell| csv_cell(cell).into_owned()))?;
            }
            text(String::from_utf8(writer.into_inner()?)?.trim_end());
            Ok(())
        }
    }
}

fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// What a change answered.
pub(super) fn done(done: &Done, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => json(done),
        Format::Table | Format::Csv => {
            text(&done.done);
            Ok(())
        }
    }
}
