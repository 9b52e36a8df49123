//! What a host says of itself: its own hold, its end, the state of its journal. Plans show it, and orders wait for it.

use cutover_core::plan::JournalFault;
use cutover_proto::{inventory::Inventory, step::StepKind, v1};

use crate::{
    inventories,
    machine::Machine,
    server::Server,
    wait::{until, within},
};

fn held(hold: &str) -> Option<v1::AgentCondition> {
    Some(v1::AgentCondition {
        hold: hold.to_owned(),
        ..v1::AgentCondition::default()
    })
}

/// Waits until the rollout has looked at the queue again, so often that whoever may start has started.
async fn rollout_passes(server: &Server) {
    let mut passes = server.app().passes();
    for _ in 0..5 {
        within("a pass of the background work", passes.changed()).await.unwrap();
    }
}

async fn why(server: &Server) -> String {
    server.service().host("pc-1".to_owned()).await.unwrap().why.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_holds_itself_gets_no_order_and_its_plan_says_why() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let hold = held("held on this host;\u{1b}[31m remove /var/lib/cutover/agent/hold to let it go on");
    let request = v1::CheckInRequest {
        condition: hold.clone(),
        ..machine.carrying()
    };
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    rollout_passes(&server).await;
    let again = v1::CheckInRequest {
        condition: hold,
        ..machine.hello()
    };
    assert_eq!(machine.check_in(again.clone()).await.unwrap().work_order, None);
    let plan = server.plan(machine.host).await;
    assert_eq!((plan.phase.as_str(), plan.order), ("queued", None));
    let said = why(&server).await;
    assert!(
        said.contains("the host holds itself") && said.contains("remove /var/lib/cutover/agent/hold"),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'), "a host writes no escapes into terminals");
    // The same again writes nothing.
    let at = server.last_pos().await;
    machine.check_in(again).await.unwrap();
    assert_eq!(server.last_pos().await, at);

    let (_, order) = machine.fetch_order().await;
    assert_eq!(order.attempt, 1, "no attempt was used up");
    assert_eq!(server.plan(machine.host).await.local_hold, None);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_not_fetched_is_taken_back_from_a_host_that_holds_itself() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    until("an order is out", || async { server.plan(machine.host).await.order }).await;
    let request = v1::CheckInRequest {
        condition: held("held on this host"),
        ..machine.hello()
    };
    let reply = machine.check_in(request).await.unwrap();
    assert_eq!((reply.work_order, reply.cancel), (None, None));
    let plan = server.plan(machine.host).await;
    assert_eq!(
        (plan.phase.as_str(), plan.order, plan.attempts_used),
        ("queued", None, 0)
    );
    let (_, order) = machine.fetch_order().await;
    assert_eq!((order.number, order.attempt), (2, 1));
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_ends_itself_is_an_event_of_its_host() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let ending = v1::AgentCondition {
        ending: "uses 141 MiB of memory, memory_limit_mib allows 128".to_owned(),
        ..v1::AgentCondition::default()
    };
    let request = v1::CheckInRequest {
        condition: Some(ending),
        ..machine.hello()
    };
    machine.check_in(request).await.unwrap();
    let stream = cutover_server::store::StreamName::host(&machine.host.to_string());
    let events = server
        .read(move |tx| cutover_server::store::events::load(tx, &stream, 1, 100))
        .await;
    let told: Vec<_> = events.iter().filter(|event| event.kind == "agent-ending").collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].body.contains("memory_limit_mib allows 128"), "{}", told[0].body);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_trusted_stops_orders_until_a_fresh_look() {
    use v1::JournalState::{Corrupt, Lost, Restored};
    for (state, fault) in [
        (Corrupt, JournalFault::Corrupt),
        (Lost, JournalFault::Lost),
        (Restored, JournalFault::Restored),
    ] {
        let server = Server::start().await;
        let mut machine = Machine::enrol(&server, "pc-1").await;
        let known = machine.carrying();
        machine.check_in(known.clone()).await.unwrap();
        let distrusted = v1::CheckInRequest {
            inventory: None,
            journal: state.into(),
            ..known.clone()
        };
        let reply = machine.check_in(distrusted).await.unwrap();
        assert!(reply.want_look, "{state:?}");
        server.open_wave().await;
        rollout_passes(&server).await;
        // That the agent calls its journal sound again does not do, with a look of before.
        let old_look = v1::CheckInRequest {
            inventory: None,
            ..known.clone()
        };
        assert_eq!(machine.check_in(old_look).await.unwrap().work_order, None, "{state:?}");
        let plan = server.plan(machine.host).await;
        assert_eq!((plan.journal_fault, plan.order), (Some(fault), None));
        let said = why(&server).await;
        assert!(said.contains("journal cannot be trusted until a fresh look"), "{said}");

        let looked_at_ms = machine.tick();
        let fresh = v1::CheckInRequest {
            inventory: None,
            looked_at_ms,
            ..known
        };
        machine.check_in(fresh).await.unwrap();
        let (_, order) = machine.fetch_order().await;
        assert_eq!(order.attempt, 1, "{state:?}");
        server.holds_together(&[machine.host]).await;
        server.stop().await;
    }
}

/// Its first look goes by its own clock, the later ones by the server's.
#[tokio::test(flavor = "multi_thread")]
async fn looks_of_a_host_whose_clock_is_days_off_count_in_the_order_in_which_they_were_made() {
    const DAYS_3: i64 = 3 * 86_400_000;
    for off_ms in [DAYS_3, -DAYS_3] {
        let server = Server::start().await;
        let mut machine = Machine::enrol(&server, "pc-1").await;
        let known = machine.carrying();
        machine.check_in(known.clone()).await.unwrap();

        server.clock.advance(60_000);
        let own_ms = server.clock.now_ms() + off_ms;
        let restored = v1::CheckInRequest {
            looked_at_ms: own_ms,
            host_clock_ms: Some(own_ms),
            inventory: None,
            journal: v1::JournalState::Restored.into(),
            ..known.clone()
        };
        assert!(machine.check_in(restored.clone()).await.unwrap().want_look);
        // The answer was lost, and the same look is told again.
        machine.check_in(restored).await.unwrap();
        let fault = server.plan(machine.host).await.journal_fault;
        assert_eq!(fault, Some(JournalFault::Restored), "by a look of before");
        server.clock.advance(60_000);
        let fresh = v1::CheckInRequest {
            looked_at_ms: server.clock.now_ms(),
            inventory: None,
            ..known.clone()
        };
        machine.check_in(fresh).await.unwrap();
        assert_eq!(server.plan(machine.host).await.journal_fault, None, "{off_ms}");

        // And what is new counts once it is dated by the server's, however old its own clock makes it.
        server.clock.advance(60_000);
        let clean = machine.showing_as_it_is(Inventory {
            taken_at_ms: server.clock.now_ms() + off_ms,
            ..inventories::replaced(machine.host, "pc-1")
        });
        let by_its_own = v1::CheckInRequest {
            host_clock_ms: Some(clean.looked_at_ms),
            ..clean.clone()
        };
        let reply = machine.check_in(by_its_own).await.unwrap();
        assert!(reply.want_look && reply.want_inventory, "{off_ms}");
        let dated = v1::CheckInRequest {
            looked_at_ms: server.clock.now_ms(),
            ..clean
        };
        machine.check_in(dated).await.unwrap();
        let seen = server.plan(machine.host).await.assessment.unwrap();
        assert!(seen.is_free(), "{off_ms}: {seen:?}");
        server.holds_together(&[machine.host]).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_know_a_step_waits_for_its_upgrade_and_nothing_is_sent_to_it() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let known = |without: &[StepKind]| {
        let kinds = StepKind::ALL.iter().filter(|kind| !without.contains(kind));
        // One of a server that is newer than this one.
        kinds.map(|kind| kind.number()).chain([9_999]).collect::<Vec<_>>()
    };
    let old = known(&[StepKind::Sweep, StepKind::SweepGroups]);
    let request = v1::CheckInRequest {
        known_steps: old.clone(),
        ..machine.carrying()
    };
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    rollout_passes(&server).await;
    let again = v1::CheckInRequest {
        known_steps: old,
        ..machine.hello()
    };
    assert_eq!(machine.check_in(again.clone()).await.unwrap().work_order, None);
    let plan = server.plan(machine.host).await;
    assert_eq!((plan.phase.as_str(), plan.order), ("blocked", None));
    let said = why(&server).await;
    assert!(
        said.contains("does not know sweep, sweep-groups") && said.contains("upgrade the agent"),
        "{said}"
    );
    let at = server.last_pos().await;
    machine.check_in(again).await.unwrap();
    assert_eq!(server.last_pos().await, at, "the same again writes nothing");

    let upgraded = v1::CheckInRequest {
        known_steps: known(&[]),
        agent_version: "0.2.0".to_owned(),
        ..machine.hello()
    };
    machine.check_in(upgraded).await.unwrap();
    let (_, order) = machine.fetch_order().await;
    assert_eq!(order.attempt, 1, "no attempt was used up");
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}
