use cutover_proto::v1;

use super::world::{World, order};
use crate::session::{Effect, Start};

fn asked(change: impl FnOnce(&mut v1::CheckInReply), mut world: World) -> Option<Effect> {
    world.pass_seconds(300);
    let effects = world.answered_with(|reply| {
        reply.leave = Some(v1::LeaveAsked {
            request_id: "r-1".to_owned(),
        });
        change(reply);
    });
    effects
        .into_iter()
        .find(|effect| matches!(effect, Effect::Leave { .. }))
}

#[test]
fn a_host_whose_newest_inventory_is_durable_leaves_when_it_is_asked() {
    let mut world = World::settled();
    world.pass_seconds(300);
    let request = world.answered();
    let left = asked(|_| (), world);
    let Some(Effect::Leave {
        request_id,
        inventory_digest,
    }) = left
    else {
        panic!("{left:?}");
    };
    assert_eq!(request_id, "r-1");
    assert_eq!(inventory_digest.to_vec(), request.inventory_digest);
}

#[test]
fn a_host_with_an_order_or_an_inventory_that_the_server_lacks_stays() {
    let with_order = asked(|reply| reply.work_order = Some(order(1)), World::settled());
    assert_eq!(with_order, None);
    let undurable = asked(|reply| reply.durable_inventory = vec![1; 32], World::settled());
    assert_eq!(undurable, None);
    let split = asked(|reply| reply.split = true, World::settled());
    assert_eq!(split, None);
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| reply.work_order = Some(order(1)));
    assert_eq!(asked(|_| (), world), None, "one is open");
}

#[test]
fn a_host_that_is_about_to_look_for_another_reason_than_the_time_stays_until_it_has() {
    let wanted = asked(|reply| reply.want_look = true, World::settled());
    assert_eq!(wanted, None);
    let mut world = World::settled();
    world.session.handle_packages_changed(world.now);
    assert_eq!(asked(|_| (), world), None, "what was installed may be a target");
}

#[test]
fn an_agent_that_cannot_leave_says_nothing_and_stays() {
    let mut world = World::starting(Start {
        can_leave: false,
        ..super::world::start()
    });
    world.look("a");
    assert!(!world.answered().can_leave);
    assert_eq!(asked(|_| (), world), None);
    let mut world = World::settled();
    world.pass_seconds(300);
    assert!(world.answered().can_leave);
}
