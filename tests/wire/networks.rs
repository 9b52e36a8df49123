//! The real agent and the real server, with somebody in between: proxies, middleboxes that break HTTP/2, inspectors of TLS,
//! addresses at which nobody is.

use std::net::SocketAddr;

use cutover_agent::{
    app::Handle,
    host::sandbox::TargetProduct,
    link::{Address, Identity, Link, LinkError, Proxies, ProxySettings, Source},
    session::SessionStatus,
};
use cutover_proto::{rule::BUILT_IN_REVISION, v1};

use crate::{
    middleboxes::{Inspector, Passes, Proxy, Relay, dead},
    planted::Planted,
    server::Server,
    wait::until,
};

const PASSWORD: &str = "open:sesame/17";
const ROOT: (&str, &str) = ("Kaspersky Anti-Virus Personal Root Certificate", "AO Kaspersky Lab");

fn plant() -> Planted {
    Planted::new("pc-1", "6f6b0f5e-0000-4000-8000-000000000001", TargetProduct::ALL)
}

async fn enrol(host: &Planted, server: &Server, at: &[SocketAddr]) -> Result<Identity, LinkError> {
    let servers: Vec<Address> = at.iter().map(|at| at.to_string().parse().unwrap()).collect();
    host.enrol(server, &servers).await
}

fn through(proxy: SocketAddr, credentials: Option<&str>, no_proxy: &str) -> Proxies {
    let url = format!("http://{proxy}");
    let settings = ProxySettings {
        url: Some(&url),
        place: "`proxy` of agent.toml",
        credentials,
        no_proxy,
        is_off: false,
    };
    Proxies::new(&settings).unwrap()
}

fn hello() -> v1::CheckInRequest {
    v1::CheckInRequest {
        request_id: "r-1".into(),
        agent_version: "0.1.0".into(),
        boot_id: "boot-1".into(),
        rules_revision: BUILT_IN_REVISION,
        journal: v1::JournalState::Sound.into(),
        ..Default::default()
    }
}

/// Asks for a check-in again and again until the conversation stands as wanted.
async fn session(agent: &Handle, what: &str, wanted: impl Fn(&SessionStatus) -> bool) -> SessionStatus {
    until(what, || async {
        agent.check_in();
        let session = agent.status().await.unwrap().session;
        wanted(&session).then_some(session)
    })
    .await
}

async fn shown(server: &Server, part: &str) -> String {
    until(part, || async {
        let network = server.service().host("pc-1".to_owned()).await.unwrap().network;
        network.contains(part).then_some(network)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_wants_credentials_everything_goes_through_it() {
    let server = Server::start().await;
    let proxy = Proxy::start(Some(&format!("agent:{PASSWORD}")), None).await;
    let mut host = plant();
    host.proxies = through(proxy.address, Some(&format!("agent:{PASSWORD}\n")), "");
    let at = server.app().agents;
    let identity = enrol(&host, &server, &[at]).await.unwrap();
    assert_eq!(proxy.tunnels(), [at.to_string()], "enrolment");
    let link = Link::new(&identity, identity.servers(), host.proxies.clone()).unwrap();
    link.check_in(hello()).await.unwrap();
    assert_eq!(proxy.tunnels().len(), 2, "a check-in");
    link.hold_to(&at.to_string(), true);
    link.check_in(hello()).await.unwrap();
    assert_eq!(proxy.tunnels().len(), 3, "one by POST");
    let sha256 = "0".repeat(64);
    let absent = link.download(Source::Server { sha256: &sha256 }, 0).await.unwrap_err();
    assert!(
        absent.to_string().contains("404"),
        "the server itself answers: {absent}"
    );
    assert_eq!(proxy.tunnels().len(), 4, "a download");

    let straight = through(proxy.address, None, "example.org, 127.0.0.0/8");
    let link = Link::new(&identity, identity.servers(), straight).unwrap();
    link.check_in(hello()).await.unwrap();
    assert_eq!(proxy.tunnels().len(), 4, "what no_proxy names goes straight");

    let agent = host.start();
    let name = proxy.address.to_string();
    let stands = session(&agent, "it checks in", |session| session.last_check_in_ms.is_some()).await;
    assert_eq!(stands.proxy.as_deref(), Some(name.as_str()));
    shown(&server, &format!("by the proxy {name}")).await;
    agent.shutdown().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_says_no_is_named_with_the_remedy_and_never_with_the_password() {
    let server = Server::start().await;
    let host = plant();
    let identity = enrol(&host, &server, &[server.app().agents]).await.unwrap();
    let refused = async |proxy: SocketAddr, credentials: Option<&str>| {
        let link = Link::new(&identity, identity.servers(), through(proxy, credentials, "")).unwrap();
        let call = link.check_in(hello()).await.unwrap_err().to_string();
        let sha256 = "0".repeat(64);
        let download = link
            .download(Source::Server { sha256: &sha256 }, 0)
            .await
            .unwrap_err()
            .to_string();
        for text in [&call, &download] {
            assert!(text.contains(&proxy.to_string()), "{text}");
            assert!(
                !text.contains("sesame") && !format!("{link:?}").contains("sesame"),
                "{text}"
            );
        }
        (call, download)
    };
    let right = format!("agent:{PASSWORD}");
    let strict = Proxy::start(Some(&right), None).await;
    let (call, download) = refused(strict.address, None).await;
    for text in [call, download] {
        assert!(
            text.contains("407") && text.contains("proxy_credentials_file"),
            "{text}"
        );
    }
    let (call, _) = refused(strict.address, Some("agent:sesame")).await;
    assert!(
        call.contains("it offers Basic") && call.contains("does not take the ones that are set"),
        "{call}"
    );
    let forbids = Proxy::start(Some(&right), Some("403 Forbidden")).await;
    let (call, _) = refused(forbids.address, Some(&right)).await;
    assert!(call.contains("allow CONNECT"), "{call}");
    let cannot = Proxy::start(None, Some("502 Bad Gateway")).await;
    let (call, _) = refused(cannot.address, None).await;
    assert!(
        call.contains("cannot reach") && call.contains("the proxy's own network"),
        "{call}"
    );
    let nobody = dead().await;
    let link = Link::new(&identity, identity.servers(), through(nobody, None, "")).unwrap();
    let call = link.check_in(hello()).await.unwrap_err().to_string();
    assert!(
        call.contains("cannot be reached") && call.contains("`proxy` of agent.toml"),
        "{call}"
    );

    for (url, says) in [
        ("https://user:sesame@proxy:1", "TLS"),
        ("socks5://proxy:1", "CONNECT"),
        ("http://", "no address"),
    ] {
        let settings = ProxySettings {
            url: Some(url),
            place: "the variable HTTPS_PROXY",
            ..ProxySettings::default()
        };
        let refused = Proxies::new(&settings).unwrap_err().to_string();
        assert!(refused.contains("HTTPS_PROXY") && refused.contains(says), "{refused}");
        assert!(!refused.contains("sesame"), "{refused}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_http2_is_cut_off_all_goes_by_post_and_returns_once_it_comes_through() {
    let server = Server::start().await;
    let at = server.app().agents;
    let relay = Relay::start(Passes::NoHttp2(at)).await;
    let host = plant();
    enrol(&host, &server, &[relay.address]).await.unwrap();
    let agent = host.start();
    let by = |way: &'static str| move |session: &SessionStatus| session.way.as_deref() == Some(way);
    let stands = session(&agent, "it goes by POST", |session| {
        by("post")(session) && session.last_check_in_ms.is_some()
    })
    .await;
    assert!(stands.back_to_http2_ms.is_some(), "{stands:?}");
    shown(&server, "HTTPS POST").await;
    // Its inventory came that way too.
    until("the host is assessed", || async {
        let host = server.service().host("pc-1".to_owned()).await.unwrap();
        (!host.verdicts.is_empty()).then_some(())
    })
    .await;

    relay.set(Passes::All(at));
    agent.set_online(false);
    session(&agent, "the network is gone", |session| session.failures > 0).await;
    agent.set_online(true);
    session(&agent, "it is back at HTTP/2", |session| {
        by("http2")(session) && session.failures == 0
    })
    .await;
    shown(&server, "by HTTP/2").await;
    agent.shutdown().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspector_of_tls_is_named_never_believed_and_told_to_the_server_later() {
    let server = Server::start().await;
    let at = server.app().agents;
    let inspector = Inspector::start(ROOT.0, ROOT.1).await;
    let host = plant();
    let refused = enrol(&host, &server, &[inspector.address]).await.unwrap_err();
    assert!(matches!(refused, LinkError::Intercepted { .. }), "{refused:?}");
    let text = refused.to_string();
    for part in [
        "Kaspersky (the scan of encrypted connections)",
        ROOT.0,
        ROOT.1,
        "Exclude `127.0.0.1`",
    ] {
        assert!(text.contains(part), "{text}");
    }

    let relay = Relay::start(Passes::All(at)).await;
    enrol(&host, &server, &[relay.address]).await.unwrap();
    relay.set(Passes::All(inspector.address));
    let agent = host.start();
    let met = session(&agent, "it meets the inspector", |session| {
        session.intercepted_by.is_some()
    })
    .await;
    let failure = met.last_failure.unwrap();
    assert!(failure.contains(ROOT.0) && failure.contains("Exclude"), "{failure}");
    assert_eq!((met.last_check_in_ms, met.way.as_deref()), (None, Some("http2")));
    assert_eq!(server.service().host("pc-1".to_owned()).await.unwrap().network, "");

    relay.set(Passes::All(at));
    session(&agent, "it gets through", |session| session.last_check_in_ms.is_some()).await;
    shown(&server, ROOT.0).await;
    agent.shutdown().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_addresses_are_passed_over_and_the_one_that_answers_is_kept() {
    let server = Server::start().await;
    let at = server.app().agents;
    let host = plant();
    let list = [dead().await, at, dead().await];
    let identity = enrol(&host, &server, &list).await.unwrap();
    let link = Link::new(&identity, identity.servers(), Proxies::none()).unwrap();
    link.check_in(hello()).await.unwrap();
    assert_eq!(link.reached().unwrap().to_string(), at.to_string());
    let dead_ones = &identity.servers()[..1];
    assert_eq!(link.first_that_answers(dead_ones).await, None);
    let found = link.first_that_answers(identity.servers()).await.unwrap();
    assert_eq!(found.to_string(), at.to_string());
    let only_dead = Link::new(&identity, dead_ones, Proxies::none()).unwrap();
    let refused = only_dead.check_in(hello()).await.unwrap_err();
    assert!(matches!(refused, LinkError::Unreachable(_)), "{refused:?}");
    assert!(refused.to_string().contains(&list[0].to_string()), "{refused}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_the_server_hands_out_is_gone_to_and_one_that_leads_nowhere_locks_nobody_out() {
    // The address of the relay is known before the server's.
    let relay = Relay::start(Passes::All(dead().await)).await;
    let nowhere = dead().await;
    let handed = vec![nowhere.to_string(), relay.address.to_string()];
    let mut server = Server::with(|config| config.agents.addresses = handed).await;
    let at = server.app().agents;
    relay.set(Passes::All(at));
    let host = plant();
    enrol(&host, &server, &[at]).await.unwrap();
    let agent = host.start();
    let via_relay = relay.address.to_string();
    let stands = session(&agent, "it goes to the better address", |session| {
        session.address.as_deref() == Some(via_relay.as_str())
    })
    .await;
    assert!(
        stands.better_address_ms.is_some(),
        "the one before it is tried again: {stands:?}"
    );
    let known = agent.status().await.unwrap().servers;
    assert_eq!(known, [nowhere.to_string(), via_relay.clone(), at.to_string()]);
    shown(&server, &via_relay).await;
    agent.shutdown().await;

    // Another list, of dead ends alone; a later start of the agent still knows the ones of before.
    server.config.agents.addresses = vec![nowhere.to_string()];
    server.config.agents.listen = at;
    server.restart().await;
    let agent = host.start();
    until("the new list is taken", || async {
        agent.check_in();
        let status = agent.status().await.unwrap();
        let known = [nowhere.to_string(), via_relay.clone(), at.to_string()];
        (status.session.last_check_in_ms.is_some() && status.servers == known).then_some(())
    })
    .await;
    agent.shutdown().await;
    let agent = host.start();
    let stands = session(&agent, "it still gets through", |session| {
        session.last_check_in_ms.is_some()
    })
    .await;
    assert_ne!(stands.address, Some(nowhere.to_string()));
    agent.shutdown().await;
    server.stop().await;
}
