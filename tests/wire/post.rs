//! The calls as HTTPS POSTs, as an agent makes them where HTTP/2 does not come through.

use cutover_proto::{post, v1};
use cutover_server::service::Caller;
use prost::Message;
use reqwest::{Client, StatusCode, Version, header};

use crate::{
    artifacts::client_builder,
    clones::alternate,
    keys::Keys,
    machine::{Machine, enrolment},
    server::Server,
};

/// One that speaks HTTP/1.1 alone.
fn client(server: &Server, machine: Option<&Machine>) -> Client {
    client_builder(server, machine).http1_only().build().unwrap()
}

/// What came back: the status, gRPC's code where it is a refusal, and the body.
struct Answer {
    status: StatusCode,
    code: Option<String>,
    words: String,
    body: Vec<u8>,
}

async fn send(server: &Server, client: &Client, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let address = format!("https://localhost:{}{path}", server.app().agents.port());
    let request = client.post(address).version(Version::HTTP_11);
    let answer = request
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), Version::HTTP_11);
    let text = |name| {
        let value = answer.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Answer {
        status: answer.status(),
        code: text("grpc-status"),
        words: text("grpc-message").unwrap_or_default(),
        body: answer.bytes().await.unwrap().to_vec(),
    }
}

async fn say(server: &Server, client: &Client, path: &str, message: &impl Message) -> Answer {
    send(server, client, path, post::CONTENT_TYPE, message.encode_to_vec()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_enrols_checks_in_and_renews_by_post() {
    let server = Server::start().await;
    let (keys, token) = (Keys::new(), server.token(1).await);
    let anonymous = client(&server, None);
    let asked = enrolment(&keys, &token, "pc-1");
    let first = say(&server, &anonymous, post::ENROLL, &asked).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.words);
    let enrolled = v1::EnrollReply::decode(first.body.as_slice()).unwrap();
    // A lost answer costs no second use of the token, over either way.
    let again = say(&server, &anonymous, post::ENROLL, &asked).await;
    let again = v1::EnrollReply::decode(again.body.as_slice()).unwrap();
    assert_eq!(again.host_id, enrolled.host_id);

    let mut machine = Machine::enrol(&server, "pc-2").await;
    let shown = client(&server, Some(&machine));
    let carrying = machine.carrying();
    let answer = say(&server, &shown, post::CHECK_IN, &carrying).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.words);
    let reply = v1::CheckInReply::decode(answer.body.as_slice()).unwrap();
    assert_eq!(reply.durable_inventory, carrying.inventory_digest);
    // What came by one way is known to the other.
    let by_grpc = machine.check_in(machine.hello()).await.unwrap();
    assert_eq!(by_grpc.durable_inventory, carrying.inventory_digest);

    let answer = say(&server, &shown, post::RENEW, &machine.renewal(&Keys::new())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.words);
    let renewed = v1::RenewReply::decode(answer.body.as_slice()).unwrap();
    assert!(!renewed.certificate_chain.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_machines_gets_an_identity_of_its_own_by_post() {
    let server = Server::start().await;
    let first = Machine::enrol(&server, "pc-1").await;
    let second = first.copied(&server, "pc-2", "boot-2").await;
    let (shown, asked) = (client(&server, Some(&second)), second.splitting(&Keys::new()));
    let early = say(&server, &shown, post::SPLIT, &asked).await;
    assert_ne!(early.status, StatusCode::OK, "nobody has seen that they are two");
    alternate(&server, &[&first, &second]).await;
    let mut given = Vec::new();
    // A lost answer is asked for again.
    for _ in 0..2 {
        let answer = say(&server, &shown, post::SPLIT, &asked).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.words);
        given.push(v1::EnrollReply::decode(answer.body.as_slice()).unwrap().host_id);
    }
    assert_eq!(given[0], given[1]);
    assert_ne!(given[0], second.host.to_string());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_refused_to_whoever_is_no_live_host_and_for_what_is_no_message() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let (anonymous, shown) = (client(&server, None), client(&server, Some(&machine)));
    let hello = machine.hello();
    for path in [post::CHECK_IN, post::RENEW, post::SPLIT, post::LEAVE] {
        let stranger = say(&server, &anonymous, path, &hello).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(stranger.code.as_deref(), Some("16"), "{path}");
    }
    let bad_token = say(
        &server,
        &anonymous,
        post::ENROLL,
        &enrolment(&Keys::new(), "none", "pc-9"),
    )
    .await;
    assert_eq!(
        (bad_token.status, bad_token.code.as_deref()),
        (StatusCode::FORBIDDEN, Some("7"))
    );

    let garbage = send(&server, &shown, post::CHECK_IN, post::CONTENT_TYPE, vec![0xff; 40]).await;
    assert_eq!(
        (garbage.status, garbage.code.as_deref()),
        (StatusCode::BAD_REQUEST, Some("3"))
    );
    let other = send(&server, &shown, post::CHECK_IN, "text/plain", hello.encode_to_vec()).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "a form of a browser is no call");
    let large = vec![0; cutover_server::grpc::MAX_REQUEST_BYTES + 1];
    let large = send(&server, &shown, post::CHECK_IN, post::CONTENT_TYPE, large).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);

    let fine = say(&server, &shown, post::CHECK_IN, &hello).await;
    assert_eq!(fine.status, StatusCode::OK);
    let why = "sold on 2026-11-20, says the asset list".to_owned();
    let retired = server
        .service()
        .retire_host(Caller::server(), "pc-1".to_owned(), why, false);
    retired.await.unwrap();
    // Its open connection is cut; over a new one it is denied.
    let again = client(&server, Some(&machine));
    for path in [post::CHECK_IN, post::RENEW, post::SPLIT] {
        let denied = say(&server, &again, path, &hello).await;
        assert_eq!(
            (denied.status, denied.code.as_deref()),
            (StatusCode::UNAUTHORIZED, Some("16")),
            "{path}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_host_comes_through_and_who_inspected_it_is_shown_and_told_once() {
    let server = Server::with(|config| {
        config.agents.addresses = vec!["localhost:7443".to_owned(), "127.0.0.1:443".to_owned()];
    })
    .await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let said = |by: &str| v1::CheckInRequest {
        condition: Some(v1::AgentCondition {
            network: Some(v1::NetworkPath {
                way: v1::Way::Post.into(),
                address: "cutover.corp.example:7443".to_owned(),
                proxy: "proxy.corp.example:3128".to_owned(),
                intercepted_by: by.to_owned(),
            }),
            ..v1::AgentCondition::default()
        }),
        ..machine.hello()
    };
    let reply = machine.check_in(said("")).await.unwrap();
    assert_eq!(reply.settings.unwrap().addresses, ["localhost:7443", "127.0.0.1:443"]);
    let shown = async || server.service().host("pc-1".to_owned()).await.unwrap().network;
    let words = shown().await;
    for part in [
        "cutover.corp.example:7443",
        "HTTPS POST",
        "the proxy proxy.corp.example:3128",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let inspector = "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab";
    for _ in 0..2 {
        machine.check_in(said(inspector)).await.unwrap();
    }
    let words = shown().await;
    assert!(
        words.contains(inspector) && words.contains("exclude the server's address"),
        "{words}"
    );
    let stream = cutover_server::store::StreamName::host(&machine.host.to_string());
    let events = server
        .read(move |tx| cutover_server::store::events::load(tx, &stream, 1, 100))
        .await;
    let told = events.iter().filter(|event| event.kind == "tls-inspected").count();
    assert_eq!(told, 1);
    // Said again as it was, it writes nothing; an agent that says nothing of it takes nothing back.
    let at = server.last_pos().await;
    machine.check_in(said(inspector)).await.unwrap();
    machine.check_in(machine.hello()).await.unwrap();
    assert_eq!(server.last_pos().await, at);
    assert_eq!(shown().await, words);
    server.stop().await;
}
