//! Orders that must not begin: refused before the first step, with nothing changed.

use cutover_proto::{
    envelope::{Context, SigningKey, seal_message},
    ids::HostId,
    inventory::PackageManager,
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    seal,
    step::Action,
    v1,
};
use ring::{rand::SystemRandom, signature::Ed25519KeyPair};

use super::{
    super::{End, ExecuteError},
    world::{World, remove, sweep, words},
};
use crate::{act::JournalState, host::sandbox::Behaviour};

/// Runs what must be refused; gives the cause and the reason.
fn refused(world: &World, envelope: &v1::Envelope) -> (FailureCause, String) {
    let before = world.contents();
    let highest = world.journal().highest_begun();
    let end = world.executor().run(envelope).unwrap();
    let End::Refused { cause, why, .. } = end else {
        panic!("not refused: {end:?}");
    };
    assert!(!why.is_empty());
    assert_eq!(world.contents(), before, "something was changed");
    assert!(world.ledger.lock().unwrap().is_empty(), "hands were used");
    let journal = world.journal();
    assert_eq!(journal.highest_begun(), highest, "its number was used up");
    assert_eq!(journal.state(), JournalState::Sound);
    assert!(!journal.is_open());
    (cause, why)
}

fn refused_order(change: impl FnOnce(&mut WorkOrder)) -> (FailureCause, String, Vec<RecordEvent>) {
    let world = World::new(Behaviour::default());
    let mut order = world.usual();
    change(&mut order);
    let (cause, why) = refused(&world, &world.sign(&order));
    let events = world.records().into_iter().map(|record| {
        assert_eq!(record.cause, Some(cause));
        record.event
    });
    (cause, why, events.collect())
}

#[test]
fn an_order_with_any_flipped_byte_is_refused() {
    let world = World::new(Behaviour::default());
    let envelope = world.sign(&world.usual());
    for position in (0..envelope.body.len()).step_by(3) {
        let mut changed = envelope.clone();
        changed.body[position] ^= 1;
        assert_eq!(refused(&world, &changed).0, FailureCause::BadSignature, "{position}");
    }
    for position in 0..envelope.signatures[0].value.len() {
        let mut changed = envelope.clone();
        changed.signatures[0].value[position] ^= 0x80;
        assert_eq!(refused(&world, &changed).0, FailureCause::BadSignature, "{position}");
    }
}

#[test]
fn an_order_by_another_key_is_refused() {
    let world = World::new(Behaviour::default());
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let other = SigningKey::server(pkcs8.as_ref()).unwrap();
    let envelope = world.usual().sign(&other).unwrap();
    assert_eq!(refused(&world, &envelope).0, FailureCause::BadSignature);
}

#[test]
fn a_cancel_is_no_order() {
    let world = World::new(Behaviour::default());
    let wire = v1::WorkOrder::from(world.usual());
    let envelope = seal_message(Context::Cancel, &wire, &world.server).unwrap();
    assert_eq!(refused(&world, &envelope).0, FailureCause::BadSignature);
}

#[test]
fn an_order_for_another_host_is_refused() {
    let (cause, why, events) = refused_order(|order| {
        order.host_id = HostId::new(uuid::Uuid::from_u128(8));
    });
    assert_eq!(cause, FailureCause::OtherHost);
    assert!(why.contains("not this one"), "{why}");
    assert_eq!(events, [RecordEvent::OrderRefused]);
}

#[test]
fn an_expired_order_and_one_of_tomorrow_are_refused() {
    let (cause, why, events) = refused_order(|order| order.expires_ms = order.not_before_ms);
    assert_eq!(cause, FailureCause::Expired);
    assert!(why.contains("the server issues a new one"), "{why}");
    assert_eq!(events, [RecordEvent::OrderRefused]);

    let (cause, _, events) = refused_order(|order| order.not_before_ms = order.expires_ms - 1);
    assert_eq!(cause, FailureCause::NotYet);
    assert_eq!(events, [RecordEvent::OrderRefused]);
}

#[test]
fn a_replayed_order_and_one_of_a_lower_number_are_refused() {
    let world = World::new(Behaviour::default());
    let mut order = world.order(&[(remove("kesl", &["kesl"]), false)]);
    order.number = 5;
    let envelope = world.sign(&order);
    assert_eq!(world.executor().run(&envelope).unwrap(), End::Completed { number: 5 });
    let records = world.records();
    world.ledger.lock().unwrap().clear();
    for number in [5, 4, 1] {
        order.number = number;
        let (cause, why) = refused(&world, &world.sign(&order));
        assert_eq!(cause, FailureCause::Replayed);
        assert!(why.contains("not above 5"), "{why}");
    }
    assert_eq!(world.records(), records, "an order that is over gets no more records");
}

#[test]
fn an_order_with_an_unknown_step_is_refused_whole() {
    let world = World::new(Behaviour::default());
    let mut wire = v1::WorkOrder::from(world.usual());
    // A step kind of a later version arrives as no action at all.
    wire.steps[7].action = None;
    let envelope = seal_message(Context::WorkOrder, &wire, &world.server).unwrap();
    let (cause, why) = refused(&world, &envelope);
    assert_eq!(cause, FailureCause::UnknownStep);
    assert!(why.contains("update this side"), "{why}");
    assert_eq!(world.events(), [(0, RecordEvent::OrderRefused)]);
}

#[test]
fn an_order_that_reaches_beyond_the_hosts_own_looks_is_refused() {
    let actions = [
        remove("kesl", &["kesl", "openssh-server"]),
        remove("openssh-server", &["openssh-server"]),
        sweep("kesl", &["/etc/ssh"]),
        Action::InstallPackages {
            manager: PackageManager::Apt,
            product: "kesl".into(),
            packages: words(&["clamav"]),
        },
        Action::DetectionTest {
            product: "klnagent64".into(),
        },
    ];
    for action in actions {
        let (cause, why, events) = refused_order(|order| order.steps[7].action = action.clone());
        assert_eq!(cause, FailureCause::NotAttributed, "{action:?}: {why}");
        assert_eq!(events, [RecordEvent::OrderRefused]);
    }
    let (cause, ..) = refused_order(|order| {
        order.steps[0].action = Action::FetchPackages {
            manager: PackageManager::Zypper,
            packages: words(&["clamav"]),
        };
    });
    assert_eq!(cause, FailureCause::Unsupported);
}

#[test]
fn a_secret_that_does_not_open_refuses_the_order() {
    let world = World::new(Behaviour::default());
    let mut order = world.usual();
    let key = world.identity.sealing.public();
    let host = world.identity.host_id;
    // Sealed for another order of the same host.
    order.secrets = vec![seal::seal(key, host, 2, "uninstall", b"Pa$$w0rd").unwrap()];
    let (cause, why) = refused(&world, &world.sign(&order));
    assert_eq!(cause, FailureCause::BadSignature);
    assert!(why.contains("secret uninstall"), "{why}");
}

#[test]
fn a_refusal_is_told_once() {
    let world = World::new(Behaviour::default());
    let mut order = world.usual();
    order.expires_ms = world.start_ms;
    let envelope = world.sign(&order);
    refused(&world, &envelope);
    refused(&world, &envelope);
    assert_eq!(world.events(), [(0, RecordEvent::OrderRefused)]);
    // The number was not used up: the same order in time is taken on, and its records go on.
    order.expires_ms = world.start_ms + 1000;
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    let sequences: Vec<u32> = world.records().iter().map(|record| record.sequence).collect();
    assert_eq!(
        sequences,
        (1..=u32::try_from(sequences.len()).unwrap()).collect::<Vec<_>>()
    );
}

#[test]
fn nothing_runs_on_a_journal_that_cannot_be_trusted() {
    let world = World::new(Behaviour::default());
    drop(world.journal());
    std::fs::remove_file(world.state.path().join("journal")).unwrap();
    let before = world.contents();
    let error = world.run(&world.usual()).unwrap_err();
    assert!(matches!(error, ExecuteError::Journal(_)), "{error}");
    assert!(error.to_string().contains("nothing runs"), "{error}");
    assert_eq!(world.contents(), before);
    assert_eq!(world.journal().state(), JournalState::Lost);
}

#[test]
fn nothing_runs_when_the_journal_has_no_room() {
    let world = World::new(Behaviour::default());
    let before = world.contents();
    let envelope = world.sign(&world.usual());
    let mut executor = world.executor();
    world.faults.fill_disk(true);
    let error = executor.run(&envelope).unwrap_err();
    assert!(error.to_string().contains("free some disk space"), "{error}");
    assert_eq!(world.contents(), before);
    // With room again the journal is as if nothing had been: no half line is left in it.
    world.faults.fill_disk(false);
    assert_eq!(executor.run(&envelope).unwrap(), End::Completed { number: 1 });
    drop(executor);
    assert_eq!(world.journal().state(), JournalState::Sound);
    assert_eq!(world.records().len(), 22);
}
