//! The readiness list: what must be said, and by whom, before hosts start without a person.

use std::path::Path;

use cutover_core::{plan::Phase, waiting::Waiting};
use cutover_server::{
    service::{ApplyCampaign, AttestItem, AttestedFile, Caller, Role, ServiceError, SignItem},
    store::{StreamName, events},
};

use crate::{machine::Machine, server::Server, wait::until};

const LIST: &str = "
[[readiness]]
name = \"keys\"
title = \"Keys are escrowed\"
why = \"disks\"
proof = \"a list\"
[[readiness]]
name = \"tasks\"
title = \"Tasks are stopped\"
why = \"they bring it back\"
proof = \"a picture\"
after = [\"keys\"]
";

fn add_list(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, format!("{text}{LIST}")).unwrap();
}

/// A server whose campaign has the list, in this mode.
async fn with_list(mode: &str) -> Server {
    let mode = format!("mode = \"{mode}\"");
    Server::with(|config| {
        add_list(&config.campaign.file);
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        std::fs::write(&config.campaign.file, text.replace("mode = \"automatic\"", &mode)).unwrap();
    })
    .await
}

async fn person(server: &Server, name: &str) -> Caller {
    let service = server.service();
    let token = service
        .create_access_token(name.to_owned(), Role::Operator)
        .await
        .unwrap();
    service.caller_by_token(&token).await.unwrap().unwrap()
}

fn sign(why: &str) -> SignItem {
    SignItem {
        why: why.to_owned(),
        dry_run: false,
    }
}

fn attest(why: &str) -> AttestItem {
    AttestItem {
        why: why.to_owned(),
        file: None,
        dry_run: false,
    }
}

async fn apply(server: &Server, text: &str, dry_run: bool) -> Result<Vec<String>, ServiceError> {
    let ask = ApplyCampaign {
        file: "new.toml".to_owned(),
        text: text.to_owned(),
        if_version: None,
        dry_run,
    };
    let applied = server.service().apply_campaign(Caller::server(), ask).await?;
    Ok(applied.preview.warnings)
}

async fn states(server: &Server) -> Vec<(String, String)> {
    let items = server.service().readiness().await.unwrap();
    items.into_iter().map(|it| (it.name, it.state)).collect()
}

fn told(refused: Result<impl std::fmt::Debug, ServiceError>) -> String {
    refused.expect_err("must be refused").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_automatic_comes_into_force_when_every_item_was_attested_or_waived_by_two() {
    let server = with_list("observe").await;
    let watching = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let automatic = watching.replace("mode = \"observe\"", "mode = \"automatic\"");
    let (ada, grace) = (person(&server, "ada").await, person(&server, "grace").await);
    let service = server.service();

    assert!(told(apply(&server, &automatic, false).await).contains("is open: keys, tasks"));
    let warned = apply(&server, &automatic, true).await.unwrap();
    assert!(warned[0].starts_with("refused: mode = \"automatic\""), "{warned:?}");
    let round = watching.replace(LIST.trim_start(), "");
    assert_ne!(round, watching);
    assert!(told(apply(&server, &round, false).await).contains("no longer asks for what is open"));

    let early = service
        .attest_item(ada.clone(), "tasks".to_owned(), attest("seen"))
        .await;
    assert!(told(early).contains("comes after `keys`"));
    assert!(told(service.attest_item(ada.clone(), "keys".to_owned(), attest(" ")).await).contains("--why"));
    let viewer = server.access(Role::Viewer).await;
    let viewer = service.caller_by_token(&viewer).await.unwrap().unwrap();
    assert!(matches!(
        service.attest_item(viewer, "keys".to_owned(), attest("seen")).await,
        Err(ServiceError::Denied { .. })
    ));
    let would = AttestItem {
        dry_run: true,
        ..attest("seen")
    };
    service
        .attest_item(ada.clone(), "keys".to_owned(), would)
        .await
        .unwrap();
    assert_eq!(states(&server).await[0].1, "open", "a dry run notes nothing");
    let file = AttestedFile {
        name: "escrow of Ada.pdf".to_owned(),
        sha256: "ab".repeat(32),
        size: 7,
    };
    let with_file = AttestItem {
        file: Some(file.clone()),
        ..attest("the vault of Ada Lovelace")
    };
    service
        .attest_item(ada.clone(), "keys".to_owned(), with_file)
        .await
        .unwrap();

    let first = service
        .waive_item(ada.clone(), "tasks".to_owned(), sign("no console"))
        .await
        .unwrap();
    assert!(first.contains("another person's is missing"), "{first}");
    let again = service.waive_item(ada, "tasks".to_owned(), sign("no console")).await;
    assert!(told(again).contains("another person's"));
    assert!(told(apply(&server, &automatic, false).await).contains("is open: tasks"));
    service
        .waive_item(grace, "tasks".to_owned(), sign("indeed none"))
        .await
        .unwrap();
    apply(&server, &automatic, false).await.unwrap();
    let items = service.readiness().await.unwrap();
    assert_eq!(
        (items[0].state.as_str(), items[0].file.as_ref()),
        ("attested", Some(&file))
    );
    let signers: Vec<&str> = items[1].signed.iter().map(|it| it.by.as_str()).collect();
    assert_eq!((items[1].state.as_str(), signers), ("waived", vec!["ada", "grace"]));

    // Names and words of people stand in no event.
    let stream = StreamName::campaign(service.campaign_id().as_str());
    let stored = server.read(move |tx| events::load(tx, &stream, 1, 100)).await;
    let kinds: Vec<&str> = stored.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "version-applied",
            "readiness-attested",
            "readiness-waived",
            "readiness-waived",
            "version-applied"
        ]
    );
    for event in &stored {
        assert!(
            !event.body.contains("Ada") && !event.body.contains("console"),
            "{}",
            event.body
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_open_starts_nobody_whatever_put_the_mode_in_force() {
    let server = with_list("automatic").await;
    let service = server.service();
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    let opened = service
        .open_wave(Caller::server(), "all".to_owned(), false)
        .await
        .unwrap();
    assert!(
        opened.contains("none starts yet: of the readiness list is open: keys, tasks"),
        "{opened}"
    );
    assert!(service.summary().await.unwrap().halted.contains("keys, tasks"));
    machine.check_in(machine.hello()).await.unwrap();
    assert_eq!(service.start_hosts().await.unwrap(), 0);
    assert_eq!(server.plan(machine.host).await.phase, Phase::Queued);
    let why = service.host("pc-1".to_owned()).await.unwrap().why.join("\n");
    let open = vec!["keys".to_owned(), "tasks".to_owned()];
    assert!(why.contains(&Waiting::Readiness { open }.text()), "{why}");

    for item in ["keys", "tasks"] {
        service
            .attest_item(Caller::server(), item.to_owned(), attest("seen"))
            .await
            .unwrap();
    }
    let (_, first) = machine.fetch_order().await;

    // Taken back, it holds up whoever has not begun; what is out goes on.
    let mut second = Machine::enrol(&server, "pc-2").await;
    let before = service.campaigns().await.unwrap().remove(0).epoch;
    let said = service
        .withdraw_item(Caller::server(), "keys".to_owned(), sign("the vault was moved"))
        .await
        .unwrap();
    assert!(said.contains("nothing starts until it is settled"), "{said}");
    // An order that is being issued at this moment holds on to the epoch, and is refused by that.
    assert_eq!(service.campaigns().await.unwrap().remove(0).epoch, before + 1);
    let carries = second.carrying();
    second.check_in(carries).await.unwrap();
    second.check_in(second.hello()).await.unwrap();
    assert_eq!(service.start_hosts().await.unwrap(), 0);
    assert_eq!(server.plan(second.host).await.phase, Phase::Queued);
    assert_eq!(server.plan(machine.host).await.order.unwrap().number, first.number);
    let expected =
        [("keys", "open"), ("tasks", "after-others")].map(|(name, state)| (name.to_owned(), state.to_owned()));
    assert_eq!(states(&server).await, expected);
    service
        .attest_item(Caller::server(), "keys".to_owned(), attest("the new vault"))
        .await
        .unwrap();
    until("it starts", || async {
        second.check_in(second.hello()).await.unwrap();
        server.plan(second.host).await.order.map(|_| ())
    })
    .await;
    server.holds_together(&[machine.host, second.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_leaves_out_what_is_open_does_not_come_into_force() {
    let mut server = with_list("approve").await;
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    std::fs::write(&server.config.campaign.file, text.replace(LIST.trim_start(), "")).unwrap();
    server.restart().await;
    let version = |server: &Server| {
        let service = server.service().clone();
        async move { service.campaigns().await.unwrap().remove(0).version }
    };
    assert_eq!((version(&server).await, states(&server).await.len()), (1, 2));
    for item in ["keys", "tasks"] {
        let service = server.service();
        service
            .attest_item(Caller::server(), item.to_owned(), attest("seen"))
            .await
            .unwrap();
    }
    server.restart().await;
    assert_eq!((version(&server).await, states(&server).await.len()), (2, 0));
    server.stop().await;
}
