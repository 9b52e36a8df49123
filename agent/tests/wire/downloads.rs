//! Artifacts from a pretended server and a pretended mirror that break off, lie, redirect and never end.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Response, StatusCode, header},
};
use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    step::{Action, Step},
    v1,
};
use futures_util::{StreamExt as _, stream};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    agents::{has_looked, records},
    host::Host,
    server::{LONG, Server, quiet},
};

fn goods() -> Vec<u8> {
    (0..90_000_u32)
        .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
        .collect()
}

fn artifact(bytes: &[u8]) -> ArtifactRef {
    ArtifactRef {
        sha256: ArtifactDigest::new(Sha256::digest(bytes).into()),
        size: bytes.len() as u64,
        file_name: "clamav_1.4.6_amd64.deb".to_owned(),
        urls: Vec::new(),
    }
}

/// An enrolled host whose server has one order for it: to fetch this artifact.
async fn host_that_fetches(server: &Server, artifact: ArtifactRef) -> Host {
    let host = Host::plant();
    host.enrol(server).await;
    let order = WorkOrder {
        host_id: host.state().identity().load().unwrap().unwrap().host_id(),
        campaign_id: "kaspersky-us-2024".into(),
        campaign_epoch: 1,
        number: 1,
        attempt: 1,
        not_before_ms: 0,
        expires_ms: i64::MAX,
        offline: false,
        steps: vec![Step {
            action: Action::FetchArtifact { artifact },
            time_limit: Duration::from_secs(60),
            safe_point_after: true,
        }],
        secrets: vec![],
        catalog_revision: 1,
    };
    let order = order.sign(&server.shared.signing).unwrap();
    let mut order = Some(order);
    server.answers(move |request| {
        let mut reply = quiet(request);
        if !request.inventory_digest.is_empty() {
            reply.work_order = order.take();
        }
        Ok(reply)
    });
    host
}

/// Runs the agent until its order has ended, and gives the record of the step's end.
async fn outcome(server: &Server, host: &Host) -> StepRecord {
    let agent = host.start();
    let ended = |record: &StepRecord| record.event.ends_order();
    let requests = server.check_ins(|requests| records(requests).iter().any(ended)).await;
    agent.shutdown().await;
    let end = |record: &StepRecord| matches!(record.event, RecordEvent::StepDone | RecordEvent::StepFailed);
    records(&requests).into_iter().find(end).expect("the step has an end")
}

fn cached(host: &Host) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(host.state().path().join("artifacts"));
    listed
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// Where a request wants to begin.
fn wanted(headers: &HeaderMap) -> usize {
    headers.get(header::RANGE).map_or(0, |range| {
        let range = range.to_str().unwrap();
        range
            .strip_prefix("bytes=")
            .unwrap()
            .strip_suffix('-')
            .unwrap()
            .parse()
            .unwrap()
    })
}

/// The goods from where the request wants, in small parts. After `parts` of them the connection breaks, once these have
/// arrived: a stream that is reset takes with it what was not sent yet, and on a slow machine that may be all.
fn broken_off(goods: &[u8], headers: &HeaderMap, parts: usize, arrivals: PathBuf) -> Response<Body> {
    let from = wanted(headers);
    let all: Vec<Bytes> = goods[from..].chunks(10_000).map(Bytes::copy_from_slice).collect();
    let breaks = all.len() > parts;
    let until = from + all.iter().take(parts).map(Bytes::len).sum::<usize>();
    let given = stream::iter(all).take(parts).map(Ok);
    let cut = stream::iter(breaks.then_some(())).then(move |()| {
        let arrivals = arrivals.clone();
        async move {
            while size_of_all(&arrivals) < until as u64 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(std::io::Error::other("cut"))
        }
    });
    let mut response = Response::builder();
    if from > 0 {
        let range = format!("bytes {from}-{}/{}", goods.len() - 1, goods.len());
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, range);
    }
    response.body(Body::from_stream(given.chain(cut))).unwrap()
}

/// Of every file in a directory.
fn size_of_all(directory: &Path) -> u64 {
    let listed = std::fs::read_dir(directory).into_iter().flatten();
    listed.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn whole(bytes: &[u8]) -> Response<Body> {
    Response::new(Body::from(bytes.to_vec()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_is_cut_twice_is_gone_on_with() {
    let (server, goods) = (Server::start().await, goods());
    let host = host_that_fetches(&server, artifact(&goods)).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (noted, given) = (asked.clone(), goods.clone());
    let arrivals = host.state().path().join("artifacts");
    server.gives(move |headers| {
        noted.lock().unwrap().push(wanted(headers));
        broken_off(&given, headers, 4, arrivals.clone())
    });
    assert_eq!(outcome(&server, &host).await.event, RecordEvent::StepDone);
    assert_eq!(*asked.lock().unwrap(), [0, 40_000, 80_000], "it goes on where it was");
    assert_eq!(std::fs::read(&cached(&host)[0]).unwrap(), goods);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_what_the_order_states_is_refused_and_leaves_nothing() {
    let goods = goods();
    let mut other = goods.clone();
    other[1] ^= 1;
    let endless = || {
        Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from(vec![0; 50_000]))
        }))
    };
    type Give = Box<dyn FnMut(&HeaderMap) -> Response<Body> + Send>;
    let cases: Vec<(&str, FailureCause, Give)> = vec![
        ("wrong bytes", FailureCause::WrongHash, Box::new(move |_| whole(&other))),
        (
            "an endless body",
            FailureCause::TooLarge,
            Box::new(move |_| Response::new(endless())),
        ),
        ("too many", FailureCause::TooLarge, Box::new(|_| whole(&[0; 90_001]))),
        ("too few", FailureCause::WrongHash, Box::new(|_| whole(&[0; 89_999]))),
        (
            "a redirect",
            FailureCause::Network,
            Box::new(|_| {
                let to = Response::builder().status(StatusCode::FOUND);
                to.header(header::LOCATION, "https://127.0.0.1:1/elsewhere")
                    .body(Body::empty())
                    .unwrap()
            }),
        ),
        (
            "nothing",
            FailureCause::Network,
            Box::new(|_| {
                Response::builder()
                    .status(StatusCode::NOT_FOUND)
                    .body(Body::empty())
                    .unwrap()
            }),
        ),
    ];
    for (what, cause, give) in cases {
        let server = Server::start().await;
        let host = host_that_fetches(&server, artifact(&goods)).await;
        server.gives(give);
        let record = outcome(&server, &host).await;
        assert_eq!(
            (record.event, record.cause),
            (RecordEvent::StepFailed, Some(cause)),
            "{what}: {record:?}"
        );
        assert_eq!(
            record.detail.contains("not followed"),
            what == "a redirect",
            "{what}: {}",
            record.detail
        );
        let left: u64 = cached(&host).iter().map(|path| path.metadata().unwrap().len()).sum();
        assert_eq!(left, 0, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_only_delays() {
    let (server, goods) = (Server::start().await, goods());
    let host = host_that_fetches(&server, artifact(&goods)).await;
    let mut busy = 2;
    server.gives(move |_| {
        if busy > 0 {
            busy -= 1;
            let refused = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
            return refused.header(header::RETRY_AFTER, "1").body(Body::empty()).unwrap();
        }
        whole(&goods)
    });
    assert_eq!(outcome(&server, &host).await.event, RecordEvent::StepDone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_is_asked_before_the_server_and_only_the_hash_decides() {
    let (server, goods) = (Server::start().await, goods());
    let mirror = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut named = artifact(&goods);
    named.urls = vec![format!("http://{}/clamav.deb", mirror.local_addr().unwrap())];
    let lie = vec![0; goods.len()];
    let serving = tokio::spawn(async move {
        let (mut stream, _) = mirror.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            lie.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&lie).await.unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let host = host_that_fetches(&server, named).await;
    server.gives(move |_| whole(&goods));
    assert_eq!(outcome(&server, &host).await.event, RecordEvent::StepDone);
    assert!(serving.await.unwrap().starts_with("GET /clamav.deb HTTP/1.1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hint_fills_the_cache_but_not_over_a_metered_link() {
    let (server, goods) = (Server::start().await, goods());
    let host = Host::plant();
    host.enrol(&server).await;
    let hint = v1::ArtifactRef::from(artifact(&goods));
    server.answers(move |request| {
        Ok(v1::CheckInReply {
            prefetch: vec![hint.clone()],
            ..quiet(request)
        })
    });
    let agent_over = |metered: bool| {
        let path = host.parts().metered_file.unwrap();
        if metered {
            std::fs::write(path, b"").unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
        host.start()
    };
    // Whoever asks while the link is metered ends the test: the pretended server has nothing to give yet.
    let agent = agent_over(true);
    let before = server.check_ins(has_looked).await.len();
    agent.shutdown().await;
    assert!(cached(&host).is_empty());

    server.gives(move |_| whole(&goods));
    let agent = agent_over(false);
    server.check_ins(|requests| requests.len() > before).await;
    let filled = async {
        while !cached(&host).iter().any(|path| path.extension().is_none()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, filled).await.unwrap();
    agent.shutdown().await;
}
