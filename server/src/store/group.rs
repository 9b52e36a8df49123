//! SQLite's one writer: group commit.

use std::sync::mpsc::Receiver;

use tokio::sync::broadcast;

use super::conn::{Begin, Conn};
use super::error::StoreError;
use super::job::WriteJob;
use super::nudge::{self, StoreEvent};
use super::tx::{Finished, WriteTx};

/// The most closures in one transaction. At a thousand a commit's fsync costs nothing any more (measured: 3 µs CPU a
/// closure), and a larger group only lets its first closure wait longer.
const GROUP_LIMIT: usize = 1000;

/// Takes what is queued, runs it in one transaction, commits once, then answers all; ends when the queue is closed.
pub(super) fn run_writer(
    mut conn: Box<dyn Conn>,
    queue: &Receiver<Box<dyn WriteJob>>,
    events: &broadcast::Sender<StoreEvent>,
) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_LIMIT {
            let Ok(next) = queue.try_recv() else { break };
            group.push(next);
        }
        commit_group(conn.as_mut(), group, events);
    }
}

/// One transaction with a savepoint for each closure of several, so that a refused one spoils no other.
///
/// Nobody is answered before the commit, refused closures included: their refusal may rest on what another of the group
/// wrote. When the commit fails, all get its error.
pub(super) fn commit_group(
    conn: &mut dyn Conn,
    mut group: Vec<Box<dyn WriteJob>>,
    events: &broadcast::Sender<StoreEvent>,
) {
    let outcome = run_group(conn, &mut group);
    if outcome.is_err()
        && conn.in_transaction()
        && let Err(error) = conn.rollback()
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
    let answer = outcome.map(|finished| {
        for one in finished {
            nudge::publish(events, &one);
        }
    });
    for job in group {
        job.answer(answer.clone());
    }
}

fn run_group(conn: &mut dyn Conn, group: &mut [Box<dyn WriteJob>]) -> Result<Vec<Finished>, StoreError> {
    conn.begin(Begin::Write)?;
    // One that is alone has the whole transaction to be undone, and needs no mark in it: a mark has each page copied that is
    // changed after it.
    if let [alone] = group {
        let finished = run_one(conn, alone.as_mut())?;
        match &finished {
            Some(_) => conn.commit()?,
            None => conn.rollback()?,
        }
        return Ok(finished.into_iter().collect());
    }
    let mut kept = Vec::new();
    for job in group {
        conn.savepoint()?;
        let finished = run_one(conn, job.as_mut())?;
        if let Some(finished) = finished {
            conn.release()?;
            kept.push(finished);
        } else {
            conn.rollback_to()?;
        }
    }
    conn.commit()?;
    Ok(kept)
}

fn run_one(conn: &mut dyn Conn, job: &mut dyn WriteJob) -> Result<Option<Finished>, StoreError> {
    let finished = job.run(&mut WriteTx::new(conn));
    if conn.in_transaction() {
        return Ok(finished);
    }
    // After some failures (disk full, I/O) SQLite has already rolled back everything.
    Err(StoreError::Unavailable {
        why: "the database gave up the transaction, as it does when the disk is full or failing".to_owned(),
    })
}
