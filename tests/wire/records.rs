//! Step records: what is acknowledged is durable, in order, and counted once.

use cutover_proto::{
    order::WorkOrder,
    record::RecordEvent::{OrderAccepted, StepBegun, StepDone},
    v1,
};
use tonic::Code;

use crate::{keys::Keys, machine::Machine, server::Server};

/// A host with its first order.
async fn ordered(server: &Server) -> (Machine, WorkOrder) {
    let mut machine = Machine::enrol(server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    let (_, order) = machine.fetch_order().await;
    (machine, order)
}

/// Sends records and gives the mark of their order.
async fn send(machine: &Machine, records: &[&v1::Envelope]) -> u32 {
    let request = v1::CheckInRequest {
        step_records: records.iter().map(|record| (*record).clone()).collect(),
        ..machine.hello()
    };
    let reply = machine.check_in(request).await.unwrap();
    let [mark] = reply.durable.as_slice() else {
        panic!("marks {:?}", reply.durable);
    };
    mark.sequence
}

/// Rows in the database file, as another process sees them: what is not committed is not among them.
fn stored(server: &Server) -> Vec<i64> {
    let file = server.path().join("cutover.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(file, flags).unwrap();
    let mut rows = db
        .prepare("SELECT sequence FROM step_record ORDER BY sequence")
        .unwrap();
    let sequences = rows.query_map([], |row| row.get(0)).unwrap();
    sequences.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_beyond_a_gap_are_not_acknowledged() {
    let server = Server::start().await;
    let (mut machine, order) = ordered(&server).await;
    let first = machine.record(order.number, 1, OrderAccepted, 0);
    let second = machine.record(order.number, 2, StepBegun, 0);
    let third = machine.record(order.number, 3, StepDone, 0);
    assert_eq!(send(&machine, &[&third]).await, 0);
    assert_eq!(send(&machine, &[&first, &third]).await, 1);
    assert_eq!(stored(&server), [1]);
    assert_eq!(send(&machine, &[&second, &third]).await, 3);
    assert_eq!(stored(&server), [1, 2, 3]);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_come_again_change_nothing() {
    let server = Server::start().await;
    let (mut machine, order) = ordered(&server).await;
    let first = machine.record(order.number, 1, OrderAccepted, 0);
    let second = machine.record(order.number, 2, StepBegun, 0);
    assert_eq!(send(&machine, &[&first, &first, &second]).await, 2);
    let (before, plan) = (server.last_pos().await, server.plan(machine.host).await);
    assert_eq!(send(&machine, &[&first, &second]).await, 2);
    assert_eq!(send(&machine, &[&first]).await, 2);
    // Under a number that is taken, something else: the first one stays.
    let other = machine.record(order.number, 2, StepDone, 0);
    assert_eq!(send(&machine, &[&other]).await, 2);
    assert_eq!(server.last_pos().await, before);
    assert_eq!(server.plan(machine.host).await, plan);
    assert_eq!(stored(&server), [1, 2]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_rises_only_with_rows_that_outlive_the_server() {
    let mut server = Server::start().await;
    let (mut machine, order) = ordered(&server).await;
    let events = [OrderAccepted, StepBegun, StepDone];
    for (sequence, event) in (1..).zip(events) {
        let record = machine.record(order.number, sequence, event, 0);
        let mark = send(&machine, &[&record]).await;
        assert_eq!(mark, sequence);
        assert_eq!(stored(&server).last(), Some(&i64::from(mark)));
    }
    server.restart().await;
    machine.reconnect(&server).await;
    let asked = v1::CheckInRequest {
        highest_order_begun: order.number,
        ..machine.hello()
    };
    let reply = machine.check_in(asked).await.unwrap();
    let mark = v1::OrderMark {
        order_number: order.number,
        sequence: 3,
    };
    assert_eq!(reply.durable, [mark]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_forged_record_refuses_the_whole_check_in() {
    let server = Server::start().await;
    let (mut machine, order) = ordered(&server).await;
    let good = machine.record(order.number, 1, OrderAccepted, 0);
    let keys = std::mem::replace(&mut machine.keys, Keys::new());
    let forged = machine.record(order.number, 2, StepBegun, 0);
    machine.keys = keys;
    let before = server.last_pos().await;
    let request = v1::CheckInRequest {
        step_records: vec![good.clone(), forged],
        ..machine.hello()
    };
    let refused = machine.check_in(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert_eq!(server.last_pos().await, before);
    assert!(stored(&server).is_empty());
    assert_eq!(send(&machine, &[&good]).await, 1);
    server.stop().await;
}
