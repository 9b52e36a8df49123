//! The layer denies by default: shown for every method that the wire has, over real TLS.

use std::sync::atomic::Ordering;

use prost::Message;
use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

use super::{
    EnrollLimits, HandshakeLimits, RENEW_GRACE_MS, Rate,
    admission::REQUEST_ID_HEADER,
    post,
    testing::{DAY_MS, Host, World, certify, reached},
};
use crate::pki::Pki;

/// As much of `google.protobuf.FileDescriptorSet` as it takes to name every method.
#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(message, repeated, tag = "1")]
    file: Vec<ProtoFile>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoFile {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    service: Vec<ProtoService>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoService {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<ProtoMethod>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoMethod {
    #[prost(string, tag = "1")]
    name: String,
}

const ENROLL: &str = "/cutover.v1.Enrollment/Enroll";
const RENEW: &str = "/cutover.v1.Enrollment/Renew";
const CHECK_IN: &str = "/cutover.v1.Agent/CheckIn";
const LEAVE: &str = "/cutover.v1.Agent/Leave";

/// `/package.Service/Method` of every method of every service.
fn every_method() -> Vec<String> {
    let files = Files::decode(cutover_proto::DESCRIPTORS).expect("descriptors");
    let mut paths = Vec::new();
    for file in &files.file {
        for service in &file.service {
            for method in &service.method {
                paths.push(format!("/{}.{}/{}", file.package, service.name, method.name));
            }
        }
    }
    for known in [ENROLL, RENEW, CHECK_IN, LEAVE, "/cutover.v1.Agent/Watch"] {
        assert!(paths.iter().any(|path| path == known), "{known} is not among {paths:?}");
    }
    paths
}

/// The routes behind the layer answer ABORTED, so OK never comes back.
async fn call(channel: &Channel, path: &str) -> Status {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.expect("an open connection");
    let path = PathAndQuery::try_from(path).expect("a path");
    let codec: ProstCodec<(), ()> = ProstCodec::default();
    client
        .unary(Request::new(()), path, codec)
        .await
        .expect_err("a status other than OK")
}

/// Calls every method; those that are not admitted must be denied with a reason that says what to do.
async fn walk(world: &World, host: Option<&Host>, says: &str, admitted: impl Fn(&str) -> Option<String>) {
    let channel = world.channel(host).await.expect("a connection");
    let mut paths = every_method();
    paths.push("/cutover.v1.Agent/Unheard".to_owned());
    paths.push("/grpc.health.v1.Health/Check".to_owned());
    for path in paths {
        let status = call(&channel, &path).await;
        match admitted(&path) {
            Some(who) => {
                assert_eq!(
                    (status.code(), status.message()),
                    (Code::Aborted, who.as_str()),
                    "{path}"
                );
            }
            None => {
                assert_eq!(status.code(), Code::Unauthenticated, "{path}: {status}");
                assert!(status.message().contains(says), "{path}: {status}");
            }
        }
    }
}

fn enroll_alone(path: &str) -> Option<String> {
    (path == ENROLL).then(|| "reached as nobody".to_owned())
}

#[tokio::test]
async fn every_method_is_denied_without_a_certificate_but_enroll() {
    let world = World::start(reached()).await;
    walk(&world, None, "enrol first", enroll_alone).await;
}

#[tokio::test]
async fn every_method_is_denied_to_a_key_that_no_host_has_but_enroll() {
    let world = World::start(reached()).await;
    let host = world.host();
    world.keys.forget(&host.spki_hash);
    walk(&world, Some(&host), "enrol anew", enroll_alone).await;
}

#[tokio::test]
async fn every_method_is_denied_to_a_revoked_key_but_enroll_and_leave_which_judges_itself() {
    let world = World::start(reached()).await;
    let host = world.host();
    // Also when the replica that revoked it has a clock ahead of ours.
    world
        .keys
        .change(&host.spki_hash, |key| key.revoked_ms = Some(key.to_ms));
    walk(&world, Some(&host), "was revoked; enrol anew", |path| {
        let who = format!("reached as {} expired=false", host.id);
        enroll_alone(path).or_else(|| (path == LEAVE).then_some(who))
    })
    .await;
}

#[tokio::test]
async fn every_method_is_denied_to_a_key_that_is_not_good_yet_but_enroll() {
    let world = World::start(reached()).await;
    let host = world.host();
    world.keys.change(&host.spki_hash, |key| key.from_ms = key.to_ms - 1);
    walk(&world, Some(&host), "check the server's clock", enroll_alone).await;
}

#[tokio::test]
async fn every_method_is_open_to_a_live_key() {
    let world = World::start(reached()).await;
    let host = world.host();
    walk(&world, Some(&host), "", |path| {
        enroll_alone(path).or_else(|| Some(format!("reached as {} expired=false", host.id)))
    })
    .await;
}

#[tokio::test]
async fn an_expired_key_may_renew_or_leave_for_400_days_and_do_nothing_else() {
    let world = World::start(reached()).await;
    let host = world.host();
    let renew = |path: &str| {
        let who = format!("reached as {} expired=true", host.id);
        enroll_alone(path).or_else(|| [RENEW, LEAVE].contains(&path).then_some(who))
    };
    // The last millisecond of the key, then its end, then the end of the grace, over new connections each time.
    world.clock.advance(90 * DAY_MS - 1000);
    walk(&world, Some(&host), "", |path| {
        enroll_alone(path).or_else(|| Some(format!("reached as {} expired=false", host.id)))
    })
    .await;
    world.clock.advance(1000);
    walk(&world, Some(&host), "has expired; renew it", &renew).await;
    world.clock.advance(RENEW_GRACE_MS - 1000);
    walk(&world, Some(&host), "has expired; renew it", &renew).await;
    world.clock.advance(1001);
    walk(&world, Some(&host), "expired", enroll_alone).await;
}

#[tokio::test]
async fn a_key_that_ends_before_its_certificate_is_expired_at_its_end() {
    let world = World::start(reached()).await;
    let host = world.host();
    let now_ms = world.clock.now_ms();
    world.keys.change(&host.spki_hash, |key| key.to_ms = now_ms);
    let channel = world.channel(Some(&host)).await.expect("a connection");
    assert_eq!(call(&channel, CHECK_IN).await.code(), Code::Unauthenticated);
    assert_eq!(call(&channel, RENEW).await.code(), Code::Aborted);
}

#[tokio::test]
async fn a_foreign_authoritys_certificate_ends_in_the_handshake() {
    let world = World::start(reached()).await;
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let foreign = Pki::create(&elsewhere.path().join("pki"), world.clock.now_ms()).expect("an authority");
    let host = certify(&foreign, world.clock.now_ms());
    for _ in 0..2 {
        // In TLS 1.3 a client learns only after its own handshake that the server refused it.
        if let Ok(channel) = world.channel(Some(&host)).await {
            let mut client = Grpc::new(channel);
            for path in every_method() {
                let status = match client.ready().await {
                    Err(_) => continue,
                    Ok(()) => {
                        let path = PathAndQuery::try_from(path).expect("a path");
                        let codec: ProstCodec<(), ()> = ProstCodec::default();
                        client.unary(Request::new(()), path, codec).await.expect_err("refused")
                    }
                };
                assert!(!status.message().contains("reached"), "{status}");
            }
        }
        assert!(world.plain(Some(&host)).get("/artifacts/00").await.is_err());
        // An expired one is no better.
        world.clock.advance(100 * DAY_MS);
    }
    assert!(world.connections.is_empty());
}

#[tokio::test]
async fn plain_http_paths_are_denied_as_well() {
    let world = World::start(reached()).await;
    let host = world.host();
    for path in [
        "/artifacts/00",
        "/",
        "/check-in",
        post::CHECK_IN,
        post::RENEW,
        ENROLL,
        post::ENROLL,
    ] {
        let (status, _) = world.plain(None).get(path).await.expect("an answer");
        let expected = if [ENROLL, post::ENROLL].contains(&path) {
            "HTTP/1.1 200 OK"
        } else {
            "HTTP/1.1 401 Unauthorized"
        };
        assert_eq!(status, expected, "{path}");
        let (status, _) = world.plain(Some(&host)).get(path).await.expect("an answer");
        assert_eq!(status, "HTTP/1.1 200 OK", "{path}");
    }
}

#[tokio::test]
async fn posts_are_denied_as_calls_are_and_an_expired_key_may_renew_by_one() {
    let world = World::start(reached()).await;
    let host = world.host();
    let ask = async |path| world.plain(Some(&host)).get(path).await.expect("an answer").0;
    let (ok, denied) = ("HTTP/1.1 200 OK", "HTTP/1.1 401 Unauthorized");
    assert_eq!(
        (ask(post::CHECK_IN).await.as_str(), ask(post::RENEW).await.as_str()),
        (ok, ok)
    );
    world.clock.advance(90 * DAY_MS);
    assert_eq!(
        (ask(post::CHECK_IN).await.as_str(), ask(post::RENEW).await.as_str()),
        (denied, ok)
    );
    world.clock.advance(RENEW_GRACE_MS);
    assert_eq!(
        (ask(post::CHECK_IN).await.as_str(), ask(post::RENEW).await.as_str()),
        (denied, denied)
    );
    let revoked = world.host();
    world.keys.change(&revoked.spki_hash, |key| key.revoked_ms = Some(0));
    for path in [post::CHECK_IN, post::RENEW] {
        let (status, _) = world.plain(Some(&revoked)).get(path).await.expect("an answer");
        assert_eq!(status, denied, "{path}");
    }
}

#[tokio::test]
async fn a_revocation_is_in_force_at_the_next_call_of_an_open_connection() {
    let world = World::start(reached()).await;
    let host = world.host();
    let channel = world.channel(Some(&host)).await.expect("a connection");
    assert_eq!(call(&channel, CHECK_IN).await.code(), Code::Aborted);
    let now_ms = world.clock.now_ms();
    world.keys.change(&host.spki_hash, |key| key.revoked_ms = Some(now_ms));
    assert_eq!(call(&channel, CHECK_IN).await.code(), Code::Unauthenticated);
    assert_eq!(call(&channel, RENEW).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_resumed_session_of_a_revoked_or_expired_key_is_denied() {
    let world = World::start(reached()).await;
    let host = world.host();
    let client = world.plain(Some(&host));
    let (status, kind) = client.get("/artifacts/00").await.expect("an answer");
    assert_eq!(
        (status.as_str(), kind),
        ("HTTP/1.1 200 OK", Some(rustls::HandshakeKind::Full))
    );
    let (status, kind) = client.get("/artifacts/00").await.expect("an answer");
    assert_eq!(
        (status.as_str(), kind),
        ("HTTP/1.1 200 OK", Some(rustls::HandshakeKind::Resumed))
    );
    let now_ms = world.clock.now_ms();
    world.keys.change(&host.spki_hash, |key| key.to_ms = now_ms);
    let (status, kind) = client.get("/artifacts/00").await.expect("an answer");
    assert_eq!(
        (status.as_str(), kind),
        ("HTTP/1.1 401 Unauthorized", Some(rustls::HandshakeKind::Resumed))
    );
    world.keys.change(&host.spki_hash, |key| {
        key.to_ms += DAY_MS;
        key.revoked_ms = Some(now_ms);
    });
    let (status, kind) = client.get("/artifacts/00").await.expect("an answer");
    assert_eq!(
        (status.as_str(), kind),
        ("HTTP/1.1 401 Unauthorized", Some(rustls::HandshakeKind::Resumed))
    );
}

#[tokio::test]
async fn nobody_is_admitted_while_the_store_does_not_answer() {
    let world = World::start(reached()).await;
    let host = world.host();
    world.keys.broken.store(true, Ordering::SeqCst);
    let channel = world.channel(Some(&host)).await.expect("a connection");
    for path in every_method() {
        let expected = if path == ENROLL {
            Code::Aborted
        } else {
            Code::Unavailable
        };
        assert_eq!(call(&channel, &path).await.code(), expected, "{path}");
    }
    world.keys.broken.store(false, Ordering::SeqCst);
    assert_eq!(call(&channel, CHECK_IN).await.code(), Code::Aborted);
}

#[tokio::test]
async fn enrolling_too_often_is_told_when_to_come_again_and_stops_nobody_else() {
    let once = Rate {
        burst: 1,
        per_second: 0.1,
    };
    let limits = EnrollLimits {
        per_address: once,
        global: Rate {
            burst: 10,
            per_second: 1.0,
        },
    };
    let world = World::start_with(reached(), limits, HandshakeLimits::default()).await;
    let host = world.host();
    let channel = world.channel(Some(&host)).await.expect("a connection");
    assert_eq!(call(&channel, ENROLL).await.code(), Code::Aborted);
    let refused = call(&channel, ENROLL).await;
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let after = refused
        .metadata()
        .get("retry-after")
        .map(|value| value.as_bytes().to_vec());
    assert_eq!(after.as_deref(), Some(&b"10"[..]));
    assert_eq!(call(&channel, CHECK_IN).await.code(), Code::Aborted);
    world.clock.advance(10_000);
    assert_eq!(call(&channel, ENROLL).await.code(), Code::Aborted);
}

#[test]
fn a_request_id_is_taken_only_when_it_is_short_and_plain() {
    let id = |value: &[u8]| {
        let request = hyper::Request::builder()
            .header(REQUEST_ID_HEADER, value)
            .body(())
            .expect("a request");
        super::admission::request_id(&request).map(str::to_owned)
    };
    assert_eq!(id(b"0192-ab").as_deref(), Some("0192-ab"));
    for bad in [&b""[..], b"a b", b"line\tbreak", b"caf\xe9", &[b'a'; 65]] {
        assert_eq!(id(bad), None, "{bad:?}");
    }
}
