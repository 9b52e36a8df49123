//! Campaigns as data: a new version, a pause, a stop, and what follows for hosts.

use cutover_core::{
    plan::{Phase, Reason},
    rollout::{ApprovalCause, RunState},
    waiting::Waiting,
};
use cutover_server::{
    service::{ApplyCampaign, ApproveWave, Caller, ChangeTags, HaltCampaign, ServiceError},
    store::campaigns,
};

use crate::{machine::Machine, server::Server};

const MINUTE: i64 = 60_000;

fn text(server: &Server) -> String {
    std::fs::read_to_string(&server.config.campaign.file).unwrap()
}

fn ask(text: String, dry_run: bool) -> ApplyCampaign {
    ApplyCampaign {
        file: "new.toml".to_owned(),
        text,
        if_version: Some(1),
        dry_run,
    }
}

fn because(why: &str) -> HaltCampaign {
    HaltCampaign {
        why: why.to_owned(),
        dry_run: false,
    }
}

pub(crate) async fn tag(server: &Server, host: &str, tag: &str) {
    let ask = ChangeTags {
        add: vec![tag.to_owned()],
        ..ChangeTags::default()
    };
    server
        .service()
        .tag_host(Caller::server(), host.to_owned(), ask)
        .await
        .unwrap();
}

const TWO_WAVES: &str = "[[wave]]\nname = \"pilot\"\nmatch = { tag = [\"pilot\"] }\n[[wave]]\nname = \"all\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_would_do_is_what_it_does() {
    let server = Server::start().await;
    let mut hosts = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        hosts.push(machine);
    }
    tag(&server, "pc-2", "pilot").await;
    tag(&server, "pc-3", "kiosk").await;
    tag(&server, "pc-1", "use=kiosk").await;
    let first = "[[priority]]\nname = \"maps\"\nmatch = { use = [\"kiosk\"] }\nby = \"7d\"\n";
    let scope = "[[out_of_scope]]\nname = \"kiosks\"\nwhy = \"they show a map\"\nmatch = { tag = [\"kiosk\"] }\n";
    let nobody = "[[out_of_scope]]\nname = \"none\"\nwhy = \"a slip\"\nmatch = { tag = [\"kioks\"] }\n";
    let changed = text(&server).replace(
        "[wave]\nname = \"all\"\n",
        &format!("{scope}{nobody}{first}{TWO_WAVES}"),
    );

    let would = server
        .service()
        .apply_campaign(Caller::server(), ask(changed.clone(), true))
        .await
        .unwrap();
    assert!(!would.applied && would.version == 1 && would.preview.hosts == 3);
    let count = |rows: &[cutover_server::service::Moved], name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.map_or((0, 0), |row| (row.before, row.after))
    };
    assert_eq!(count(&would.preview.waves, "pilot"), (0, 1));
    assert_eq!(count(&would.preview.waves, "all"), (3, 2));
    assert_eq!(count(&would.preview.phases, "out-of-scope"), (0, 1));
    assert_eq!(count(&would.preview.phases, "planned"), (3, 2));
    let keys: Vec<&str> = would.preview.changes.iter().map(|it| it.key.as_str()).collect();
    assert!(keys.contains(&"wave.pilot.match.tag"), "{keys:?}");
    let warned = would.preview.warnings.join("\n");
    assert!(
        warned.contains("[[out_of_scope]] none matches none of the 3 hosts"),
        "{warned}"
    );
    assert!(
        warned.contains("no [[window]] is for 1 of them (such as pc-1), so these never start"),
        "{warned}"
    );
    for machine in &hosts {
        assert_eq!(server.plan(machine.host).await.campaign_version, 1, "nothing was kept");
    }

    let done = server
        .service()
        .apply_campaign(Caller::server(), ask(changed.clone(), false))
        .await
        .unwrap();
    assert!(done.applied && done.version == 2 && done.preview == would.preview && !done.is_going_on);
    let waves = server.service().summary().await.unwrap().waves;
    let told: Vec<(&str, u64)> = waves.iter().map(|wave| (wave.name.as_str(), wave.hosts)).collect();
    assert_eq!(told, [("pilot", 1), ("all", 2)]);
    let kiosk = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!(kiosk.set, ["priority maps: its turn in the queue comes 7d earlier"]);
    let out = server.plan(hosts[2].host).await;
    assert_eq!(out.reason, Some(Reason::OutOfScope { rule: "kiosks".into() }));
    let ids: Vec<_> = hosts.iter().map(|machine| machine.host).collect();
    server.holds_together(&ids).await;

    // Written against a version that is no longer in force.
    let late = server
        .service()
        .apply_campaign(Caller::server(), ask(text(&server), false))
        .await;
    let Err(ServiceError::Refused { why }) = late else {
        panic!("must be refused")
    };
    assert!(why.contains("version 2 is in force"), "{why}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_sound_changes_nothing_and_says_where() {
    let server = Server::start().await;
    let cases = [
        (
            text(&server).replace("name = \"all\"", "name = \"All\""),
            "new.toml, line ",
        ),
        (
            text(&server).replace("kaspersky-us-2024", "other"),
            "another campaign needs a server of its own",
        ),
        (
            text(&server).replace("product = \"clamav\"", "product = \"clamov\""),
            "no rule of the catalog",
        ),
    ];
    for (changed, expected) in cases {
        let refused = server
            .service()
            .apply_campaign(Caller::server(), ask(changed, false))
            .await;
        let said = refused.expect_err("must be refused").to_string();
        assert!(said.contains(expected), "{said}");
    }
    let detail = server.service().campaigns().await.unwrap().remove(0);
    assert_eq!((detail.version, detail.versions.len()), (1, 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_applied_outlives_the_configuration() {
    let mut server = Server::start().await;
    let changed = text(&server) + "\n# Applied by hand.\n";
    server.apply(changed.clone()).await;
    server.restart().await;
    let detail = server.service().campaigns().await.unwrap().remove(0);
    assert_eq!((detail.version, detail.text), (2, changed));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_that_was_never_opened_is_not_resumed() {
    let server = Server::start().await;
    let service = server.service();
    let resume = |dry_run| service.resume_wave(Caller::server(), "all".to_owned(), dry_run);
    for dry_run in [true, false] {
        let refused = resume(dry_run).await.unwrap_err().to_string();
        assert!(refused.contains("cutover wave open all"), "{refused}");
    }
    let state = async || service.summary().await.unwrap().waves[0].state.clone();
    assert_eq!(state().await, "closed");
    server.open_wave().await;
    assert!(resume(false).await.unwrap().contains("open already"));
    service
        .pause_wave(Caller::server(), "all".to_owned(), false)
        .await
        .unwrap();
    resume(true).await.unwrap();
    assert_eq!(state().await, "paused", "a dry run resumes nothing");
    resume(false).await.unwrap();
    assert_eq!(state().await, "open");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_holds_at_once_and_after_a_restart_and_ends_what_hosts_have() {
    let mut server = Server::start().await;
    let mut at_work = Machine::enrol(&server, "pc-1").await;
    let mut waiting = Machine::enrol(&server, "pc-2").await;
    server.open_wave().await;
    let carries = at_work.carrying();
    at_work.check_in(carries).await.unwrap();
    let (_, order) = at_work.fetch_order().await;
    let done = server
        .service()
        .turn_campaign(Caller::server(), RunState::Stopped, because("a recipe breaks machines"))
        .await
        .unwrap();
    assert!(done.contains("stopped"), "{done}");
    let mut hello = at_work.hello();
    hello.running = Some(cutover_proto::v1::RunningOrder {
        order_number: order.number,
        step: 0,
        past_last_safe_point: false,
    });
    let reply = at_work.check_in(hello.clone()).await.unwrap();
    assert!(reply.cancel.is_some(), "it ends at its next safe point");

    server.restart().await;
    at_work.reconnect(&server).await;
    waiting.reconnect(&server).await;
    let carries = waiting.carrying();
    waiting.check_in(carries).await.unwrap();
    for _ in 0..5 {
        server.clock.advance(MINUTE);
        let reply = waiting.check_in(waiting.hello()).await.unwrap();
        assert!(reply.work_order.is_none());
    }
    let detail = server.service().host("pc-2".to_owned()).await.unwrap();
    assert!(
        detail.why.join("\n").contains("the campaign is stopped"),
        "{:?}",
        detail.why
    );
    let campaign = server.service().campaigns().await.unwrap().remove(0);
    assert!(
        campaign.halted.contains("a recipe breaks machines"),
        "{}",
        campaign.halted
    );
    assert_eq!((campaign.state.as_str(), campaign.epoch), ("stopped", 2));
    let summary = server.service().summary().await.unwrap();
    assert_eq!(summary.halted, campaign.halted, "the overview says it too");

    let silent = server
        .service()
        .turn_campaign(Caller::server(), RunState::Running, because(" "))
        .await;
    assert!(silent.unwrap_err().to_string().contains("--why"));
    server
        .service()
        .turn_campaign(Caller::server(), RunState::Running, because("the recipe is mended"))
        .await
        .unwrap();
    let (_, order) = waiting.fetch_order().await;
    assert_eq!(order.campaign_epoch, 2);
    server.holds_together(&[at_work.host, waiting.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_a_stopped_server_left_in_the_middle_is_gone_on_with() {
    let mut server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    // What the store looks like where the server ends between the version and its first batch.
    let changed = text(&server).replace("[wave]\nname = \"all\"\n", "[wave]\nname = \"everybody\"\n");
    server
        .write(move |tx| {
            let mut row = campaigns::load(tx, "kaspersky-us-2024")?.unwrap();
            let seq = row.seq;
            row.version = 2;
            row.body.clone_from(&changed);
            row.progress = r#"{"passes":{"anew":{"after":"","done":0}}}"#.to_owned();
            let by_hand = campaigns::CampaignVersionRow {
                campaign_id: row.campaign_id.clone(),
                version: 2,
                catalog_revision: 1,
                made_ms: 0,
                made_by: "ann".to_owned(),
                body: row.body.clone(),
            };
            campaigns::add_version(tx, &by_hand)?;
            campaigns::compare_and_set(tx, seq, &row)
        })
        .await;
    assert_eq!(server.plan(machine.host).await.wave, "all");
    server.restart().await;
    crate::wait::until("the plan is decided anew", || async {
        let plan = server.plan(machine.host).await;
        (plan.wave == "everybody" && plan.campaign_version == 2).then_some(())
    })
    .await;
    crate::wait::until("the pass is through", || async {
        let campaign = server.service().campaigns().await.unwrap().remove(0);
        campaign.going_on.is_empty().then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_a_persons_leave_and_a_machine_of_somebodys_own_for_its_owner() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "db-1").await;
    let mut own = Machine::enrol(&server, "own-1").await;
    server.open_wave().await;
    tag(&server, "db-1", "class=server").await;
    for it in [&mut machine, &mut own] {
        let carries = it.carrying();
        it.check_in(carries).await.unwrap();
    }
    tag(&server, "own-1", "ownership=personal").await;
    server.clock.advance(MINUTE);
    for it in [&machine, &own] {
        assert!(it.check_in(it.hello()).await.unwrap().work_order.is_none());
    }
    let cause = ApprovalCause::Class;
    let why = server.service().host("db-1".to_owned()).await.unwrap().why.join("\n");
    assert!(why.contains(&Waiting::Approval { cause }.text()), "{why}");
    assert_eq!(server.plan(own.host).await.phase, Phase::Handwork);

    let everybody = ApproveWave::default();
    let only_looking = ApproveWave {
        dry_run: true,
        ..everybody.clone()
    };
    for (ask, said) in [
        (only_looking, "would let 1 hosts"),
        (everybody.clone(), "let 1 hosts"),
        (everybody, "let 0 hosts"),
    ] {
        let done = server
            .service()
            .approve_wave(Caller::server(), "all".to_owned(), ask)
            .await
            .unwrap();
        assert!(done.starts_with(said), "{done}");
    }
    machine.fetch_order().await;
    server.stop().await;
}
