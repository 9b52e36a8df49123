//! The way to the server: addresses, HTTP/2 and POST, who stood in between, sleep.

use cutover_proto::v1;

use super::world::{World, place, start};
use crate::session::{Failure, Start, Wake, Way, WhyCheckIn};

/// A session that knows these addresses, with its first check-in and look behind it.
fn knowing(addresses: &[&str]) -> World {
    let places = addresses.iter().map(|address| place(address)).collect();
    let mut world = World::starting(Start { places, ..start() });
    world.look("a");
    world.answered();
    world
}

/// Waits for the next check-in and lets it fail so.
fn fails(world: &mut World, failure: Failure) {
    wait(world);
    world.request().expect("due");
    world.fail(failure);
}

/// Waits for the next check-in and lets it be answered; gives the way that it went.
fn answered(world: &mut World) -> Way {
    wait(world);
    let request = world.request().expect("due");
    let way = world.session.heading().way;
    let reply = world.reply_to(&request);
    world.reply(reply);
    way
}

fn wait(world: &mut World) {
    let (seconds, _) = world.next_check_in().expect("one comes");
    world.pass_seconds(seconds + 1);
}

fn cut() -> Failure {
    Failure::Cut("the stream was reset".into())
}

fn way(world: &World) -> Way {
    world.session.heading().way
}

fn said(world: &mut World) -> v1::NetworkPath {
    wait(world);
    let request = world.request().expect("due");
    let said = request.condition.clone().unwrap().network.unwrap();
    let reply = world.reply_to(&request);
    world.reply(reply);
    said
}

#[test]
fn three_cuts_in_a_row_lead_to_post_and_a_server_that_is_away_does_not() {
    let mut world = knowing(&["a"]);
    for _ in 0..20 {
        fails(&mut world, Failure::Unreachable("refused".into()));
    }
    assert_eq!(way(&world), Way::Http2);
    fails(&mut world, cut());
    fails(&mut world, cut());
    answered(&mut world);
    fails(&mut world, cut());
    fails(&mut world, cut());
    assert_eq!(way(&world), Way::Http2, "an answer in between starts the count anew");
    fails(&mut world, cut());
    assert_eq!(way(&world), Way::Post);
    assert_eq!(answered(&mut world), Way::Post);
    let network = said(&mut world);
    assert_eq!((network.way(), network.address.as_str()), (v1::Way::Post, "a"));
    assert_eq!(world.session.status(world.now).way.as_deref(), Some("post"));
}

/// One that goes by POST.
fn fallen_back() -> World {
    let mut world = knowing(&["a"]);
    for _ in 0..3 {
        fails(&mut world, cut());
    }
    answered(&mut world);
    world
}

#[test]
fn where_post_does_not_come_through_either_both_are_tried_in_turn() {
    let mut world = knowing(&["a"]);
    let mut ways = Vec::new();
    for _ in 0..7 {
        fails(&mut world, cut());
        ways.push(way(&world));
    }
    use Way::{Http2, Post};
    assert_eq!(ways, [Http2, Http2, Post, Http2, Post, Http2, Post]);
}

#[test]
fn the_way_back_is_tried_at_growing_intervals_and_taken_once_it_is_open() {
    let mut world = fallen_back();
    let mut tries = Vec::new();
    for minute in 0..(24 * 60) {
        if world.next_check_in().is_some_and(|(seconds, _)| seconds == 0) {
            let request = world.request().expect("due");
            if way(&world) == Way::Http2 {
                tries.push(minute);
                world.fail(cut());
                assert_eq!(way(&world), Way::Post, "the next goes by POST again");
            } else {
                let reply = world.reply_to(&request);
                world.reply(reply);
            }
        }
        world.pass_seconds(60);
    }
    assert!((5..=12).contains(&tries.len()), "{tries:?}");
    let gaps: Vec<i32> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.first() < gaps.last(), "{tries:?}");
    assert!(gaps.iter().all(|gap| *gap <= 300), "{tries:?}");

    // From here on it is open.
    while answered(&mut world) == Way::Post {}
    assert_eq!(answered(&mut world), Way::Http2);
    assert_eq!(world.session.status(world.now).back_to_http2_ms, None);
}

#[test]
fn a_network_that_was_gone_may_be_another_one_so_http2_is_tried_at_once() {
    let mut world = fallen_back();
    fails(&mut world, Failure::Unreachable("no route".into()));
    wait(&mut world);
    world.request().expect("due");
    assert_eq!(way(&world), Way::Http2);
    // Still none: nothing is concluded from that.
    world.fail(Failure::Unreachable("no route".into()));
    assert_eq!(answered(&mut world), Way::Http2);
}

#[test]
fn busy_and_refusing_servers_are_reached() {
    let mut world = knowing(&["a"]);
    for _ in 0..3 {
        fails(&mut world, cut());
        fails(&mut world, cut());
        fails(&mut world, Failure::Overloaded { retry_after: None });
        fails(&mut world, cut());
        fails(&mut world, cut());
        fails(&mut world, Failure::Refused("revoked".into()));
    }
    assert_eq!(way(&world), Way::Http2);
}

#[test]
fn no_stream_is_held_while_calls_go_by_post() {
    let mut world = knowing(&["a"]);
    wait(&mut world);
    world.answered_with(|reply| {
        reply.settings = Some(v1::Settings {
            watch: true,
            look_seconds: 600,
            ..Default::default()
        });
    });
    assert!(world.session.may_watch());
    for _ in 0..3 {
        fails(&mut world, cut());
    }
    assert!(!world.session.may_watch());
}

#[test]
fn the_address_that_works_is_kept_and_a_better_one_is_returned_to() {
    let mut world = knowing(&["inside", "outside", "enrolled"]);
    assert_eq!(world.session.heading().address, "inside");
    world.session.handle_reached("outside", world.now);
    answered(&mut world);
    assert_eq!(world.session.heading().address, "outside", "the one that works is kept");
    let mut tries = 0;
    for _ in 0..(24 * 60) {
        world.pass_seconds(60);
        let better = world.session.begin_better(world.now);
        if !better.is_empty() {
            assert_eq!(better, ["inside"]);
            tries += 1;
            assert!(
                world.session.begin_better(world.now).is_empty(),
                "one such look at a time"
            );
            world.session.handle_better(None, world.now);
        }
    }
    assert!((15..=40).contains(&tries), "{tries}");
    while world.session.begin_better(world.now).is_empty() {
        world.pass_seconds(60);
    }
    world.session.handle_better(Some("inside"), world.now);
    assert_eq!(world.session.heading().address, "inside");
    assert_eq!(
        world.next_check_in().unwrap().0,
        0,
        "whether it does more than answer is shown at once"
    );
    assert_eq!(world.session.status(world.now).better_address_ms, None);
}

#[test]
fn a_better_address_is_looked_for_by_a_wake_of_its_own() {
    let mut world = knowing(&["inside", "outside"]);
    world.session.handle_reached("outside", world.now);
    let mut wakes = Vec::new();
    for _ in 0..10 {
        let (at, wake) = world.session.poll_timeout(world.now).unwrap();
        world.now = world.now.max(at);
        wakes.push(wake);
        match wake {
            Wake::Better => {
                world.session.begin_better(world.now);
                world.session.handle_better(None, world.now);
            }
            Wake::CheckIn(_) => drop(world.answered()),
            Wake::Look(_) => drop(world.look("a")),
            Wake::Renew => panic!("not due"),
        }
    }
    assert!(wakes.contains(&Wake::Better), "{wakes:?}");
}

#[test]
fn an_address_that_is_reached_and_brings_nothing_gives_way_to_the_next() {
    let mut world = knowing(&["broken", "good"]);
    fails(&mut world, cut());
    assert_eq!(world.session.heading().address, "good");
    world.session.handle_reached("good", world.now);
    assert_eq!(answered(&mut world), Way::Http2);
    assert_eq!(world.session.heading().address, "good");
}

#[test]
fn another_list_keeps_the_address_in_use_and_tries_the_better_ones_soon() {
    let mut world = knowing(&["enrolled"]);
    let list = ["inside", "outside", "enrolled"].map(place);
    world.session.handle_places(list.to_vec(), world.now);
    assert_eq!(world.session.heading().address, "enrolled");
    world.pass_seconds(31);
    assert_eq!(world.session.begin_better(world.now), ["inside", "outside"]);
    world.session.handle_better(Some("outside"), world.now);
    assert_eq!(world.session.heading().address, "outside");
    // One that is gone from the list is left.
    world.session.handle_places(vec![place("new")], world.now);
    assert_eq!(world.session.heading().address, "new");
}

#[test]
fn a_server_hands_out_a_bounded_list() {
    let mut world = World::new();
    let effects = world.answered_with(|reply| {
        reply.settings = Some(v1::Settings {
            addresses: vec!["a:1".into(); 40],
            look_seconds: 600,
            ..Default::default()
        });
    });
    let handed = effects.iter().find_map(|effect| {
        let crate::session::Effect::TakeAddresses(addresses) = effect else {
            return None;
        };
        Some(addresses.len())
    });
    assert_eq!(handed, Some(16));
}

#[test]
fn who_inspected_tls_is_told_once_somebody_gets_through() {
    let mut world = knowing(&["a"]);
    assert_eq!(said(&mut world).intercepted_by, "");
    let by = "CN=An inspecting authority".to_owned();
    for _ in 0..5 {
        let why = format!("somebody inspects TLS by `{by}`");
        fails(&mut world, Failure::Intercepted { by: by.clone(), why });
    }
    assert_eq!(way(&world), Way::Http2, "POST would be inspected as well");
    let status = world.session.status(world.now);
    assert_eq!(status.intercepted_by.as_deref(), Some(by.as_str()));
    assert!(status.last_failure.unwrap().contains(&by));
    assert_eq!(said(&mut world).intercepted_by, by);
}

#[test]
fn a_machine_that_slept_checks_in_soon_and_a_clock_that_runs_on_does_not_matter() {
    let mut world = World::settled();
    let host_ms = 1_000_000_000;
    assert!(!world.session.handle_clocks(host_ms, world.now));
    world.pass_seconds(20);
    assert!(!world.session.handle_clocks(host_ms + 20_900, world.now));
    for _ in 0..6 {
        fails(&mut world, Failure::Unreachable("no route".into()));
    }
    let before = world.next_check_in().unwrap().0;
    assert!(before > 20, "{before}");
    // Eight hours by the one clock, seconds by the other.
    assert!(world.session.handle_clocks(host_ms + 8 * 3600 * 1000, world.now));
    let (seconds, why) = world.next_check_in().unwrap();
    assert!(seconds <= 5 && why == WhyCheckIn::Awake, "{seconds} {why}");
    // A clock that is set back is no sleep.
    assert!(!world.session.handle_clocks(host_ms, world.now));
}

#[test]
fn a_sleep_does_not_shorten_what_an_overloaded_server_asked_for() {
    let mut world = World::settled();
    world.session.handle_clocks(0, world.now);
    let retry_after = Some(std::time::Duration::from_secs(600));
    fails(&mut world, Failure::Overloaded { retry_after });
    assert!(world.session.handle_clocks(86_400_000, world.now));
    assert!(world.next_check_in().unwrap().0 >= 590);
}
