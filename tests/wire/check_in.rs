//! What a check-in may say, and what is believed of it.

use cutover_proto::{
    envelope::{self, Context},
    v1,
};
use cutover_server::store::{hosts, inventories, meta};
use tonic::Code;

use crate::{inventories as shown, keys::Keys, machine::Machine, server::Server};

/// Whether the store holds any inventory of the host.
async fn has_inventory(server: &Server, machine: &Machine) -> bool {
    let host = machine.host.to_string();
    server
        .read(move |tx| {
            let row = hosts::load(tx, &host)?.expect("an enrolled host");
            Ok(row.inventory_digest.is_some() || !inventories::first(tx, &host, 1)?.is_empty())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_is_not_the_hosts_own_is_refused_and_nothing_is_stored() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let other = Machine::enrol(&server, "pc-2").await;
    let good = machine.carrying();
    let signed = good.inventory.clone().unwrap();
    let by_another = envelope::seal(Context::Inventory, signed.body.clone(), &Keys::new().signing).unwrap();
    let of_another = machine.showing(shown::carrying(other.host, "pc-2")).inventory.unwrap();
    let mut flipped = signed.clone();
    *flipped.body.last_mut().unwrap() ^= 1;
    let as_record = v1::Envelope {
        context: Context::StepRecord.as_str().to_owned(),
        ..signed.clone()
    };
    let unsigned = v1::Envelope {
        signatures: Vec::new(),
        ..signed
    };
    let before = server.last_pos().await;
    let bad = [
        ("another key's", by_another),
        ("another host's", of_another),
        ("a flipped byte", flipped),
        ("another context", as_record),
        ("no signature", unsigned),
    ];
    for (what, envelope) in bad {
        let request = v1::CheckInRequest {
            inventory: Some(envelope),
            ..good.clone()
        };
        let refused = machine.check_in(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}: {refused}");
        assert_eq!(server.last_pos().await, before, "{what}");
        assert!(!has_inventory(&server, &machine).await, "{what}");
    }
    let reply = machine.check_in(good.clone()).await.unwrap();
    assert_eq!(reply.durable_inventory, good.inventory_digest);
    assert!(has_inventory(&server, &machine).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_again_writes_nothing_and_is_answered_the_same() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let whole = machine.carrying();
    let small = v1::CheckInRequest {
        inventory: None,
        ..whole.clone()
    };
    let first = machine.check_in(whole.clone()).await.unwrap();
    let (before, plan) = (server.last_pos().await, server.plan(machine.host).await);
    for request in [whole, small.clone(), small] {
        let again = machine.check_in(request).await.unwrap();
        assert_eq!(server.last_pos().await, before);
        let jittered = v1::CheckInReply {
            next_in_seconds: again.next_in_seconds,
            ..first.clone()
        };
        assert_eq!(again, jittered);
    }
    assert_eq!(server.plan(machine.host).await, plan);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_the_server_lacks_is_asked_for() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let whole = machine.carrying();
    let small = v1::CheckInRequest {
        inventory: None,
        ..whole.clone()
    };
    let before_any_look = machine.check_in(machine.hello()).await.unwrap();
    assert!(!before_any_look.want_inventory, "there is none to ask for yet");
    assert!(machine.check_in(small.clone()).await.unwrap().want_inventory);
    assert!(!machine.check_in(whole).await.unwrap().want_inventory);
    assert!(!machine.check_in(small.clone()).await.unwrap().want_inventory);
    // As after a restore from before that inventory.
    let host = machine.host.to_string();
    server
        .write(move |tx| {
            let mut row = hosts::load(tx, &host)?.expect("an enrolled host");
            row.inventory_digest = None;
            hosts::update(tx, &row)
        })
        .await;
    assert!(machine.check_in(small).await.unwrap().want_inventory);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_tells_its_new_epoch() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let before = machine.check_in(machine.hello()).await.unwrap().store_epoch;
    assert!(!before.is_empty());
    server.write(|tx| meta::set(tx, meta::STORE_EPOCH, "restored")).await;
    let after = machine.check_in(machine.hello()).await.unwrap().store_epoch;
    assert_eq!(after, "restored");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_go_to_those_that_have_older_ones_and_are_signed() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    assert!(machine.check_in(machine.hello()).await.unwrap().rules.is_none());
    let older = v1::CheckInRequest {
        rules_revision: 0,
        ..machine.hello()
    };
    let rules = machine.check_in(older).await.unwrap().rules.expect("rules");
    let opened: v1::Rules = envelope::open_message(&rules, Context::Rules, &machine.server_keys).unwrap();
    assert_eq!(opened.revision, cutover_proto::rule::BUILT_IN_REVISION);
    assert!(!opened.files.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_make_no_sense_are_refused() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let record = machine.record(1, 1, cutover_proto::record::RecordEvent::OrderAccepted, 0);
    let hello = machine.hello();
    let bad = [
        v1::CheckInRequest {
            boot_id: String::new(),
            ..hello.clone()
        },
        v1::CheckInRequest {
            journal: 99,
            ..hello.clone()
        },
        v1::CheckInRequest {
            step_records: vec![record; 501],
            ..hello
        },
    ];
    let before = server.last_pos().await;
    for request in bad {
        let refused = machine.check_in(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    assert_eq!(server.last_pos().await, before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vitals_are_kept_as_they_were_told_last_and_shown_and_what_was_not_told_is_unknown() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let shown = || async { server.service().host("pc-1".to_owned()).await.unwrap().machine };
    for line in ["power: unknown", "free disk: unknown"] {
        assert!(shown().await.contains(&line.to_owned()), "{:?}", shown().await);
    }
    let vitals = |on_battery| v1::CheckInRequest {
        vitals: Some(v1::Vitals {
            free_disk_mib: Some(4096),
            on_battery,
            ..v1::Vitals::default()
        }),
        ..machine.hello()
    };
    machine.check_in(vitals(Some(true))).await.unwrap();
    for line in ["power: on its battery", "free disk: at least 4096 MiB"] {
        assert!(shown().await.contains(&line.to_owned()), "{:?}", shown().await);
    }
    // One that says nothing of them changes nothing; one that could not tell says so.
    machine.check_in(machine.hello()).await.unwrap();
    assert!(shown().await.contains(&"power: on its battery".to_owned()));
    machine.check_in(vitals(None)).await.unwrap();
    assert!(
        shown().await.contains(&"power: unknown".to_owned()),
        "{:?}",
        shown().await
    );
}
