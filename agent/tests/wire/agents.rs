use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cutover_agent::app::{Agent, StartError};
use cutover_proto::{
    inventory::{Inventory, PackageManager},
    order::WorkOrder,
    record::{RecordEvent, StepRecord},
    step::{Action, Step},
    v1,
    verdict::Verdict,
};
use prost::Message;
use tonic::Status;

use crate::{
    host::Host,
    server::{LONG, Server, quiet},
};

pub(crate) fn inventories(requests: &[v1::CheckInRequest]) -> Vec<Inventory> {
    requests
        .iter()
        .filter_map(|request| request.inventory.as_ref())
        .map(|envelope| {
            v1::Inventory::decode(envelope.body.as_slice())
                .unwrap()
                .try_into()
                .unwrap()
        })
        .collect()
}

pub(crate) fn records(requests: &[v1::CheckInRequest]) -> Vec<StepRecord> {
    let mut all: Vec<StepRecord> = requests
        .iter()
        .flat_map(|request| &request.step_records)
        .map(|envelope| {
            v1::StepRecord::decode(envelope.body.as_slice())
                .unwrap()
                .try_into()
                .unwrap()
        })
        .collect();
    all.sort_by_key(|record| (record.order_number, record.sequence));
    all.dedup();
    all
}

pub(crate) fn has_looked(requests: &[v1::CheckInRequest]) -> bool {
    requests.iter().any(|request| !request.inventory_digest.is_empty())
}

/// Removal of everything planted, and nothing in its place.
pub(crate) fn removal(host_id: &str) -> WorkOrder {
    let remove = |product: &str, package: &str| Step {
        action: Action::RemovePackages {
            manager: PackageManager::Apt,
            product: product.into(),
            packages: vec![package.into()],
        },
        time_limit: Duration::from_secs(60),
        safe_point_after: false,
    };
    WorkOrder {
        host_id: host_id.parse().unwrap(),
        campaign_id: "kaspersky-us-2024".into(),
        campaign_epoch: 1,
        number: 1,
        attempt: 1,
        not_before_ms: 0,
        expires_ms: i64::MAX,
        offline: false,
        steps: vec![remove("kesl-gui", "kesl-gui"), remove("kesl", "kesl")],
        secrets: vec![],
        catalog_revision: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_looks_reports_and_then_keeps_quiet() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = host.start();
    let requests = server.check_ins(has_looked).await;
    let told = inventories(&requests);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].sighting(&"kesl".into()).unwrap().verdict, Verdict::Running);

    let status = agent.status().await.unwrap();
    assert_eq!(status.host_id, told[0].host_id.to_string());
    assert_eq!(status.journal.state, "sound");
    assert!(status.session.last_check_in_ms.is_some() && status.order.is_none());

    agent.check_in();
    let before = requests.len();
    let requests = server.check_ins(|requests| requests.len() > before).await;
    assert_eq!(inventories(&requests).len(), 1, "the server has it");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_carried_out_recorded_and_confirmed_by_a_look() {
    let (server, host) = (Server::start().await, Host::waiting());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let order = removal(&host_id).sign(&server.shared.signing).unwrap();
    let mut given = false;
    server.answers(move |request| {
        let mut reply = quiet(request);
        // Only to a host that has told what it carries.
        if !given && !request.inventory_digest.is_empty() {
            given = true;
            reply.work_order = Some(order.clone());
        }
        let newest = request.step_records.iter().map(|envelope| {
            let record = v1::StepRecord::decode(envelope.body.as_slice()).unwrap();
            v1::OrderMark {
                order_number: record.order_number,
                sequence: record.sequence,
            }
        });
        reply.durable = newest.max_by_key(|mark| mark.sequence).into_iter().collect();
        Ok(reply)
    });
    let agent = host.start();
    // Told while it runs.
    server
        .check_ins(|requests| requests.iter().any(|request| request.running.is_some()))
        .await;
    host.let_remove();
    let gone = |requests: &[v1::CheckInRequest]| {
        let newest = inventories(requests);
        newest
            .last()
            .is_some_and(|newest| newest.sighting(&"kesl".into()).is_some_and(|kesl| !kesl.is_present()))
            && records(requests)
                .iter()
                .any(|record| record.event == RecordEvent::OrderCompleted)
            && requests.last().is_some_and(|request| request.running.is_none())
    };
    let requests = server.check_ins(gone).await;
    let events: Vec<RecordEvent> = records(&requests).iter().map(|record| record.event).collect();
    assert_eq!(events.first(), Some(&RecordEvent::OrderAccepted));
    assert_eq!(
        events.iter().filter(|event| **event == RecordEvent::StepDone).count(),
        2,
        "{events:?}"
    );
    assert_eq!(requests.last().unwrap().highest_order_begun, 1);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_with_a_flipped_byte_is_refused_on_record_and_changes_nothing() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let mut order = removal(&host_id).sign(&server.shared.signing).unwrap();
    let last = order.body.len() - 1;
    order.body[last] ^= 1;
    let mut order = Some(order);
    server.answers(move |request| {
        let mut reply = quiet(request);
        reply.work_order = order.take();
        Ok(reply)
    });
    let agent = host.start();
    let refused = |requests: &[v1::CheckInRequest]| {
        records(requests)
            .iter()
            .any(|record| record.event == RecordEvent::OrderRefused)
    };
    let requests = server.check_ins(refused).await;
    let record = records(&requests).remove(0);
    assert_eq!(record.cause, Some(cutover_proto::record::FailureCause::BadSignature));
    assert_eq!(agent.status().await.unwrap().journal.highest_begun, 0);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nudge_brings_a_check_in_and_a_lost_stream_comes_back() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    server.answers(|request| {
        let mut reply = quiet(request);
        reply.settings = Some(v1::Settings {
            check_in_seconds: 3600,
            look_seconds: 3600,
            watch: true,
            addresses: Vec::new(),
        });
        Ok(reply)
    });
    let agent = host.start();
    server.check_ins(has_looked).await;
    server.watchers(1).await;
    let before = server.check_ins(|_| true).await.len();
    server.nudge(v1::NudgeReason::CheckIn);
    server.check_ins(|requests| requests.len() > before).await;

    agent.set_online(false);
    agent.set_online(true);
    server.watchers(2).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_was_away_comes_back_at_once() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = host.start();
    let before = server.check_ins(has_looked).await.len();
    agent.set_online(false);
    agent.check_in();
    let failed = async {
        loop {
            let status = agent.status().await.unwrap();
            if let Some(failure) = status.session.last_failure {
                return failure;
            }
            tokio::task::yield_now().await;
        }
    };
    let failure = tokio::time::timeout(LONG, failed).await.unwrap();
    assert!(failure.contains("switched off"), "{failure}");
    agent.set_online(true);
    server.check_ins(|requests| requests.len() > before).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_when_told_and_the_new_key_speaks_and_signs() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let old = host.state().identity().load().unwrap().unwrap();
    let mut told = false;
    server.answers(move |request| {
        let mut reply = quiet(request);
        // Once the inventory is there; the answer to the renewal is lost the first time.
        reply.renew = !told && !request.inventory_digest.is_empty();
        told |= reply.renew;
        Ok(reply)
    });
    server.script().lose_answers = 1;
    let agent = host.start();
    let before = server.check_ins(has_looked).await.len();
    server.check_ins(|requests| requests.len() > before).await;
    let new = host.state().identity().load().unwrap().unwrap();
    assert_eq!(new.host_id(), old.host_id());
    assert_ne!(new.signing().public(), old.signing().public());
    assert_eq!(server.script().renewals, 2, "the lost one was asked for again");

    // The pretended server believes only the key that speaks: what it asks for again is signed by the new one.
    let mut asked = false;
    server.answers(move |request| {
        let mut reply = quiet(request);
        reply.want_inventory = !asked;
        asked = true;
        Ok(reply)
    });
    let told_before = inventories(&server.check_ins(|_| true).await).len();
    agent.check_in();
    server
        .check_ins(|requests| inventories(requests).len() > told_before)
        .await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_agent_sends_no_inventory_that_the_server_has() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = host.start();
    let first = server.check_ins(has_looked).await;
    agent.shutdown().await;
    let agent = host.start();
    let before = first.len();
    server.check_ins(|requests| requests.len() > before).await;
    agent.check_in();
    let requests = server.check_ins(|requests| requests.len() > before + 1).await;
    assert_eq!(inventories(&requests).len(), 1);
    assert!(requests.iter().all(|request| request.inventory_digest.is_empty()
        || request.inventory_digest == requests.last().unwrap().inventory_digest));
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_never_share_a_state_directory() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = host.start();
    let refused = Agent::start(host.parts()).unwrap_err();
    assert!(matches!(refused, StartError::Journal(_)), "{refused}");
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_journal_is_reported_and_settled_by_a_fresh_look() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = host.start();
    server.check_ins(has_looked).await;
    agent.shutdown().await;
    std::fs::remove_file(host.state().path().join("journal")).unwrap();
    server.answers(|request| {
        Ok(v1::CheckInReply {
            next_in_seconds: 1,
            ..quiet(request)
        })
    });
    let lost = i32::from(v1::JournalState::Lost);
    let sound = i32::from(v1::JournalState::Sound);
    let agent = host.start();
    let reported = |requests: &[v1::CheckInRequest]| {
        let at = requests.iter().position(|request| request.journal == lost);
        at.is_some_and(|at| requests[at..].iter().any(|request| request.journal == sound))
    };
    server.check_ins(reported).await;
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_host_says_so_and_goes_on_looking() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let answered = Arc::new(Mutex::new(0));
    let counted = answered.clone();
    server.answers(move |_| {
        *counted.lock().unwrap() += 1;
        Err(Status::unauthenticated("this key was revoked; enrol anew"))
    });
    let agent = host.start();
    let refused = async {
        loop {
            let status = agent.status().await.unwrap();
            if status.session.last_failure.is_some() && status.session.looked_at_ms.is_some() {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = tokio::time::timeout(LONG, refused).await.unwrap();
    assert!(status.session.last_failure.unwrap().contains("revoked"));
    assert!(status.session.last_check_in_ms.is_none());
    assert!(*answered.lock().unwrap() > 0);
    agent.shutdown().await;
}
