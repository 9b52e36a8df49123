//! What two people attest of disks where no look can tell who encrypts them.

use cutover_proto::inventory::DiskEncryption;

use super::*;
use crate::{
    plan::{DiskAttestation, DiskSignature, DiskWord, Reason},
    samples::carrying,
};

fn looks(encryption: DiskEncryption) -> Inventory {
    let mut inventory = carrying();
    inventory.facts.encryption = encryption;
    inventory
}

fn by(who: &str, at_ms: i64) -> DiskSignature {
    DiskSignature {
        by: who.into(),
        why: "the console's report".into(),
        at_ms,
    }
}

/// What this person says, to begin with.
fn says(host: &Host, who: &str) -> DiskAttestation {
    DiskAttestation {
        says: DiskWord::Decrypted,
        rests_on_ms: host.now_ms - DAY,
        until_ms: host.now_ms + 30 * DAY,
        signatures: vec![by(who, host.now_ms)],
    }
}

fn attest(host: &mut Host, who: &str) {
    let before = host.plan.disks.clone();
    let told = says(host, who);
    let said = told.signed(before.as_ref(), host.now_ms, |it| Some(it.by != who.into()));
    host.send(Input::DisksAttested(said.unwrap()));
}

fn blocked() -> Host {
    let mut host = Host::new();
    host.look(&looks(DiskEncryption::Unknown));
    assert_eq!(host.plan.reason, Some(Reason::EncryptionUnknown));
    host
}

fn attested() -> Host {
    let mut host = blocked();
    attest(&mut host, "ann");
    attest(&mut host, "bob");
    host
}

#[test]
fn two_people_and_a_date_let_an_unknown_disk_go_on() {
    let mut host = blocked();
    attest(&mut host, "ann");
    assert_eq!(
        (host.plan.phase, host.plan.reason.clone()),
        (Phase::Blocked, Some(Reason::EncryptionUnknown)),
        "one person alone changes nothing"
    );
    attest(&mut host, "bob");
    assert_eq!(host.plan.phase, Phase::Queued);
    host.start_and_fetch();
    // Looks in the middle of the work say what they said before.
    host.look_again();
    assert_eq!(host.plan.phase, Phase::Migrating);
    assert!(host.plan.order.as_ref().unwrap().cancelling.is_none());
}

#[test]
fn nothing_lets_one_go_on_that_the_product_encrypts() {
    let mut host = Host::new();
    host.look(&looks(DiskEncryption::ByTarget));
    let told = DiskAttestation {
        signatures: vec![by("ann", host.now_ms), by("bob", host.now_ms)],
        ..says(&host, "ann")
    };
    let refused = host.refusal(&Input::DisksAttested(told));
    assert!(refused.contains("nothing attests that away"), "{refused}");
    assert_eq!(host.plan.phase, Phase::Blocked);

    // A look that shows it wins over what was attested before, and a later one that cannot tell does not bring that back.
    let mut host = attested();
    host.start_and_fetch();
    let decision = host.look(&looks(DiskEncryption::ByTarget));
    assert!(
        decision
            .effects
            .iter()
            .any(|it| matches!(it, Effect::CancelOrder { .. }))
    );
    assert_eq!(host.plan.disks, None);
    host.report(RecordEvent::OrderCancelled, 0, None);
    host.look(&looks(DiskEncryption::Unknown));
    assert_eq!(
        (host.plan.phase, host.plan.reason.clone()),
        (Phase::Blocked, Some(Reason::EncryptionUnknown))
    );
}

#[test]
fn what_is_judged_anew_to_be_the_products_ends_what_was_attested() {
    let mut host = attested();
    let judged = assess(
        &looks(DiskEncryption::ByTarget),
        &Known::default(),
        &host.campaign,
        &host.catalog,
    );
    host.send(Input::CampaignChanged {
        assessment: Some(Box::new(judged)),
    });
    assert_eq!(
        (host.plan.disks.clone(), host.plan.phase),
        (None, Phase::Blocked),
        "{}",
        host.told()
    );
}

#[test]
fn an_attestation_ends_by_its_date_to_the_millisecond() {
    let mut host = attested();
    let until_ms = host.plan.disks.as_ref().unwrap().until_ms;
    host.now_ms = until_ms - 1;
    host.look_again();
    assert_eq!(host.plan.phase, Phase::Queued);
    host.now_ms = until_ms;
    // A start in that millisecond finds it over, also before the wake.
    host.last_seen_ms = host.now_ms;
    let order_number = host.plan.highest_order + 1;
    host.send(Input::Started { order_number, epoch: 1 });
    assert_eq!(host.plan.order, None);
    host.send(Input::Woke {
        last_seen_ms: host.last_seen_ms,
    });
    assert_eq!(
        (host.plan.disks.clone(), host.plan.phase, host.plan.reason.clone()),
        (None, Phase::Blocked, Some(Reason::EncryptionUnknown))
    );
}

#[test]
fn an_order_that_is_out_ends_with_what_it_rests_on() {
    // Nobody has it: taken back.
    let mut host = attested();
    host.start();
    let withdrawn = Input::DisksWithdrawn {
        by: "ann".into(),
        why: "another machine".into(),
    };
    host.send(withdrawn.clone());
    assert_eq!((host.plan.phase, host.plan.order.clone()), (Phase::Blocked, None));
    assert!(host.refusal(&withdrawn).contains("nothing is attested"));
    // The host has it: it ends at its next safe point.
    let mut host = attested();
    host.start_and_fetch();
    host.send(withdrawn);
    assert!(host.plan.order.as_ref().unwrap().cancelling.is_some());
}

#[test]
fn a_machine_that_enrols_anew_is_not_the_one_that_was_attested() {
    let mut host = attested();
    host.send(Input::Enrolled {
        known: Known::default(),
    });
    host.pass(HOUR).look(&looks(DiskEncryption::Unknown));
    assert_eq!((host.plan.disks.clone(), host.plan.phase), (None, Phase::Blocked));
}

#[test]
fn history_and_what_is_set_on_the_host_say_who_said_so_and_when() {
    let mut host = attested();
    host.send(Input::DisksWithdrawn {
        by: "eve".into(),
        why: "another machine".into(),
    });
    let told = host.told();
    let signed = |who: &str| {
        let who = crate::plan::Personal::from(who);
        let why = crate::plan::Personal::from("the console's report");
        format!("{who} at 2027-01-04T09:00:00Z: {why}")
    };
    for part in [
        "changes nothing before another one does".to_owned(),
        format!(
            "disks attested: decrypted, as of 2027-01-03T09:00:00Z, until 2027-02-03T09:00:00Z; by {}; by {}",
            signed("ann"),
            signed("bob")
        ),
        "what was attested of its disks taken back by".to_owned(),
    ] {
        assert!(told.contains(&part), "no `{part}` in {told}");
    }
    let host = attested();
    let set = host.plan.set_on_it();
    assert!(set.len() == 1 && set[0].contains(&signed("bob")), "{set:?}");
    // Without it only what the look says is told.
    assert_eq!(blocked().plan.set_on_it(), [""; 0]);
}

#[test]
fn the_second_signature_is_another_persons_and_says_the_same() {
    let host = blocked();
    let now_ms = host.now_ms;
    let first = says(&host, "ann").signed(None, now_ms, |_| None).unwrap();
    assert!(!first.counts());
    let refusal = |told: DiskAttestation, is_another: Option<bool>| {
        let refused = told.signed(Some(&first), now_ms, |_| is_another).unwrap_err();
        refused.to_string()
    };
    assert!(refusal(says(&host, "ann"), Some(false)).contains("another person's"));
    assert!(refusal(says(&host, "bob"), None).contains("was erased"));
    let other = DiskAttestation {
        says: DiskWord::KeysEscrowed,
        ..says(&host, "bob")
    };
    assert!(refusal(other, Some(true)).contains("said to be decrypted before"));
    // What rests on two days rests on the older, and ends with the earlier end.
    let second = DiskAttestation {
        rests_on_ms: first.rests_on_ms - DAY,
        until_ms: first.until_ms - DAY,
        ..says(&host, "bob")
    };
    let both = second.clone().signed(Some(&first), now_ms, |_| Some(true)).unwrap();
    assert!(both.counts());
    assert_eq!(
        (both.rests_on_ms, both.until_ms, both.signatures.len()),
        (second.rests_on_ms, second.until_ms, 2)
    );
    let third = says(&host, "eve").signed(Some(&both), now_ms, |_| Some(true));
    assert!(third.unwrap_err().to_string().contains("two people have attested"));
}

#[test]
fn it_rests_on_what_was_and_is_good_for_ninety_days() {
    let host = blocked();
    let told = |rests_on_ms: i64, until_ms: i64| {
        let told = DiskAttestation {
            rests_on_ms,
            until_ms,
            ..says(&host, "ann")
        };
        told.signed(None, host.now_ms, |_| None)
    };
    let (now_ms, longest) = (host.now_ms, 90 * DAY);
    assert!(told(now_ms, now_ms + longest).is_ok());
    assert!(
        told(now_ms + 1, now_ms + DAY)
            .unwrap_err()
            .to_string()
            .contains("to come")
    );
    let late = told(now_ms, now_ms + longest + 1).unwrap_err().to_string();
    assert!(late.contains("2027-04-04T09:00:00Z"), "{late}");
    // One whose end is past is refused where it would be noted.
    let mut host = blocked();
    let told = DiskAttestation {
        until_ms: host.now_ms,
        ..says(&host, "ann")
    };
    assert!(
        host.refusal(&Input::DisksAttested(told))
            .contains("ends before it begins")
    );
}
