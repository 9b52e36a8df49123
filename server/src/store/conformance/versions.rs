//! Rows as they were at a position, and which position an instant means.

use super::lab::{Lab, NOW, event, host, on_both, plan};
use crate::store::events::NewEvent;
use crate::store::host_seen::{self, HostSeenRow};
use crate::store::migrate::{self, MIGRATIONS};
use crate::store::plans::{self, PlanFilter, PlanRow};
use crate::store::value::params;
use crate::store::{AsOf, StoreError, StreamName, WriteTx, events, findings, hosts, slots, totals, views};

on_both!(
    a_row_is_found_as_it_was_between_two_changes,
    a_host_that_says_the_same_again_gets_no_version,
    a_batch_keeps_each_of_its_rows,
    figures_are_found_as_they_were,
    an_instant_means_the_newest_transaction_that_came_no_later,
    clocks_that_differ_a_little_keep_the_order_and_one_that_was_put_right_is_believed,
    the_last_sign_before_a_silence_is_found_and_signs_without_one_are_not_kept,
    what_is_not_kept_is_refused_by_name,
    what_there_was_before_begins_at_the_migration,
);

const CAMPAIGN: &str = "us-2024";

fn stream(host_id: &str) -> StreamName {
    StreamName::plan(CAMPAIGN, host_id)
}

fn dated(at_ms: i64) -> NewEvent {
    NewEvent {
        at_ms,
        ..event("moved")
    }
}

/// Moves a plan to a phase with one event.
fn step(tx: &mut WriteTx<'_>, host_id: &str, seq: i64, phase: &str, at_ms: i64) -> Result<(), StoreError> {
    events::append(tx, &stream(host_id), seq, &[dated(at_ms)])?;
    let row = PlanRow {
        seq: seq + 1,
        ..plan(host_id, phase)
    };
    plans::compare_and_set(tx, seq, &row)
}

fn moved(lab: &Lab, host_id: &str, seq: i64, phase: &str, at_ms: i64) -> i64 {
    let (host_id, phase) = (host_id.to_owned(), phase.to_owned());
    lab.store
        .write_now(move |tx| step(tx, &host_id, seq, &phase, at_ms))
        .expect("moved");
    lab.store.read_now(|tx| events::last_pos(tx)).expect("a position")
}

const fn at(pos: i64) -> AsOf {
    AsOf { pos, at_ms: NOW }
}

fn phase_at(lab: &Lab, host_id: &str, pos: i64) -> Option<String> {
    let host_id = host_id.to_owned();
    lab.store
        .read_now(move |tx| {
            tx.go_back(at(pos));
            plans::load(tx, CAMPAIGN, &host_id)
        })
        .expect("read")
        .map(|row| row.phase)
}

fn a_row_is_found_as_it_was_between_two_changes(lab: &Lab) {
    let first = moved(lab, "a", 0, "planned", NOW);
    let other = moved(lab, "b", 0, "queued", NOW);
    let second = moved(lab, "a", 1, "queued", NOW);
    assert_eq!(phase_at(lab, "a", first - 1), None);
    for (pos, phase) in [(first, "planned"), (other, "planned"), (second, "queued")] {
        assert_eq!(phase_at(lab, "a", pos).as_deref(), Some(phase), "at {pos}");
    }
    assert_eq!(phase_at(lab, "b", first), None);
    lab.store
        .write_now(|tx| {
            hosts::insert(tx, &host("a"))?;
            hosts::insert(tx, &host("b"))?;
            events::append_next(tx, &StreamName::host("a"), &[event("enrolled")]).map(drop)
        })
        .expect("hosts");
    let listed = move |pos: i64, phase: &str| {
        let filter = PlanFilter {
            phase: Some(phase.to_owned()),
            ..PlanFilter::default()
        };
        lab.store
            .read_now(move |tx| {
                tx.go_back(at(pos));
                views::host_lines(tx, CAMPAIGN, &filter, None, 10)
            })
            .expect("lines")
            .into_iter()
            .map(|line| line.host_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(second + 1, "queued"), ["a", "b"]);
    let third = moved(lab, "b", 1, "blocked", NOW);
    assert_eq!(listed(third, "queued"), ["a"]);
    assert_eq!(listed(third - 1, "queued"), ["a", "b"]);
    assert_eq!(
        listed(second, "queued"),
        Vec::<String>::new(),
        "no host was enrolled yet"
    );
}

fn versions_of(lab: &Lab, table: &str) -> i64 {
    lab.conn()
        .query(&format!("SELECT COUNT(*) AS n FROM {table}"), params![])
        .expect("counted")[0]
        .int("n")
        .expect("n")
}

fn a_host_that_says_the_same_again_gets_no_version(lab: &Lab) {
    let put = |facts: &'static str| {
        lab.store
            .write_now(move |tx| {
                let row = hosts::HostRow {
                    facts: facts.to_owned(),
                    sealing_key: None,
                    ..host("a")
                };
                events::append_next(tx, &StreamName::host("a"), &[event("told")])?;
                match hosts::load(tx, "a")? {
                    None => hosts::insert(tx, &row),
                    Some(_) => hosts::update(tx, &row),
                }
            })
            .expect("put");
    };
    put("{}");
    put("{}");
    assert_eq!(versions_of(lab, "host_was"), 1);
    put("{\"os\":1}");
    assert_eq!(versions_of(lab, "host_was"), 2);
    let facts = |pos| {
        let load = move |tx: &mut crate::store::ReadTx<'_>| {
            tx.go_back(at(pos));
            hosts::by_name(tx, "NAME-of-a")
        };
        lab.store.read_now(load).expect("read").pop().expect("there").facts
    };
    assert_eq!(
        (facts(1), facts(2), facts(3)),
        ("{}".into(), "{}".into(), "{\"os\":1}".into())
    );
}

fn a_batch_keeps_each_of_its_rows(lab: &Lab) {
    let ids: Vec<String> = (0..250).map(|n| format!("h{n:03}")).collect();
    for (seq, phase) in [(0, "planned"), (1, "queued")] {
        let ids = ids.clone();
        lab.store
            .write_now(move |tx| ids.iter().try_for_each(|id| step(tx, id, seq, phase, NOW)))
            .expect("a batch");
    }
    assert_eq!(versions_of(lab, "plan_was"), 500);
    for id in ids.iter().step_by(49).chain(ids.last()) {
        assert_eq!(phase_at(lab, id, 250).as_deref(), Some("planned"), "{id}");
        assert_eq!(phase_at(lab, id, 500).as_deref(), Some("queued"), "{id}");
        assert_eq!(
            phase_at(lab, id, 249),
            None,
            "in the middle of a transaction nothing of it is so"
        );
    }
    let open = lab
        .conn()
        .query(
            "SELECT COUNT(*) AS n FROM plan_was WHERE to_pos = 9223372036854775807",
            params![],
        )
        .expect("counted")[0]
        .int("n");
    assert_eq!(open, Ok(250), "one version of each is so now");
}

fn figures_are_found_as_they_were(lab: &Lab) {
    let first = moved(lab, "a", 0, "queued", NOW);
    lab.store
        .write_now(|tx| {
            assert!(slots::take(tx, CAMPAIGN, "all", 5)?);
            assert!(slots::take(tx, CAMPAIGN, "all", 5)?);
            step(tx, "a", 1, "migrating", NOW)
        })
        .expect("started");
    lab.store
        .write_now(|tx| {
            slots::give(tx, CAMPAIGN, "all")?;
            step(tx, "a", 2, "verifying", NOW)
        })
        .expect("ended");
    let then = |pos: i64| {
        lab.store
            .read_now(move |tx| {
                tx.go_back(at(pos));
                let used: i64 = slots::list(tx, CAMPAIGN)?.iter().map(|slot| slot.used).sum();
                let phases: Vec<String> = totals::list(tx, CAMPAIGN)?
                    .into_iter()
                    .map(|total| format!("{} {}", total.hosts, total.bucket.phase))
                    .collect();
                Ok::<_, StoreError>((used, phases.join(" "), views::phases(tx, CAMPAIGN)?.len()))
            })
            .expect("read")
    };
    assert_eq!(then(first - 1), (0, String::new(), 0));
    assert_eq!(then(first), (0, "1 queued".into(), 1));
    assert_eq!(then(first + 1), (2, "1 migrating".into(), 1));
    assert_eq!(then(first + 2), (1, "1 verifying".into(), 1));
}

fn resolved(lab: &Lab, at_ms: i64) -> Result<i64, Option<i64>> {
    lab.store
        .read_now(move |tx| AsOf::resolve(tx, at_ms))
        .expect("read")
        .map(|then| then.pos)
}

fn an_instant_means_the_newest_transaction_that_came_no_later(lab: &Lab) {
    assert_eq!(resolved(lab, NOW), Err(None), "nothing happened yet");
    lab.store
        .write_now(|tx| {
            let both = [dated(NOW), dated(NOW + 1)];
            events::append(tx, &stream("a"), 0, &both).map(drop)
        })
        .expect("two events in one transaction");
    moved(lab, "b", 0, "queued", NOW + 10);
    moved(lab, "c", 0, "queued", NOW + 10);
    assert_eq!(
        resolved(lab, NOW),
        Err(Some(NOW + 1)),
        "half of a transaction never was"
    );
    assert_eq!(resolved(lab, NOW + 1), Ok(2));
    assert_eq!(resolved(lab, NOW + 9), Ok(2));
    assert_eq!(resolved(lab, NOW + 10), Ok(4));
    assert_eq!(resolved(lab, i64::MAX), Ok(4));
}

fn clocks_that_differ_a_little_keep_the_order_and_one_that_was_put_right_is_believed(lab: &Lab) {
    const DAY: i64 = 86_400_000;
    moved(lab, "a", 0, "planned", NOW);
    moved(lab, "a", 1, "queued", NOW - 2_000);
    assert_eq!(resolved(lab, NOW - 1_000), Err(Some(NOW)), "it came after the first");
    assert_eq!(resolved(lab, NOW), Ok(2));
    // For a moment the clock was thirty years ahead, and for another far back.
    moved(lab, "a", 2, "blocked", NOW + 11_000 * DAY);
    moved(lab, "a", 3, "queued", NOW + 10_000);
    moved(lab, "a", 4, "blocked", NOW - 11_000 * DAY);
    moved(lab, "a", 5, "queued", NOW + 20_000);
    assert_eq!(resolved(lab, NOW + 5_000), Ok(2));
    assert_eq!(resolved(lab, NOW + 10_000), Ok(4));
    assert_eq!(resolved(lab, NOW + 30_000), Ok(6));
}

fn the_last_sign_before_a_silence_is_found_and_signs_without_one_are_not_kept(lab: &Lab) {
    const MINUTE: i64 = 60_000;
    let signs = [0, 5, 10, 70, 75];
    for minute in signs {
        let row = HostSeenRow {
            host_id: "a".to_owned(),
            seen_ms: NOW + minute * MINUTE,
            boot_id: "b".to_owned(),
            looked_agent_ms: None,
        };
        let flushed_ms = row.seen_ms + 1_000;
        lab.store
            .write_now(move |tx| host_seen::flush(tx, std::slice::from_ref(&row), flushed_ms, 10 * MINUTE))
            .expect("flushed");
    }
    assert_eq!(
        versions_of(lab, "host_silence"),
        2,
        "before the first sign, and the hour"
    );
    let seen = |at_ms: i64| {
        lab.store
            .read_now(move |tx| {
                tx.go_back(AsOf { pos: 0, at_ms });
                host_seen::load(tx, "a")
            })
            .expect("read")
            .map(|row| row.seen_ms)
    };
    assert_eq!(seen(NOW), Some(0), "its first sign was not written yet");
    assert_eq!(seen(NOW + 30 * MINUTE), Some(NOW + 10 * MINUTE));
    assert_eq!(
        seen(NOW + 70 * MINUTE),
        Some(NOW + 10 * MINUTE),
        "the sign was not written yet"
    );
    assert_eq!(
        seen(NOW + 72 * MINUTE),
        Some(NOW + 72 * MINUTE),
        "it was heard of about then"
    );
    assert_eq!(
        seen(NOW + 900 * MINUTE),
        Some(NOW + 75 * MINUTE),
        "the silence that lasts"
    );
}

fn what_is_not_kept_is_refused_by_name(lab: &Lab) {
    let refused = lab.store.read_now(|tx| {
        tx.go_back(at(0));
        findings::of(tx, "a")
    });
    let table = "finding".to_owned();
    assert_eq!(refused, Err(StoreError::NotKept { table }));
    let all = lab.store.read_now(|tx| {
        tx.go_back(at(0));
        tx.come_back();
        findings::of(tx, "a")
    });
    assert_eq!(all, Ok(Vec::new()));
}

fn what_there_was_before_begins_at_the_migration(lab: &Lab) {
    let before = MIGRATIONS
        .iter()
        .position(|it| it.name == "versions")
        .expect("it is one of them");
    let mut conn = lab.conn();
    super::migrations::emptied(conn.as_mut());
    migrate::run(conn.as_mut(), &MIGRATIONS[..before], NOW).expect("the older schema");
    for sql in [
        "INSERT INTO event (stream, seq, pos, kind, schema_version, body, at_ms, prev_hash, hash)
         SELECT 'plan:us-2024/a', 1, 1, 'moved', 1, '{}', 5, prev_hash, hash FROM
         (SELECT sealing_key AS prev_hash, sealing_key AS hash FROM host) AS h",
        "INSERT INTO stream (stream, seq, hash) SELECT 'plan:us-2024/a', 1, sealing_key FROM host",
        "UPDATE counter SET value = 1 WHERE name = 'pos'",
        "INSERT INTO total (campaign_id, phase, wave, site, stale, late, closed, carried, cover, hosts)
         VALUES ('us-2024', 'queued', '1', '', 0, 0, 0, 0, 'unobserved', 1)",
        "INSERT INTO plan (campaign_id, host_id, seq, phase, wave, site, stale, late, closed, carried, cover, state,
                           latest_start_ms, updated_ms)
         VALUES ('us-2024', 'a', 1, 'queued', '1', '', 0, 0, 0, 0, 'unobserved', '{}', 9223372036854775807, 5)",
    ] {
        if sql.starts_with("INSERT INTO event") {
            conn.execute(
                "INSERT INTO host (host_id, created_ms, name, name_key, tags, facts, reported, agent_version, rules_revision,
                                   sealing_key, next_order_number, highest_begun)
                 VALUES ('a', 5, 'A', 'a', '[]', '{}', '{}', '1', 1, ?1, 1, 0)",
                params![vec![7_u8; 32]],
            )
            .expect("a host");
        }
        conn.execute(sql, params![]).expect(sql);
    }
    migrate::run(conn.as_mut(), MIGRATIONS, NOW).expect("the rest");
    drop(conn);
    assert_eq!(resolved(lab, NOW), Err(None), "nothing happened since");
    assert_eq!(moved(lab, "a", 1, "blocked", NOW), 2);
    assert_eq!(
        resolved(lab, NOW - 1),
        Err(Some(NOW)),
        "nothing is kept of what was before"
    );
    assert_eq!(phase_at(lab, "a", 1).as_deref(), Some("queued"));
    assert_eq!(phase_at(lab, "a", 2).as_deref(), Some("blocked"));
    let total = |pos: i64| {
        lab.store
            .read_now(move |tx| {
                tx.go_back(at(pos));
                totals::list(tx, CAMPAIGN)
            })
            .expect("read")
            .into_iter()
            .map(|total| (total.bucket.phase, total.hosts))
            .collect::<Vec<_>>()
    };
    assert_eq!(total(1), [("queued".to_owned(), 1)]);
    assert_eq!(total(2), [("blocked".to_owned(), 1)]);
}
