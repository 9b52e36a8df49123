//! A target that comes back after it was replaced: tried again once, and then somebody has to find what puts it there.

use cutover_proto::{
    placed::{Placed, PlacedBy, PlacedRecord, PlacedTrace},
    upkeep::Upkeep,
    verdict::Verdict,
};

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
            "came back 2 times after it was replaced; put back by: Kaspersky Security Center (likely: klnagent64 is there and \
             installs what its console tells it)"
        ),
        "{text}"
    );
    assert!(
        reason.remedy().contains("stop its installation tasks"),
        "{}",
        reason.remedy()
    );

    let mut alone = after_returns(1);
    alone.migrate();
    let mut inventory = with(inventory(), "kesl", Verdict::Running);
    if let Some(kesl) = inventory.sightings.last_mut() {
        kesl.upkeep = Some(Upkeep {
            installed_day: Some(20_820),
            ..Default::default()
        });
    }
    alone.pass(DAY).look(&inventory);
    let text = alone.plan.reason.as_ref().map(Reason::text).unwrap();
    assert_eq!(
        text,
        "kesl came back 2 times after it was replaced, installed on 2027-01-02; put back by: unknown (no record of the \
         installation told anything, and nothing that installs software was seen)"
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

/// As `kesl` is there again by a call of apt, of which nobody knows who made it.
fn by_apt(by: PlacedBy) -> Inventory {
    let mut inventory = with(inventory(), "kesl", Verdict::Running);
    if let Some(kesl) = inventory.sightings.last_mut() {
        kesl.upkeep = Some(Upkeep {
            placed: Some(Placed {
                traces: vec![PlacedTrace {
                    record: PlacedRecord::AptHistory,
                    what: "apt-get install kesl".into(),
                    by: Some(by),
                    day: None,
                }],
                deployers: vec!["puppet".into()],
            }),
            ..Default::default()
        });
    }
    inventory
}

#[test]
fn each_return_is_kept_told_and_explained_with_what_is_held_to_have_made_it() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    host.effects.clear();
    host.pass(DAY).look(&by_apt(PlacedBy::Person));
    let named = "put back by: apt: `apt-get install kesl` by a person (recorded: ";
    let is_told = |effect: &Effect| matches!(effect, Effect::Alarm { text, .. } if text.contains(named));
    assert!(host.effects.iter().any(is_told));
    let chain = history::why_chain(&host.plan, &host.events, None);
    assert!(chain[0].contains(named), "{chain:?}");
    // What a later look tells is no part of what was known then.
    host.pass(HOUR).look(&by_apt(PlacedBy::System));
    let chain = history::why_chain(&host.plan, &host.events, None);
    assert!(chain[0].contains(named), "{chain:?}");
}

#[test]
fn events_and_reasons_of_before_suspects_are_read_as_they_were() {
    let event = r#"{"at_ms":5,"fact":"regressed","products":["kesl"]}"#;
    let event: Event = serde_json::from_str(event).unwrap();
    assert_eq!(history::line(&event), "regression: kesl came back");
    let reason = r#"{"kind":"came-back","products":["kesl"],"times":2,"agents":[]}"#;
    let reason: Reason = serde_json::from_str(reason).unwrap();
    assert!(reason.text().ends_with("so something else installs it"));
    assert!(reason.remedy().contains("the old console's tasks"));
}
