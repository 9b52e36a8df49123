//! Hosts that went first and are not heard of any more: their places are kept, and a person can free them.

use super::{
    canaries::{fail, given_back, handed_over, queued, succeeded},
    *,
};
use crate::{
    campaign::FirstCanaries,
    plan::{Hold, HoldKind},
    rollout::Outcome,
    samples::replaced,
};

/// Held by an operator.
fn held() -> Input {
    Input::HoldPlaced(Hold {
        kind: HoldKind::Operator,
        who: "ann".into(),
        why: "its disk is ill".into(),
        until_ms: None,
    })
}

/// Tried again after a first attempt that failed, for which it keeps no places: what failed still counts against it.
fn tried_again(is_released: bool) -> Host {
    let mut host = queued();
    if is_released {
        host.send(Input::Approved { by: "ann".into() });
        fail(&mut host);
        host.send(held());
        host.send(Input::HoldLifted {
            kind: HoldKind::Operator,
            by: "ann".into(),
        });
    } else {
        // A version in which nobody went first.
        host.campaign.policy.first_canaries = FirstCanaries::Every(0);
        host.send(Input::CampaignChanged { assessment: None });
        fail(&mut host);
        host.campaign.policy.first_canaries = FirstCanaries::Every(5);
        host.send(Input::CampaignChanged { assessment: None });
        host.send(Input::Approved { by: "ann".into() });
    }
    host.pass(DAY).wake();
    host.look_again();
    host.effects.clear();
    host.start_and_fetch();
    assert_eq!(
        (host.plan.outcome, host.plan.first_places.len()),
        (Outcome::Failed, 4),
        "{}",
        host.told()
    );
    host
}

#[test]
fn one_that_is_not_heard_of_any_more_while_its_work_soaks_can_be_set_aside() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start_and_fetch();
    host.work();
    assert_eq!((host.plan.phase, host.plan.first_places.len()), (Phase::Verifying, 4));
    host.pass(60_000).look(&replaced());
    for _ in 0..9 {
        host.wake();
    }
    assert!(host.plan.stale, "{}", host.told());
    assert_eq!(host.plan.phase, Phase::Verifying);
    assert_eq!((host.plan.kept_places.len(), host.plan.first_places.len()), (4, 0));
    host.send(held());
    assert_eq!((given_back(&host).len(), host.plan.kept_places.len()), (4, 0));
    // It comes back, and all is well: a success as any other.
    host.confirm();
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(
        (
            succeeded(&host).len(),
            handed_over(&host).len(),
            given_back(&host).len()
        ),
        (4, 0, 4)
    );
}

#[test]
fn one_that_had_failed_before_it_took_places_keeps_them_too_when_it_is_not_heard_of_any_more() {
    for is_released in [false, true] {
        let mut host = tried_again(is_released);
        host.work();
        host.pass(60_000).look(&replaced());
        for _ in 0..9 {
            host.wake();
        }
        assert!(host.plan.stale, "{}", host.told());
        assert_eq!(host.plan.phase, Phase::Verifying);
        assert_eq!((host.plan.kept_places.len(), host.plan.first_places.len()), (4, 0));
        assert_eq!(given_back(&host), Vec::<String>::new(), "nobody decided about it");
        host.send(held());
        assert_eq!((given_back(&host).len(), host.plan.kept_places.len()), (4, 0));
    }
}

#[test]
fn places_of_one_that_was_silent_already_under_an_earlier_version_are_given_back_by_a_decision() {
    let mut host = tried_again(true);
    host.work();
    // As that version left it: nothing was said of its places.
    host.plan.stale = true;
    host.send(held());
    assert_eq!(
        (
            given_back(&host).len(),
            host.plan.kept_places.len(),
            host.plan.first_places.len()
        ),
        (4, 0, 0)
    );
}

#[test]
fn one_that_enrols_anew_amid_its_work_keeps_its_places_though_it_had_failed_before() {
    for is_done in [false, true] {
        let mut host = tried_again(true);
        if is_done {
            host.work();
        }
        host.send(Input::Enrolled {
            known: Known::default(),
        });
        assert_eq!(
            (host.plan.kept_places.len(), given_back(&host)),
            (4, Vec::new()),
            "{}",
            host.told()
        );
    }
}

#[test]
fn one_that_goes_stale_with_an_order_that_nobody_fetched_keeps_nothing() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.campaign.policy.stale_after = std::time::Duration::from_secs(60);
    host.start();
    host.wake();
    assert!(host.plan.stale && host.plan.order.is_some(), "{}", host.told());
    assert_eq!((host.plan.kept_places.len(), host.plan.first_places.len()), (0, 4));
    host.wake();
    assert_eq!((host.plan.kept_places.len(), given_back(&host).len()), (0, 4));
}
