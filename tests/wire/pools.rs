//! Machines that come and go from one image.

use cutover_core::plan::Phase;
use cutover_proto::{ids::HostId, inventory::Inventory};
use cutover_server::service::{Caller, HostFilter, NewToken, PoolImage};

use crate::{inventories, machine::Machine, server::Server};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const POOL: &str = "call-centre";

async fn record(server: &Server) -> HostId {
    let detail = server.service().host(POOL.to_owned()).await.unwrap();
    detail.row.host_id.parse().unwrap()
}

async fn phase(server: &Server) -> Phase {
    server.plan(record(server).await).await.phase
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_counts_once_gets_no_orders_and_is_as_far_as_its_machine_furthest_from_done() {
    let server = Server::start().await;
    server.open_wave().await;
    let old = server.pool_token(POOL, "october").await;
    let mut first = Machine::enrol_by(&server, "vdi-1", &old).await;
    let mut second = Machine::enrol_by(&server, "vdi-2", &old).await;
    assert_eq!(phase(&server).await, Phase::Unassessed, "nobody has looked yet");

    let clean = second.replaced();
    second.check_in(clean).await.unwrap();
    let carries = first.carrying();
    first.check_in(carries).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Queued);
    // One that is done hides none that is not.
    let clean = second.replaced();
    second.check_in(clean).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Queued);
    server.clock.advance(HOUR);
    for machine in [&first, &second] {
        let reply = machine.check_in(machine.hello()).await.unwrap();
        assert!(reply.work_order.is_none() && reply.prefetch.is_empty());
    }

    // It counts once, and says of what it is.
    assert_eq!(server.service().host_count().await.unwrap(), 1);
    let listed = server.service().hosts(HostFilter::default()).await.unwrap();
    let names: Vec<&str> = listed.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, [POOL]);
    let detail = server.service().host(POOL.to_owned()).await.unwrap();
    let why = detail.why.join("\n");
    assert!(
        why.contains("another image for pool call-centre does the work, the desktop team answers for it"),
        "{why}"
    );
    assert_eq!(
        server.plan(record(&server).await).await.highest_order,
        0,
        "nobody would fetch it"
    );
    assert!(
        ["image october: 1 with a target", "image october: 1 replaced"]
            .iter()
            .all(|line| detail.identity.contains(&(*line).to_owned())),
        "{:?}",
        detail.identity
    );
    let refused = server.service().host(first.host.to_string()).await.unwrap_err();
    assert!(
        refused.to_string().contains("a machine of pool `call-centre`"),
        "{refused}"
    );

    // Another image, and the sessions of the old one end without a word.
    let new = server.pool_token(POOL, "november").await;
    let mut third = Machine::enrol_by(&server, "vdi-1", &new).await;
    let clean = third.replaced();
    third.check_in(clean).await.unwrap();
    assert_eq!(
        phase(&server).await,
        Phase::Queued,
        "a session of the old image may still run"
    );
    // Until they count no more: these tests call a host stale after 60 days.
    for _ in 0..12 {
        server.clock.advance(7 * DAY);
        third.take_time(server.clock.now_ms());
        let again = third.replaced();
        third.check_in(again).await.unwrap();
    }
    assert_eq!(phase(&server).await, Phase::Migrated);
    assert_eq!(server.service().host_count().await.unwrap(), 1);
    let detail = server.service().host(POOL.to_owned()).await.unwrap();
    assert!(
        detail.identity.contains(&"image november: 1 replaced".to_owned()),
        "{:?}",
        detail.identity
    );
    assert!(detail.chain_verified);

    // Somebody starts one from the old image again.
    let mut fourth = Machine::enrol_by(&server, "vdi-4", &old).await;
    let carries = fourth.carrying();
    fourth.check_in(carries).await.unwrap();
    assert_ne!(phase(&server).await, Phase::Migrated);
    server.holds_together(&[record(&server).await]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_heard_of_and_does_not_look_leaves_its_pool_unknown_until_it_does() {
    let server = Server::start().await;
    let token = server.pool_token(POOL, "october").await;
    let mut first = Machine::enrol_by(&server, "vdi-1", &token).await;
    let clean = first.replaced();
    first.check_in(clean).await.unwrap();
    let mut second = Machine::enrol_by(&server, "vdi-2", &token).await;
    second.check_in(second.hello()).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Clear, "it has only just come");
    server.clock.advance(HOUR);
    second.check_in(second.hello()).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Unassessed);
    first.check_in(first.hello()).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Unassessed, "another does not speak for it");
    let clean = second.replaced();
    second.check_in(clean).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Clear);
    server.holds_together(&[record(&server).await]).await;
    server.stop().await;
}

/// The campaign's text with other targets.
fn with_targets(text: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut campaign: toml::Table = text.parse().unwrap();
    let targets = campaign.get_mut("targets").and_then(toml::Value::as_array_mut).unwrap();
    targets.retain(|target| target.as_str().is_some_and(&keep));
    campaign.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_campaign_judges_every_machine_of_a_pool_anew() {
    let mut whole = String::new();
    let server = Server::with(|config| {
        whole = std::fs::read_to_string(&config.campaign.file).unwrap();
        std::fs::write(&config.campaign.file, with_targets(&whole, |target| target != "kesl")).unwrap();
    })
    .await;
    let token = server.pool_token(POOL, "october").await;
    // One has neither of both, the other has both, and `kesl` is no target yet: the first is further from done.
    let mut neither = Machine::enrol_by(&server, "vdi-1", &token).await;
    let mut both = Machine::enrol_by(&server, "vdi-2", &token).await;
    let (carrying, replaced) = (
        |machine: &Machine| inventories::carrying(machine.host, &machine.name),
        |machine: &Machine| inventories::replaced(machine.host, &machine.name),
    );
    let with_kesl_of = |mut it: Inventory, other: &Inventory| {
        for sighting in it
            .sightings
            .iter_mut()
            .filter(|sighting| sighting.product.as_str() == "kesl")
        {
            sighting.clone_from(other.sighting(&sighting.product).unwrap());
        }
        it
    };
    let shows = with_kesl_of(carrying(&neither), &replaced(&neither));
    let shows = neither.showing(shows);
    neither.check_in(shows).await.unwrap();
    let shows = with_kesl_of(replaced(&both), &carrying(&both));
    let shows = both.showing(shows);
    both.check_in(shows).await.unwrap();
    assert_eq!(phase(&server).await, Phase::Clear);

    server.apply(whole).await;
    assert_eq!(phase(&server).await, Phase::Clear, "nobody has spoken since");
    neither.check_in(neither.hello()).await.unwrap();
    let plan = server.plan(record(&server).await).await;
    assert!(plan.ever_carried, "the other carries it: {:?}", plan.phase);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_thrown_away_speaks_no_more_once_another_comes() {
    let server = Server::start().await;
    let token = server.pool_token(POOL, "october").await;
    let gone = Machine::enrol_by(&server, "vdi-1", &token).await;
    let away = Machine::enrol_by(&server, "vdi-2", &token).await;
    server.clock.advance(230 * DAY);
    away.check_in(away.hello()).await.unwrap();
    // Enrolment tokens end by the real time, so this one is good still.
    let stays = Machine::enrol_by(&server, "vdi-3", &token).await;
    assert!(away.is_admitted(&server).await, "it was away for long, and is back");
    server.clock.advance(11 * DAY);
    let _ = Machine::enrol_by(&server, "vdi-4", &token).await;
    assert!(!gone.is_admitted(&server).await);
    assert!(away.is_admitted(&server).await);
    assert!(stays.is_admitted(&server).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_without_a_name_an_image_or_an_owner_is_refused() {
    let server = Server::start().await;
    let good = PoolImage {
        pool: POOL.to_owned(),
        image: "october".to_owned(),
        owner: "the desktop team".to_owned(),
        within_days: 14,
    };
    let (mut no_pool, mut no_image, mut no_owner, mut no_days) = (good.clone(), good.clone(), good.clone(), good);
    no_pool.pool = " ".to_owned();
    no_image.image = "a\nb".to_owned();
    no_owner.owner = "x".repeat(101);
    no_days.within_days = 0;
    for (bad, part) in [
        (no_pool, "pool"),
        (no_image, "image"),
        (no_owner, "owner"),
        (no_days, "days"),
    ] {
        let ask = NewToken {
            uses: 1,
            hours: 1,
            pool: Some(bad),
        };
        let refused = server.service().create_token(Caller::server(), ask).await.unwrap_err();
        assert!(refused.to_string().contains(part), "{refused}");
    }
    server.stop().await;
}
