//! Where the two databases differ in what a statement means, and the form that works on both.

use super::lab::{Lab, on_both};
use crate::store::migrate;
use crate::store::value::params;
use crate::store::{Conn, StoreError, Value};

on_both!(
    text_sorts_by_bytes,
    conditions_come_back_as_zero_and_one,
    sums_are_cast,
    nulls_sort_where_the_statement_says,
    likeness_goes_by_lowered_text,
    a_nullable_parameter_stands_in_a_cast,
    upserts_return_rows_only_where_they_changed_one,
    windows_filters_and_table_expressions_work,
    a_taken_key_is_a_conflict_and_a_broken_check_is_not,
    a_malformed_statement_is_named,
);

pub(super) fn items(lab: &Lab) -> Box<dyn Conn> {
    let mut conn = lab.conn();
    let sql = migrate::render(
        "items",
        "CREATE TABLE item (id {text} NOT NULL PRIMARY KEY, number {int} CHECK (number <> 13), words {text}, bytes {blob}) {strict}",
        conn.dialect(),
    )
    .expect("known tokens");
    conn.batch(&sql).expect("the table is made");
    conn
}

pub(super) fn add(conn: &mut dyn Conn, id: &str, number: Option<i64>, words: Option<&str>) {
    conn.execute(
        "INSERT INTO item (id, number, words, bytes) VALUES (?1, ?2, ?3, NULL)",
        params![id, number, words],
    )
    .expect("a row");
}

fn texts(conn: &mut dyn Conn, sql: &str, params: &[Value]) -> Vec<String> {
    conn.query(sql, params)
        .expect(sql)
        .iter()
        .map(|row| row.text("id").expect("column id"))
        .collect()
}

pub(super) fn number(conn: &mut dyn Conn, sql: &str, params: &[Value]) -> i64 {
    conn.query(sql, params).expect(sql)[0].int("n").expect("n")
}

fn text_sorts_by_bytes(lab: &Lab) {
    let mut conn = items(lab);
    for id in ["a", "B", "ä", "Z", "a-b", "ab", "_"] {
        add(conn.as_mut(), id, None, None);
    }
    assert_eq!(
        texts(conn.as_mut(), "SELECT id FROM item ORDER BY id", params![]),
        ["B", "Z", "_", "a", "a-b", "ab", "ä"]
    );
    assert_eq!(
        texts(
            conn.as_mut(),
            "SELECT id FROM item WHERE id > ?1 ORDER BY id",
            params!["a"]
        ),
        ["a-b", "ab", "ä"],
        "paging by key goes by the same order"
    );
}

fn conditions_come_back_as_zero_and_one(lab: &Lab) {
    let mut conn = lab.conn();
    let row = &conn
        .query(
            "SELECT ?1 = 1 AS yes, ?1 = 2 AS no, EXISTS (SELECT 1 FROM meta) AS some",
            params![1_i64],
        )
        .expect("conditions")[0];
    assert_eq!(row.flag("yes"), Ok(true));
    assert_eq!(row.flag("no"), Ok(false));
    assert_eq!(row.flag("some"), Ok(false));
}

fn sums_are_cast(lab: &Lab) {
    let mut conn = items(lab);
    for (id, value) in [("a", 1_i64 << 40), ("b", 2)] {
        add(conn.as_mut(), id, Some(value), None);
    }
    let sum = number(
        conn.as_mut(),
        "SELECT CAST(SUM(number) AS BIGINT) AS n FROM item",
        params![],
    );
    assert_eq!(sum, (1 << 40) + 2);
}

fn nulls_sort_where_the_statement_says(lab: &Lab) {
    let mut conn = items(lab);
    for (id, value) in [("a", None), ("b", Some(1)), ("c", Some(-1))] {
        add(conn.as_mut(), id, value, None);
    }
    let sql = "SELECT id FROM item ORDER BY number NULLS LAST, id";
    assert_eq!(texts(conn.as_mut(), sql, params![]), ["c", "b", "a"]);
    let sql = "SELECT id FROM item ORDER BY number DESC NULLS LAST, id";
    assert_eq!(texts(conn.as_mut(), sql, params![]), ["b", "c", "a"]);
}

fn likeness_goes_by_lowered_text(lab: &Lab) {
    let mut conn = items(lab);
    add(conn.as_mut(), "k", None, Some("Workstation-7"));
    let sql = "SELECT id FROM item WHERE lower(words) LIKE ?1";
    assert_eq!(texts(conn.as_mut(), sql, params!["work%"]), ["k"]);
    assert_eq!(texts(conn.as_mut(), sql, params!["desk%"]), [""; 0]);
}

fn a_nullable_parameter_stands_in_a_cast(lab: &Lab) {
    let mut conn = items(lab);
    add(conn.as_mut(), "a", Some(1), None);
    add(conn.as_mut(), "b", Some(2), None);
    let sql = "SELECT id FROM item WHERE CAST(?1 AS BIGINT) IS NULL OR number = CAST(?1 AS BIGINT) ORDER BY id";
    assert_eq!(texts(conn.as_mut(), sql, params![Option::<i64>::None]), ["a", "b"]);
    assert_eq!(texts(conn.as_mut(), sql, params![2_i64]), ["b"]);
}

fn upserts_return_rows_only_where_they_changed_one(lab: &Lab) {
    let mut conn = items(lab);
    let sql = "INSERT INTO item (id, number) VALUES (?1, ?2) ON CONFLICT (id)
               DO UPDATE SET number = excluded.number WHERE item.number < excluded.number RETURNING number AS n";
    let mut upsert = |value: i64| {
        conn.query(sql, params!["k", value])
            .expect(sql)
            .iter()
            .map(|row| row.int("n").expect("n"))
            .collect::<Vec<_>>()
    };
    assert_eq!(upsert(5), [5]);
    assert_eq!(upsert(6), [6]);
    assert_eq!(upsert(4), [0; 0], "the condition does not hold");
    assert_eq!(conn.execute(sql, params!["k", 7_i64]), Ok(1));
    assert_eq!(conn.execute(sql, params!["k", 7_i64]), Ok(0));
}

fn windows_filters_and_table_expressions_work(lab: &Lab) {
    let mut conn = items(lab);
    for (id, value) in [("a", 1), ("b", 5), ("c", 9)] {
        add(conn.as_mut(), id, Some(value), None);
    }
    let row = &conn
        .query(
            "WITH ranked AS (SELECT number, ROW_NUMBER() OVER (ORDER BY number DESC) AS place FROM item)
             SELECT COUNT(*) FILTER (WHERE number > ?1) AS above, MAX(number) FILTER (WHERE place = 2) AS second
             FROM ranked",
            params![4_i64],
        )
        .expect("a row")[0];
    assert_eq!(row.int("above"), Ok(2));
    assert_eq!(row.int("second"), Ok(5));
}

fn a_taken_key_is_a_conflict_and_a_broken_check_is_not(lab: &Lab) {
    let mut conn = items(lab);
    add(conn.as_mut(), "k", None, None);
    let sql = "INSERT INTO item (id, number) VALUES (?1, ?2)";
    let taken = conn.execute(sql, params!["k", 1_i64]);
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let unlucky = conn.execute(sql, params!["l", 13_i64]);
    assert!(matches!(unlucky, Err(StoreError::Constraint { .. })), "{unlucky:?}");
    let missing = conn.execute("INSERT INTO item (number) VALUES (?1)", params![1_i64]);
    assert!(matches!(missing, Err(StoreError::Constraint { .. })), "{missing:?}");
}

fn a_malformed_statement_is_named(lab: &Lab) {
    let refused = lab.conn().query("SELEKT 1", params![]);
    let Err(StoreError::Statement { sql, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(sql, "SELEKT 1");
}
