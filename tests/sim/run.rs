//! Many runs, on every core; what failed is left in a file.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};

use crate::{
    case::{Case, Failure},
    ledger::Ledger,
    world::{Outcome, World},
};

/// What many runs came to.
#[derive(Default)]
pub(crate) struct Many {
    pub(crate) ledger: Ledger,
    pub(crate) runs: u64,
    pub(crate) failures: Vec<(PathBuf, Failure)>,
}

/// Runs one on this thread.
///
/// # Errors
/// When the simulation itself cannot go on; that is no finding.
pub(crate) fn one(case: Case) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let seed = case.seed;
    runtime
        .block_on(World::run(case))
        .with_context(|| format!("seed {seed}"))
}

/// Runs seeds from `first` on. Ends early after some failures: a defect that breaks all says so by a few.
///
/// # Errors
/// As [`one`], or when a file cannot be written.
pub(crate) fn many(first: u64, seeds: u64, hosts: usize, directory: &Path) -> Result<Many> {
    const ENOUGH: usize = 5;
    let (next, stop) = (AtomicU64::new(first), AtomicBool::new(false));
    let gathered = Mutex::new(Many::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || -> Result<()> {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= first + seeds || stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            let outcome = one(Case::new(seed, hosts)).inspect_err(|_| stop.store(true, Ordering::SeqCst))?;
            let mut many = gathered.lock().unwrap_or_else(PoisonError::into_inner);
            many.runs += 1;
            many.ledger.add(&outcome.ledger);
            if let Some(failure) = outcome.failure {
                let path = keep(directory, &failure)?;
                many.failures.push((path, failure));
                if many.failures.len() >= ENOUGH {
                    stop.store(true, Ordering::SeqCst);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in running {
            thread.join().map_err(|_| anyhow::anyhow!("a run panicked"))??;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(gathered.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Leaves a failed run's file.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn keep(directory: &Path, failure: &Failure) -> Result<PathBuf> {
    std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let path = directory.join(format!("seed-{}-of-{}.json", failure.case.seed, failure.case.hosts));
    let text = serde_json::to_string_pretty(failure)?;
    std::fs::write(&path, text + "\n").with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// A smaller case that breaks the same: hosts, then faults, are left out as long as it still does. At most so many runs.
///
/// # Errors
/// As [`one`].
pub(crate) fn shrink(failure: Failure, most: u32) -> Result<Failure> {
    let (mut smallest, mut runs) = (failure, 0);
    let mut parts = 2;
    while parts <= smallest.case.hosts * 2 && runs < most {
        let left: Vec<usize> = (0..smallest.case.hosts)
            .filter(|host| !smallest.case.without_hosts.contains(host))
            .collect();
        let size = left.len().div_ceil(parts).max(1);
        let mut is_smaller = false;
        for part in left.chunks(size) {
            let mut case = smallest.case.clone();
            case.without_hosts.extend(part);
            runs += 1;
            if let Some(still) = still_fails(case, &smallest)? {
                (smallest, is_smaller) = (still, true);
                break;
            }
            if runs >= most {
                break;
            }
        }
        if !is_smaller {
            parts *= 2;
        }
    }
    for fault in crate::fault::Fault::ALL {
        if runs >= most || smallest.case.without_faults.contains(fault) {
            continue;
        }
        let mut case = smallest.case.clone();
        case.without_faults.push(*fault);
        runs += 1;
        if let Some(still) = still_fails(case, &smallest)? {
            smallest = still;
        }
    }
    Ok(smallest)
}

fn still_fails(case: Case, as_before: &Failure) -> Result<Option<Failure>> {
    let outcome = one(case)?;
    Ok(outcome
        .failure
        .filter(|failure| failure.violation.invariant == as_before.violation.invariant))
}
