//! The hold on the host itself: nothing begins, what is at work ends at its next safe point, and the server hears why.

use std::{fs, path::PathBuf, time::Duration};

use cutover_agent::{
    app::{Agent, Limits, Parts},
    host::sandbox::Behaviour,
};
use cutover_proto::{
    order::WorkOrder,
    record::{RecordEvent, StepRecord},
    v1,
};

use crate::{
    agents::{inventories, records, removal},
    host::Host,
    server::{Server, quiet},
};

/// Looks at itself often.
pub(crate) fn attentive(parts: Parts) -> Parts {
    Parts {
        limits: Limits {
            every: Duration::from_millis(20),
            ..parts.limits
        },
        ..parts
    }
}

fn holdable(host: &Host) -> (Parts, PathBuf) {
    let hold = host.state().path().join("hold");
    let parts = Parts {
        hold_file: Some(hold.clone()),
        ..host.parts()
    };
    (attentive(parts), hold)
}

/// Hands these orders out, each to a host that looked, runs nothing and began none of that number.
pub(crate) fn hands_out(server: &Server, orders: Vec<WorkOrder>) {
    let orders: Vec<(u64, v1::Envelope)> = orders
        .iter()
        .map(|order| (order.number, order.sign(&server.shared.signing).unwrap()))
        .collect();
    server.answers(move |request| {
        let next = orders.iter().find(|(number, _)| *number > request.highest_order_begun);
        let idle = request.running.is_none() && !request.inventory_digest.is_empty();
        Ok(v1::CheckInReply {
            work_order: next.filter(|_| idle).map(|(_, envelope)| envelope.clone()),
            ..quiet(request)
        })
    });
}

fn of_order(requests: &[v1::CheckInRequest], number: u64) -> Vec<StepRecord> {
    let mut of_it = records(requests);
    of_it.retain(|record| record.order_number == number);
    of_it
}

fn said(request: &v1::CheckInRequest) -> &str {
    request.condition.as_ref().map_or("", |condition| &condition.hold)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_hold_is_there_no_order_begins_and_the_server_hears_why() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let (parts, hold) = holdable(&host);
    fs::write(&hold, "").unwrap();
    let second = WorkOrder {
        number: 2,
        ..removal(&host_id)
    };
    hands_out(&server, vec![removal(&host_id), second]);
    let agent = Agent::start(parts).unwrap();
    let told = |requests: &[v1::CheckInRequest]| {
        let ended = of_order(requests, 1).iter().any(|record| record.event.ends_order());
        ended && requests.last().is_some_and(|request| !said(request).is_empty())
    };
    let requests = server.check_ins(told).await;
    assert!(said(requests.last().unwrap()).contains(hold.to_str().unwrap()));
    let events: Vec<RecordEvent> = of_order(&requests, 1).iter().map(|record| record.event).collect();
    assert_eq!(events, [RecordEvent::OrderAccepted, RecordEvent::OrderCancelled]);
    assert!(of_order(&requests, 1)[1].detail.contains("held on this host"));
    let status = agent.status().await.unwrap();
    assert!(status.hold.unwrap().contains("remove"));
    let seen = inventories(&requests);
    assert!(seen.iter().all(|it| it.sighting(&"kesl".into()).unwrap().is_present()));

    fs::remove_file(&hold).unwrap();
    let done = |requests: &[v1::CheckInRequest]| {
        let completed = |record: &StepRecord| record.event == RecordEvent::OrderCompleted;
        let numbers = [2, 3].map(|number| of_order(requests, number).iter().any(completed));
        numbers.contains(&true) && requests.last().is_some_and(|request| said(request).is_empty())
    };
    // Orders that came while it was held are used up; the next one goes through.
    let third = WorkOrder {
        number: 3,
        ..removal(&host_id)
    };
    hands_out(&server, vec![third]);
    agent.check_in();
    server.check_ins(done).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_in_the_middle_ends_the_order_at_its_next_safe_point() {
    let host = Host::behaving(Behaviour {
        remove_ms: 1500,
        ..Behaviour::default()
    });
    let server = Server::start().await;
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let (parts, hold) = holdable(&host);
    let mut order = removal(&host_id);
    order.steps[0].safe_point_after = true;
    hands_out(&server, vec![order]);
    let agent = Agent::start(parts).unwrap();
    let begun = |requests: &[v1::CheckInRequest]| {
        let first = |record: &StepRecord| record.event == RecordEvent::StepBegun;
        of_order(requests, 1).iter().any(first)
    };
    server.check_ins(begun).await;
    fs::write(&hold, "").unwrap();
    let over = |requests: &[v1::CheckInRequest]| of_order(requests, 1).iter().any(|record| record.event.ends_order());
    let requests = server.check_ins(over).await;
    let events: Vec<(u32, RecordEvent)> = of_order(&requests, 1)
        .iter()
        .map(|record| (record.step, record.event))
        .collect();
    assert_eq!(
        events,
        [
            (0, RecordEvent::OrderAccepted),
            (0, RecordEvent::StepBegun),
            (0, RecordEvent::StepDone),
            (0, RecordEvent::OrderCancelled),
        ]
    );
    let last = |requests: &[v1::CheckInRequest]| {
        let newest = inventories(requests).pop();
        newest.is_some_and(|newest| !newest.sighting(&"kesl-gui".into()).unwrap().is_present())
    };
    let requests = server.check_ins(last).await;
    let newest = inventories(&requests).pop().unwrap();
    assert!(
        newest.sighting(&"kesl".into()).unwrap().is_present(),
        "the second step never began"
    );
    agent.shutdown().await;
}
