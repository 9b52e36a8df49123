//! Streams, their chains, and personal values beside them.

use super::lab::{Lab, NOW, event, on_both, stream};
use crate::store::events::{self, ChainState, NewEvent};
use crate::store::value::params;
use crate::store::{GENESIS, StoreError, StreamName, personal};

on_both!(
    events_come_back_as_they_went,
    appending_nothing_changes_nothing,
    an_append_to_another_end_is_a_conflict,
    several_streams_in_one_transaction_share_the_positions,
    many_events_in_one_transaction_keep_their_order,
    the_feed_is_read_in_pages,
    streams_are_listed_by_their_beginning,
    every_change_of_a_stored_event_is_found,
    a_lost_event_is_found_at_either_end,
    erased_personal_values_leave_the_chain_whole,
);

fn make(lab: &Lab, name: &StreamName, count: i64) {
    let name = name.clone();
    lab.store
        .write_now(move |tx| {
            let events: Vec<NewEvent> = (0..count).map(|n| event(&format!("made-{n}"))).collect();
            events::append_next(tx, &name, &events)
        })
        .expect("appended");
}

fn check(lab: &Lab, name: &StreamName) -> ChainState {
    let name = name.clone();
    lab.store
        .read_now(move |tx| events::verify_chain(tx, &name))
        .expect("read")
}

fn events_come_back_as_they_went(lab: &Lab) {
    let first = event("enrolled");
    let second = NewEvent {
        kind: "sighted".to_owned(),
        schema_version: 3,
        body: "{\"why\":\"Ω \\u0000\"}".to_owned(),
        at_ms: NOW + 1,
        agent_at_ms: Some(-7),
    };
    let sent = [first.clone(), second.clone()];
    let head = lab
        .store
        .write_now(move |tx| events::append(tx, &stream(), 0, &sent))
        .expect("appended");
    let (all, from, newest) = lab
        .store
        .read_now(|tx| {
            Ok::<_, StoreError>((
                events::load(tx, &stream(), 1, 10)?,
                events::load(tx, &stream(), 2, 10)?,
                events::newest(tx, &stream(), 1)?,
            ))
        })
        .expect("read");
    assert_eq!(all.len(), 2);
    assert_eq!(from, all[1..]);
    assert_eq!(newest, all[1..]);
    for (number, (stored, sent)) in (1..).zip(all.iter().zip([first, second])) {
        assert_eq!(stored.stream, stream());
        assert_eq!((stored.seq, stored.pos), (number, number));
        assert_eq!(stored.kind, sent.kind);
        assert_eq!(stored.schema_version, sent.schema_version);
        assert_eq!(stored.body, sent.body);
        assert_eq!((stored.at_ms, stored.agent_at_ms), (sent.at_ms, sent.agent_at_ms));
    }
    assert_eq!(all[0].prev_hash, GENESIS);
    assert_eq!(all[1].prev_hash, all[0].hash);
    assert_eq!((head.seq, head.hash), (2, all[1].hash));
    assert_eq!(check(lab, &stream()), ChainState::Whole { events: 2 });
}

fn appending_nothing_changes_nothing(lab: &Lab) {
    let head = lab
        .store
        .write_now(|tx| events::append(tx, &stream(), 0, &[]))
        .expect("nothing");
    assert_eq!((head.seq, head.hash), (0, GENESIS));
    assert_eq!(lab.store.read_now(|tx| events::last_pos(tx)), Ok(0));
    assert_eq!(check(lab, &stream()), ChainState::Whole { events: 0 });
}

fn an_append_to_another_end_is_a_conflict(lab: &Lab) {
    make(lab, &stream(), 2);
    for wrong in [0, 1, 3] {
        let refused = lab
            .store
            .write_now(move |tx| events::append(tx, &stream(), wrong, &[event("late")]).map(drop));
        let Err(StoreError::Conflict { what }) = refused else {
            panic!("{wrong}: {refused:?}");
        };
        assert_eq!(what, stream().as_str());
    }
    assert_eq!(check(lab, &stream()), ChainState::Whole { events: 2 });
}

fn several_streams_in_one_transaction_share_the_positions(lab: &Lab) {
    let host = StreamName::host("host-1");
    let other = host.clone();
    lab.store
        .write_now(move |tx| {
            events::append(tx, &other, 0, &[event("inventory-received")])?;
            events::append(tx, &stream(), 0, &[event("planned")])?;
            // The same stream again, which must see its own end.
            events::append(tx, &other, 1, &[event("order-issued")])?;
            assert_eq!(
                events::load(tx, &other, 1, 10)?,
                [],
                "readable only when the closure has ended"
            );
            Ok::<_, StoreError>(())
        })
        .expect("appended");
    let feed = lab.store.read_now(|tx| events::since(tx, 0, 10)).expect("read");
    let order: Vec<(i64, &str, i64)> = feed.iter().map(|e| (e.pos, e.kind.as_str(), e.seq)).collect();
    assert_eq!(
        order,
        [(1, "inventory-received", 1), (2, "planned", 1), (3, "order-issued", 2)]
    );
    assert_eq!(check(lab, &host), ChainState::Whole { events: 2 });
}

fn many_events_in_one_transaction_keep_their_order(lab: &Lab) {
    // More than one statement's worth, and not a multiple of it; agent times come and go.
    let sent: Vec<NewEvent> = (0..123)
        .map(|n| NewEvent {
            agent_at_ms: (n % 3 == 0).then_some(n),
            ..event(&format!("made-{n}"))
        })
        .collect();
    let events = sent.clone();
    lab.store
        .write_now(move |tx| events::append(tx, &stream(), 0, &events).map(drop))
        .expect("appended");
    let stored = lab.store.read_now(|tx| events::since(tx, 0, 1000)).expect("read");
    let kinds: Vec<&str> = stored.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, sent.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>());
    assert!(stored.iter().zip(&sent).all(|(a, b)| a.agent_at_ms == b.agent_at_ms));
    assert_eq!(check(lab, &stream()), ChainState::Whole { events: 123 });
}

fn the_feed_is_read_in_pages(lab: &Lab) {
    make(lab, &stream(), 5);
    let page = |from: i64| {
        lab.store
            .read_now(move |tx| events::since(tx, from, 2))
            .expect("read")
            .iter()
            .map(|event| event.pos)
            .collect::<Vec<_>>()
    };
    assert_eq!(page(0), [1, 2]);
    assert_eq!(page(2), [3, 4]);
    assert_eq!(page(4), [5]);
    assert_eq!(page(5), [0; 0]);
    assert_eq!(lab.store.read_now(|tx| events::last_pos(tx)), Ok(5));
}

fn streams_are_listed_by_their_beginning(lab: &Lab) {
    for name in [
        StreamName::host("b"),
        StreamName::host("a"),
        StreamName::host("ä"),
        StreamName::campaign("a"),
        StreamName::plan("us", "a"),
    ] {
        make(lab, &name, 1);
    }
    let names = |prefix: &'static str, after: Option<&'static str>, limit: i64| {
        lab.store
            .read_now(move |tx| events::streams(tx, prefix, after, limit))
            .expect("read")
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("host:", None, 10), ["host:a", "host:b", "host:ä"]);
    assert_eq!(names("host:", Some("host:a"), 1), ["host:b"]);
    assert_eq!(names("plan:us/", None, 10), ["plan:us/a"]);
    assert_eq!(names("", None, 10).len(), 5);
    assert_eq!(names("audit:", None, 10), [""; 0]);
}

fn every_change_of_a_stored_event_is_found(lab: &Lab) {
    make(lab, &stream(), 4);
    let mut conn = lab.conn();
    for (change, undo) in [
        ("body = '{}'", "body = '{\"why\":\"a case\"}'"),
        ("kind = 'other'", "kind = 'made-2'"),
        ("at_ms = at_ms + 1", "at_ms = at_ms - 1"),
        ("agent_at_ms = 0", "agent_at_ms = NULL"),
        ("schema_version = 2", "schema_version = 1"),
    ] {
        let mut set = |what: &str| {
            let sql = format!("UPDATE event SET {what} WHERE seq = 3");
            assert_eq!(conn.execute(&sql, params![]), Ok(1), "{sql}");
        };
        set(change);
        let found = check(lab, &stream());
        let ChainState::Broken { seq: 3, why } = found else {
            panic!("{change}: {found:?}");
        };
        assert!(why.contains("not what its hash says"), "{why}");
        set(undo);
        assert_eq!(check(lab, &stream()), ChainState::Whole { events: 4 });
    }
    // Whoever also makes the hash fit breaks the link to the event after it.
    conn.execute("UPDATE event SET hash = ?1 WHERE seq = 2", params![&[9_u8; 32]])
        .expect("changed");
    assert!(matches!(check(lab, &stream()), ChainState::Broken { seq: 2, .. }));
    conn.execute("UPDATE event SET prev_hash = ?1 WHERE seq = 1", params![&[9_u8; 32]])
        .expect("changed");
    assert!(matches!(check(lab, &stream()), ChainState::Broken { seq: 1, .. }));
}

fn a_lost_event_is_found_at_either_end(lab: &Lab) {
    for (victim, found) in [(1, 1), (2, 2), (4, 4)] {
        let name = StreamName::host(&format!("host-{victim}"));
        make(lab, &name, 4);
        lab.conn()
            .execute(
                "DELETE FROM event WHERE stream = ?1 AND seq = ?2",
                params![name.as_str(), victim],
            )
            .expect("deleted");
        let state = check(lab, &name);
        let ChainState::Broken { seq, why } = state else {
            panic!("{victim}: {state:?}");
        };
        assert_eq!(seq, found, "{why}");
    }
    // The stream's head alone moved back, with its last event still there.
    let name = StreamName::host("head");
    make(lab, &name, 3);
    lab.conn()
        .execute("UPDATE stream SET seq = 2 WHERE stream = ?1", params![name.as_str()])
        .expect("moved");
    assert!(matches!(check(lab, &name), ChainState::Broken { seq: 3, .. }));
}

fn erased_personal_values_leave_the_chain_whole(lab: &Lab) {
    let host = StreamName::host("host-1");
    let named = host.clone();
    let digest = lab
        .store
        .write_now(move |tx| {
            let digest = personal::put(tx, &named, "user", "Ada Lovelace", &[3; 16])?;
            let mut event = event("user-named");
            event.body = format!("{{\"user\":\"{digest}\"}}");
            events::append(tx, &named, 0, &[event])?;
            let other = StreamName::host("host-2");
            personal::put(tx, &other, "user", "Ada Lovelace", &[4; 16])?;
            Ok::<_, StoreError>(digest)
        })
        .expect("kept");
    assert_eq!(digest, personal::digest(&[3; 16], "user", "Ada Lovelace"));
    assert_ne!(digest, personal::digest(&[4; 16], "user", "Ada Lovelace"));
    let reveal = |digest: &str| {
        let digest = digest.to_owned();
        lab.store
            .read_now(move |tx| personal::reveal(tx, &digest))
            .expect("read")
    };
    assert_eq!(reveal(&digest).as_deref(), Some("Ada Lovelace"));
    let named = host.clone();
    let of_host = lab
        .store
        .read_now(move |tx| personal::of_stream(tx, &named))
        .expect("read");
    assert_eq!(of_host.len(), 1);
    assert_eq!(
        (of_host[0].field.as_str(), of_host[0].value.as_str()),
        ("user", "Ada Lovelace")
    );

    let named = host.clone();
    assert_eq!(lab.store.write_now(move |tx| personal::erase(tx, &named)), Ok(1));
    assert_eq!(reveal(&digest), None);
    assert_eq!(check(lab, &host), ChainState::Whole { events: 1 });
    let kept = lab.conn().query("SELECT salt FROM personal", params![]).expect("rows");
    assert_eq!(kept.len(), 1, "the salt is gone as well; the other host's stays");

    let weak = lab
        .store
        .write_now(move |tx| personal::put(tx, &host, "user", "x", &[3; 15]).map(drop));
    assert!(matches!(weak, Err(StoreError::Constraint { .. })), "{weak:?}");
}
