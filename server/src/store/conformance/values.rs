//! Parameters in, columns out.

use super::lab::{Lab, on_both};
use super::portability::{add, items, number};
use crate::store::value::params;
use crate::store::{StoreError, Value};

on_both!(
    placeholders_bind_by_number,
    placeholders_in_literals_and_comments_are_text,
    a_wrong_number_of_parameters_is_refused,
    every_kind_of_value_comes_back_as_it_went,
    null_fits_every_kind_of_column,
    integers_keep_their_64_bits_also_in_expressions,
    text_of_any_language_survives,
    nul_in_text_is_refused_by_name,
    many_parameters_with_mixed_nulls_fit,
    text_is_no_number,
    a_wrong_column_is_named,
);

fn placeholders_bind_by_number(lab: &Lab) {
    let row = &lab
        .conn()
        .query(
            "SELECT CAST(?2 AS BIGINT) AS second, CAST(?1 AS BIGINT) AS first, CAST(?2 AS BIGINT) AS again",
            params![1_i64, 2_i64],
        )
        .expect("two numbers")[0];
    assert_eq!(row.int("first"), Ok(1));
    assert_eq!(row.int("second"), Ok(2));
    assert_eq!(row.int("again"), Ok(2));
}

fn placeholders_in_literals_and_comments_are_text(lab: &Lab) {
    let rows = lab
        .conn()
        .query("SELECT '?2 it''s $1' AS id /* ?3 */ WHERE 1 = ?1 -- ?4", params![1_i64])
        .expect("one parameter");
    assert_eq!(rows[0].text("id"), Ok("?2 it's $1".to_owned()));
}

fn a_wrong_number_of_parameters_is_refused(lab: &Lab) {
    let mut conn = lab.conn();
    for values in [params![], params![1_i64, 2_i64]] {
        let refused = conn.query("SELECT CAST(?1 AS BIGINT) AS n", values);
        let Err(StoreError::Parameters { wanted, given, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!((wanted, given), (1, values.len()));
    }
}

fn every_kind_of_value_comes_back_as_it_went(lab: &Lab) {
    let mut conn = items(lab);
    let sent = params!["k", -5_i64, "words", &[0_u8, 255, 39][..]];
    conn.execute(
        "INSERT INTO item (id, number, words, bytes) VALUES (?1, ?2, ?3, ?4)",
        sent,
    )
    .expect("a row");
    let empty = params!["l", 0_i64, "", Vec::<u8>::new()];
    conn.execute(
        "INSERT INTO item (id, number, words, bytes) VALUES (?1, ?2, ?3, ?4)",
        empty,
    )
    .expect("a row");
    let rows = conn
        .query("SELECT id, number, words, bytes FROM item ORDER BY id", params![])
        .expect("rows");
    assert_eq!(rows[0].values(), sent);
    assert_eq!(rows[1].values(), empty, "empty is not NULL");
}

fn null_fits_every_kind_of_column(lab: &Lab) {
    let mut conn = items(lab);
    conn.execute(
        "INSERT INTO item (id, number, words, bytes) VALUES (?1, ?2, ?3, ?4)",
        params![
            "k",
            Option::<i64>::None,
            Option::<String>::None,
            Option::<Vec<u8>>::None
        ],
    )
    .expect("a row");
    let row = &conn
        .query("SELECT number, words, bytes FROM item", params![])
        .expect("a row")[0];
    assert_eq!(row.opt_int("number"), Ok(None));
    assert_eq!(row.opt_text("words"), Ok(None));
    assert_eq!(row.opt_blob("bytes"), Ok(None));
    assert!(matches!(row.int("number"), Err(StoreError::Column { .. })));
}

fn integers_keep_their_64_bits_also_in_expressions(lab: &Lab) {
    let mut conn = items(lab);
    for (id, value) in [("a", i64::MIN), ("b", i64::MAX)] {
        add(conn.as_mut(), id, Some(value), None);
        let found = number(conn.as_mut(), "SELECT number AS n FROM item WHERE id = ?1", params![id]);
        assert_eq!(found, value);
    }
    let big = 1_727_582_400_000_i64;
    assert_eq!(number(conn.as_mut(), "SELECT ?1 + 1 AS n", params![big]), big + 1);
    assert_eq!(number(conn.as_mut(), "SELECT ?1 / 2 AS n", params![7_i64]), 3);
}

fn text_of_any_language_survives(lab: &Lab) {
    let mut conn = items(lab);
    let words = "Касперский Ω 漢字 🛡 \u{10FFFF} \" ' \\ \n";
    add(conn.as_mut(), "k", None, Some(words));
    let rows = conn
        .query("SELECT words FROM item WHERE words = ?1", params![words])
        .expect("found by itself");
    assert_eq!(rows[0].text("words"), Ok(words.to_owned()));
}

fn nul_in_text_is_refused_by_name(lab: &Lab) {
    let mut conn = items(lab);
    for _ in 0..2 {
        let refused = conn.execute(
            "INSERT INTO item (id, number, words, bytes) VALUES (?1, NULL, ?2, NULL)",
            params!["k", "a\0b"],
        );
        assert_eq!(refused, Err(StoreError::NulInText { index: 2 }));
    }
    let none = number(conn.as_mut(), "SELECT COUNT(*) AS n FROM item", params![]);
    assert_eq!(none, 0);
}

fn many_parameters_with_mixed_nulls_fit(lab: &Lab) {
    let mut conn = items(lab);
    let mut values = Vec::new();
    let mut places = Vec::new();
    for row in 0..40_i64 {
        let first = row * 4 + 1;
        places.push(format!("(?{}, ?{}, ?{}, ?{})", first, first + 1, first + 2, first + 3));
        values.push(Value::from(format!("{row:02}")));
        values.push(Value::from((row % 2 == 0).then_some(row)));
        values.push(Value::from((row % 3 == 0).then_some("words")));
        values.push(Value::from((row % 5 == 0).then(|| vec![1_u8])));
    }
    let sql = format!(
        "INSERT INTO item (id, number, words, bytes) VALUES {}",
        places.join(", ")
    );
    assert_eq!(conn.execute(&sql, &values), Ok(40));
    let all = conn
        .query("SELECT id, number, words, bytes FROM item ORDER BY id", params![])
        .expect("rows");
    let back: Vec<Value> = all.iter().flat_map(|row| row.values().to_vec()).collect();
    assert_eq!(back, values);
    let sets = [
        params!["90", 1_i64].to_vec(),
        params!["91", Option::<i64>::None].to_vec(),
    ];
    let many = conn.execute_many("INSERT INTO item (id, number) VALUES (?1, ?2)", &sets);
    assert_eq!(many, Ok(2));
    let answers = conn
        .query_many(
            "SELECT id FROM item WHERE id = ?1",
            &[params!["91"].to_vec(), params!["none"].to_vec(), params!["90"].to_vec()],
        )
        .expect("three answers");
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1]);
}

fn text_is_no_number(lab: &Lab) {
    let mut conn = items(lab);
    let refused = conn.execute("INSERT INTO item (id, number) VALUES (?1, ?2)", params!["k", "seven"]);
    assert!(
        matches!(
            refused,
            Err(StoreError::Constraint { .. } | StoreError::Statement { .. })
        ),
        "{refused:?}"
    );
}

fn a_wrong_column_is_named(lab: &Lab) {
    let mut conn = lab.conn();
    let row = &conn
        .query("SELECT 'x' AS word, CAST(2 AS BIGINT) AS two", params![])
        .expect("a row")[0];
    let why = |result: Result<i64, StoreError>| result.expect_err("refused").to_string();
    assert!(why(row.int("word")).contains("column word: an integer was expected and text found"));
    assert!(why(row.int("three")).contains("returns only word, two"));
    let two = row.flag("two").expect_err("refused").to_string();
    assert!(two.contains("0 or 1"), "{two}");
    assert!(matches!(row.hash("word"), Err(StoreError::Column { .. })));
}
