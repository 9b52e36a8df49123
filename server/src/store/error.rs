//! What can go wrong in the store. "Not found" is no error: it is `Ok(None)`.

use std::path::PathBuf;

/// A refusal or failure of the store; the text says what to do about it.
///
/// Errors can be cloned because one failed commit is the answer to every closure of its group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A row is no longer as the closure expected it: somebody else decided first. Load it again and decide again.
    #[error("{what} changed meanwhile; load it again and repeat")]
    Conflict {
        /// The row or stream.
        what: String,
    },
    /// A lock was not to be had in time.
    #[error("the store is busy ({what}); try again in a moment, and end other programs that hold it open")]
    Busy {
        /// What waited.
        what: String,
    },
    /// Another server serves from this database file.
    #[error(
        "another `cutover serve` (process {by}) uses {}; stop it first, give this one a data_dir of its own, or set store.url to a PostgreSQL that several share",
        path.display()
    )]
    Served {
        /// The database.
        path: std::path::PathBuf,
        /// The other's process id, as it wrote it.
        by: String,
    },
    /// The database cannot be reached or has gone away. Whether a commit under way took effect is not known.
    #[error("the store cannot be reached: {why}; see that the database runs and accepts connections, then try again")]
    Unavailable {
        /// What the driver said.
        why: String,
    },
    /// The disk under the database is full.
    #[error(
        "the store has no room ({why}); free space where its data lies. Nothing of this was stored, nothing that was acknowledged is lost, and the server goes on by itself"
    )]
    NoRoom {
        /// What the database said.
        why: String,
    },
    /// The store was closed by this process.
    #[error("the store is closed because the program is ending; start it again")]
    Closed,
    /// Stored rows contradict each other.
    #[error("{what} is damaged: {why}; stop the server and restore a backup, or ask for help with this message")]
    Corrupt {
        /// The stream, row or table.
        what: String,
        /// The contradiction.
        why: String,
    },
    /// A column is missing or of another kind than the program expects.
    #[error("column {column}: {why}; the program and its database do not fit, see that both are of one version")]
    Column {
        /// The column.
        column: String,
        /// What was expected and found.
        why: String,
    },
    /// A key or check of the schema refused a row.
    #[error("the store refused a row: {why}")]
    Constraint {
        /// What the database said.
        why: String,
    },
    /// The database did not accept a statement: a fault of this program.
    #[error(
        "the database did not accept a statement: {why}; this is a fault of the program, please report it with this message: {sql}"
    )]
    Statement {
        /// What the database said.
        why: String,
        /// The statement, without its values.
        sql: String,
    },
    /// Text with a NUL character, which PostgreSQL cannot hold.
    #[error("parameter {index} is text with a NUL character; remove it or store it as bytes")]
    NulInText {
        /// Number of the placeholder, from 1.
        index: usize,
    },
    /// The statement uses another number of parameters than it was given.
    #[error("the statement takes {wanted} parameters and was given {given}: {sql}")]
    Parameters {
        /// The highest placeholder.
        wanted: usize,
        /// How many values came.
        given: usize,
        /// The statement.
        sql: String,
    },
    /// An earlier statement of the same transaction failed, so nothing more of it can be done.
    #[error("an earlier statement of this transaction failed, so it cannot be committed; hand that error on")]
    Aborted,
    /// A closure panicked. Its transaction was rolled back.
    #[error("a transaction panicked and was rolled back: {what}; this is a fault of the program, please report it")]
    Panicked {
        /// The panic's message.
        what: String,
    },
    /// The question reads what is kept only as it is now.
    #[error(
        "this cannot be answered as of an instant: `{table}` is kept only as it is now; leave out the instant, or ask for the summary, the list of hosts or one host"
    )]
    NotKept {
        /// The table.
        table: String,
    },
    /// The schema is newer than this program.
    #[error(
        "the store has schema version {found} and this program knows only up to {known}; install the newer program, or restore a backup made before the upgrade"
    )]
    SchemaTooNew {
        /// Version in the store.
        found: i64,
        /// Newest version of this program.
        known: i64,
    },
    /// A migration that was applied differs from the one in the program.
    #[error(
        "migration {version} ({name}) is not the one that was applied to this store; install the program version that made the store, or restore a backup"
    )]
    MigrationChanged {
        /// Its number.
        version: i64,
        /// Its name.
        name: String,
    },
    /// A migration has a token that no dialect knows, or a wrong number.
    #[error("migration {name} is malformed: {why}")]
    MigrationMalformed {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// SQLite's locks do not hold on network file systems.
    #[error("{} is on a network file system ({kind}), where SQLite loses data; put the data directory on a local disk, or use PostgreSQL", path.display())]
    NetworkFileSystem {
        /// The directory.
        path: PathBuf,
        /// The file system's name.
        kind: String,
    },
    /// A file cannot be opened.
    #[error("{} cannot be opened: {why}; see that the directory exists and that this user may write to it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The address of the store cannot be understood or is refused.
    #[error("the store's address is refused: {why}")]
    Address {
        /// What is wrong and what to write instead.
        why: String,
    },
}

impl StoreError {
    /// A conflict over `what`.
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::Conflict { what: what.into() }
    }

    /// Whether the same closure may succeed when it is run again at once, on fresh rows.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
