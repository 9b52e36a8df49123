//! Artifacts: added over the REST API or by the program, fetched by hosts in whole or in part, and by nobody else.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cutover_server::{
    config::Config,
    service::{ArtifactAdded, ArtifactList, Caller, Role},
};
use cutover_tests::harness::{
    binaries,
    process::{Finished, run, tool},
};
use reqwest::{Client, ClientBuilder, Identity, Method, RequestBuilder, Response, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{
    channel::pem,
    machine::Machine,
    people::browser::{by_token, problem},
    server::Server,
};

/// Longer than any run of the program takes.
const LONG: Duration = Duration::from_secs(60);

/// Larger than what is read from disk at once, and no multiple of it.
fn goods() -> Vec<u8> {
    (0..300_001_u32)
        .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
        .collect()
}

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub(crate) fn upload(server: &Server, token: &str, query: &str, body: Vec<u8>) -> RequestBuilder {
    by_token(server, Method::PUT, &format!("/api/v1/artifacts?{query}"), token).body(body)
}

async fn add(server: &Server, bytes: Vec<u8>) -> String {
    let token = server.access(Role::Operator).await;
    let answer = upload(server, &token, "file_name=clamav_1.4.6_amd64.deb", bytes)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let added: ArtifactAdded = answer.json().await.unwrap();
    assert!(added.is_here, "{}", added.done);
    added.sha256.unwrap()
}

/// Every file below the directory of artifacts.
fn files(server: &Server) -> Vec<PathBuf> {
    fn below(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                below(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
    }
    let mut found = Vec::new();
    below(&server.path().join("artifacts"), &mut found);
    found
}

/// A client of HTTP that trusts the server's authority and shows the host's certificate, if any.
fn client(server: &Server, machine: Option<&Machine>) -> Client {
    client_builder(server, machine).build().unwrap()
}

/// The same, for whoever wants something else of it too.
pub(crate) fn client_builder(server: &Server, machine: Option<&Machine>) -> ClientBuilder {
    let roots = server.pki().roots();
    let roots = roots.iter().map(|root| reqwest::Certificate::from_der(root).unwrap());
    let mut builder = Client::builder().tls_certs_only(roots).no_proxy();
    if let Some(machine) = machine {
        let shown = pem(machine.certificate()) + &machine.keys.pair.serialize_pem();
        builder = builder.identity(Identity::from_pem(shown.as_bytes()).unwrap());
    }
    builder
}

fn address(server: &Server, digest: &str) -> String {
    format!("https://localhost:{}/artifacts/{digest}", server.app().agents.port())
}

async fn fetch(server: &Server, client: &Client, digest: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client.get(address(server, digest));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_fetches_the_whole_or_a_part_and_knows_what_it_has() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let goods = goods();
    let digest = add(&server, goods.clone()).await;
    let client = client(&server, Some(&machine));

    let whole = fetch(&server, &client, &digest, &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    let tag = format!("\"{digest}\"");
    assert_eq!(whole.headers()[header::ETAG], tag.as_str());
    assert_eq!(whole.headers()[header::ACCEPT_RANGES], "bytes");
    assert_eq!(whole.headers()[header::CONTENT_LENGTH], "300001");
    assert!(whole.bytes().await.unwrap() == goods);

    let rest = [("range", "bytes=200000-"), ("if-range", tag.as_str())];
    let part = fetch(&server, &client, &digest, &rest).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 200000-300000/300001");
    assert!(part.bytes().await.unwrap() == goods[200_000..]);

    let other = [("range", "bytes=200000-"), ("if-range", "\"something else\"")];
    let all = fetch(&server, &client, &digest, &other).await;
    assert_eq!(all.status(), StatusCode::OK, "a part of something else is never given");
    assert_eq!(all.bytes().await.unwrap().len(), goods.len());

    let beyond = fetch(&server, &client, &digest, &[("range", "bytes=300001-")]).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()[header::CONTENT_RANGE], "bytes */300001");

    for unknown in ["0".repeat(64), digest.to_uppercase(), "..%2f..%2fcutover.db".to_owned()] {
        let answer = fetch(&server, &client, &unknown, &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{unknown}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_live_key_gets_a_byte() {
    let server = Server::start().await;
    let (machine, other) = (
        Machine::enrol(&server, "pc-1").await,
        Machine::enrol(&server, "pc-2").await,
    );
    let digest = add(&server, goods()).await;
    let (nobody, own) = (client(&server, None), client(&server, Some(&machine)));
    let denied = fetch(&server, &nobody, &digest, &[]).await;
    assert_eq!(denied.status(), StatusCode::UNAUTHORIZED);
    assert!(denied.bytes().await.unwrap().is_empty());
    assert_eq!(fetch(&server, &own, &digest, &[]).await.status(), StatusCode::OK);

    let gone = server
        .service()
        .retire_host(Caller::server(), "pc-1".to_owned(), "sold".to_owned(), false);
    gone.await.unwrap();
    // Its connection is closed, and a new one is judged anew.
    let again = client(&server, Some(&machine));
    let denied = fetch(&server, &again, &digest, &[]).await;
    assert_eq!(denied.status(), StatusCode::UNAUTHORIZED);
    assert!(denied.bytes().await.unwrap().is_empty());
    let others = client(&server, Some(&other));
    assert_eq!(fetch(&server, &others, &digest, &[]).await.status(), StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_took_more_than_its_share_is_told_when_to_come_again_and_stops_no_other() {
    let share = |config: &mut Config| config.artifacts.host_mib_per_second = 1;
    let server = Server::with(share).await;
    let (greedy, other) = (
        Machine::enrol(&server, "pc-1").await,
        Machine::enrol(&server, "pc-2").await,
    );
    // Ten seconds' worth may leave at once; this is more, and leaves whole.
    let digest = add(&server, vec![7; 40 << 20]).await;
    let (greedy, other) = (client(&server, Some(&greedy)), client(&server, Some(&other)));
    let first = fetch(&server, &greedy, &digest, &[]).await;
    assert_eq!(first.status(), StatusCode::OK);
    let second = fetch(&server, &greedy, &digest, &[("range", "bytes=0-0")]).await;
    assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u32 = second.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((20..=31).contains(&wait), "{wait} seconds for 30 MiB at one a second");
    let part = fetch(&server, &other, &digest, &[("range", "bytes=0-0")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_announced_is_refused_and_leaves_nothing() {
    let server = Server::with(|config| config.artifacts.max_mib = 1).await;
    let token = server.access(Role::Operator).await;
    let (goods, other) = (goods(), "0".repeat(64));
    for (query, body, said) in [
        (format!("file_name=a.deb&sha256={other}"), goods.clone(), "hash to"),
        ("file_name=a.deb&sha256=abc".to_owned(), goods.clone(), "no SHA-256"),
        (
            "file_name=a.deb&size=5".to_owned(),
            goods.clone(),
            "5 bytes were announced",
        ),
        ("file_name=..%2Fa.deb".to_owned(), goods.clone(), "no file name"),
        ("file_name=a.deb".to_owned(), vec![0; (1 << 20) + 1], "max_mib"),
        (
            "file_name=a.deb&size=2000000&dry_run=true".to_owned(),
            vec![],
            "max_mib",
        ),
        ("file_name=a.deb".to_owned(), vec![], "at least one byte"),
        ("file_name=a.deb&run=sh".to_owned(), vec![], "run"),
    ] {
        let answer = upload(&server, &token, &query, body).send().await.unwrap();
        let detail = problem(answer, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(said), "{query}: {detail}");
        assert_eq!(files(&server), [""; 0].map(PathBuf::from), "{query}");
    }
    let viewer = server.access(Role::Viewer).await;
    let answer = upload(&server, &viewer, "file_name=a.deb", goods).send().await.unwrap();
    problem(answer, StatusCode::FORBIDDEN).await;
    assert_eq!(files(&server), [""; 0].map(PathBuf::from));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_is_kept_once_and_a_lost_file_comes_back() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let token = server.access(Role::Operator).await;
    let goods = goods();
    let digest = digest_of(&goods);
    let query = "file_name=clamav_1.4.6_amd64.deb";
    for _ in 0..2 {
        let answer = upload(&server, &token, query, goods.clone()).send().await.unwrap();
        assert_eq!(answer.json::<ArtifactAdded>().await.unwrap().sha256.unwrap(), digest);
        assert_eq!(
            files(&server),
            [server.path().join("artifacts").join(&digest[..2]).join(&digest)]
        );
    }
    let listed = || async {
        let answer = by_token(&server, Method::GET, "/api/v1/artifacts", &token)
            .send()
            .await
            .unwrap();
        answer.json::<ArtifactList>().await.unwrap()
    };
    let list = listed().await;
    let [artifact] = list.artifacts.as_slice() else {
        panic!("{list:?}");
    };
    assert_eq!((artifact.size, artifact.kind.as_str()), (300_001, "deb"));
    assert_eq!(artifact.added_by, "a-operator");

    std::fs::remove_file(&files(&server)[0]).unwrap();
    let client = client(&server, Some(&machine));
    let lost = fetch(&server, &client, &digest, &[]).await;
    assert_eq!(lost.status(), StatusCode::SERVICE_UNAVAILABLE);
    let query = format!("{query}&sha256={digest}");
    let answer = upload(&server, &token, &query, goods.clone()).send().await.unwrap();
    assert!(answer.json::<ArtifactAdded>().await.unwrap().is_here);
    let found = fetch(&server, &client, &digest, &[]).await;
    assert!(found.bytes().await.unwrap() == goods);
    assert_eq!(listed().await, list, "one row, as it was first added");
    server.stop().await;
}

/// Runs `cutover` against the server, in a process of its own.
pub(crate) async fn cutover(server: &Server, token: &str, arguments: &[&str]) -> Finished {
    let file = server.path().join("operator.token");
    std::fs::write(&file, token).unwrap();
    let mut command = tool(binaries::server().unwrap());
    command.args(["--url", &server.url(""), "--token-file"]).arg(&file);
    command.args(arguments);
    tokio::task::spawn_blocking(|| run(command, LONG))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_adds_and_lists_by_the_program() {
    let server = Server::start().await;
    let token = server.access(Role::Operator).await;
    let goods = goods();
    let digest = digest_of(&goods);
    let file = server.path().join("clamav_1.4.6_amd64.deb");
    std::fs::write(&file, &goods).unwrap();
    let path = file.to_str().unwrap();

    let other = "0".repeat(64);
    let refused = cutover(&server, &token, &["artifact", "add", path, "--sha256", &other]).await;
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains(&digest), "{}", refused.stderr);
    let misused = cutover(&server, &token, &["artifact", "add", path, "--sha256", "abc"]).await;
    assert_eq!(misused.code(), Some(2));
    let dry = cutover(&server, &token, &["artifact", "add", path, "--dry-run"]).await;
    assert!(
        dry.succeeded()
            .unwrap()
            .stdout
            .starts_with("would add clamav_1.4.6_amd64.deb")
    );
    assert_eq!(files(&server), [""; 0].map(PathBuf::from), "nothing was changed so far");

    let added = cutover(&server, &token, &["artifact", "add", path, "--sha256", &digest]).await;
    assert!(
        added
            .succeeded()
            .unwrap()
            .stdout
            .starts_with("added clamav_1.4.6_amd64.deb")
    );
    let again = cutover(&server, &token, &["artifact", "add", path]).await;
    assert!(again.succeeded().unwrap().stdout.contains("is here already"));
    let table = cutover(&server, &token, &["artifact", "list"])
        .await
        .succeeded()
        .unwrap();
    assert!(
        table.stdout.contains(&digest) && table.stdout.contains("deb"),
        "{}",
        table.stdout
    );
    let csv = cutover(&server, &token, &["artifact", "list", "--output", "csv"]).await;
    let csv = csv.succeeded().unwrap().stdout;
    assert!(
        csv.starts_with("file,kind,bytes,sha256,added by,added,makes\nclamav_1.4.6_amd64.deb,deb,300001,"),
        "{csv}"
    );
    let json = cutover(&server, &token, &["artifact", "list", "--output", "json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.succeeded().unwrap().stdout).unwrap();
    assert_eq!(json[0]["sha256"], digest.as_str());

    let viewer = server.access(Role::Viewer).await;
    let denied = cutover(&server, &viewer, &["artifact", "add", path]).await;
    assert_eq!(denied.code(), Some(1));
    assert!(denied.stderr.contains("this takes a operator"), "{}", denied.stderr);
    server.stop().await;
}
