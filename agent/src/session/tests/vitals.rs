use cutover_proto::v1;

use super::world::World;
use crate::session::Failure;

fn free(mib: u64) -> v1::Vitals {
    v1::Vitals {
        free_disk_mib: Some(mib),
        on_battery: Some(true),
        ..v1::Vitals::default()
    }
}

/// What a check-in of now says of them, and is answered.
fn told(world: &mut World) -> Option<v1::Vitals> {
    world.session.handle_nudge(world.now);
    world.answered().vitals
}

#[test]
fn vitals_go_once_and_again_when_they_cross_a_threshold_or_an_answer_was_lost() {
    let mut world = World::settled();
    assert_eq!(told(&mut world), None, "nothing was read yet");
    world.session.handle_vitals(free(8192));
    world.session.handle_nudge(world.now);
    assert_eq!(world.request().unwrap().vitals, Some(free(8192)));
    world.fail(Failure::Unreachable("reset".into()));
    assert_eq!(told(&mut world), Some(free(8192)), "nobody answered");
    world.session.handle_vitals(free(8192));
    assert_eq!(told(&mut world), None, "the server has them");
    assert_eq!(told(&mut world), None);
    world.session.handle_vitals(free(4096));
    assert_eq!(told(&mut world), Some(free(4096)));
}

#[test]
fn a_restored_server_hears_them_again() {
    let mut world = World::settled();
    world.session.handle_vitals(free(8192));
    told(&mut world);
    world.epoch = "e2".into();
    assert_eq!(told(&mut world), None);
    assert_eq!(world.request().unwrap().vitals, Some(free(8192)), "at once");
}
