//! A target that comes back after it was replaced: tried again once, and then somebody has to find what puts it there.

use cutover_proto::verdict::Verdict;

use super::*;
use crate::{
    plan::Reason,
    samples::{carrying, inventory, replaced, with},
};

/// A host that was migrated, and on which the target came back, so many times.
fn after_returns(times: u32) -> Host {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    for nth in 1..=times {
        host.pass(DAY).look(&carrying());
        assert_eq!(host.plan.regressions, nth);
        if nth < times {
            host.migrate();
        }
    }
    host
}

#[test]
fn the_first_return_is_taken_away_again_and_the_second_is_a_persons() {
    assert_eq!(after_returns(1).plan.phase, Phase::Queued);
    let mut host = after_returns(2);
    assert_eq!(host.plan.phase, Phase::Handwork, "{}", host.told());
    let refused = host.refusal(&Input::Started {
        order_number: 9,
        epoch: 1,
    });
    assert!(refused.contains("only a queued plan starts"), "{refused}");
    let retry = host.refusal(&Input::Retried { by: "ops".into() });
    assert!(retry.contains("a person must act first"), "{retry}");
    // Looks that show the same change nothing.
    assert!(host.pass(HOUR).look(&carrying()).events.is_empty());
    assert_eq!(host.plan.order, None);
}

#[test]
fn what_is_known_of_who_put_it_back_is_named() {
    let host = after_returns(2);
    let reason = host.plan.reason.unwrap();
    let text = reason.text();
    assert!(text.starts_with("kesl"), "{text}");
    assert!(
        text.ends_with(
            "came back 2 times after it was replaced; klnagent64 is there and installs what its console tells it"
        ),
        "{text}"
    );
    assert!(
        reason.remedy().contains("the old console's tasks"),
        "{}",
        reason.remedy()
    );

    let mut alone = after_returns(1);
    alone.migrate();
    let mut inventory = with(inventory(), "kesl", Verdict::Running);
    if let Some(kesl) = inventory.sightings.last_mut() {
        kesl.upkeep = Some(cutover_proto::upkeep::Upkeep {
            installed_day: Some(20_820),
            ..Default::default()
        });
    }
    alone.pass(DAY).look(&inventory);
    let text = alone.plan.reason.as_ref().map(Reason::text).unwrap();
    assert_eq!(
        text,
        "kesl came back 2 times after it was replaced, installed on 2027-01-02; none of its management agents is there, so \
         something else installs it"
    );
}

#[test]
fn once_a_person_has_acted_it_is_removed_again_and_the_count_begins_anew() {
    let mut host = after_returns(2);
    host.send(Input::HandworkDone {
        by: "ops".into(),
        evidence: "task 12 of the console deleted".into(),
    });
    host.pass(60_000).look_again();
    host.pass(60_000).look_again();
    assert_eq!(
        (host.plan.phase, host.plan.rounds),
        (Phase::Queued, 0),
        "{}",
        host.told()
    );
    host.migrate();
    host.pass(DAY).look(&carrying());
    assert_eq!(
        (host.plan.phase, host.plan.regressions),
        (Phase::Queued, 3),
        "one more try"
    );
}

#[test]
fn where_it_goes_by_other_hands_that_is_verified_like_any_work() {
    let mut host = after_returns(2);
    host.pass(HOUR).look(&replaced());
    assert_eq!(host.plan.phase, Phase::Verifying);
}
