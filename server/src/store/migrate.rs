//! Brings the schema up to date: numbered texts, applied once each, never edited.
//!
//! To add one: write `server/migrations/NNN_name.sql` with the next number and add it to [`MIGRATIONS`]. What was
//! released is never changed again; a store that has another text under the same number is refused.

use sha2::{Digest, Sha256};

use super::conn::{Begin, Conn, Dialect};
use super::error::StoreError;
use super::value::params;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// From 1, without gaps.
    pub(super) version: i64,
    pub(super) name: &'static str,
    /// One text for both databases, with tokens for the types.
    pub(super) text: &'static str,
}

/// All of them, in order.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "foundation",
        text: include_str!("../../migrations/001_foundation.sql"),
    },
    Migration {
        version: 2,
        name: "artifacts",
        text: include_str!("../../migrations/002_artifacts.sql"),
    },
    Migration {
        version: 3,
        name: "artifact uses",
        text: include_str!("../../migrations/003_artifact_uses.sql"),
    },
    Migration {
        version: 4,
        name: "identities",
        text: include_str!("../../migrations/004_identities.sql"),
    },
    Migration {
        version: 5,
        name: "assets",
        text: include_str!("../../migrations/005_assets.sql"),
    },
    Migration {
        version: 6,
        name: "imported looks",
        text: include_str!("../../migrations/006_imported_looks.sql"),
    },
    Migration {
        version: 7,
        name: "agent releases",
        text: include_str!("../../migrations/007_agent_releases.sql"),
    },
    Migration {
        version: 8,
        name: "findings",
        text: include_str!("../../migrations/008_findings.sql"),
    },
    Migration {
        version: 9,
        name: "earlier records",
        text: include_str!("../../migrations/009_earlier_records.sql"),
    },
    Migration {
        version: 10,
        name: "image pools",
        text: include_str!("../../migrations/010_image_pools.sql"),
    },
    Migration {
        version: 11,
        name: "wave tallies",
        text: include_str!("../../migrations/011_wave_tallies.sql"),
    },
    Migration {
        version: 12,
        name: "waves",
        text: include_str!("../../migrations/012_waves.sql"),
    },
    Migration {
        version: 13,
        name: "exemptions",
        text: include_str!("../../migrations/013_exemptions.sql"),
    },
    Migration {
        version: 14,
        name: "versions",
        text: include_str!("../../migrations/014_versions.sql"),
    },
    Migration {
        version: 15,
        name: "causes",
        text: include_str!("../../migrations/015_causes.sql"),
    },
    Migration {
        version: 16,
        name: "exemptions-as-of",
        text: include_str!("../../migrations/016_exemptions_as_of.sql"),
    },
    Migration {
        version: 17,
        name: "lines-and-habits",
        text: include_str!("../../migrations/017_lines_and_habits.sql"),
    },
    Migration {
        version: 18,
        name: "secrets",
        text: include_str!("../../migrations/018_secrets.sql"),
    },
    Migration {
        version: 19,
        name: "disks",
        text: include_str!("../../migrations/019_disks.sql"),
    },
    Migration {
        version: 20,
        name: "grades",
        text: include_str!("../../migrations/020_grades.sql"),
    },
    Migration {
        version: 21,
        name: "last_statements",
        text: include_str!("../../migrations/021_last_statements.sql"),
    },
];

const VERSIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (
    version {int} NOT NULL PRIMARY KEY, name {text} NOT NULL, sha256 {text} NOT NULL, applied_ms {int} NOT NULL
) {strict}";

/// Applies what is missing in one transaction under a lock, and returns the versions applied. Replicas that start at
/// once wait for each other.
pub(super) fn run(conn: &mut dyn Conn, migrations: &[Migration], now_ms: i64) -> Result<Vec<i64>, StoreError> {
    conn.begin(Begin::Write)?;
    match apply(conn, migrations, now_ms) {
        Ok(applied) => {
            conn.commit()?;
            Ok(applied)
        }
        Err(error) => {
            // The first error is the one that matters; a failing rollback ends with the connection.
            let _rolled_back = conn.rollback();
            Err(error)
        }
    }
}

fn apply(conn: &mut dyn Conn, migrations: &[Migration], now_ms: i64) -> Result<Vec<i64>, StoreError> {
    let dialect = conn.dialect();
    if dialect == Dialect::Postgres {
        let schema = conn.query("SELECT current_schema() AS name", params![])?;
        if schema
            .first()
            .is_none_or(|row| matches!(row.opt_text("name"), Ok(None) | Err(_)))
        {
            return Err(StoreError::Address {
                why: "the database has no schema for this user's tables; create it, or correct search_path".to_owned(),
            });
        }
        // The number is this program's own; the schema makes stores in one database independent.
        conn.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 7303920016))",
            params![],
        )?;
    }
    conn.batch(&render("schema_version", VERSIONS_TABLE, dialect)?)?;
    let found = conn.query(
        "SELECT version, name, sha256 FROM schema_version ORDER BY version",
        params![],
    )?;
    for row in &found {
        let version = row.int("version")?;
        let Some(migration) = migrations.iter().find(|known| known.version == version) else {
            return Err(StoreError::SchemaTooNew {
                found: version,
                known: migrations.last().map_or(0, |newest| newest.version),
            });
        };
        if row.text("sha256")? != checksum(migration.text) {
            return Err(StoreError::MigrationChanged {
                version,
                name: row.text("name")?,
            });
        }
    }
    let mut applied = Vec::new();
    for (index, migration) in migrations.iter().enumerate() {
        if usize::try_from(migration.version) != Ok(index + 1) {
            return Err(StoreError::MigrationMalformed {
                name: migration.name.to_owned(),
                why: format!("it has number {} in place {}", migration.version, index + 1),
            });
        }
        if index < found.len() {
            continue;
        }
        conn.batch(&render(migration.name, migration.text, dialect)?)?;
        conn.execute(
            "INSERT INTO schema_version (version, name, sha256, applied_ms) VALUES (?1, ?2, ?3, ?4)",
            params![migration.version, migration.name, checksum(migration.text), now_ms],
        )?;
        applied.push(migration.version);
    }
    Ok(applied)
}

fn checksum(text: &str) -> String {
    // A checkout on Windows may have turned the line ends; that is no edit.
    hex::encode(Sha256::digest(text.replace("\r\n", "\n")))
}

/// Puts the types of one database in for the tokens.
pub(super) fn render(name: &str, text: &str, dialect: Dialect) -> Result<String, StoreError> {
    let tokens: &[(&str, &str)] = match dialect {
        Dialect::Sqlite => &[
            ("{int}", "INTEGER"),
            ("{text}", "TEXT"),
            ("{blob}", "BLOB"),
            ("{strict}", "STRICT"),
            ("{keyed}", "STRICT, WITHOUT ROWID"),
        ],
        Dialect::Postgres => &[
            ("{int}", "BIGINT"),
            ("{text}", "TEXT COLLATE \"C\""),
            ("{blob}", "BYTEA"),
            ("{strict}", ""),
            ("{keyed}", ""),
        ],
    };
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let rendered = tokens
        .iter()
        .fold(code, |text, (token, with)| text.replace(token, with));
    if rendered.contains(['{', '}']) {
        return Err(StoreError::MigrationMalformed {
            name: name.to_owned(),
            why: "it has a brace that belongs to no token; known are {int} {text} {blob} {strict} {keyed}".to_owned(),
        });
    }
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_token_is_refused_by_name() {
        let refused = render("x", "CREATE TABLE a (b {txt})", Dialect::Sqlite).expect_err("refused");
        assert!(refused.to_string().contains("{text}"), "{refused}");
    }

    #[test]
    fn line_ends_do_not_change_a_checksum_and_anything_else_does() {
        assert_eq!(checksum("a\r\nb"), checksum("a\nb"));
        assert_ne!(checksum("a\nb"), checksum("a\nc"));
    }
}
