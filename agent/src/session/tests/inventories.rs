use cutover_proto::envelope;

use super::world::{SERVER_MS, World, inventory, signed, start};
use crate::session::{Effect, Start, WhyCheckIn};

#[test]
fn an_inventory_goes_once_and_its_digest_always() {
    let mut world = World::new();
    let first = world.request().unwrap();
    assert!(
        first.inventory.is_none() && first.inventory_digest.is_empty(),
        "no look has ended yet"
    );
    let reply = world.reply_to(&first);
    world.reply(reply);

    assert!(world.look("a"), "the first look is news");
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::Inventory)));
    let second = world.answered();
    let sent = second.inventory.expect("it says something new");
    assert_eq!(second.inventory_digest, envelope::digest(&sent));

    world.pass_seconds(300);
    let third = world.answered();
    assert!(third.inventory.is_none(), "the server has it");
    assert_eq!(third.inventory_digest, second.inventory_digest);
}

#[test]
fn a_lost_reply_costs_one_repetition_of_the_same_bytes() {
    let mut world = World::new();
    world.look("a");
    let lost = world.request().unwrap();
    world.fail(crate::session::Failure::Unreachable("timed out".into()));
    world.pass_seconds(3);
    let again = world.answered();
    assert!(lost.inventory.is_some());
    assert_eq!(lost.inventory, again.inventory);
    assert_eq!(world.next_check_in().unwrap().1, WhyCheckIn::Interval);
}

#[test]
fn a_look_that_says_the_same_confirms_without_sending() {
    let mut world = World::settled();
    let before = world.session.status(world.now).looked_at_ms.unwrap();
    world.pass_seconds(5 * 3600);
    world.answered_with(|reply| reply.server_time_ms = SERVER_MS + 5 * 3_600_000);
    assert!(!world.look("a"));
    assert_eq!(
        world.next_check_in().unwrap().1,
        WhyCheckIn::Interval,
        "nobody has to know at once"
    );
    world.pass_seconds(300);
    let request = world.answered();
    assert!(request.inventory.is_none());
    assert!(request.looked_at_ms > before);
}

#[test]
fn a_server_that_asks_gets_the_inventory_at_once_but_only_once_per_interval() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| reply.want_inventory = true);
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::SendAgain)));
    let request = world.request().unwrap();
    assert!(request.inventory.is_some());
    let mut reply = world.reply_to(&request);
    reply.want_inventory = true;
    world.reply(reply);
    assert_eq!(
        world.next_check_in().unwrap().0,
        300,
        "a server that never has enough makes no storm"
    );
}

#[test]
fn a_restored_server_gets_everything_again() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.epoch = "e2".into();
    let effects = world.answered_with(|reply| reply.durable_inventory.clear());
    let marks = Effect::TakeMarks {
        store_epoch: "e2".into(),
        durable: vec![],
    };
    assert_eq!(effects[0], marks);
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::SendAgain)));
    let request = world.answered();
    assert!(request.inventory.is_some());
    assert_eq!(request.store_epoch, "e2");
    assert_eq!(world.next_check_in().unwrap().0, 300);
}

#[test]
fn a_durable_inventory_that_went_back_is_sent_again_without_a_new_epoch() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| reply.durable_inventory = vec![9; 32]);
    let request = world.answered();
    assert!(request.inventory.is_some());
}

#[test]
fn a_restarted_agent_first_asks_whether_the_server_still_has_its_inventory() {
    let said = inventory("a", 5);
    let kept = signed(&said);
    let restarted = || {
        World::starting(Start {
            inventory: Some((said.clone(), kept.clone())),
            ..start()
        })
    };

    let mut world = restarted();
    let request = world.answered();
    assert!(request.inventory.is_none());
    assert_eq!(request.inventory_digest, envelope::digest(&kept));
    assert_eq!(world.next_check_in().unwrap().1, WhyCheckIn::Interval);

    let mut world = restarted();
    world.answered_with(|reply| reply.durable_inventory.clear());
    assert_eq!(world.answered().inventory, Some(kept.clone()));
}

#[test]
fn a_change_during_a_check_in_goes_with_the_next_one() {
    let mut world = World::new();
    world.look("a");
    let request = world.request().unwrap();
    let news = world.session.handle_sight(inventory("b", 9), world.now).expect("news");
    let envelope = signed(&news);
    world.session.handle_signed(news, envelope.clone(), world.now);
    let reply = world.reply_to(&request);
    world.reply(reply);
    assert_eq!(world.answered().inventory, Some(envelope));
}

#[test]
fn durable_is_told_only_for_an_inventory_that_a_look_of_this_start_confirmed() {
    let said = inventory("a", 5);
    let kept = signed(&said);
    let mut world = World::starting(Start {
        inventory: Some((said, kept)),
        ..start()
    });
    let effects = world.answered_with(|_| ());
    assert!(
        !effects.contains(&Effect::InventoryDurable),
        "nothing was looked at yet"
    );
    assert!(!world.look("a"));
    world.pass_seconds(300);
    assert!(world.answered_with(|_| ()).contains(&Effect::InventoryDurable));
    world.pass_seconds(300);
    let lacking = world.answered_with(|reply| reply.durable_inventory.clear());
    assert!(!lacking.contains(&Effect::InventoryDurable));
}
