//! The kill matrix: one fault at each place where something can go wrong, on a booted machine each.
//!
//! The cells are made from the steps of the order that a first machine without a fault was given, so a new kind of step
//! gets its cells by itself. A cell ends in `migrated`, or in a phase that names what a person can do; no `once` step runs
//! twice, and no second passes without protection.

mod cell;
mod journal;
mod run;
mod strike;
mod table;

use std::sync::Mutex;

use anyhow::{Result, anyhow, ensure};
use cutover_tests::harness::machine::readiness;
use cutover_tests::harness::requirement;

use cell::Cell;
use run::{Outcome, Site};

/// Cells that run at the same time: as many as a small machine has processors.
const AT_ONCE: usize = 2;

/// Cells of which only those run whose name contains this; for whoever looks for a defect.
const ONLY: &str = "CUTOVER_MATRIX_ONLY";

#[test]
fn a_fault_at_any_place_ends_in_migrated_or_in_a_phase_with_a_remedy() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let site = Site::prepare()?;
    let (steps, reference) = run::without_a_fault(&site)?;
    let only = std::env::var(ONLY).unwrap_or_default();
    let mut cells = cell::of(&steps);
    cells.retain(|cell| cell.to_string().contains(&only));
    let waiting = Mutex::new(cells.iter().enumerate());
    let ended: Mutex<Vec<(usize, &Cell, Result<Outcome>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().ok().and_then(|mut waiting| waiting.next());
                    let Some((number, cell)) = next else { return };
                    let outcome = run::with_fault(&site, number, cell, &steps);
                    table::progress(number, cell, &outcome);
                    if let Ok(mut ended) = ended.lock() {
                        ended.push((number, cell, outcome));
                    }
                }
            });
        }
    });
    let mut ended = ended.into_inner().map_err(|_| anyhow!("a worker panicked"))?;
    ended.sort_by_key(|(number, _, _)| *number);
    let bad = table::print(&reference, &ended);
    ensure!(
        ended.len() == cells.len(),
        "{} of {} cells ran",
        ended.len(),
        cells.len()
    );
    ensure!(bad.is_empty(), "{} cells failed:\n\n{}", bad.len(), bad.join("\n\n"));
    Ok(())
}
