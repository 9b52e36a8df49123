//! How much the next order of a host makes it fetch, where its line is limited.

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    ids::ProductId,
    verdict::HealthState,
};

use super::*;
use crate::{
    campaign::Rate,
    catalog::{Shelved, Source, files_to_come},
    rollout::{Fetches, LineUse},
    samples::{carrying, with_clamav},
};

const HOUR_MS: i64 = 3_600_000;

fn shelf(size: u64) -> Shelf {
    Shelf::new(vec![Shelved {
        product: ProductId::new("clamav"),
        version: format!("1.{size}"),
        systems: Vec::new(),
        artifact: ArtifactRef {
            sha256: ArtifactDigest::new([7; 32]),
            size,
            file_name: "clamav_1_amd64.deb".to_owned(),
            urls: Vec::new(),
        },
        bound_ms: 1,
    }])
}

/// At a site with a line of a megabit, which gets files of the server.
fn host() -> Host {
    let mut host = Host::of(samples::campaign(
        "[[site]]\nname = \"kiel\"\nbandwidth = \"1 Mbit/s\"\n[policy]\ngrace = \"0s\"\n",
    ));
    host.campaign.replacements[0].source = Some(Source::Artifacts);
    host.shelf = shelf(700);
    let known = Known {
        site: "kiel".to_owned(),
        ..Known::default()
    };
    host.send(Input::Described { known });
    host
}

fn issued(host: &Host) -> Vec<Fetches> {
    let of = |effect: &Effect| {
        if let Effect::IssueOrder { fetches, .. } = effect {
            Some(fetches.clone())
        } else {
            None
        }
    };
    host.effects.iter().filter_map(of).collect()
}

#[test]
fn a_host_at_a_limited_line_knows_what_its_order_will_fetch_and_the_order_says_until_when_it_counts() {
    let mut host = host();
    host.look(&carrying());
    assert_eq!(host.plan.fetches, 700);
    assert!(
        files_to_come(&host.plan, &host.campaign, &host.catalog, &host.shelf).is_empty(),
        "nothing is fetched ahead: it would not be counted"
    );
    host.start();
    let until_ms = host.now_ms + HOUR_MS;
    let expected = Fetches {
        bytes: 700,
        site: "kiel".to_owned(),
        until_ms,
        site_until_ms: until_ms,
    };
    assert_eq!(issued(&host), [expected]);
}

#[test]
fn a_start_whose_room_was_asked_for_another_file_is_asked_for_anew() {
    let mut host = host();
    host.look(&carrying());
    host.shelf = shelf(900);
    host.start();
    assert_eq!(host.plan.phase, Phase::Queued, "it needs more room than it was given");
    assert_eq!(host.plan.fetches, 900);
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
    assert_eq!(issued(&host).len(), 1);
}

#[test]
fn packages_that_come_by_name_weigh_what_the_campaign_says() {
    let mut host = host();
    (
        host.campaign.replacements[0].source,
        host.campaign.replacements[0].download,
    ) = (None, Some(350));
    host.look(&carrying());
    assert_eq!(host.plan.fetches, 350);
    // A host that has its replacement fetches nothing.
    let both = with_clamav(carrying(), HealthState::Healthy);
    host.look(&both);
    assert_eq!((host.plan.phase, host.plan.fetches), (Phase::Queued, 0));
}

#[test]
fn where_no_line_is_limited_nothing_is_written_of_it() {
    let mut host = Host::new();
    host.campaign.replacements[0].download = Some(350);
    host.look(&carrying());
    assert_eq!(host.plan.fetches, 0);
    // But an order says what it fetches, for limits that come while it is out.
    host.start();
    assert_eq!(issued(&host)[0].bytes, 350);
}

#[test]
fn a_host_that_waits_for_its_line_says_until_when() {
    let mut host = host();
    host.look(&carrying());
    let room_ms = host.now_ms + 60_000;
    let mut group = host.group();
    group
        .lines
        .sites
        .insert("kiel".to_owned(), LineUse::new(449_999_500, room_ms));
    let waits = waiting::why(&host.plan, &group, host.last_seen_ms, &host.campaign, host.now_ms).unwrap();
    assert_eq!(waits.until_ms(), Some(room_ms));
    let rate = Rate::parse("1 Mbit/s").unwrap();
    assert!(
        waits.text().contains(&format!("the line of site kiel carries {rate}")),
        "{}",
        waits.text()
    );
    group
        .lines
        .sites
        .insert("kiel".to_owned(), LineUse::new(449_999_300, room_ms));
    assert_eq!(
        waiting::hindrance(&host.plan, &group, host.last_seen_ms, &host.campaign, host.now_ms),
        None
    );
}
