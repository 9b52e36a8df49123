//! A journal that something happened to: the server hears what, and no order runs until a fresh look settled it.

use std::{fs, path::Path};

use cutover_proto::{
    order::WorkOrder,
    record::{RecordEvent, StepRecord},
    v1,
};
use prost::Message;

use crate::{
    agents::{records, removal},
    host::Host,
    server::{Server, quiet},
};

/// One removal of the two.
fn removal_of(host_id: &str, number: u64, step: usize) -> WorkOrder {
    let mut order = removal(host_id);
    order.steps = vec![order.steps.remove(step)];
    WorkOrder { number, ..order }
}

/// Answers as a server that keeps what it is told, and hands these orders out without regard to the host's journal.
fn keeps_and_insists(server: &Server, orders: &[WorkOrder]) {
    let orders: Vec<(u64, v1::Envelope)> = orders
        .iter()
        .map(|order| (order.number, order.sign(&server.shared.signing).unwrap()))
        .collect();
    let mut marks = std::collections::BTreeMap::<u64, u32>::new();
    server.answers(move |request| {
        for envelope in &request.step_records {
            let record = v1::StepRecord::decode(envelope.body.as_slice()).unwrap();
            let mark = marks.entry(record.order_number).or_default();
            *mark = record.sequence.max(*mark);
        }
        let idle = request.running.is_none() && !request.inventory_digest.is_empty();
        let next = orders
            .iter()
            .find(|(number, _)| !marks.contains_key(number))
            .filter(|_| idle);
        Ok(v1::CheckInReply {
            durable: marks
                .iter()
                .map(|(order_number, sequence)| v1::OrderMark {
                    order_number: *order_number,
                    sequence: *sequence,
                })
                .collect(),
            work_order: next.map(|(_, envelope)| envelope.clone()),
            next_in_seconds: 1,
            ..quiet(request)
        })
    });
}

fn completed(requests: &[v1::CheckInRequest], number: u64) -> bool {
    let is_it = |record: &StepRecord| record.order_number == number && record.event == RecordEvent::OrderCompleted;
    records(requests).iter().any(is_it)
}

/// Runs one order, lets something happen to the journal while the agent is down, and watches what the next agent does
/// with the next order.
async fn after(happens: impl FnOnce(&Path, &[u8]), reported: v1::JournalState) {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let orders = [removal_of(&host_id, 1, 0), removal_of(&host_id, 2, 1)];
    keeps_and_insists(&server, &orders[..1]);
    let file = host.state().path().join("journal");
    let agent = host.start();
    let early = fs::read(&file).unwrap();
    server.check_ins(|requests| completed(requests, 1)).await;
    // Once more, so that the agent has the mark of its last record.
    let before = server.check_ins(|_| true).await.len();
    let requests = server.check_ins(|requests| requests.len() > before).await;
    agent.shutdown().await;
    assert_eq!(requests.last().unwrap().highest_order_begun, 1);

    happens(&file, &early);
    let down_at = server.check_ins(|_| true).await.len();
    // It remembers; the script of a real server would.
    keeps_and_insists_from(&server, &orders, &requests);
    let agent = host.start();
    let requests = server.check_ins(|requests| completed(&requests[down_at..], 2)).await;
    let since = &requests[down_at..];
    let sound = i32::from(v1::JournalState::Sound);
    let is_reported = |request: &v1::CheckInRequest| request.journal == i32::from(reported);
    if reported == v1::JournalState::Sound {
        assert!(since.iter().all(is_reported));
    } else {
        let first = since.iter().position(is_reported).expect("it is reported");
        let settled = since[first..].iter().position(|request| request.journal == sound);
        let settled = first + settled.expect("it is settled");
        // In between nothing runs, though an order lies there in every reply.
        for request in &since[..settled] {
            assert!(request.running.is_none(), "{request:?}");
            assert!(
                !records(std::slice::from_ref(request))
                    .iter()
                    .any(|record| record.order_number == 2)
            );
        }
        // What settled it is a look that was made since the start, told while it was not trusted.
        assert!(
            since[..settled]
                .iter()
                .any(|request| is_reported(request) && !request.inventory_digest.is_empty())
        );
    }
    // Numbers that were used stay used.
    assert!(since.last().unwrap().highest_order_begun >= 1);
    agent.shutdown().await;
}

/// As [`keeps_and_insists`], with what was told before.
fn keeps_and_insists_from(server: &Server, orders: &[WorkOrder], told: &[v1::CheckInRequest]) {
    keeps_and_insists(server, orders);
    let mut script = server.script();
    for request in told {
        // Taken in like any other; the answer goes nowhere.
        drop((script.answer)(request));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_middle_is_corrupt() {
    let flip = |file: &Path, _: &[u8]| {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(file, bytes).unwrap();
    };
    after(flip, v1::JournalState::Corrupt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_file_is_lost() {
    after(|file, _| fs::write(file, "").unwrap(), v1::JournalState::Lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_file_is_lost() {
    after(|file, _| fs::remove_file(file).unwrap(), v1::JournalState::Lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_behind_the_last_line_is_corrupt() {
    let append = |file: &Path, _: &[u8]| {
        let mut bytes = fs::read(file).unwrap();
        bytes.extend_from_slice(b"\x7fELF garbage");
        fs::write(file, bytes).unwrap();
    };
    after(append, v1::JournalState::Corrupt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_is_restored() {
    after(
        |file, early| fs::write(file, early).unwrap(),
        v1::JournalState::Restored,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_line_that_a_crash_cut_short_is_no_damage() {
    let cut = |file: &Path, _: &[u8]| {
        let mut bytes = fs::read(file).unwrap();
        bytes.extend_from_slice(b"0123456789abcdef0123456789abcdef {\"marks\":{\"epo");
        fs::write(file, bytes).unwrap();
    };
    after(cut, v1::JournalState::Sound).await;
}
