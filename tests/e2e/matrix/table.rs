//! The table that a run prints.

use std::collections::BTreeMap;

use anyhow::Result;

use super::cell::Cell;
use super::run::Outcome;

/// Prints one line a cell and the count of each end; gives the cells that failed, with what is known of them.
#[expect(clippy::print_stdout, reason = "the table is what a person reads of a run")]
pub(super) fn print(reference: &Outcome, cells: &[(usize, &Cell, Result<Outcome>)]) -> Vec<String> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut bad = Vec::new();
    println!(
        "{:>4}  {:<11} {:>6} {:>11}  cell (journal's last word when it struck)",
        "cell", "end", "orders", "unprotected"
    );
    line("ref", reference, "no fault");
    for (number, cell, outcome) in cells {
        match outcome {
            Ok(outcome) => {
                *counts.entry(&outcome.phase).or_default() += 1;
                line(&number.to_string(), outcome, &cell.to_string());
            }
            Err(error) => {
                *counts.entry("DEFECT").or_default() += 1;
                println!("{number:>4}  {:<11} {:>6} {:>11}  {cell}", "DEFECT", "", "");
                bad.push(format!("cell {number}, {cell}: {error:#}"));
            }
        }
    }
    let counts: Vec<String> = counts.iter().map(|(end, count)| format!("{count} {end}")).collect();
    println!("{} cells: {}", cells.len(), counts.join(", "));
    bad
}

/// Says that a cell has ended, for whoever watches a run.
#[expect(
    clippy::print_stderr,
    reason = "whoever watches a run of ten minutes wants to see it move"
)]
pub(super) fn progress(number: usize, cell: &Cell, outcome: &Result<Outcome>) {
    match outcome {
        Ok(outcome) => eprintln!("cell {number} {}: {cell}", outcome.phase),
        Err(error) => eprintln!("cell {number} DEFECT: {cell}: {error:#}"),
    }
}

#[expect(clippy::print_stdout, reason = "as above")]
fn line(number: &str, outcome: &Outcome, what: &str) {
    println!(
        "{number:>4}  {:<11} {:>6} {:>9} s  {what} ({})",
        outcome.phase, outcome.orders, outcome.spent.unprotected, outcome.at
    );
    if !outcome.remedy.is_empty() {
        println!("      {}", outcome.remedy);
    }
}
