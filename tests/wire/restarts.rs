//! A restart that is due, seen from the server: ordered, told, put off, proven, and not believed where it was none.

use cutover_proto::{
    envelope::{self, Context},
    order::WorkOrder,
    record::{RecordEvent, StepRecord},
    step::{Action, StepKind},
    v1,
};

use crate::{inventories, machine::Machine, server::Server};

const HOUR_MS: i64 = 3_600_000;
const DAY_SECONDS: u64 = 86_400;

/// A host whose last update waits for a restart, with the order that answers it.
async fn ordered(server: &Server) -> (Machine, WorkOrder) {
    let mut machine = Machine::enrol(server, "pc-1").await;
    let mut inventory = inventories::carrying(machine.host, "pc-1");
    inventory.facts.restart_pending = Some(true);
    inventory.facts.restart_reasons = vec!["libc6".to_owned(), "linux-image-amd64".to_owned()];
    let request = machine.showing(inventory);
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    let (_, order) = machine.fetch_order().await;
    (machine, order)
}

/// A record of the restart, which is the order's only step.
fn record(machine: &mut Machine, sequence: u32, event: RecordEvent, until_ms: Option<i64>) -> v1::Envelope {
    let record = StepRecord {
        host_id: machine.host,
        order_number: 1,
        sequence,
        event,
        step: 0,
        at_ms: machine.tick(),
        boot_id: machine.boot_id.clone(),
        cause: None,
        detail: String::new(),
        exit_code: None,
        log_tail: String::new(),
        until_ms,
    };
    envelope::seal_message(
        Context::StepRecord,
        &v1::StepRecord::from(record),
        &machine.keys.signing,
    )
    .unwrap()
}

async fn send(machine: &Machine, records: Vec<v1::Envelope>, session_seconds: u64) -> v1::CheckInReply {
    let request = v1::CheckInRequest {
        step_records: records,
        running: Some(v1::RunningOrder {
            order_number: 1,
            step: 0,
            past_last_safe_point: false,
        }),
        highest_order_begun: 1,
        session_seconds: Some(session_seconds),
        ..machine.hello()
    };
    machine.check_in(request).await.unwrap()
}

/// Begun, told, and put off by two hours.
async fn put_off(server: &Server, machine: &mut Machine) {
    let now_ms = server.clock.now_ms();
    let told = [
        (RecordEvent::OrderAccepted, None),
        (RecordEvent::StepBegun, None),
        (RecordEvent::RestartNoticed, Some(now_ms + HOUR_MS / 12)),
        (RecordEvent::RestartDeferred, Some(now_ms + 2 * HOUR_MS)),
    ];
    let records = (1..)
        .zip(told)
        .map(|(sequence, (event, until_ms))| record(machine, sequence, event, until_ms))
        .collect();
    send(machine, records, 9 * DAY_SECONDS).await;
}

async fn phase(server: &Server, machine: &Machine) -> String {
    server.plan(machine.host).await.phase.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_a_restart_pending_is_restarted_first_when_its_user_lets_it_and_then_migrated() {
    let mut server = Server::start().await;
    let (mut machine, order) = ordered(&server).await;
    let kinds: Vec<StepKind> = order.steps.iter().map(|step| step.action.kind()).collect();
    assert_eq!(kinds, [StepKind::Restart]);
    let Action::Restart { notice, defer, .. } = &order.steps[0].action else {
        panic!("{order:?}");
    };
    assert_eq!((notice.as_secs(), defer.as_secs()), (300, DAY_SECONDS));
    let shown = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!(shown.restart_pending, "yes: libc6, linux-image-amd64");

    put_off(&server, &mut machine).await;
    assert_eq!(phase(&server, &machine).await, "rebooting");
    // What was put off is known whatever happens to the server.
    server.restart().await;
    machine.reconnect(&server).await;
    let shown = server.service().host("pc-1".to_owned()).await.unwrap();
    let why = shown.why.join("\n");
    assert!(
        why.contains("user's deferral: the restart that is due comes at"),
        "{why}"
    );
    assert!(why.contains("at the latest at"), "{why}");
    assert!(why.contains("user"), "whose turn it is: {why}");
    let timeline: Vec<&str> = shown.timeline.iter().map(|event| event.text.as_str()).collect();
    assert!(
        timeline
            .iter()
            .any(|text| text.starts_with("the user put the restart off until")),
        "{timeline:?}"
    );

    server.clock.advance(2 * HOUR_MS);
    // Another boot id from a container's or a checkpoint's hand, in a kernel that runs for nine days: no restart.
    machine.boot_id = "boot-2".to_owned();
    send(&machine, Vec::new(), 9 * DAY_SECONDS).await;
    assert_eq!(phase(&server, &machine).await, "rebooting");
    send(&machine, Vec::new(), 40).await;
    assert_eq!(phase(&server, &machine).await, "migrating");
    let records = [(5, RecordEvent::StepDone), (6, RecordEvent::OrderCompleted)]
        .map(|(sequence, event)| record(&mut machine, sequence, event, None));
    send(&machine, records.to_vec(), 41).await;
    assert_eq!(phase(&server, &machine).await, "queued");
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();

    let (_, order) = machine.fetch_order().await;
    assert_eq!((order.number, order.attempt), (2, 1), "a restart uses no attempt");
    assert!(order.steps.iter().all(|step| step.action.kind() != StepKind::Restart));
    let records = machine.records_of(&order);
    let request = v1::CheckInRequest {
        step_records: records,
        highest_order_begun: 2,
        ..machine.hello()
    };
    machine.check_in(request).await.unwrap();
    assert_eq!(phase(&server, &machine).await, "verifying");
    server.holds_together(&[machine.host]).await;
    let phases = server.phases(machine.host).await;
    assert_eq!(
        phases,
        [
            "planned",
            "queued",
            "migrating",
            "rebooting",
            "migrating",
            "queued",
            "migrating",
            "verifying"
        ]
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_come_back_in_time_is_a_persons_work_counted_from_when_it_was_due() {
    let server = Server::start().await;
    let (mut machine, _) = ordered(&server).await;
    put_off(&server, &mut machine).await;
    // The budget is a day from when it was due, and the machine has half an hour to come back.
    server.clock.advance(24 * HOUR_MS + HOUR_MS / 4);
    assert_eq!(phase(&server, &machine).await, "rebooting");
    server.clock.advance(HOUR_MS / 2);
    crate::wait::until("the restart is overdue", || async {
        (phase(&server, &machine).await == "handwork").then_some(())
    })
    .await;
    let shown = server.service().host("pc-1".to_owned()).await.unwrap();
    assert!(shown.row.reason.contains("has not come back"), "{}", shown.row.reason);
    server.stop().await;
}
