//! A fresh store for each case, and rows to put into it.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::address::Connector;
use crate::store::events::NewEvent;
use crate::store::hosts::HostRow;
use crate::store::plans::PlanRow;
use crate::store::sqlite::SqliteConn;
use crate::store::{Address, Conn, Store, StoreError, StoreOptions, StreamName};

/// Runs each case on both databases, as tests `sqlite::CASE` and `postgres::CASE`.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $case() {
                super::super::lab::on_sqlite(super::$case);
            })+
        }
        mod postgres {
            $(#[test]
            fn $case() {
                super::super::lab::on_postgres(super::$case);
            })+
        }
    };
}
pub(super) use on_both;

/// An instant for cases that do not care: 2024-09-29T04:00:00Z.
pub(super) const NOW: i64 = 1_727_582_400_000;

pub(super) struct Lab {
    pub(super) store: Store,
    options: StoreOptions,
    place: Place,
}

enum Place {
    Sqlite(tempfile::TempDir),
    Postgres { admin: String, schema: String },
}

pub(super) fn on_sqlite(case: fn(&Lab)) {
    let lab = Lab::sqlite();
    case(&lab);
}

pub(super) fn on_postgres(case: fn(&Lab)) {
    if let Some(lab) = Lab::postgres() {
        case(&lab);
    }
}

impl Lab {
    pub(super) fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let options = StoreOptions::sqlite(&dir.path().join("store.db"));
        Self::open(options, Place::Sqlite(dir))
    }

    /// `None` without a server to try on, which is a failure where CI runs.
    pub(super) fn postgres() -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Ok(admin) = std::env::var("CUTOVER_TEST_POSTGRES") else {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "CUTOVER_TEST_POSTGRES names no PostgreSQL server and CI must not skip"
            );
            eprintln!("skipped: set CUTOVER_TEST_POSTGRES=postgres://USER@127.0.0.1:PORT/DATABASE");
            return None;
        };
        let schema = format!("case_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        session(&admin)
            .batch(&format!(
                "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"
            ))
            .expect("a schema of its own");
        let joint = if admin.contains('?') { '&' } else { '?' };
        let address = format!("{admin}{joint}options=-c%20search_path%3D{schema}&application_name={schema}");
        let options = StoreOptions::new(Address::parse(&address).expect("an address"));
        Some(Self::open(options, Place::Postgres { admin, schema }))
    }

    fn open(options: StoreOptions, place: Place) -> Self {
        let options = StoreOptions { readers: 2, ..options };
        Self {
            store: Store::open(&options, NOW).expect("a new store opens"),
            options,
            place,
        }
    }

    pub(super) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// Another process on the same store, as it were.
    pub(super) fn replica(&self) -> Store {
        Store::open(&self.options, NOW).expect("the store opens again")
    }

    /// A bare connection to the same store.
    pub(super) fn conn(&self) -> Box<dyn Conn> {
        match &self.options.address {
            Address::Sqlite(path) => Box::new(SqliteConn::open_writer(path).expect("opens")),
            Address::Postgres(address) => session(address),
        }
    }

    /// The database file of SQLite.
    pub(super) fn file(&self) -> PathBuf {
        match &self.place {
            Place::Sqlite(dir) => dir.path().join("store.db"),
            Place::Postgres { .. } => unreachable!("only asked of SQLite"),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.store.close();
        if let Place::Postgres { admin, schema } = &self.place
            && !std::thread::panicking()
        {
            session(admin)
                .batch(&format!("DROP SCHEMA {schema} CASCADE"))
                .expect("the schema goes away");
        }
    }
}

fn session(address: &str) -> Box<dyn Conn> {
    Box::new(
        Connector::new(address, None)
            .expect("the address of the test server")
            .connect()
            .expect("the test server answers"),
    )
}

/// What a service's error looks like to the store.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CaseError {
    Store(StoreError),
    Refused(&'static str),
}

impl From<StoreError> for CaseError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

pub(super) fn event(kind: &str) -> NewEvent {
    NewEvent {
        kind: kind.to_owned(),
        schema_version: 1,
        body: "{\"why\":\"a case\"}".to_owned(),
        at_ms: NOW,
        agent_at_ms: None,
    }
}

pub(super) fn stream() -> StreamName {
    StreamName::plan("us-2024", "host-1")
}

pub(super) fn host(host_id: &str) -> HostRow {
    HostRow {
        host_id: host_id.to_owned(),
        created_ms: NOW,
        name: format!("name-of-{host_id}"),
        site: None,
        tags: "[]".to_owned(),
        facts: "{}".to_owned(),
        reported: "{}".to_owned(),
        agent_version: "0.1.0".to_owned(),
        rules_revision: 1,
        inventory_digest: None,
        inventory_at_ms: None,
        sealing_key: Some(vec![7; 32]),
        next_order_number: 1,
        highest_begun: 0,
    }
}

pub(super) fn plan(host_id: &str, phase: &str) -> PlanRow {
    PlanRow {
        campaign_id: "us-2024".to_owned(),
        host_id: host_id.to_owned(),
        seq: 1,
        phase: phase.to_owned(),
        wave: "1".to_owned(),
        site: String::new(),
        stale: false,
        late: false,
        closed: false,
        carried: false,
        cover: "unobserved".into(),
        state: "{}".to_owned(),
        wake_at_ms: None,
        latest_start_ms: None,
        updated_ms: NOW,
        outcome: "none".to_owned(),
        tried_in: String::new(),
        round: 0,
        ready_at_ms: 0,
    }
}
