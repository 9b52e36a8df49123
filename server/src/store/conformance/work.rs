//! Work orders and what hosts say they did.

use super::lab::{Lab, NOW, on_both};
use crate::store::step_records::{self, Arrival, StepRecordRow};
use crate::store::work_orders::{self, OrderState, WorkOrderRow};
use crate::store::{StoreError, meta};

on_both!(
    an_order_comes_back_as_it_went,
    only_one_order_is_open_on_a_host,
    an_order_moves_only_forward,
    an_envelope_is_signed_once,
    the_mark_stops_at_a_gap,
    a_record_is_never_replaced,
    what_orders_carry_is_counted_by_line_until_its_time_is_over,
);

fn order(number: i64) -> WorkOrderRow {
    WorkOrderRow {
        host_id: "h".to_owned(),
        number,
        campaign_id: "us-2024".to_owned(),
        attempt: 1,
        epoch: 1,
        state: OrderState::Issued,
        body: vec![1, 2, 3],
        envelope: None,
        cancel: None,
        issued_ms: NOW,
        fetched_ms: None,
        ended_ms: None,
        expires_ms: NOW + 1000,
        outcome: None,
        wave: "all".to_owned(),
        fetches: 0,
        line_until_ms: NOW,
        site: String::new(),
        site_until_ms: NOW,
    }
}

fn insert(lab: &Lab, row: WorkOrderRow) -> Result<(), StoreError> {
    lab.store.write_now(move |tx| work_orders::insert(tx, &row))
}

fn load(lab: &Lab, number: i64) -> WorkOrderRow {
    lab.store
        .read_now(move |tx| work_orders::load(tx, "h", number))
        .expect("read")
        .expect("there")
}

fn an_order_comes_back_as_it_went(lab: &Lab) {
    insert(lab, order(1)).expect("issued");
    assert_eq!(load(lab, 1), order(1));
    let full = WorkOrderRow {
        host_id: "other".to_owned(),
        state: OrderState::Closed,
        envelope: Some(vec![9]),
        cancel: Some(vec![8]),
        fetched_ms: Some(NOW + 1),
        ended_ms: Some(NOW + 2),
        outcome: Some("completed".to_owned()),
        fetches: 350_000_000,
        line_until_ms: NOW + 3,
        site: "kiel".to_owned(),
        site_until_ms: NOW + 4,
        ..order(4)
    };
    insert(lab, full.clone()).expect("kept");
    let loaded = lab.store.read_now(|tx| work_orders::load(tx, "other", 4));
    assert_eq!(loaded, Ok(Some(full)));
    assert_eq!(lab.store.read_now(|tx| work_orders::count(tx, "us-2024")), Ok(2));
    for state in OrderState::ALL {
        assert_eq!(OrderState::parse(state.as_str()), Some(state));
    }
}

fn only_one_order_is_open_on_a_host(lab: &Lab) {
    insert(lab, order(1)).expect("issued");
    let other_campaign = WorkOrderRow {
        campaign_id: "other".to_owned(),
        ..order(2)
    };
    let refused = insert(lab, other_campaign.clone());
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    // The refusal is no failed statement: the closure may go on.
    let again = other_campaign.clone();
    let went_on = lab.store.write_now(move |tx| {
        assert!(work_orders::insert(tx, &again).is_err());
        meta::set(tx, "went-on", "1")
    });
    assert_eq!(went_on, Ok(()));
    let closed = lab
        .store
        .write_now(|tx| work_orders::close(tx, "h", 1, "completed", NOW));
    assert_eq!(closed, Ok(true));
    let none = lab.store.read_now(|tx| work_orders::open(tx, "h"));
    assert_eq!(none, Ok(None));
    insert(lab, other_campaign.clone()).expect("issued");
    let open = lab.store.read_now(|tx| work_orders::open(tx, "h"));
    assert_eq!(open, Ok(Some(other_campaign)));
    let of_host = lab.store.read_now(|tx| work_orders::of_host(tx, "h")).expect("read");
    assert_eq!(of_host.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2]);
}

fn what_orders_carry_is_counted_by_line_until_its_time_is_over(lab: &Lab) {
    let carrying = |host: &str, site: &str, fetches, line_ms, site_ms| WorkOrderRow {
        host_id: host.to_owned(),
        fetches,
        line_until_ms: NOW + line_ms,
        site: site.to_owned(),
        site_until_ms: NOW + site_ms,
        ..order(1)
    };
    for row in [
        carrying("a", "kiel", 100, 10, 20),
        carrying("b", "kiel", 30, 5, 30),
        carrying("c", "", 7, 10, 10),
        carrying("d", "ulm", 1000, 50, 50),
        carrying("e", "bonn", 0, 50, 50),
    ] {
        insert(lab, row).expect("issued");
    }
    let taken_back = lab
        .store
        .write_now(|tx| work_orders::withdraw(tx, "d", 1, "not-fetched", NOW));
    assert_eq!(taken_back, Ok(true));
    let at = |ms: i64| {
        lab.store
            .read_now(move |tx| work_orders::carried(tx, "us-2024", NOW + ms))
    };
    let line = |site: Option<&str>, bytes, next_ms| work_orders::Carried {
        site: site.map(str::to_owned),
        bytes,
        next_ms: NOW + next_ms,
    };
    assert_eq!(at(0), Ok(vec![line(None, 137, 5), line(Some("kiel"), 130, 20)]));
    assert_eq!(at(5), Ok(vec![line(None, 107, 10), line(Some("kiel"), 130, 20)]));
    assert_eq!(at(20), Ok(vec![line(Some("kiel"), 30, 30)]));
    assert_eq!(at(30), Ok(Vec::new()));
}

fn an_order_moves_only_forward(lab: &Lab) {
    let fetch = |number: i64| {
        lab.store
            .write_now(move |tx| work_orders::fetch(tx, "h", number, NOW + 1))
    };
    let withdraw = |number: i64| {
        lab.store
            .write_now(move |tx| work_orders::withdraw(tx, "h", number, "not-fetched", NOW + 2))
    };
    let close = |number: i64| {
        lab.store
            .write_now(move |tx| work_orders::close(tx, "h", number, "failed", NOW + 3))
    };
    insert(lab, order(1)).expect("issued");
    assert_eq!([fetch(1), fetch(1)], [Ok(true), Ok(false)]);
    assert_eq!(withdraw(1), Ok(false), "it is on the host");
    let fetched = lab
        .store
        .read_now(|tx| work_orders::in_state(tx, "us-2024", OrderState::Fetched, 9));
    assert_eq!(fetched.map(|rows| rows.len()), Ok(1));
    assert_eq!([close(1), close(1)], [Ok(true), Ok(false)]);
    let row = load(lab, 1);
    assert_eq!(
        (row.state, row.fetched_ms, row.ended_ms),
        (OrderState::Closed, Some(NOW + 1), Some(NOW + 3))
    );
    assert_eq!(row.outcome.as_deref(), Some("failed"));
    insert(lab, order(2)).expect("issued");
    assert_eq!(withdraw(2), Ok(true));
    assert_eq!([fetch(2), close(2)], [Ok(false), Ok(false)]);
    assert_eq!(load(lab, 2).state, OrderState::Withdrawn);
}

fn an_envelope_is_signed_once(lab: &Lab) {
    insert(lab, order(1)).expect("issued");
    let sign = |bytes: &'static [u8]| {
        lab.store
            .write_now(move |tx| work_orders::set_envelope(tx, "h", 1, bytes))
    };
    assert_eq!([sign(b"first"), sign(b"second")], [Ok(true), Ok(false)]);
    assert_eq!(load(lab, 1).envelope.as_deref(), Some(&b"first"[..]));
    let cancel = || lab.store.write_now(|tx| work_orders::set_cancel(tx, "h", 1, b"cancel"));
    assert_eq!(cancel(), Ok(true));
    assert_eq!(load(lab, 1).cancel.as_deref(), Some(&b"cancel"[..]));
    lab.store
        .write_now(|tx| work_orders::close(tx, "h", 1, "cancelled", NOW))
        .expect("closed");
    assert_eq!(cancel(), Ok(false), "there is nothing to cancel any more");
}

fn record(sequence: i64, envelope: &[u8]) -> StepRecordRow {
    StepRecordRow {
        host_id: "h".to_owned(),
        order_number: 1,
        sequence,
        received_ms: NOW,
        event: "step-begun".to_owned(),
        step: 0,
        envelope: envelope.to_vec(),
    }
}

fn keep(lab: &Lab, row: StepRecordRow) -> Arrival {
    lab.store
        .write_now(move |tx| step_records::insert(tx, &row))
        .expect("kept")
}

fn mark(lab: &Lab, number: i64) -> i64 {
    lab.store
        .read_now(move |tx| step_records::mark(tx, "h", number))
        .expect("read")
}

fn the_mark_stops_at_a_gap(lab: &Lab) {
    assert_eq!(mark(lab, 1), 0);
    for (sequence, expected) in [(2, 0), (1, 2), (4, 2), (5, 2), (3, 5)] {
        assert_eq!(keep(lab, record(sequence, b"x")), Arrival::New);
        assert_eq!(mark(lab, 1), expected, "after {sequence}");
    }
    keep(
        lab,
        StepRecordRow {
            order_number: 2,
            ..record(1, b"x")
        },
    );
    assert_eq!([mark(lab, 1), mark(lab, 2), mark(lab, 3)], [5, 1, 0]);
    let listed = lab
        .store
        .read_now(|tx| step_records::list(tx, "h", 1, 3))
        .expect("read");
    assert_eq!(listed.iter().map(|row| row.sequence).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(lab.store.read_now(|tx| step_records::count(tx)), Ok(6));
}

fn a_record_is_never_replaced(lab: &Lab) {
    assert_eq!(keep(lab, record(1, b"first")), Arrival::New);
    assert_eq!(keep(lab, record(1, b"first")), Arrival::Repeated);
    assert_eq!(keep(lab, record(1, b"other")), Arrival::Differs);
    let listed = lab.store.read_now(|tx| step_records::list(tx, "h", 1, 1));
    assert_eq!(listed, Ok(vec![record(1, b"first")]));
}
