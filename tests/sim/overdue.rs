//! A fleet that begins 785 days after the cutoff, through the real service and its store, in virtual time: everybody enrols at
//! once, and nobody is forced in the first three working days.

use cutover_core::campaign::PRESETS;
use cutover_server::{
    service::{AttestItem, Caller, NewToken, Service, ServiceError},
    store::{events, totals},
};

use crate::{
    calendar::{DAY, HOUR, MINUTE},
    puppet::{Puppet, Said, pass},
    server::{CAMPAIGN, Server, TRUSTED},
};

/// Monday, 2026-11-23T09:00:00Z. The cutoff was 2024-09-29T04:00:00Z.
const MONDAY: i64 = 1_795_424_400_000;
const CUTOFF: i64 = 1_727_582_400_000;
/// What may be out at a time, and be started within an hour.
const OUT: usize = 50;
const AN_HOUR: usize = 20;

/// As it is, but for the mode, the limits, and that it bears hosts which are not heard of for days: these here say nothing more.
fn text() -> String {
    let name = format!("{CAMPAIGN}.toml");
    let preset = PRESETS.iter().find(|(file, _)| *file == name).unwrap().1;
    let policy = format!(
        "[policy]\nmax_in_flight = {OUT}\nstarts_per_hour = {AN_HOUR}\nfetch_within = \"30d\"\norder_life = \"30d\"\n\
         stale_after = \"60d\"\nagent_lost_after = \"60d\"\n{TRUSTED}"
    );
    let target = "accepted_grades = [\"on-demand\"]\nrecovery_target = \"2027-03-31T00:00:00-04:00\"";
    // Its own policy, the preset's end, lets a few go first with a recipe.
    let preset = preset.split("[policy]").next().unwrap();
    let text = preset
        .replace("accepted_grades = []", target)
        .replace("mode = \"observe\"", "mode = \"automatic\"");
    format!("{text}{policy}")
}

/// How many enrol: a few in each run, 20,000 where `tests/nightly` asks for them.
fn hosts() -> usize {
    let set = std::env::var("CUTOVER_OVERDUE_HOSTS").ok();
    set.and_then(|hosts| hosts.parse().ok()).unwrap_or(300)
}

async fn settle_readiness(service: &Service) {
    // Some items come after others.
    for _ in 0..20 {
        let open: Vec<String> = service
            .readiness()
            .await
            .unwrap()
            .into_iter()
            .filter(|it| it.state != "attested")
            .map(|it| it.name)
            .collect();
        for name in &open {
            let ask = AttestItem {
                why: "it is so".to_owned(),
                file: None,
                dry_run: false,
            };
            let _comes_after_another = service.attest_item(Caller::server(), name.clone(), ask).await;
        }
        if open.is_empty() {
            return;
        }
    }
    panic!("items are open still");
}

/// When orders were issued, and when hosts enrolled, by their plans' events.
async fn told(service: &Service, kind: &'static str) -> Vec<(String, i64)> {
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let page = service
            .store()
            .read(move |tx| events::since(tx, from, 5_000))
            .await
            .unwrap();
        let Some(last) = page.last() else { return all };
        from = last.pos;
        let of_plans = page
            .into_iter()
            .filter(|it| it.kind == kind && it.stream.as_str().starts_with("plan:"));
        all.extend(of_plans.map(|it| (it.stream.as_str().to_owned(), it.at_ms)));
    }
}

async fn totals_are_a_recount(service: &Service, hosts: usize) {
    let total = service
        .store()
        .read(|tx| {
            totals::check(tx, CAMPAIGN)?;
            let all = totals::list(tx, CAMPAIGN)?;
            Ok::<_, ServiceError>(all.iter().map(|total| total.hosts).sum::<i64>())
        })
        .await
        .unwrap();
    assert_eq!(total, i64::try_from(hosts).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_enrols_785_days_late_is_forced_by_nothing_in_three_working_days_and_then_starts_within_limits() {
    assert_eq!((MONDAY - CUTOFF) / DAY, 785);
    let hosts = hosts();
    let mut server = Server::start(5, &text(), MONDAY).await.unwrap();
    let service = server.service().unwrap();
    settle_readiness(&service).await;
    service
        .open_wave(Caller::server(), "all".to_owned(), false)
        .await
        .unwrap();
    let ask = NewToken {
        uses: 1_000_000,
        hours: 24,
        pool: None,
    };
    let token = service.create_token(Caller::server(), ask).await.unwrap().token;
    for index in 0..hosts {
        // Within ten minutes.
        let at_ms = MONDAY + i64::try_from(index).unwrap() * 10 * MINUTE / i64::try_from(hosts).unwrap();
        server.move_to(at_ms);
        let mut puppet = Puppet::enrol(&service, &token, index).await;
        let said = Said {
            boot_id: format!("boot-{index}"),
            looked_at_ms: at_ms,
            ..Said::default()
        };
        puppet.check_in(&service, at_ms, &said).await;
        server.heard();
    }
    totals_are_a_recount(&service, hosts).await;
    for hour in 1..72 {
        server.move_to(MONDAY + hour * HOUR);
        pass(&service).await;
        server.heard();
    }
    server.move_to(MONDAY + 3 * DAY - 1);
    pass(&service).await;
    assert_eq!(
        told(&service, "order-issued").await,
        [],
        "three working days are three times 24 hours here"
    );
    totals_are_a_recount(&service, hosts).await;

    for hour in 0..4 {
        for quarter in 0..4 {
            server.move_to(MONDAY + 3 * DAY + hour * HOUR + quarter * HOUR / 4);
            pass(&service).await;
            server.heard();
        }
    }
    let (enrolled, issued) = (told(&service, "enrolled").await, told(&service, "order-issued").await);
    assert_eq!(enrolled.len(), hosts);
    assert_eq!(issued.len(), OUT.min(hosts), "all that may be out are");
    let enrolled: std::collections::BTreeMap<_, _> = enrolled.into_iter().collect();
    for (host, at_ms) in &issued {
        assert!(at_ms - enrolled[host] >= 3 * DAY, "{host} was started in its grace");
        let within = issued
            .iter()
            .filter(|(_, other)| (at_ms - HOUR + 1..=*at_ms).contains(other));
        assert!(within.count() <= AN_HOUR, "more than {AN_HOUR} started within an hour");
    }
    totals_are_a_recount(&service, hosts).await;
}
