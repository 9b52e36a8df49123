use cutover_proto::{
    envelope::{self, Context, SigningKey},
    v1,
};

use super::world::{World, order, server_key, start};
use crate::session::{Effect, OrderLabel, Start, WhyCheckIn};

fn orders(effects: &[Effect]) -> usize {
    effects
        .iter()
        .filter(|effect| matches!(effect, Effect::RunOrder(_)))
        .count()
}

fn rules(revision: u64, key: &SigningKey) -> v1::Envelope {
    let body = v1::Rules {
        revision,
        files: vec![],
    };
    envelope::seal_message(Context::Rules, &body, key).unwrap()
}

#[test]
fn an_order_is_handed_on_once_and_no_second_while_it_is_open() {
    let mut world = World::settled();
    world.pass_seconds(300);
    let effects = world.answered_with(|reply| reply.work_order = Some(order(4)));
    assert!(effects.contains(&Effect::RunOrder(order(4))));
    let label = OrderLabel {
        number: 4,
        attempt: Some(1),
    };
    assert_eq!(world.session.order(), Some(label));

    assert_eq!(world.next_check_in().unwrap().0, 60, "closer while an order is open");
    world.pass_seconds(60);
    let effects = world.answered_with(|reply| reply.work_order = Some(order(5)));
    assert_eq!(orders(&effects), 0);

    world.session.handle_order_ended(world.now);
    world.pass_seconds(1);
    let effects = world.answered_with(|reply| reply.work_order = Some(order(6)));
    assert_eq!(orders(&effects), 1);
}

#[test]
fn an_order_that_the_journal_holds_open_keeps_others_out_after_a_restart() {
    let open = OrderLabel {
        number: 3,
        attempt: None,
    };
    let mut world = World::starting(Start {
        order: Some(open),
        ..start()
    });
    let effects = world.answered_with(|reply| reply.work_order = Some(order(4)));
    assert_eq!(orders(&effects), 0);
}

#[test]
fn marks_come_before_cancel_and_cancel_before_an_order() {
    let mut world = World::settled();
    world.pass_seconds(300);
    let mark = v1::OrderMark {
        order_number: 3,
        sequence: 9,
    };
    let effects = world.answered_with(|reply| {
        reply.durable = vec![mark];
        reply.cancel = Some(order(1));
        reply.rules = Some(rules(2, &server_key()));
        reply.work_order = Some(order(4));
    });
    let names: Vec<&str> = effects
        .iter()
        .map(|effect| match effect {
            Effect::TakeMarks { durable, .. } => {
                assert_eq!(durable, &[mark]);
                "marks"
            }
            Effect::TakeRules { .. } => "rules",
            Effect::TakeNotice { .. } => "notice",
            Effect::Cancel(_) => "cancel",
            Effect::RunOrder(_) => "order",
            Effect::InventoryDurable => "durable",
            Effect::TakeAddresses(_) => "addresses",
            Effect::Prefetch(_) => "prefetch",
            Effect::Split => "split",
            Effect::Leave { .. } => "leave",
            Effect::TakeRelease(_) | Effect::RefuseRelease(_) => "release",
        })
        .collect();
    assert_eq!(names, ["marks", "rules", "notice", "cancel", "order", "durable"]);
}

#[test]
fn records_go_with_what_the_journal_says_of_itself() {
    let mut world = World::settled();
    world.journal.state = v1::JournalState::Restored.into();
    world.journal.highest_begun = 8;
    world.journal.running = Some(v1::RunningOrder {
        order_number: 8,
        step: 1,
        past_last_safe_point: false,
    });
    world.journal.pending = vec![order(1), order(2)];
    world.session.handle_records(world.now);
    world.pass_seconds(1);
    let request = world.answered();
    assert_eq!(request.step_records, [order(1), order(2)]);
    assert_eq!(request.highest_order_begun, 8);
    assert_eq!(request.running.unwrap().step, 1);
    assert_eq!(request.journal, i32::from(v1::JournalState::Restored));
    assert_eq!(
        world.next_check_in().unwrap().0,
        300,
        "records that stay unacknowledged make no storm"
    );
}

#[test]
fn records_that_have_no_room_in_one_request_follow_at_once_in_order() {
    let mut world = World::settled();
    let big = |first| v1::Envelope {
        body: vec![first; 150 * 1024],
        ..Default::default()
    };
    world.journal.pending = vec![big(1), big(2), big(3)];
    world.session.handle_records(world.now);
    world.pass_seconds(1);
    let request = world.request().unwrap();
    assert_eq!(request.step_records, [big(1), big(2)]);
    world.journal.pending.drain(..2);
    let reply = world.reply_to(&request);
    world.reply(reply);
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::SendAgain)));
    assert_eq!(world.answered().step_records, [big(3)]);
}

#[test]
fn many_small_records_go_in_parts() {
    let mut world = World::settled();
    world.journal.pending = vec![order(1); 600];
    world.session.handle_records(world.now);
    world.pass_seconds(1);
    let mut sent = Vec::new();
    while !world.journal.pending.is_empty() {
        let count = world.answered().step_records.len();
        world.journal.pending.drain(..count);
        sent.push(count);
    }
    assert_eq!(sent, [256, 256, 88]);
}

#[test]
fn one_record_beyond_the_bound_still_goes() {
    let mut world = World::settled();
    let huge = v1::Envelope {
        body: vec![1; 500 * 1024],
        ..Default::default()
    };
    world.journal.pending = vec![huge.clone()];
    world.session.handle_records(world.now);
    world.pass_seconds(1);
    assert_eq!(world.answered().step_records, [huge]);
}

#[test]
fn rules_are_taken_only_when_signed_and_rising() {
    let stranger =
        SigningKey::server(&[hex::decode("302e020100300506032b657004220420").unwrap(), vec![6; 32]].concat()).unwrap();
    for (envelope, taken) in [
        (rules(2, &server_key()), true),
        (rules(1, &server_key()), false),
        (rules(0, &server_key()), false),
        (rules(9, &stranger), false),
        (order(9), false),
    ] {
        let mut world = World::new();
        let effects = world.answered_with(|reply| reply.rules = Some(envelope));
        let found = effects
            .iter()
            .any(|effect| matches!(effect, Effect::TakeRules { revision: 2, .. }));
        assert_eq!(found, taken, "{effects:?}");
    }
}

#[test]
fn a_stream_is_held_while_the_server_wants_one() {
    let mut world = World::new();
    assert!(!world.session.may_watch(), "the server has not said so");
    for watch in [true, true, false] {
        let settings = v1::Settings {
            check_in_seconds: 300,
            look_seconds: 600,
            watch,
            addresses: Vec::new(),
        };
        world.answered_with(|reply| reply.settings = Some(settings));
        world.pass_seconds(300);
        assert_eq!(world.session.may_watch(), watch);
    }
}

#[test]
fn a_hint_is_taken_as_far_as_it_can_be_read() {
    let mut world = World::settled();
    world.pass_seconds(300);
    let good = v1::ArtifactRef {
        sha256: vec![7; 32],
        size: 1,
        file_name: "clamav_1.4_amd64.deb".to_owned(),
        urls: Vec::new(),
    };
    let bad = v1::ArtifactRef {
        file_name: "../../etc/passwd".to_owned(),
        ..good.clone()
    };
    let effects = world.answered_with(|reply| reply.prefetch = vec![bad, good]);
    let hinted = effects.iter().find_map(|effect| {
        let Effect::Prefetch(artifacts) = effect else {
            return None;
        };
        Some(
            artifacts
                .iter()
                .map(|artifact| artifact.file_name.as_str())
                .collect::<Vec<_>>(),
        )
    });
    assert_eq!(hinted, Some(vec!["clamav_1.4_amd64.deb"]));
}
