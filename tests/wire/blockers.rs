//! What holds hosts up, ranked, with what mending it is worth.

use cutover_core::{
    blockers::cause,
    campaign::Campaign,
    plan::{Phase, Plan},
    rollout::RunState,
};
use cutover_proto::inventory::DiskEncryption;
use cutover_server::{
    service::{BlockerView, Blockers, Caller, HaltCampaign},
    store::{StoreError, campaigns, causes, meta},
};

use crate::{inventories, machine::Machine, server::Server};

const DAY: i64 = 86_400_000;

async fn blockers(server: &Server) -> Blockers {
    server.service().blockers().await.unwrap()
}

async fn found(server: &Server, key: &str) -> BlockerView {
    let all = blockers(server).await;
    let keys: Vec<String> = all.causes.iter().map(|it| it.cause.clone()).collect();
    let it = all.causes.into_iter().find(|it| it.cause == key);
    it.unwrap_or_else(|| panic!("no {key} in {keys:?}"))
}

/// Each host is counted at the cause that its plan has.
async fn is_counted_as_it_is(server: &Server, hosts: &[&Machine]) {
    let id = server.service().campaign_id().to_string();
    let text = server.read(move |tx| campaigns::load(tx, &id)).await.unwrap().body;
    let campaign = Campaign::parse("in force", &text, 1).unwrap();
    for host in hosts {
        let plan: Plan = server.plan(host.host).await;
        let (id, host_id) = (plan.campaign_id.to_string(), host.host.to_string());
        let kept = server.read(move |tx| causes::of_host(tx, &id, &host_id)).await;
        let its = cause(&plan, &campaign).map(|cause| (cause.key, plan.phase.to_string(), plan.wave.clone()));
        assert_eq!(kept.map(|by| (by.cause, by.phase, by.wave)), its);
    }
    let id = server.service().campaign_id().to_string();
    server.read(move |tx| causes::check(tx, &id)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_are_ranked_by_hosts_and_each_host_counts_once() {
    let server = Server::start().await;
    let mut hosts = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3", "pc-4", "pc-5", "pc-6"] {
        hosts.push(Machine::enrol(&server, name).await);
    }
    for (index, machine) in hosts.iter_mut().enumerate() {
        let mut look = inventories::carrying(machine.host, &format!("pc-{}", index + 1));
        match index {
            0 => look.facts.free_disk_mib = Some(100),
            1 => look.facts.free_disk_mib = Some(300),
            2 => look.facts.encryption = DiskEncryption::ByTarget,
            // One says nothing yet.
            3 => continue,
            _ => {}
        }
        let request = machine.showing(look);
        machine.check_in(request).await.unwrap();
    }
    let all = blockers(&server).await;
    let told: Vec<(&str, u64)> = all.causes.iter().map(|it| (it.cause.as_str(), it.hosts)).collect();
    assert_eq!(
        told,
        [
            ("blocked/unmet/clamav/room", 2),
            ("wave-closed/all", 2),
            ("blocked/encrypted-by-target", 1),
            ("unassessed/no-inventory", 1)
        ]
    );
    assert_eq!(all.hosts, 6);
    let room = &all.causes[0];
    let names: Vec<&str> = room.examples.iter().map(|host| host.name.as_str()).collect();
    assert_eq!((names, room.owner.as_str()), (vec!["pc-1", "pc-2"], "helpdesk"));
    assert!(
        room.text.contains("too little room") && !room.text.contains("100 MiB"),
        "{}",
        room.text
    );
    assert_eq!(all.causes[1].remedy, "cutover wave open all");
    assert_eq!(
        (room.days_sooner.as_deref(), all.pace.contains("not known")),
        (None, true)
    );

    // A look that shows room is what mends it.
    let again = inventories::carrying(hosts[0].host, "pc-1");
    let request = hosts[0].showing(again);
    hosts[0].check_in(request).await.unwrap();
    assert_eq!(found(&server, "blocked/unmet/clamav/room").await.hosts, 1);
    assert_eq!(found(&server, "wave-closed/all").await.hosts, 3);
    let watched: Vec<&Machine> = hosts.iter().collect();
    is_counted_as_it_is(&server, &watched).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_a_whole_group_up_counts_whom_nothing_of_its_own_does() {
    let server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let list = "[[readiness]]\nname = \"seats\"\ntitle = \"there are seats\"\nwhy = \"w\"\nproof = \"p\"\n";
        std::fs::write(&config.campaign.file, format!("{text}\n{list}")).unwrap();
    })
    .await;
    let mut hosts = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        if name == "pc-3" {
            crate::campaigns::tag(&server, name, "class=server").await;
        }
        let request = machine.carrying();
        machine.check_in(request).await.unwrap();
        hosts.push(machine);
    }
    server.open_wave().await;
    let readiness = found(&server, "campaign/readiness").await;
    assert_eq!((readiness.hosts, readiness.owner.as_str()), (2, "operator"));
    assert_eq!(readiness.text, "of the readiness list is open: seats");
    assert_eq!(found(&server, "queued/approval").await.hosts, 1);
    assert_eq!(server.plan(hosts[2].host).await.phase, Phase::Queued);
    let pause = HaltCampaign {
        why: "a fair".to_owned(),
        dry_run: false,
    };
    server
        .service()
        .turn_campaign(Caller::server(), RunState::Paused, pause)
        .await
        .unwrap();
    let paused = found(&server, "campaign/paused").await;
    assert_eq!((paused.hosts, paused.remedy.as_str()), (2, "cutover campaign resume"));
    let watched: Vec<&Machine> = hosts.iter().collect();
    is_counted_as_it_is(&server, &watched).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_from_before_is_counted_at_its_next_start_and_a_pace_is_told_by_whole_days() {
    let mut server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let mut look = inventories::carrying(machine.host, "pc-1");
    look.facts.free_disk_mib = Some(100);
    let request = machine.showing(look);
    machine.check_in(request).await.unwrap();
    // As a version left it that counted nothing.
    server
        .write(|tx| {
            for table in ["plan_cause", "cause_total"] {
                tx.execute(&format!("DELETE FROM {table}"), &[])?;
            }
            tx.execute("DELETE FROM meta WHERE key = ?1", &[meta::CAUSES_COUNTED.into()])?;
            Ok::<_, StoreError>(())
        })
        .await;
    assert_eq!(blockers(&server).await.causes, []);
    server.restart().await;
    assert_eq!(found(&server, "blocked/unmet/clamav/room").await.hosts, 1);
    is_counted_as_it_is(&server, &[&machine]).await;

    // Friday and the Thursday before it; the clock stands at Sunday.
    let id = server.service().campaign_id().to_string();
    server
        .write(move |tx| {
            for day in ["2026-11-19", "2026-11-20", "2026-11-20"] {
                for _ in 0..4 {
                    causes::note_done(tx, &id, day);
                }
            }
            Ok::<_, StoreError>(())
        })
        .await;
    let room = found(&server, "blocked/unmet/clamav/room").await;
    // Twelve in two working days.
    assert_eq!(room.days_sooner.as_deref(), Some("0.2"));
    server.clock.advance(DAY);
    assert!(
        blockers(&server)
            .await
            .pace
            .starts_with("12 hosts were done in the last 2 whole")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_done_is_counted_on_its_day() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    crate::gates::migrate(&server, &mut machine).await;
    let id = server.service().campaign_id().to_string();
    let done = server.read(move |tx| causes::done(tx, &id, 9)).await;
    assert_eq!(done, [("2026-11-22".to_owned(), 1)]);
    assert_eq!(blockers(&server).await.causes, []);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}
