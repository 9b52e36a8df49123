//! How listings are printed: a table for people, JSON or CSV for scripts. The only place that writes to stdout.

use std::{
    io::{self, Write as _},
    process,
};

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

/// Prints text for people or scripts as it is. Where nobody reads on, as behind `| head`, the program ends.
pub(crate) fn text(text: &str) {
    let Err(error) = writeln!(io::stdout(), "{text}") else {
        return;
    };
    if error.kind() == io::ErrorKind::BrokenPipe {
        // Whoever read has what they wanted, and what was asked for is done.
        process::exit(0);
    }
    message(&format!("error: cannot print: {error}"));
    process::exit(1);
}

/// Prints to stderr: what is said, not what is asked for.
pub(crate) fn message(text: &str) {
    // Where it is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
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
