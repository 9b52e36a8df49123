//! Opening a store: connections, migrations, threads.

use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::broadcast;

use super::address::{Address, Connector};
use super::conn::{Begin, Conn, Dialect};
use super::error::StoreError;
use super::file_system::{self, FileSystemProbe};
use super::group;
use super::handle::{Queues, Store};
use super::in_place::InPlace;
use super::job::{ReadJob, WriteJob};
use super::listen::{self, Stop};
use super::migrate;
use super::nudge;
use super::pool::{self, PostgresSource, PostgresWriters, ReadSource};
use super::sqlite::SqliteConn;
use super::value::params;

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// Where it is.
    pub address: Address,
    /// Threads that read, each with a connection of its own.
    pub readers: usize,
    /// Threads that write, PostgreSQL only: SQLite has one writer in any case.
    pub writers: usize,
    /// PEM of the authority that the PostgreSQL server's certificate must come from; the system's where `None`.
    pub postgres_ca_pem: Option<Vec<u8>>,
    /// SQLite only: no threads, and one connection for reads and writes, of which the file is until it is closed. Each closure
    /// runs on the thread that asks, before the call returns. For simulations, in which one thing happens at a time; must not
    /// be asked from inside a closure.
    pub in_place: bool,
    /// How the file system of the data directory is looked at. Only tests put another in its place.
    pub file_system: FileSystemProbe,
    /// What is put around each connection to SQLite once the schema is up to date. Only tests and simulations put
    /// something there: a connection that fails on purpose.
    pub around: Option<Around>,
}

/// Gets what a connection is for, and the connection; gives back what is used in its place.
pub type Around = Arc<dyn Fn(Begin, Box<dyn Conn>) -> Box<dyn Conn> + Send + Sync>;

impl StoreOptions {
    /// Four readers, four writers, the system's authorities.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            readers: 4,
            writers: 4,
            postgres_ca_pem: None,
            in_place: false,
            file_system: file_system::look,
            around: None,
        }
    }

    /// A database file with the defaults.
    pub fn sqlite(path: &Path) -> Self {
        Self::new(Address::Sqlite(path.to_owned()))
    }

    fn surround(&self, begin: Begin, conn: Box<dyn Conn>) -> Box<dyn Conn> {
        match &self.around {
            Some(around) => around(begin, conn),
            None => conn,
        }
    }
}

impl Store {
    /// Opens the store, makes it if there is none, and brings its schema up to date. `now_ms` dates the migrations.
    /// Blocks, which matters only before the server serves.
    ///
    /// # Errors
    /// [`StoreError::NetworkFileSystem`], [`StoreError::File`], [`StoreError::Address`], [`StoreError::Unavailable`],
    /// and what migrations refuse: [`StoreError::SchemaTooNew`], [`StoreError::MigrationChanged`].
    pub fn open(options: &StoreOptions, now_ms: i64) -> Result<Self, StoreError> {
        match &options.address {
            Address::Sqlite(path) => Self::open_sqlite(path, options, now_ms),
            Address::Postgres(address) => {
                let connector = Connector::new(address, options.postgres_ca_pem.as_deref())?;
                // A blocking session must not be opened on a thread of the async runtime, and the caller may be one.
                std::thread::scope(|scope| {
                    scope
                        .spawn(|| Self::open_postgres(connector, options, now_ms))
                        .join()
                        .unwrap_or(Err(StoreError::Closed))
                })
            }
        }
    }

    fn open_sqlite(path: &Path, options: &StoreOptions, now_ms: i64) -> Result<Self, StoreError> {
        let path = file_system::settle(path, options.file_system)?;
        if options.in_place {
            return Self::open_in_place(&path, options, now_ms);
        }
        let mut writer = SqliteConn::open_writer(&path)?;
        migrate::run(&mut writer, migrate::MIGRATIONS, now_ms)?;
        let readers = (0..options.readers.max(1))
            .map(|_| {
                let reader = Box::new(SqliteConn::open_reader(&path)?);
                Ok(ReadSource::Sqlite(options.surround(Begin::Read, reader)))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let (events, _) = broadcast::channel(nudge::NUDGES_KEPT);
        let (writes, write_queue) = mpsc::channel::<Box<dyn WriteJob>>();
        let mut threads = Vec::new();
        let (told, writer) = (events.clone(), options.surround(Begin::Write, Box::new(writer)));
        threads.push(spawn("store-writer", move || {
            group::run_writer(writer, &write_queue, &told);
        })?);
        let reads = spawn_readers(readers, &mut threads)?;
        Ok(Self::assemble(
            Queues::Threads { writes, reads },
            events,
            threads,
            Arc::new(Stop::default()),
            Dialect::Sqlite,
        ))
    }

    fn open_in_place(path: &Path, options: &StoreOptions, now_ms: i64) -> Result<Self, StoreError> {
        let mut conn = SqliteConn::open_alone(path)?;
        migrate::run(&mut conn, migrate::MIGRATIONS, now_ms)?;
        let (events, _) = broadcast::channel(nudge::NUDGES_KEPT);
        let conn = options.surround(Begin::Write, Box::new(conn));
        Ok(Self::assemble(
            Queues::InPlace(InPlace::new(conn)),
            events,
            Vec::new(),
            Arc::new(Stop::default()),
            Dialect::Sqlite,
        ))
    }

    fn open_postgres(connector: Connector, options: &StoreOptions, now_ms: i64) -> Result<Self, StoreError> {
        let mut first = connector.connect()?;
        migrate::run(&mut first, migrate::MIGRATIONS, now_ms)?;
        // Channels are common to a whole database, so the schema is part of the name; a session's process and the
        // moment are a name for this process that no other has.
        let names = first.query(
            "SELECT 'cutover_' || current_schema() AS channel,
                    pg_backend_pid() || ':' || CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS sender",
            params![],
        )?;
        let names = names.first().ok_or(StoreError::Aborted)?;
        let (channel, sender) = (names.text("channel")?, names.text("sender")?);

        let (events, _) = broadcast::channel(nudge::NUDGES_KEPT);
        let (writes, write_queue) = mpsc::channel();
        let mut threads = Vec::new();
        let shared = Arc::new(PostgresWriters {
            queue: Mutex::new(write_queue),
            events: events.clone(),
            channel: channel.clone(),
            sender: sender.clone(),
        });
        for _ in 0..options.writers.max(1) {
            let source = PostgresSource::new(connector.clone());
            let shared = Arc::clone(&shared);
            threads.push(spawn("store-writer", move || {
                pool::run_postgres_writer(source, &shared);
            })?);
        }
        let readers = (0..options.readers.max(1))
            .map(|_| ReadSource::Postgres(Box::new(PostgresSource::new(connector.clone()))))
            .collect();
        let reads = spawn_readers(readers, &mut threads)?;
        let stop = Arc::new(Stop::default());
        let (told, stopped) = (events.clone(), Arc::clone(&stop));
        threads.push(spawn("store-listener", move || {
            listen::run_listener(&connector, &channel, &sender, &told, &stopped);
        })?);
        Ok(Self::assemble(
            Queues::Threads { writes, reads },
            events,
            threads,
            stop,
            Dialect::Postgres,
        ))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::Unavailable {
            why: format!("no thread could be started: {error}"),
        })
}

fn spawn_readers(
    sources: Vec<ReadSource>,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<Sender<Box<dyn ReadJob>>, StoreError> {
    let (reads, queue) = mpsc::channel();
    let queue = Arc::new(Mutex::new(queue));
    for source in sources {
        let queue = Arc::clone(&queue);
        threads.push(spawn("store-reader", move || {
            pool::run_reader(source, &queue);
        })?);
    }
    Ok(reads)
}
