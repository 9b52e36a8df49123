//! Identities swap under open connections, revoked keys lose theirs, silent peers hold nobody up.

use std::{pin::Pin, sync::Arc, time::Duration};

use cutover_proto::v1::{
    CheckInReply, CheckInRequest, LeaveReply, LeaveRequest, Nudge, WatchRequest, agent_client::AgentClient,
    agent_server::Agent,
};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use rustls_pki_types::UnixTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Request, Response, Status, service::Routes};

use super::{
    EnrollLimits, HandshakeLimits, MAX_REQUEST_BYTES, Peer, PeerCertificate, bounded_agent,
    testing::{LONG, World, until},
};

/// Answers with who asked; its Watch sends one nudge and then stays open.
struct Echo {
    /// One more is held for each open Watch.
    watching: Arc<()>,
}

#[tonic::async_trait]
impl Agent for Echo {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<Nudge, Status>> + Send>>;

    async fn check_in(&self, request: Request<CheckInRequest>) -> Result<Response<CheckInReply>, Status> {
        let peer = request.extensions().get::<Peer>().expect("admitted");
        Ok(Response::new(CheckInReply {
            store_epoch: peer.host_id.to_string(),
            ..Default::default()
        }))
    }

    async fn leave(&self, _: Request<LeaveRequest>) -> Result<Response<LeaveReply>, Status> {
        Err(Status::unimplemented("nobody leaves here"))
    }

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let held = self.watching.clone();
        let one = stream::once(async { Ok(Nudge::default()) });
        let open = one.chain(stream::pending()).map(move |nudge| {
            let _held = &held;
            nudge
        });
        Ok(Response::new(Box::pin(open)))
    }
}

async fn start() -> (World, Arc<()>) {
    let watching = Arc::new(());
    let routes = Routes::new(bounded_agent(Echo {
        watching: watching.clone(),
    }));
    (World::start(routes).await, watching)
}

fn check_in() -> CheckInRequest {
    CheckInRequest::default()
}

#[tokio::test]
async fn closing_a_keys_connections_ends_its_open_streams_and_no_others() {
    let (world, watching) = start().await;
    let (revoked, kept) = (world.host(), world.host());
    let open = async |host| {
        let channel = world.channel(Some(host)).await.expect("a connection");
        let mut client = AgentClient::new(channel);
        let mut stream = client.watch(WatchRequest {}).await.expect("a stream").into_inner();
        stream.message().await.expect("open").expect("a nudge");
        (client, stream)
    };
    let (_client, mut ended) = open(&revoked).await;
    let (mut other, mut going) = open(&kept).await;
    assert_eq!(Arc::strong_count(&watching), 1 + 1 + 2);
    assert_eq!(world.connections.len(), 2);

    assert_eq!(world.connections.close("not a hash"), 0);
    assert_eq!(world.connections.close(&revoked.spki_hash), 1);
    let end = tokio::time::timeout(LONG, ended.message()).await.expect("an end");
    assert!(end.is_err(), "{end:?}");
    until(|| Arc::strong_count(&watching) == 1 + 1 + 1).await;
    until(|| world.connections.len() == 1).await;

    let reply = other.check_in(check_in()).await.expect("still open").into_inner();
    assert_eq!(reply.store_epoch, kept.id.to_string());
    assert!(going.message().now_or_never().is_none(), "still open");
}

#[tokio::test]
async fn a_closed_key_that_was_not_revoked_may_come_back() {
    let (world, _) = start().await;
    let host = world.host();
    let channel = world.channel(Some(&host)).await.expect("a connection");
    let mut client = AgentClient::new(channel);
    client.check_in(check_in()).await.expect("admitted");
    assert_eq!(world.connections.close(&host.spki_hash), 1);
    until(|| world.connections.is_empty()).await;
    let channel = world.channel(Some(&host)).await.expect("a second connection");
    AgentClient::new(channel).check_in(check_in()).await.expect("admitted");
}

#[tokio::test]
async fn an_entry_leaves_with_its_connection() {
    let (world, _) = start().await;
    let host = world.host();
    let one = world.channel(Some(&host)).await.expect("a connection");
    let two = world.channel(Some(&host)).await.expect("a connection");
    let stranger = world.channel(None).await.expect("a connection");
    AgentClient::new(one.clone())
        .check_in(check_in())
        .await
        .expect("admitted");
    AgentClient::new(two.clone())
        .check_in(check_in())
        .await
        .expect("admitted");
    let denied = AgentClient::new(stranger)
        .check_in(check_in())
        .await
        .expect_err("denied");
    assert_eq!(denied.code(), Code::Unauthenticated);
    assert_eq!(world.connections.len(), 2);
    drop(one);
    until(|| world.connections.len() == 1).await;
    drop(two);
    until(|| world.connections.is_empty()).await;
}

#[tokio::test]
async fn a_swap_leaves_open_connections_and_shows_new_ones_the_new_certificate() {
    let (mut world, _) = start().await;
    let old_host = world.host();
    let old_plain = world.plain(Some(&old_host));
    let before = world.channel(Some(&old_host)).await.expect("a connection");
    let mut before = AgentClient::new(before);
    before.check_in(check_in()).await.expect("admitted");
    let shown = |stream: &tokio_rustls::client::TlsStream<TcpStream>| {
        let leaf = stream.get_ref().1.peer_certificates().expect("shown")[0].clone();
        PeerCertificate::parse(&leaf).expect("a certificate").spki_hash
    };
    let old_leaf = shown(&old_plain.connect().await.expect("a handshake"));

    let old_ca = world.pki.fingerprint().to_owned();
    let new_ca = world.pki.add_ca(world.clock.now_ms()).expect("an authority");
    world.pki.activate_ca(&new_ca).expect("activated");
    let names = ["localhost".to_owned()];
    let identity = world
        .pki
        .server_identity(&names, world.clock.now_ms())
        .expect("an identity");
    world.identity.swap(&identity, &world.pki.roots()).expect("swapped");

    before.check_in(check_in()).await.expect("the old connection stays");
    // A client that trusts the old authority alone sees that it is another.
    old_plain.connect().await.expect_err("an unknown issuer");
    let new_host = world.host();
    let new_plain = world.plain(Some(&new_host));
    let new_leaf = shown(&new_plain.connect().await.expect("a handshake"));
    assert_ne!(new_leaf, old_leaf);
    // Hosts of both authorities are accepted.
    for host in [&old_host, &new_host] {
        let channel = world.channel(Some(host)).await.expect("a connection");
        let reply = AgentClient::new(channel).check_in(check_in()).await.expect("admitted");
        assert_eq!(reply.into_inner().store_epoch, host.id.to_string());
    }

    // Without the old root its hosts are refused in the handshake, tickets or not; new ones are not.
    let resuming = world.plain(Some(&old_host));
    resuming.get("/").await.expect("an answer");
    world.pki.retire_ca(&old_ca).expect("retired");
    world.identity.swap(&identity, &world.pki.roots()).expect("swapped");
    resuming.get("/").await.expect_err("refused");
    new_plain.get("/").await.expect("an answer");
    before
        .check_in(check_in())
        .await
        .expect("the old connection stays even so");
}

#[tokio::test]
async fn a_refused_swap_leaves_the_former_identity() {
    let (world, _) = start().await;
    let host = world.host();
    let identity = world
        .pki
        .server_identity(&["localhost".into()], world.clock.now_ms())
        .expect("an identity");
    world.identity.swap(&identity, &[]).expect_err("nobody to trust");
    let mut other = identity.clone();
    other.chain.remove(0);
    world
        .identity
        .swap(&other, &world.pki.roots())
        .expect_err("another key's certificate");
    let channel = world.channel(Some(&host)).await.expect("a connection");
    AgentClient::new(channel).check_in(check_in()).await.expect("admitted");
}

#[tokio::test]
async fn a_silent_peer_holds_up_others_only_until_its_time_is_over() {
    let routes = Routes::new(bounded_agent(Echo {
        watching: Arc::default(),
    }));
    let limits = HandshakeLimits {
        time_out: Duration::from_millis(50),
        at_once: 1,
    };
    let world = World::start_with(routes, EnrollLimits::default(), limits).await;
    let host = world.host();
    let mut silent = TcpStream::connect(world.address).await.expect("a connection");
    let client = async {
        // Loopback handshakes may themselves take longer than this test's short time-out on a busy machine.
        loop {
            if let Ok(channel) = world.channel(Some(&host)).await
                && AgentClient::new(channel).check_in(check_in()).await.is_ok()
            {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, client).await.expect("admitted in the end");
    let dropped = tokio::time::timeout(LONG, silent.read_u8()).await.expect("dropped");
    assert!(dropped.is_err());
}

#[tokio::test]
async fn an_older_tls_is_refused_by_name() {
    let (world, _) = start().await;
    // A ClientHello of TLS 1.2: one cipher suite, no supported_versions.
    let extensions: &[u8] = &[
        0, 10, 0, 4, 0, 2, 0, 23, // supported_groups: secp256r1
        0, 13, 0, 4, 0, 2, 4, 3, // signature_algorithms: ecdsa_secp256r1_sha256
    ];
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 16]);
    hello.extend(extensions);
    let length = u8::try_from(hello.len()).expect("short");
    let record = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat();
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    stream.write_all(&record).await.expect("sent");
    let mut alert = [0; 7];
    tokio::time::timeout(LONG, stream.read_exact(&mut alert))
        .await
        .expect("an answer")
        .expect("an alert");
    // Fatal (2), protocol_version (70): RFC 8446, section 6.
    assert_eq!((alert[0], &alert[5..]), (21, &[2, 70][..]));
}

#[tokio::test]
async fn a_message_beyond_the_bound_is_refused_and_the_connection_stays() {
    let (world, _) = start().await;
    let host = world.host();
    let channel = world.channel(Some(&host)).await.expect("a connection");
    let mut client = AgentClient::new(channel);
    let large = CheckInRequest {
        agent_version: "x".repeat(MAX_REQUEST_BYTES),
        ..Default::default()
    };
    let refused = client.check_in(large).await.expect_err("too large");
    assert_eq!(refused.code(), Code::OutOfRange);
    client.check_in(check_in()).await.expect("admitted");
}

#[tokio::test]
async fn nothing_but_the_end_date_is_overlooked_in_a_clients_certificate() {
    use rustls::server::danger::ClientCertVerifier;
    let (world, _) = start().await;
    let mut roots = rustls::RootCertStore::empty();
    for root in world.pki.roots() {
        roots.add(root).expect("a root");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = super::listener_verifier::ExpiredPasses::new(roots, provider).expect("a verifier");
    let at = |days: i64| {
        let ms = world.clock.now_ms() + days * super::testing::DAY_MS;
        UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(ms).expect("after 1970")))
    };
    let leaf = world.host().certificate();
    assert!(verifier.verify_client_cert(&leaf, &[], at(0)).is_ok());
    assert!(verifier.verify_client_cert(&leaf, &[], at(91)).is_ok());
    assert!(
        verifier.verify_client_cert(&leaf, &[], at(-1)).is_err(),
        "not valid yet"
    );
    let mut flipped = leaf.to_vec();
    *flipped.last_mut().expect("bytes") ^= 1;
    assert!(
        verifier.verify_client_cert(&flipped.into(), &[], at(91)).is_err(),
        "bad signature"
    );
    // The server's own certificate is not for clients, expired or not.
    let own = world
        .pki
        .server_identity(&["localhost".into()], world.clock.now_ms())
        .expect("kept");
    for days in [0, 91] {
        assert!(verifier.verify_client_cert(&own.chain[0], &[], at(days)).is_err());
    }
}
