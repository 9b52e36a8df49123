//! An agent that falls silent right after it enrolled, where a target is.

use cutover_proto::ids::ProductId;

use super::*;
use crate::{
    campaign::{Mode, Policy},
    decide::Fact,
    plan::Owner,
    samples::{carrying, inventory},
};

fn silent_since(host: &Host) -> Option<i64> {
    match host.waiting() {
        Some(Waiting::AgentPerhapsLost { last_seen_ms }) => Some(last_seen_ms),
        Some(_) | None => None,
    }
}

/// In a campaign that only looks.
fn looked_at(inventory: &Inventory) -> Host {
    let mut host = Host::of(samples::campaign(""));
    host.campaign.mode = Mode::Observe;
    host.campaign.policy.agent_lost_after = Policy::default().agent_lost_after;
    host.pass(HOUR).look(inventory);
    host
}

#[test]
fn an_agent_that_falls_silent_right_after_enrolling_beside_a_target_is_named() {
    let mut host = looked_at(&carrying());
    let seen_ms = host.last_seen_ms;
    assert_eq!(host.next_wake().unwrap().at_ms, seen_ms + 2 * HOUR);
    let decision = host.wake();
    let told: Vec<&Fact> = decision.events.iter().map(|event| &event.fact).collect();
    let products: Vec<ProductId> = ["kesl-gui", "kesl", "klnagent64"].map(ProductId::new).to_vec();
    assert_eq!(
        told,
        [&Fact::AgentPerhapsLost {
            last_seen_ms: seen_ms,
            products
        }]
    );
    assert_eq!(silent_since(&host), Some(seen_ms));
    let waiting = host.waiting().unwrap();
    assert!(
        waiting.text().starts_with("agent possibly removed by the product"),
        "{}",
        waiting.text()
    );
    assert_eq!(waiting.owner(), Owner::Technician);
    assert!(
        host.told()
            .contains("agent possibly removed by the product (kesl-gui, kesl, klnagent64)"),
        "{}",
        host.told()
    );

    // It goes stale like any other, and is still named.
    host.wake();
    assert!(host.plan.stale);
    assert_eq!(silent_since(&host), Some(seen_ms));

    host.check_in();
    assert!(!host.plan.agent_perhaps_lost && !host.plan.stale);
    assert_eq!(silent_since(&host), None);
}

#[test]
fn silence_later_on_or_without_a_target_is_silence_and_nothing_else() {
    let mut later = looked_at(&carrying());
    later.pass(DAY).check_in();
    let mut clean = looked_at(&inventory());
    for host in [&mut later, &mut clean] {
        host.wake();
        assert!(host.plan.stale && !host.plan.agent_perhaps_lost, "{}", host.told());
    }
}

#[test]
fn silence_while_the_server_took_no_check_ins_does_not_count() {
    let mut host = looked_at(&carrying());
    let due_ms = host.next_wake().unwrap().at_ms;
    host.outages = vec![Outage {
        from_ms: host.now_ms + 1,
        until_ms: host.now_ms + HOUR + 1,
    }];
    assert_eq!(host.next_wake().unwrap().at_ms, due_ms + HOUR);
}

#[test]
fn an_agent_that_was_heard_of_for_more_than_a_day_is_no_new_one() {
    for (heard_ms, is_new) in [(DAY, true), (DAY + 1, false)] {
        let mut host = Host::of(samples::campaign(""));
        host.campaign.mode = Mode::Observe;
        host.campaign.policy.agent_lost_after = Policy::default().agent_lost_after;
        host.pass(heard_ms).look(&carrying());
        host.wake();
        assert_eq!(host.plan.agent_perhaps_lost, is_new, "heard of for {heard_ms} ms");
    }
}
