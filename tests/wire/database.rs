//! A PostgreSQL database of a test's own.

use cutover_tests::harness::{
    postgres::{Postgres, query},
    requirement,
};

/// A database that goes away with this value.
pub(crate) struct Database {
    admin: String,
    name: String,
    pub(crate) url: String,
}

impl Database {
    /// `None` where no server is named; that was said, and fails where CI runs.
    pub(crate) fn create(name: &str) -> Option<Self> {
        let named = std::env::var("CUTOVER_TEST_POSTGRES")
            .map(drop)
            .map_err(|_| anyhow::anyhow!("CUTOVER_TEST_POSTGRES names no PostgreSQL server"));
        if !requirement::met(named).unwrap() {
            return None;
        }
        let server = Postgres::start().unwrap();
        let name = format!("wire_{name}_{}", std::process::id());
        let url = server.create_database(&name).unwrap();
        let admin = server.url().to_owned();
        Some(Self { admin, name, url })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A failing test leaves it for a look; what a drop cannot do is no second failure.
        if !std::thread::panicking() {
            let _ = query(&self.admin, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}
