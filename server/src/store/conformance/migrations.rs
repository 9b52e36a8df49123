//! The way from any older schema to the newest.

use super::lab::{Lab, NOW, on_both};
use crate::store::migrate::{self, MIGRATIONS, Migration};
use crate::store::value::params;
use crate::store::{Conn, Dialect, Store, StoreError};

on_both!(
    from_every_older_version_the_same_schema_is_reached,
    a_second_run_does_nothing,
    a_later_migration_is_applied_alone,
    a_failing_migration_leaves_nothing,
    an_edited_migration_is_refused,
    a_newer_schema_is_refused_with_the_remedy,
    numbers_have_no_gap,
    replicas_that_start_at_once_migrate_once,
    every_table_is_there,
);

const SECOND: Migration = Migration {
    version: 2,
    name: "more",
    text: "CREATE TABLE more (id {text} NOT NULL PRIMARY KEY) {keyed};\nALTER TABLE meta ADD COLUMN note {text};",
};

/// A bare connection to a place without a schema of ours.
fn empty(lab: &Lab) -> Box<dyn Conn> {
    let mut conn = lab.conn();
    emptied(conn.as_mut());
    conn
}

/// Takes everything away.
pub(super) fn emptied(conn: &mut dyn Conn) {
    for table in tables(conn) {
        conn.batch(&format!("DROP TABLE {table}")).expect("dropped");
    }
}

fn tables(conn: &mut dyn Conn) -> Vec<String> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        Dialect::Postgres => {
            "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables
             WHERE table_schema = current_schema() ORDER BY 1"
        }
    };
    conn.query(sql, params![])
        .expect("the catalog answers")
        .iter()
        .map(|row| row.text("name").expect("a name"))
        .collect()
}

/// Everything that makes up the schema, as text.
fn schema(conn: &mut dyn Conn) -> Vec<String> {
    let sql = match conn.dialect() {
        Dialect::Sqlite => {
            "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') AS line FROM sqlite_master
             WHERE name <> 'schema_version' ORDER BY 1"
        }
        Dialect::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
                    || COALESCE(collation_name, '') || ' ' || COALESCE(column_default, '') AS line
             FROM information_schema.columns WHERE table_schema = current_schema()
             UNION ALL
             SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
             UNION ALL
             SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
             WHERE connamespace = CAST(current_schema() AS regnamespace)
             ORDER BY 1"
        }
    };
    conn.query(sql, params![])
        .expect("the catalog answers")
        .iter()
        .map(|row| row.text("line").expect("a line"))
        .collect()
}

fn versions(conn: &mut dyn Conn) -> Vec<i64> {
    conn.query("SELECT version FROM schema_version ORDER BY version", params![])
        .expect("rows")
        .iter()
        .map(|row| row.int("version").expect("a version"))
        .collect()
}

fn from_every_older_version_the_same_schema_is_reached(lab: &Lab) {
    let fresh = schema(lab.conn().as_mut());
    assert!(fresh.len() > 30, "{fresh:?}");
    for older in 0..=MIGRATIONS.len() {
        let mut conn = empty(lab);
        migrate::run(conn.as_mut(), &MIGRATIONS[..older], NOW).expect("the older schema");
        let applied = migrate::run(conn.as_mut(), MIGRATIONS, NOW).expect("the rest");
        assert_eq!(applied.len(), MIGRATIONS.len() - older);
        assert_eq!(schema(conn.as_mut()), fresh, "from version {older}");
    }
}

fn a_second_run_does_nothing(lab: &Lab) {
    let mut conn = lab.conn();
    assert_eq!(migrate::run(conn.as_mut(), MIGRATIONS, NOW + 1), Ok(Vec::new()));
    let rows = conn
        .query("SELECT name, sha256, applied_ms FROM schema_version", params![])
        .expect("rows");
    assert_eq!(rows.len(), MIGRATIONS.len());
    assert_eq!(rows[0].text("name"), Ok("foundation".to_owned()));
    assert_eq!(rows[0].int("applied_ms"), Ok(NOW), "dated by whoever opened the store");
    assert_eq!(rows[0].text("sha256").map(|sum| sum.len()), Ok(64));
}

fn a_later_migration_is_applied_alone(lab: &Lab) {
    let mut conn = empty(lab);
    let two = [MIGRATIONS[0], SECOND];
    assert_eq!(migrate::run(conn.as_mut(), &two[..1], NOW), Ok(vec![1]));
    conn.execute("INSERT INTO meta (key, value) VALUES ('kept', '1')", params![])
        .expect("a row");
    assert_eq!(migrate::run(conn.as_mut(), &two, NOW), Ok(vec![2]));
    assert_eq!(versions(conn.as_mut()), [1, 2]);
    let rows = conn.query("SELECT value, note FROM meta", params![]).expect("rows");
    assert_eq!(rows[0].text("value"), Ok("1".to_owned()));
    assert_eq!(rows[0].opt_text("note"), Ok(None));
}

fn a_failing_migration_leaves_nothing(lab: &Lab) {
    let mut conn = empty(lab);
    let broken = Migration {
        text: "CREATE TABLE more (id {text} NOT NULL PRIMARY KEY) {strict}; INSERT INTO nowhere VALUES (1);",
        ..SECOND
    };
    migrate::run(conn.as_mut(), &MIGRATIONS[..1], NOW).expect("the first");
    let before = schema(conn.as_mut());
    let refused = migrate::run(conn.as_mut(), &[MIGRATIONS[0], broken], NOW);
    assert!(matches!(refused, Err(StoreError::Statement { .. })), "{refused:?}");
    assert_eq!(schema(conn.as_mut()), before);
    assert_eq!(versions(conn.as_mut()), [1]);
    let unknown = Migration {
        text: "CREATE TABLE more (id {uuid});",
        ..SECOND
    };
    let refused = migrate::run(conn.as_mut(), &[MIGRATIONS[0], unknown], NOW);
    assert!(
        matches!(refused, Err(StoreError::MigrationMalformed { .. })),
        "{refused:?}"
    );
}

fn an_edited_migration_is_refused(lab: &Lab) {
    let edited = Migration {
        text: "CREATE TABLE other (id {int});",
        ..MIGRATIONS[0]
    };
    let refused = migrate::run(lab.conn().as_mut(), &[edited], NOW);
    let Err(StoreError::MigrationChanged { version: 1, name }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(name, "foundation");
}

fn a_newer_schema_is_refused_with_the_remedy(lab: &Lab) {
    let mut conn = lab.conn();
    let next = MIGRATIONS.len() as i64 + 1;
    conn.execute(
        "INSERT INTO schema_version (version, name, sha256, applied_ms) VALUES (?1, 'future', 'x', ?2)",
        params![next, NOW],
    )
    .expect("a row");
    let refused = Store::open(lab.options(), NOW).map(drop).expect_err("refused");
    let known = MIGRATIONS.len() as i64;
    assert_eq!(refused, StoreError::SchemaTooNew { found: next, known });
    assert!(refused.to_string().contains("install the newer program"), "{refused}");
}

fn numbers_have_no_gap(lab: &Lab) {
    let gap = Migration { version: 3, ..SECOND };
    let refused = migrate::run(empty(lab).as_mut(), &[MIGRATIONS[0], gap], NOW);
    assert!(
        matches!(refused, Err(StoreError::MigrationMalformed { .. })),
        "{refused:?}"
    );
}

fn replicas_that_start_at_once_migrate_once(lab: &Lab) {
    drop(empty(lab));
    std::thread::scope(|scope| {
        let starting: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| Store::open(lab.options(), NOW)))
            .collect();
        for thread in starting {
            thread.join().expect("no panic").expect("opens").close();
        }
    });
    assert_eq!(versions(lab.conn().as_mut()).len(), MIGRATIONS.len());
}

fn every_table_is_there(lab: &Lab) {
    assert_eq!(
        tables(lab.conn().as_mut()).join(" "),
        "agent_release agent_update api_token artifact artifact_use asset asset_total asset_total_was availability campaign \
         campaign_version campaign_was cause_total clone_incident clone_member counter disk_attestation disk_attestation_was disk_report domain_controller domain_controller_was done_day earlier_record enrol_token enrolment event exemption exemption_was finding grade_total grade_total_was host host_habit host_key \
         host_seen host_session host_silence host_was identifier image_pool image_pool_member image_pool_token imported_look in_force in_force_was inventory last_statement lease meta one_time_login outbox personal plan plan_cause plan_was report_run \
         schema_version secret session slot slot_was step_record stream total total_was \
         wave_tally wave_tally_was work_order"
    );
}
