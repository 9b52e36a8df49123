//! Group commit, with a connection that counts and fails on demand.

use std::sync::mpsc::{self, Receiver};

use tokio::sync::broadcast;

use super::lab::{CaseError, Lab};
use crate::store::conn::Begin;
use crate::store::group::commit_group;
use crate::store::job::{Closure, WriteJob};
use crate::store::value::{Row, Value, params};
use crate::store::{Conn, Dialect, StoreError, WriteTx, meta};

/// What the connection does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Begin,
    Commit,
    /// As SQLite on a full disk: the statement fails and the whole transaction is gone.
    FullDisk,
}

struct Faulty {
    inner: Box<dyn Conn>,
    fault: Fault,
    commits: usize,
}

fn full() -> StoreError {
    StoreError::Unavailable {
        why: "database or disk is full".to_owned(),
    }
}

impl Conn for Faulty {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        if self.fault == Fault::FullDisk && sql.contains("meta") {
            self.inner.rollback()?;
            return Err(full());
        }
        self.inner.execute(sql, params)
    }
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.inner.query(sql, params)
    }
    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.inner.batch(sql)
    }
    fn begin(&mut self, begin: Begin) -> Result<(), StoreError> {
        if self.fault == Fault::Begin {
            return Err(StoreError::Busy {
                what: "database is locked".to_owned(),
            });
        }
        self.inner.begin(begin)
    }
    fn commit(&mut self) -> Result<(), StoreError> {
        self.commits += 1;
        if self.fault == Fault::Commit {
            return Err(full());
        }
        self.inner.commit()
    }
    fn rollback(&mut self) -> Result<(), StoreError> {
        self.inner.rollback()
    }
    fn in_transaction(&self) -> bool {
        self.inner.in_transaction()
    }
}

type Answer = Receiver<Result<(), CaseError>>;

fn job(closure: impl Fn(&mut WriteTx<'_>) -> Result<(), CaseError> + Send + 'static) -> (Box<dyn WriteJob>, Answer) {
    let (reply, answer) = mpsc::channel();
    let job = Closure::new(closure, move |result| {
        reply.send(result).expect("the case listens");
    });
    (Box::new(job), answer)
}

/// Runs a group of two good closures and one refused, and returns the answers.
fn run(fault: Fault) -> (Vec<Result<(), CaseError>>, usize, Vec<String>, i64) {
    let lab = Lab::sqlite();
    let mut conn = Faulty {
        inner: lab.conn(),
        fault,
        commits: 0,
    };
    let (events, mut heard) = broadcast::channel(16);
    let good = |key: &'static str| {
        job(move |tx| {
            tx.after_commit(key);
            Ok(meta::set(tx, key, "1")?)
        })
    };
    let (first, first_answer) = good("a");
    let (refused, refused_answer) = job(|tx| {
        tx.after_commit("refused");
        meta::set(tx, "refused", "1")?;
        Err(CaseError::Refused("no"))
    });
    let (second, second_answer) = good("b");
    commit_group(&mut conn, vec![first, refused, second], &events);
    let answers = [first_answer, refused_answer, second_answer]
        .iter()
        .map(|answer| answer.try_recv().expect("everybody is answered"))
        .collect();
    let mut topics = Vec::new();
    while let Ok(event) = heard.try_recv() {
        topics.push(event.topic);
    }
    assert!(!conn.in_transaction(), "no transaction is left open");
    let kept = lab
        .conn()
        .query("SELECT COUNT(*) AS n FROM meta", params![])
        .expect("rows")[0]
        .int("n")
        .expect("n");
    (answers, conn.commits, topics, kept)
}

#[test]
fn a_group_is_one_commit_and_each_gets_its_own_answer() {
    let (answers, commits, topics, kept) = run(Fault::None);
    assert_eq!(answers, [Ok(()), Err(CaseError::Refused("no")), Ok(())]);
    assert_eq!(commits, 1);
    assert_eq!(topics, ["a", "b"], "a refused closure nudges nobody");
    assert_eq!(kept, 2);
}

#[test]
fn when_the_commit_fails_all_get_its_error_and_nobody_is_nudged() {
    let (answers, commits, topics, kept) = run(Fault::Commit);
    for answer in answers {
        assert_eq!(answer, Err(CaseError::Store(full())));
    }
    assert_eq!((commits, topics.len(), kept), (1, 0, 0));
}

#[test]
fn when_the_write_lock_is_not_to_be_had_all_are_told() {
    let (answers, commits, topics, kept) = run(Fault::Begin);
    for answer in answers {
        assert!(
            matches!(answer, Err(CaseError::Store(StoreError::Busy { .. }))),
            "{answer:?}"
        );
    }
    assert_eq!((commits, topics.len(), kept), (0, 0, 0));
}

#[test]
fn a_transaction_that_the_database_gave_up_is_nobodys_success() {
    let (answers, commits, topics, kept) = run(Fault::FullDisk);
    for answer in answers {
        assert!(
            matches!(answer, Err(CaseError::Store(StoreError::Unavailable { .. }))),
            "{answer:?}"
        );
    }
    assert_eq!((commits, topics.len(), kept), (0, 0, 0));
}
