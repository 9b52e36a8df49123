//! Recipes that have not soaked here yet: few hosts go first, by a person's leave, and the others follow by themselves.

use cutover_core::{plan::Phase, rollout::IN_FLIGHT};
use cutover_proto::record::RecordEvent;
use cutover_server::{
    service::{ApplyCampaign, ApproveWave, Caller, HoldHost, HoldKindAsked, ServiceError},
    store::slots,
};

use crate::{
    database::Database,
    gates::migrate,
    machine::Machine,
    server::{Server, TRUSTED, UNTRUSTED},
    wait::until,
};

async fn why(server: &Server, host: &str) -> String {
    server.service().host(host.to_owned()).await.unwrap().why.join("\n")
}

/// Slots that are taken.
async fn taken(server: &Server) -> Vec<(String, i64)> {
    let id = server.service().campaign_id().to_string();
    let rows = server.read(move |tx| slots::list(tx, &id)).await;
    rows.into_iter()
        .filter(|slot| slot.used > 0)
        .map(|slot| (slot.name, slot.used))
        .collect()
}

/// A server whose campaign says this of those that go first, and hosts that carry the product, all of them let start.
async fn with(first: &str, hosts: &[&str], database: Option<String>) -> (Server, Vec<Machine>) {
    let server = Server::with(|config| {
        if let Some(url) = database {
            config.store.url = url;
        }
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let changed = text.replace(TRUSTED, first);
        assert_ne!(changed, text);
        std::fs::write(&config.campaign.file, changed).unwrap();
    })
    .await;
    let mut machines = Vec::new();
    for name in hosts {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        machines.push(machine);
    }
    server.open_wave().await;
    for name in hosts {
        let told = why(&server, name).await;
        assert!(told.contains("a recipe of its work has not soaked here yet"), "{told}");
    }
    let service = server.service();
    let ask = ApproveWave {
        hosts: hosts.iter().map(|&name| name.to_owned()).collect(),
        ..ApproveWave::default()
    };
    service
        .approve_wave(Caller::server(), "all".to_owned(), ask)
        .await
        .unwrap();
    (server, machines)
}

/// Those that are at work, and the others, once so many are.
async fn split(server: &Server, machines: Vec<Machine>, at_work: usize) -> (Vec<Machine>, Vec<Machine>) {
    let out = until("as many start as may", || async {
        let mut out = Vec::new();
        for machine in &machines {
            let is_out = server.plan(machine.host).await.order.is_some();
            out.extend(is_out.then_some(machine.host));
        }
        (out.len() == at_work).then_some(out)
    })
    .await;
    machines.into_iter().partition(|machine| out.contains(&machine.host))
}

#[tokio::test(flavor = "multi_thread")]
async fn few_go_first_with_a_recipe_by_a_persons_leave_and_the_others_follow_when_they_have_soaked() {
    few_go_first(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_few_go_first_with_a_recipe_and_the_others_follow_when_they_have_soaked() {
    let Some(database) = Database::create("canaries") else {
        return;
    };
    few_go_first(Some(database.url.clone())).await;
}

async fn few_go_first(database: Option<String>) {
    let hosts = ["pc-1", "pc-2", "pc-3", "pc-4"];
    let (server, machines) = with("first_canaries = 2\n", &hosts, database).await;
    let hosts: Vec<_> = machines.iter().map(|machine| machine.host).collect();
    let (mut first, others) = split(&server, machines, 2).await;
    let full = "2 of 2 slots of hosts that go first, until it has soaked here";
    for machine in &others {
        let told = why(&server, &machine.name).await;
        assert!(told.contains(full), "{told}");
    }
    first[1].fetch_order().await;
    migrate(&server, &mut first[0]).await;
    // The other is not through: nobody takes the place of the one that is.
    for machine in &others {
        until("it is heard of and waits", || async {
            let order = machine.check_in(machine.hello()).await.unwrap().work_order;
            assert!(order.is_none(), "{}", machine.name);
            why(&server, &machine.name).await.contains(full).then_some(())
        })
        .await;
    }
    migrate(&server, &mut first[1]).await;
    for machine in &others {
        until("it starts by itself", || async {
            machine.check_in(machine.hello()).await.unwrap().work_order
        })
        .await;
    }
    assert_eq!(taken(&server).await, [(IN_FLIGHT.to_owned(), 2)]);
    server.holds_together(&hosts).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_failed_keeps_its_place_until_a_person_sets_it_aside() {
    let (server, machines) = with("first_canaries = 1\nattempts = 1\n", &["pc-1", "pc-2"], None).await;
    let hosts: Vec<_> = machines.iter().map(|machine| machine.host).collect();
    let (mut first, others) = split(&server, machines, 1).await;
    let (mut failed, other) = (first.remove(0), &others[0]);
    let (_, order) = failed.fetch_order().await;
    let mut says = failed.hello();
    says.step_records = vec![
        failed.record(order.number, 1, RecordEvent::OrderAccepted, 0),
        failed.record(order.number, 2, RecordEvent::OrderFailed, 0),
    ];
    failed.check_in(says).await.unwrap();
    assert_eq!(server.plan(failed.host).await.phase, Phase::Failed);
    let told = why(&server, &other.name).await;
    assert!(told.contains("1 of 1 slots of hosts that go first"), "{told}");
    assert!(told.contains("cutover hosts list --phase failed"), "{told}");
    assert!(other.check_in(other.hello()).await.unwrap().work_order.is_none());
    let ask = HoldHost {
        kind: HoldKindAsked::Operator,
        why: "its disk is ill".to_owned(),
        until: Some("2027-06-01T00:00:00Z".to_owned()),
        dry_run: false,
    };
    let held = server.service().hold_host(Caller::server(), failed.name.clone(), ask);
    held.await.unwrap();
    until("the next starts", || async {
        other.check_in(other.hello()).await.unwrap().work_order
    })
    .await;
    server.holds_together(&hosts).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_trusts_recipes_gives_a_reason_and_a_stored_one_without_stays_in_force() {
    let mut server = Server::start().await;
    let text = std::fs::read_to_string(server.path().join("campaign.toml")).unwrap();
    let bare = text.replace(TRUSTED, UNTRUSTED);
    assert_ne!(bare, text);
    let ask = |dry_run| ApplyCampaign {
        file: "mine.toml".to_owned(),
        text: bare.clone(),
        if_version: None,
        dry_run,
    };
    for dry_run in [true, false] {
        let refused = server.service().apply_campaign(Caller::server(), ask(dry_run)).await;
        let Err(ServiceError::Invalid { why }) = refused else {
            panic!("{refused:?}")
        };
        assert!(
            why.contains("mine.toml, line ") && why.contains("trust_unproven"),
            "{why}"
        );
    }
    // With the reason it is warned of, also before it comes into force.
    let given = ApplyCampaign {
        text: text.replace("stale_after = \"60d\"", "stale_after = \"61d\""),
        ..ask(true)
    };
    let preview = server
        .service()
        .apply_campaign(Caller::server(), given)
        .await
        .unwrap()
        .preview;
    let warns =
        |it: &&String| it.contains("policy.trust_unproven: hosts start with recipes that never ran in the field");
    assert_eq!(
        preview.warnings.iter().filter(warns).count(),
        1,
        "{:?}",
        preview.warnings
    );

    // A server of before reasons were asked for had no other text, in its store and in its configuration.
    let id = server.service().campaign_id().to_string();
    let (stored, campaign) = (bare.clone(), id.clone());
    server
        .write(move |tx| {
            for table in ["campaign", "campaign_version"] {
                let change = format!("UPDATE {table} SET body = ?1 WHERE campaign_id = ?2");
                tx.execute(&change, &[stored.as_str().into(), campaign.as_str().into()])?;
            }
            Ok(())
        })
        .await;
    std::fs::write(server.path().join("campaign.toml"), &bare).unwrap();
    server.restart().await;
    let shown = server.service().campaign(id, None).await.unwrap();
    assert_eq!((shown.version, shown.text), (1, bare));
    assert!(
        shown.warnings.iter().any(|it| it.contains("trust_unproven")),
        "{:?}",
        shown.warnings
    );
    server.stop().await;
}
