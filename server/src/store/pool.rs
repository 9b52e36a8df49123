//! Threads that read, and on PostgreSQL threads that write. Connections block, so none of this runs on a worker of the
//! async runtime.

use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::address::Connector;
use super::conn::{Begin, Conn};
use super::error::StoreError;
use super::job::{ReadJob, WriteJob};
use super::nudge::{self, StoreEvent};
use super::postgres::PostgresConn;
use super::tx::{Finished, ReadTx, WriteTx};
use super::value::params;

/// How often a closure runs before its conflict is the answer.
const TRIES: u32 = 6;

/// Pause before another try, times the number of tries so far: whoever holds the row is about to commit.
const PAUSE: Duration = Duration::from_millis(3);

/// A queue that several threads take from.
pub(super) type Shared<J> = Mutex<Receiver<J>>;

fn take<J>(queue: &Shared<J>) -> Option<J> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Where a reading thread gets its connection from.
pub(super) enum ReadSource {
    /// Opened at the start: a file does not go away.
    Sqlite(Box<dyn Conn>),
    /// Opened on demand, and again after it was lost.
    Postgres(Box<PostgresSource>),
}

/// A session that is opened on demand, and again after it was lost.
pub(super) struct PostgresSource {
    connector: Connector,
    conn: Option<PostgresConn>,
}

impl PostgresSource {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, conn: None }
    }

    fn get(&mut self) -> Result<&mut PostgresConn, StoreError> {
        let conn = match self.conn.take() {
            Some(conn) if !conn.is_closed() => conn,
            Some(_) | None => self.connector.connect()?,
        };
        Ok(self.conn.insert(conn))
    }

    fn drop_session(&mut self) {
        self.conn = None;
    }
}

/// Serves reads until the queue is closed.
pub(super) fn run_reader(mut source: ReadSource, queue: &Shared<Box<dyn ReadJob>>) {
    while let Some(mut job) = take(queue) {
        match &mut source {
            ReadSource::Sqlite(conn) => read_and_answer(conn.as_mut(), job),
            ReadSource::Postgres(source) => {
                let outcome = read_postgres(source, job.as_mut());
                job.answer(outcome);
            }
        }
    }
}

/// One read on a connection to a file.
pub(super) fn read_and_answer(conn: &mut dyn Conn, mut job: Box<dyn ReadJob>) {
    let outcome = read_once(conn, job.as_mut()).map(drop);
    job.answer(outcome);
}

fn read_once(conn: &mut dyn Conn, job: &mut dyn ReadJob) -> Result<bool, StoreError> {
    conn.begin(Begin::Read)?;
    let sound = job.run(&mut ReadTx::new(conn));
    // Nothing was written, so there is nothing to lose: the answer stands whatever becomes of the end.
    if conn.in_transaction() && conn.rollback().is_err() {
        return Ok(false);
    }
    Ok(sound)
}

/// A session that sat idle may be dead without knowing it, so a broken one is worth a second try on a fresh one.
fn read_postgres(source: &mut PostgresSource, job: &mut dyn ReadJob) -> Result<(), StoreError> {
    for last in [false, true] {
        match read_once(source.get()?, job) {
            Ok(true) => return Ok(()),
            Ok(false) => {
                source.drop_session();
            }
            Err(error) => {
                source.drop_session();
                if last {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// What the writing threads of PostgreSQL share.
pub(super) struct PostgresWriters {
    pub(super) queue: Shared<Box<dyn WriteJob>>,
    pub(super) events: broadcast::Sender<StoreEvent>,
    /// The channel of LISTEN and NOTIFY, and this process's name on it.
    pub(super) channel: String,
    pub(super) sender: String,
}

/// Serves writes until the queue is closed: one transaction for each closure.
pub(super) fn run_postgres_writer(mut source: PostgresSource, shared: &PostgresWriters) {
    while let Some(mut job) = take(&shared.queue) {
        let outcome = write_postgres(&mut source, job.as_mut(), shared);
        job.answer(outcome);
    }
}

/// What became of one try.
enum Tried {
    /// Committed.
    Committed(Finished),
    /// Refused by the closure, or by a conflict on its way; the closure holds the answer.
    Refused {
        /// Whether fresh rows may change it.
        again: bool,
        /// Whether the session can go on.
        sound: bool,
    },
    /// The session was found dead, or busy, before anything was asked for.
    NotBegun(StoreError),
}

fn write_postgres(
    source: &mut PostgresSource,
    job: &mut dyn WriteJob,
    shared: &PostgresWriters,
) -> Result<(), StoreError> {
    for tries in 1..=TRIES {
        let last = tries == TRIES;
        match try_write(source.get()?, job, shared) {
            Ok(Tried::Committed(finished)) => {
                nudge::publish(&shared.events, &finished);
                return Ok(());
            }
            Ok(Tried::Refused { again, sound }) => {
                if !sound {
                    source.drop_session();
                }
                if !again || last {
                    return Ok(());
                }
            }
            Ok(Tried::NotBegun(error)) => {
                source.drop_session();
                if last {
                    return Err(error);
                }
            }
            Err(error) => {
                source.drop_session();
                // What became of a commit whose answer was lost is not known, so it is not repeated.
                if last || !error.is_conflict() {
                    return Err(error);
                }
            }
        }
        std::thread::sleep(PAUSE * tries);
    }
    Ok(())
}

fn try_write(conn: &mut PostgresConn, job: &mut dyn WriteJob, shared: &PostgresWriters) -> Result<Tried, StoreError> {
    if let Err(error) = conn.begin(Begin::Write) {
        return Ok(Tried::NotBegun(error));
    }
    let mut tx = WriteTx::new(conn);
    let finished = job.run(&mut tx);
    let again = tx.may_run_again();
    let Some(finished) = finished else {
        let sound = conn.rollback().is_ok();
        return Ok(Tried::Refused { again, sound });
    };
    for topic in &finished.topics {
        let text = nudge::encode(&shared.sender, finished.pos, topic);
        conn.execute("SELECT pg_notify(?1, ?2)", params![shared.channel.as_str(), text])?;
    }
    conn.commit()?;
    Ok(Tried::Committed(finished))
}
