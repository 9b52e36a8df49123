//! A connection that fails on purpose: at statement n, or for good at commit n, as when the process dies there.

use std::sync::{Arc, Mutex, PoisonError};

use cutover_server::store::{Around, Begin, Conn, Dialect, Row, StoreError, Value};

/// What is to fail next. Shared by all connections of one opening of the store.
#[derive(Debug, Default)]
pub(crate) struct Sabotage(Mutex<State>);

/// What was asked of the store, but for what the simulation itself asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) statements: u64,
}

impl Asked {
    pub(crate) fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.writes += other.writes;
        self.statements += other.statements;
    }
}

#[derive(Debug, Default)]
struct State {
    dead: bool,
    /// The checks read: nothing fails meanwhile.
    paused: bool,
    fired: bool,
    /// Statements that failed so far: each kind of failure has its turn.
    failed: u32,
    asked: Asked,
    statement_in: Option<u32>,
    commit_in: Option<(u32, bool)>,
}

impl Sabotage {
    /// The statement after so many more fails.
    pub(crate) fn fail_statement_in(&self, statements: u32) {
        self.with(|state| state.statement_in = Some(statements));
    }

    /// At the commit after so many more the process dies: before it, or right after it.
    pub(crate) fn die_at_commit_in(&self, commits: u32, after: bool) {
        self.with(|state| state.commit_in = Some((commits, after)));
    }

    /// Nothing fails that has not yet.
    pub(crate) fn call_off(&self) {
        self.with(|state| (state.statement_in, state.commit_in) = (None, None));
    }

    /// Nothing fails, and nothing is counted, while the simulation itself reads.
    pub(crate) fn pause(&self, paused: bool) {
        self.with(|state| state.paused = paused);
    }

    /// What was asked since this was asked last.
    pub(crate) fn take_asked(&self) -> Asked {
        self.with(|state| std::mem::take(&mut state.asked))
    }

    fn begin(&self, begin: Begin) -> Result<(), StoreError> {
        self.with(|state| {
            if state.dead {
                return Err(dead());
            }
            if !state.paused {
                match begin {
                    Begin::Read => state.asked.reads += 1,
                    Begin::Write => state.asked.writes += 1,
                }
            }
            Ok(())
        })
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.with(|state| state.dead)
    }

    /// Whether a statement failed since this was asked last.
    pub(crate) fn has_fired(&self) -> bool {
        self.with(|state| std::mem::take(&mut state.fired))
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn statement(&self) -> Result<(), StoreError> {
        self.with(|state| {
            if state.dead {
                return Err(dead());
            }
            if !state.paused {
                state.asked.statements += 1;
            }
            match state.statement_in {
                _ if state.paused => Ok(()),
                Some(0) => {
                    (state.statement_in, state.fired) = (None, true);
                    state.failed += 1;
                    let why = "the simulation lets this statement fail".to_owned();
                    Err(match state.failed % 3 {
                        0 => StoreError::NoRoom { why },
                        1 => StoreError::Unavailable { why },
                        _ => StoreError::Busy { what: why },
                    })
                }
                Some(more) => {
                    state.statement_in = Some(more - 1);
                    Ok(())
                }
                None => Ok(()),
            }
        })
    }

    /// Whether to die, and whether after the commit.
    fn commit(&self) -> Option<bool> {
        self.with(|state| match state.commit_in {
            _ if state.dead => Some(false),
            Some((0, after)) => {
                state.dead = true;
                Some(after)
            }
            Some((more, after)) => {
                state.commit_in = Some((more - 1, after));
                None
            }
            None => None,
        })
    }
}

fn dead() -> StoreError {
    StoreError::Unavailable {
        why: "the simulated process is dead".to_owned(),
    }
}

/// For [`cutover_server::store::StoreOptions::around`].
pub(crate) fn around(sabotage: &Arc<Sabotage>) -> Around {
    let sabotage = Arc::clone(sabotage);
    Arc::new(move |_, inner| {
        let sabotage = Arc::clone(&sabotage);
        Box::new(Fragile {
            inner,
            sabotage,
            writes: false,
        })
    })
}

struct Fragile {
    inner: Box<dyn Conn>,
    sabotage: Arc<Sabotage>,
    /// In a transaction that writes.
    writes: bool,
}

impl Conn for Fragile {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.sabotage.statement()?;
        self.inner.execute(sql, params)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.sabotage.statement()?;
        self.inner.query(sql, params)
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.inner.batch(sql)
    }

    fn begin(&mut self, begin: Begin) -> Result<(), StoreError> {
        self.writes = begin == Begin::Write;
        self.sabotage.begin(begin)?;
        self.inner.begin(begin)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let dies = if self.writes { self.sabotage.commit() } else { None };
        match dies {
            None => self.inner.commit(),
            Some(false) => Err(dead()),
            Some(true) => {
                self.inner.commit()?;
                Err(dead())
            }
        }
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.inner.rollback()
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.inner.savepoint()
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.inner.release()
    }

    fn rollback_to(&mut self) -> Result<(), StoreError> {
        self.inner.rollback_to()
    }

    fn in_transaction(&self) -> bool {
        self.inner.in_transaction()
    }
}
