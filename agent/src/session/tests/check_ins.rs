use std::time::Duration;

use super::world::World;
use crate::session::{Failure, WhyCheckIn};

#[test]
fn a_start_checks_in_at_once_and_then_when_the_server_said() {
    let mut world = World::new();
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::Start)));
    world.answered();
    assert_eq!(world.next_check_in(), Some((300, WhyCheckIn::Interval)));
    assert!(world.request().is_none(), "not before its time");
    world.pass_seconds(300);
    assert!(world.request().is_some());
}

#[test]
fn one_check_in_at_a_time() {
    let mut world = World::new();
    assert!(world.request().is_some());
    world.session.handle_nudge(world.now);
    world.pass_seconds(5);
    assert!(world.request().is_none(), "one is under way");
    world.fail(Failure::Unreachable("reset".into()));
    assert!(world.next_check_in().is_some());
}

#[test]
fn a_nudge_is_answered_at_once_also_when_it_came_during_a_check_in() {
    let mut world = World::settled();
    world.session.handle_nudge(world.now);
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::Nudge)));
    let request = world.request().unwrap();
    world.session.handle_nudge(world.now);
    let reply = world.reply_to(&request);
    world.reply(reply);
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::Nudge)));
}

#[test]
fn records_that_come_close_together_go_in_one_check_in() {
    let mut world = World::settled();
    world.session.handle_records(world.now);
    world.pass(Duration::from_millis(600));
    world.session.handle_records(world.now);
    assert!(world.request().is_none());
    world.pass(Duration::from_millis(400));
    assert!(world.request().is_some(), "a second after the first");
}

#[test]
fn failures_double_the_wait_up_to_a_bound_and_success_forgets_them() {
    let mut world = World::new();
    let mut waits = Vec::new();
    for _ in 0..12 {
        world.unreachable();
        let (seconds, why) = world.next_check_in().unwrap();
        assert_eq!(why, WhyCheckIn::Retry);
        waits.push(seconds);
        world.pass_seconds(seconds + 1);
    }
    assert!(waits[0] <= 2 && waits.iter().all(|wait| *wait <= 300), "{waits:?}");
    assert!(waits[8..].iter().all(|wait| *wait >= 150), "{waits:?}");
    assert_eq!(world.session.status(world.now).failures, 12);
    world.answered();
    assert_eq!(world.session.status(world.now).failures, 0);
    assert_eq!(world.session.status(world.now).last_failure, None);
}

#[test]
fn agents_with_different_seeds_come_back_at_different_times() {
    let wait = |seed| {
        let start = crate::session::Start {
            seed,
            ..super::world::start()
        };
        let mut world = World::starting(start);
        for _ in 0..8 {
            world.unreachable();
            world.pass_seconds(301);
        }
        world.unreachable();
        world.session.check_ins.poll().unwrap().0
    };
    assert_ne!(wait(1), wait(2));
    assert_eq!(wait(3), wait(3), "the same seed gives the same waits");
}

#[test]
fn what_happens_on_the_host_does_not_shorten_a_wait_but_a_nudge_does() {
    let mut world = World::settled();
    for _ in 0..6 {
        world.pass_seconds(301);
        world.unreachable();
    }
    world.session.handle_records(world.now);
    let (seconds, why) = world.next_check_in().unwrap();
    assert!(seconds > 20 && why == WhyCheckIn::Retry, "{seconds} {why}");
    world.session.handle_nudge(world.now);
    assert_eq!(world.next_check_in(), Some((0, WhyCheckIn::Nudge)));
}

#[test]
fn overload_only_delays_and_never_counts_as_a_failure() {
    let mut world = World::settled();
    for _ in 0..5 {
        world.pass_seconds(301);
        world.request().unwrap();
        world.fail(Failure::Overloaded {
            retry_after: Some(Duration::from_secs(40)),
        });
        let (seconds, why) = world.next_check_in().unwrap();
        assert!((40..=60).contains(&seconds), "{seconds}");
        assert_eq!(why, WhyCheckIn::Overload);
        world.session.handle_nudge(world.now);
        world.session.handle_records(world.now);
        assert!(
            world.next_check_in().unwrap().0 >= 40,
            "nothing shortens what the server asked for"
        );
    }
    let status = world.session.status(world.now);
    assert_eq!((status.failures, status.last_failure), (0, None));
}

#[test]
fn an_overloaded_server_that_names_no_time_or_an_absurd_one_is_given_a_bounded_wait() {
    for (asked, least, most) in [(None, 30, 45), (Some(10_000_000), 3600, 5400)] {
        let mut world = World::new();
        world.request().unwrap();
        let retry_after = asked.map(Duration::from_secs);
        world.fail(Failure::Overloaded { retry_after });
        let (seconds, _) = world.next_check_in().unwrap();
        assert!((least..=most).contains(&seconds), "{seconds}");
    }
}

#[test]
fn a_refused_host_goes_on_asking_ever_less_often() {
    let mut world = World::new();
    for _ in 0..20 {
        world.request().expect("due");
        world.fail(Failure::Refused("this key was revoked".into()));
        world.pass_seconds(3601);
    }
    world.request().expect("due");
    world.fail(Failure::Refused("this key was revoked".into()));
    let (seconds, _) = world.next_check_in().unwrap();
    assert!((1800..=3600).contains(&seconds), "{seconds}");
    let status = world.session.status(world.now);
    assert_eq!(status.last_failure.as_deref(), Some("this key was revoked"));
}

#[test]
fn a_reply_without_a_time_falls_back_to_settings_and_an_absurd_time_is_bounded() {
    let mut world = World::new();
    world.answered_with(|reply| reply.next_in_seconds = 0);
    assert_eq!(world.next_check_in().unwrap().0, 300);
    world.pass_seconds(300);
    world.answered_with(|reply| {
        reply.next_in_seconds = 0;
        reply.settings = Some(cutover_proto::v1::Settings {
            check_in_seconds: 90,
            look_seconds: 600,
            watch: false,
            addresses: Vec::new(),
        });
    });
    assert_eq!(world.next_check_in().unwrap().0, 90);
    world.pass_seconds(90);
    world.answered_with(|reply| reply.next_in_seconds = u32::MAX);
    assert_eq!(world.next_check_in().unwrap().0, 24 * 3600);
}

#[test]
fn a_duplicated_reply_changes_nothing() {
    let mut world = World::new();
    let request = world.request().unwrap();
    let mut reply = world.reply_to(&request);
    reply.work_order = Some(super::world::order(4));
    let once = world.reply(reply.clone());
    assert!(!once.is_empty());
    assert!(world.request().is_none());
    let before = world.session.status(world.now);
    assert!(world.reply(reply).is_empty());
    assert_eq!(world.session.status(world.now), before);
}
