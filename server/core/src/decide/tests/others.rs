//! Work that others do: people, another management system, whoever makes an image.

use super::*;
use crate::{
    campaign::Mode,
    plan::{Origin, Pool},
    samples::{carrying, inventory, replaced},
};

#[test]
fn what_others_did_is_verified_and_marked_not_done_by_us() {
    let mut host = Host::new();
    host.look(&carrying());
    host.look(&replaced());
    assert_eq!(
        (host.plan.phase, host.plan.origin),
        (Phase::Verifying, Some(Origin::External))
    );
    assert!(host.told().contains("the target vanished, not done by us"));
    host.confirm();
    assert_eq!((host.plan.phase, host.plan.highest_order), (Phase::Migrated, 0));
}

#[test]
fn a_fleet_that_only_looks_is_followed_while_others_migrate_it() {
    let mut host = Host::new();
    host.campaign.mode = Mode::Observe;
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Planned);
    // Others remove it first, and install the replacement a day later.
    host.pass(DAY).look(&inventory());
    assert_eq!(host.plan.phase, Phase::Planned, "gone is not replaced");
    host.pass(DAY).look(&replaced());
    assert_eq!(
        (host.plan.phase, host.plan.origin),
        (Phase::Verifying, Some(Origin::External))
    );
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated);
    assert_eq!((host.plan.highest_order, host.plan.attempts_used), (0, 0));
    assert!(
        host.told()
            .contains("the work of others is to be verified, not done by us")
    );
}

fn of_others() -> Host {
    Host::of(samples::campaign(
        "[executor]\nname = \"intune\"\nowner = \"the endpoint team\"\nwithin = \"14d\"\n[policy]\ngrace = \"0s\"\n",
    ))
}

#[test]
fn work_that_others_do_waits_queued_with_owner_and_limit_and_ends_by_what_a_look_finds() {
    let mut host = of_others();
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued);
    let waiting = host.waiting().unwrap();
    assert_eq!(waiting.until_ms(), Some(host.plan.phase_since_ms + 14 * DAY));
    for part in ["intune", "the endpoint team"] {
        assert!(waiting.text().contains(part), "{}", waiting.text());
    }
    assert!(
        host.refusal(&Input::Started {
            order_number: 1,
            epoch: 1,
        })
        .contains("intune does the work")
    );
    host.pass(DAY).look(&inventory());
    assert_eq!(host.plan.phase, Phase::Queued, "gone is not replaced");
    host.pass(DAY).look(&replaced());
    assert_eq!(
        (host.plan.phase, host.plan.origin),
        (Phase::Verifying, Some(Origin::External))
    );
    host.confirm();
    assert_eq!((host.plan.phase, host.plan.highest_order), (Phase::Migrated, 0));
    assert!(host.told().contains("not done by us"));
}

fn of_a_pool() -> (Host, Pool) {
    let mut host = Host::of(samples::campaign("[policy]\ngrace = \"0s\"\n"));
    let pool = Pool {
        name: "call centre".to_owned(),
        owner: "the desktop team".to_owned(),
        within: std::time::Duration::from_secs(14 * 86_400),
    };
    host.send(Input::Pooled(pool.clone()));
    (host, pool)
}

#[test]
fn a_pool_waits_for_another_image_and_never_gets_an_order() {
    let (mut host, pool) = of_a_pool();
    let seq = host.plan.seq;
    host.send(Input::Pooled(pool));
    assert_eq!(host.plan.seq, seq, "said again it is no news");
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued);
    let waiting = host.waiting().unwrap();
    for part in ["another image for pool call centre", "the desktop team"] {
        assert!(waiting.text().contains(part), "{}", waiting.text());
    }
    let refused = host.refusal(&Input::Started {
        order_number: 1,
        epoch: 1,
    });
    assert!(
        refused.contains("another image for pool call centre does the work"),
        "{refused}"
    );
    host.pass(15 * DAY);
    let waiting = host.waiting().unwrap();
    assert!(waiting.remedy().contains("end the sessions"), "{}", waiting.remedy());
    host.pass(DAY).look(&replaced());
    host.confirm();
    assert_eq!((host.plan.phase, host.plan.highest_order), (Phase::Migrated, 0));
    assert!(host.told().contains("stands for all machines of pool call centre"));
}

#[test]
fn others_that_are_late_are_named_to_an_operator_and_need_no_recipe_of_ours() {
    let mut host = of_others();
    let mut unpackaged = carrying();
    for sighting in &mut unpackaged.sightings {
        sighting.evidence.clear();
    }
    host.look(&unpackaged);
    assert_eq!(host.plan.phase, Phase::Queued);
    assert_eq!(host.waiting().unwrap().owner(), crate::plan::Owner::Server);
    host.pass(14 * DAY).look(&unpackaged);
    assert_eq!(host.plan.phase, Phase::Queued, "a limit that passed moves nobody");
    let waiting = host.waiting().unwrap();
    assert_eq!(waiting.owner(), crate::plan::Owner::Operator);
    assert!(waiting.text().contains("no look shows it"), "{}", waiting.text());
    assert!(
        waiting.remedy().contains("ask the endpoint team"),
        "{}",
        waiting.remedy()
    );
}
