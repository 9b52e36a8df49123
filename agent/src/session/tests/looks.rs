use super::world::{World, inventory};
use crate::session::{Wake, WhyCheckIn, WhyLook};

fn due(world: &World) -> Option<(u64, WhyLook)> {
    let open = world.session.order().is_some();
    let (at, why) = world.session.looks.poll(open)?;
    Some((at.since(world.now).as_secs(), why))
}

#[test]
fn a_start_looks_at_once_and_then_every_interval_with_its_spread() {
    let mut world = World::new();
    assert_eq!(due(&world), Some((0, WhyLook::Start)));
    world.look("a");
    let (seconds, why) = due(&world).unwrap();
    assert_eq!(why, WhyLook::Interval);
    assert!((12_960..=15_840).contains(&seconds), "{seconds}");
}

#[test]
fn the_interval_of_looks_is_the_servers() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| {
        reply.want_look = true;
        reply.settings = Some(cutover_proto::v1::Settings {
            check_in_seconds: 300,
            look_seconds: 100,
            watch: false,
            addresses: Vec::new(),
        });
    });
    world.look("a");
    let (seconds, _) = due(&world).unwrap();
    assert!((90..=110).contains(&seconds), "{seconds}");
}

#[test]
fn a_wanted_look_is_made_at_once_and_told_at_once_though_nothing_changed() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| reply.want_look = true);
    assert_eq!(due(&world), Some((0, WhyLook::Wanted)));
    world.pass_seconds(10);
    assert!(!world.look("a"));
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::Inventory)));
    let looked_at_ms = world.session.trusted().now_ms(world.now);
    let request = world.answered();
    assert!(request.inventory.is_none());
    assert_eq!(request.looked_at_ms, looked_at_ms);
}

/// What verifying waits for may not come for hours: a check that fails, signatures that are still on their way.
#[test]
fn a_look_that_is_wanted_again_and_again_is_made_ever_less_often_until_none_is_wanted() {
    let mut world = World::settled();
    world.pass_seconds(300);
    let wanted = |world: &mut World| {
        world.answered_with(|reply| reply.want_look = true);
        let (seconds, why) = due(world).unwrap();
        assert_eq!(why, WhyLook::Wanted);
        world.pass_seconds(seconds);
        assert!(!world.look("a"));
        seconds
    };
    let waits: Vec<u64> = (0..13).map(|_| wanted(&mut world)).collect();
    assert_eq!(waits, [0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
    world.answered();
    world.pass_seconds(300);
    assert_eq!(wanted(&mut world), 0);
}

#[test]
fn a_look_that_had_begun_before_it_was_wanted_does_not_count() {
    let mut world = World::settled();
    world.session.handle_packages_changed(world.now);
    world.pass_seconds(300);
    assert_eq!(world.session.begin_look(world.now), Some(WhyLook::Packages));
    world.answered_with(|reply| reply.want_look = true);
    assert!(world.session.handle_look(inventory("a", 7), world.now).is_none());
    assert_eq!(world.next_check_in().unwrap().1, WhyCheckIn::Interval);
    assert_eq!(due(&world), Some((0, WhyLook::Wanted)));
}

#[test]
fn a_package_database_is_looked_at_once_it_is_quiet() {
    let mut world = World::settled();
    for _ in 0..10 {
        world.session.handle_packages_changed(world.now);
        world.pass_seconds(3);
        assert!(world.session.begin_look(world.now).is_none());
    }
    world.pass_seconds(2);
    assert_eq!(world.session.begin_look(world.now), Some(WhyLook::Packages));
}

#[test]
fn while_an_order_is_open_only_what_cannot_wait_is_looked_at() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| reply.work_order = Some(super::world::order(1)));
    world.session.handle_packages_changed(world.now);
    world.pass_seconds(20_000);
    assert_eq!(due(&world), None);
    world.session.looks.want(world.now);
    assert_eq!(due(&world), Some((0, WhyLook::Wanted)));
    world.look("a");
    world.session.handle_order_ended(world.now);
    assert_eq!(due(&world), Some((0, WhyLook::OrderEnded)));
}

#[test]
fn new_rules_are_judged_by_a_look() {
    let mut world = World::settled();
    world.session.handle_rules(2, vec![], world.now);
    assert_eq!(world.next_wake(), Some(Wake::Look(WhyLook::Rules)));
    assert_eq!(world.session.rules_revision(), 2);
}
