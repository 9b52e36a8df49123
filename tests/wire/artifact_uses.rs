//! Files that operators bind to products: what hosts are told of them, and what that costs.

use cutover_core::{catalog::Source, plan::Phase};
use cutover_proto::{artifact::ArtifactRef, order::WorkOrder, step::Action, v1};
use cutover_server::{
    config::Config,
    service::{ArtifactAdded, Caller, NewArtifactUse, Role, ServiceError, UsedFile},
};
use cutover_tests::harness::process::Finished;
use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::{
    artifacts::cutover,
    machine::Machine,
    people::browser::{by_token, problem},
    server::Server,
};

/// A campaign that wants ClamAV from files.
fn from_files(config: &mut Config) {
    let file = &config.campaign.file;
    let text = std::fs::read_to_string(file).unwrap();
    let mut document: toml::Table = toml::from_str(&text).unwrap();
    for rule in document["replacement"].as_array_mut().unwrap() {
        let rule = rule.as_table_mut().unwrap();
        rule.insert("source".to_owned(), Source::Artifacts.as_str().into());
    }
    std::fs::write(file, toml::to_string(&document).unwrap()).unwrap();
}

fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Adds a file of these bytes and gives how it is bound.
async fn add(server: &Server, token: &str, file_name: &str, bytes: &'static [u8]) -> UsedFile {
    let address = format!("/api/v1/artifacts?file_name={file_name}");
    let answer = by_token(server, Method::PUT, &address, token)
        .body(bytes)
        .send()
        .await
        .unwrap();
    let added: ArtifactAdded = answer.json().await.unwrap();
    UsedFile {
        file_name: file_name.to_owned(),
        sha256: added.sha256.unwrap(),
    }
}

fn of_clamav(version: &str, files: Vec<UsedFile>) -> NewArtifactUse {
    NewArtifactUse {
        product: "clamav".to_owned(),
        version: version.to_owned(),
        systems: vec!["debian".to_owned()],
        mirrors: vec!["https://mirror.example/files/".to_owned()],
        files,
        dry_run: false,
    }
}

async fn bind(server: &Server, new: NewArtifactUse) -> Result<String, ServiceError> {
    server.service().use_artifacts(Caller::server(), new).await
}

fn hinted(reply: v1::CheckInReply) -> Vec<ArtifactRef> {
    reply.prefetch.into_iter().map(|it| it.try_into().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_waits_for_its_file_is_told_of_it_ahead_and_gets_it_in_its_order() {
    let server = Server::with(from_files).await;
    let token = server.access(Role::Operator).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let whole = machine.carrying();
    let reply = machine.check_in(whole.clone()).await.unwrap();
    assert_eq!(server.plan(machine.host).await.phase, Phase::Blocked);
    assert_eq!(hinted(reply), []);

    let file = add(&server, &token, "clamav_1.4.6_amd64.deb", b"goods").await;
    let done = bind(&server, of_clamav("1.4.6", vec![file.clone()])).await.unwrap();
    assert_eq!(done, "bound 1 file of clamav 1.4.6");
    let small = v1::CheckInRequest {
        inventory: None,
        ..whole
    };
    let told = hinted(machine.check_in(small.clone()).await.unwrap());
    assert_eq!(server.plan(machine.host).await.phase, Phase::Planned);
    let [hint] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((hint.sha256.to_string(), hint.size), (digest_of(b"goods"), 5));
    assert_eq!(hint.urls, ["https://mirror.example/files/clamav_1.4.6_amd64.deb"]);

    server.open_wave().await;
    let (_, order): (_, WorkOrder) = machine.fetch_order().await;
    let fetched = order.steps.iter().find_map(|step| {
        if let Action::FetchArtifact { artifact } = &step.action {
            return Some(artifact.clone());
        }
        None
    });
    assert_eq!(fetched.as_ref(), Some(hint), "the order names what the hint named");
    let running = v1::CheckInRequest {
        running: Some(v1::RunningOrder {
            order_number: order.number,
            step: 0,
            past_last_safe_point: false,
        }),
        highest_order_begun: order.number,
        ..small
    };
    assert_eq!(
        hinted(machine.check_in(running).await.unwrap()),
        [],
        "the order fetches for itself"
    );
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_without_news_neither_reads_the_files_again_nor_writes() {
    let server = Server::with(from_files).await;
    let token = server.access(Role::Operator).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let file = add(&server, &token, "clamav_1.4.6_amd64.deb", b"goods").await;
    bind(&server, of_clamav("1.4.6", vec![file])).await.unwrap();
    let whole = machine.carrying();
    let first = hinted(machine.check_in(whole.clone()).await.unwrap());
    assert_eq!(first.len(), 1);
    // If anything read the rows again, it would find none.
    server.write(|tx| tx.execute("DELETE FROM artifact_use", &[])).await;
    let before = server.last_pos().await;
    let small = v1::CheckInRequest {
        inventory: None,
        ..whole
    };
    for _ in 0..3 {
        assert_eq!(hinted(machine.check_in(small.clone()).await.unwrap()), first);
    }
    assert_eq!(server.last_pos().await, before);
    assert_eq!(server.plan(machine.host).await.phase, Phase::Planned);

    // The next word of an operator is a new name for the shelf, and the rows count again.
    let other = add(&server, &token, "clamav_1.5_amd64.deb", b"other").await;
    bind(&server, of_clamav("1.5", vec![other])).await.unwrap();
    let newest = hinted(machine.check_in(small).await.unwrap());
    assert_eq!(newest[0].file_name, "clamav_1.5_amd64.deb");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_bound_is_known_after_a_restart() {
    let mut server = Server::with(from_files).await;
    let token = server.access(Role::Operator).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let file = add(&server, &token, "clamav_1.4.6_amd64.deb", b"goods").await;
    bind(&server, of_clamav("1.4.6", vec![file])).await.unwrap();
    server.restart().await;
    machine.reconnect(&server).await;
    let whole = machine.carrying();
    assert_eq!(hinted(machine.check_in(whole).await.unwrap()).len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bound_is_refused_with_a_reason_and_all_or_none_is() {
    let server = Server::with(from_files).await;
    let token = server.access(Role::Operator).await;
    let good = add(&server, &token, "clamav_1.4.6_amd64.deb", b"goods").await;
    let lost = UsedFile {
        sha256: "0".repeat(64),
        ..good.clone()
    };
    let script = add(&server, &token, "setup.sh", b"script").await;
    let ask = || of_clamav("1.4.6", vec![good.clone()]);
    let with = |change: fn(&mut NewArtifactUse)| {
        let mut new = ask();
        change(&mut new);
        new
    };
    let before = server.last_pos().await;
    for (new, said) in [
        (
            with(|new| new.product = "kesl".to_owned()),
            "no recipe installs `kesl` from files; these do: clamav",
        ),
        (with(|new| new.version = "1 4".to_owned()), "is no version"),
        (with(|new| new.version = String::new()), "is no version"),
        (
            with(|new| new.systems = vec!["Debian 12".to_owned()]),
            "names no system",
        ),
        (
            with(|new| new.mirrors = vec!["ftp://mirror".to_owned()]),
            "is no address",
        ),
        (with(|new| new.files = Vec::new()), "1 to 200 files"),
        (
            of_clamav("1.4.6", vec![good.clone(), lost]),
            "is not on the server; add it first",
        ),
        (of_clamav("1.4.6", vec![script]), "is not called as package files are"),
    ] {
        let refused = bind(&server, new).await.unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    let dry = NewArtifactUse { dry_run: true, ..ask() };
    assert_eq!(bind(&server, dry).await.unwrap(), "would bind 1 file of clamav 1.4.6");
    assert_eq!(server.last_pos().await, before, "nothing was bound");

    let viewer = server.access(Role::Viewer).await;
    let answer = by_token(&server, Method::POST, "/api/v1/artifacts/uses", &viewer)
        .json(&ask())
        .send()
        .await
        .unwrap();
    problem(answer, StatusCode::FORBIDDEN).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_binds_by_the_program_and_mends_a_file_that_was_spoiled() {
    let server = Server::with(from_files).await;
    let token = server.access(Role::Operator).await;
    let files = [
        ("clamav_1.4.6_amd64.deb", &b"goods"[..]),
        ("libclamav12_1.4.6_amd64.deb", b"library"),
    ];
    let paths = files.map(|(name, bytes)| {
        let path = server.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let run = |more: &'static [&'static str]| {
        let line: Vec<&str> = [&["artifact", "add", &paths[0], &paths[1]], more].concat();
        let line: Vec<String> = line.into_iter().map(str::to_owned).collect();
        let (server, token) = (&server, &token);
        async move {
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            cutover(server, token, &line).await
        }
    };
    let lines = |finished: Finished| finished.succeeded().unwrap().stdout;

    let misused = run(&["--product", "clamav"]).await;
    assert_eq!(misused.code(), Some(2), "a version goes with a product");
    let two = run(&[
        "--sha256",
        "0000000000000000000000000000000000000000000000000000000000000000",
    ])
    .await;
    assert!(two.stderr.contains("one file"), "{}", two.stderr);
    let refused = run(&["--product", "kesl", "--version", "1"]).await;
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("these do: clamav"), "{}", refused.stderr);
    let listed = lines(cutover(&server, &token, &["artifact", "list", "--output", "csv"]).await);
    assert_eq!(listed.lines().count(), 1, "what cannot be bound is not sent: {listed}");
    let whole: &[&str] = &[
        "--product",
        "clamav",
        "--version",
        "1.4.6",
        "--for",
        "debian:12",
        "--for",
        "ubuntu",
    ];
    let dry: &[&str] = &["--product", "clamav", "--version", "1.4.6", "--dry-run"];
    let said = lines(run(dry).await);
    assert!(said.ends_with("would bind 2 files of clamav 1.4.6\n"), "{said}");
    let said = lines(run(whole).await);
    assert!(said.ends_with("bound 2 files of clamav 1.4.6\n"), "{said}");
    let table = lines(cutover(&server, &token, &["artifact", "list"]).await);
    assert!(table.contains("clamav 1.4.6 (debian:12 ubuntu)"), "{table}");

    // A byte that turned on the disk keeps the size; only who hashes it notices.
    let digest = digest_of(b"goods");
    let stored = server.path().join("artifacts").join(&digest[..2]).join(&digest);
    std::fs::write(&stored, b"gooDs").unwrap();
    let said = lines(run(whole).await);
    assert!(said.starts_with("added clamav_1.4.6_amd64.deb again as "), "{said}");
    assert_eq!(std::fs::read(&stored).unwrap(), b"goods");
    server.stop().await;
}
