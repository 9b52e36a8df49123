use std::time::Duration;

use super::world::{DAY_MS, HOST_MS, SERVER_MS, World, inventory, server_key, signed, start};
use crate::session::{Start, Ticks, TrustedTime, Validity, Wake};

#[test]
fn trusted_time_is_the_last_server_time_plus_what_the_monotonic_clock_counted() {
    let mut world = World::new();
    assert_eq!(world.session.trusted().now_ms(world.now), HOST_MS);
    assert!(!world.session.status(world.now).time_from_server);
    world.answered();
    world.pass_seconds(90);
    assert_eq!(world.session.trusted().now_ms(world.now), SERVER_MS + 90_000);
    assert!(world.session.status(world.now).time_from_server);
}

#[test]
fn a_clock_that_jumps_moves_no_check_in() {
    let mut world = World::settled();
    world.pass_seconds(300);
    let before = world.session.poll_timeout(world.now);
    assert!(before.is_some());
    world.answered_with(|reply| reply.server_time_ms = SERVER_MS + 10 * DAY_MS);
    assert_eq!(world.next_check_in().unwrap().0, 300);
    world.pass_seconds(300);
    world.answered_with(|reply| reply.server_time_ms = SERVER_MS - 10 * DAY_MS);
    assert_eq!(world.next_check_in().unwrap().0, 300);
    assert_eq!(world.session.trusted().now_ms(world.now), SERVER_MS - 10 * DAY_MS);
}

/// Looks are ordered by their time, so one clock has to be behind them all.
#[test]
fn a_look_of_before_the_first_reply_is_dated_by_the_servers_time_once_that_is_known() {
    for own_clock_ahead_ms in [3 * DAY_MS, -3 * DAY_MS, 0] {
        let host_ms = SERVER_MS + own_clock_ahead_ms;
        let mut world = World::starting(Start { host_ms, ..start() });
        world.look("a");
        world.pass_seconds(20);
        let first = world.answered();
        assert_eq!(
            (first.looked_at_ms, first.host_clock_ms),
            (host_ms, Some(host_ms + 20_000))
        );
        world.pass_seconds(300);
        let next = world.answered();
        assert_eq!((next.looked_at_ms, next.host_clock_ms), (SERVER_MS - 20_000, None));
    }
}

#[test]
fn a_look_that_began_before_the_first_reply_and_ended_after_it_is_dated_by_the_servers_time() {
    let host_ms = SERVER_MS + 3 * DAY_MS;
    for is_news in [true, false] {
        let mut world = World::starting(Start { host_ms, ..start() });
        if !is_news {
            world.look("a");
        }
        world.answered();
        world.pass_seconds(2);
        let seen = inventory("a", host_ms - 1_000);
        match world.session.handle_sight(seen, world.now) {
            Some(news) => {
                let envelope = signed(&news);
                world.session.handle_signed(news, envelope, world.now);
            }
            None => assert!(!is_news),
        }
        world.pass_seconds(300);
        assert_eq!(world.answered().looked_at_ms, SERVER_MS - 1_000, "{is_news}");
    }
}

#[test]
fn readings_that_go_back_never_underflow() {
    let trusted = TrustedTime::from_server(1_000, Ticks(500));
    assert_eq!(trusted.now_ms(Ticks(400)), 1_000);
    assert_eq!(Ticks(5).since(Ticks(9)), Duration::ZERO);
    assert_eq!(trusted.ticks_at(0, Ticks(600)), Ticks(600), "what is past is due now");
    assert_eq!(trusted.ticks_at(1_200, Ticks(600)), Ticks(700));
}

#[test]
fn a_certificate_is_renewed_from_two_thirds_of_its_life_on() {
    let validity = Validity {
        from_ms: 0,
        to_ms: 90 * DAY_MS,
    };
    assert_eq!(validity.renew_at_ms(), 60 * DAY_MS);

    let mut world = World::settled();
    assert!(!world.session.begin_renewal(world.now));
    world.pass(Duration::from_millis(u64::try_from(59 * DAY_MS).unwrap()));
    assert!(world.session.begin_renewal(world.now));
    assert!(!world.session.begin_renewal(world.now), "one at a time");
    world.session.handle_renewed(
        Validity {
            from_ms: SERVER_MS,
            to_ms: SERVER_MS + 200 * DAY_MS,
        },
        vec![server_key().public().clone()],
        world.now,
    );
    assert!(!world.session.begin_renewal(world.now));
    assert_eq!(world.next_check_in().unwrap().0, 0, "the new key is shown at once");
}

#[test]
fn a_server_can_ask_for_a_renewal_and_a_failed_one_is_tried_again_later() {
    let mut world = World::settled();
    world.pass_seconds(300);
    world.answered_with(|reply| reply.renew = true);
    assert_eq!(world.next_wake(), Some(Wake::Renew));
    assert!(world.session.begin_renewal(world.now));
    world.session.handle_renewal_failed(world.now);
    assert!(!world.session.begin_renewal(world.now));
    world.pass_seconds(3);
    assert!(world.session.begin_renewal(world.now));
}

#[test]
fn clocks_that_disagree_about_a_new_certificate_make_no_storm_of_renewals() {
    let past = Validity {
        from_ms: 0,
        to_ms: DAY_MS,
    };
    let mut world = World::starting(Start {
        validity: past,
        ..start()
    });
    assert!(world.session.begin_renewal(world.now));
    world
        .session
        .handle_renewed(past, vec![server_key().public().clone()], world.now);
    world.pass_seconds(3599);
    assert!(!world.session.begin_renewal(world.now));
    world.pass_seconds(1);
    assert!(world.session.begin_renewal(world.now));
}

#[test]
fn an_expired_certificate_is_renewed_before_the_first_reply() {
    let validity = Validity {
        from_ms: HOST_MS - 90 * DAY_MS,
        to_ms: HOST_MS - DAY_MS,
    };
    let world = World::starting(Start { validity, ..start() });
    assert_eq!(world.next_wake(), Some(Wake::Renew));
}
