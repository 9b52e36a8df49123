//! Hosts that another system drains before their order: asked by the server, signed, until it has, and told to release them.

use cutover_core::plan::{DrainState, Phase};
use cutover_server::{
    service::{
        AnswerDrain, ApplyCampaign, Caller, DrainLetter, HoldHost, HoldKindAsked, HostReleased, ProposeClosing, Role,
    },
    store::slots,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    database::Database,
    gate_questions::{SECRET, header, is_signed},
    gates::migrate,
    machine::Machine,
    people::browser::by_token,
    server::Server,
    sink::{Got, Sink},
    wait::until,
};

const HOUR: i64 = 3_600_000;

fn entry(url: Option<&str>) -> String {
    let url = url.map_or_else(String::new, |url| format!("url = \"{url}\"\n"));
    format!(
        "[[drain]]\nname = \"balancer\"\nmatch = {{}}\nwithin = \"30m\"\n{url}[wave]\nname = \"all\"\nmax_in_flight = 1\n"
    )
}

/// A server that has each host drained there, one at a time, and hosts that carry the product.
async fn with(url: Option<String>, hosts: &[&str], database: Option<String>) -> (Server, Vec<Machine>) {
    let server = Server::with(|config| {
        if let Some(url) = database {
            config.store.url = url;
        }
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let changed = text.replace("[wave]\nname = \"all\"\n", &entry(url.as_deref()));
        assert_ne!(changed, text);
        std::fs::write(&config.campaign.file, changed).unwrap();
        config.gates.secret = SECRET.to_owned();
        config.gates.answer_at = "https://cutover.example.org".to_owned();
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
    (server, machines)
}

fn letter(got: &Got) -> DrainLetter {
    assert!(is_signed(got), "{got:?}");
    serde_json::from_str(&got.body).unwrap()
}

async fn why(server: &Server, host: &str) -> String {
    server.service().host(host.to_owned()).await.unwrap().why.join("\n")
}

/// What the sink got, once it is so much.
async fn got(server: &Server, sink: &Sink, count: usize) -> Vec<DrainLetter> {
    let all = until("the letters came", || async {
        server.hurry_letters().await;
        let all = sink.got();
        (all.len() >= count).then_some(all)
    })
    .await;
    assert_eq!(all.len(), count, "{all:?}");
    all.iter().map(letter).collect()
}

async fn taken(server: &Server) -> Vec<(String, i64)> {
    let id = server.service().campaign_id().to_string();
    let rows = server.read(move |tx| slots::list(tx, &id)).await;
    let is_taken = rows.into_iter().filter(|slot| slot.used > 0);
    is_taken.map(|slot| (slot.name, slot.used)).collect()
}

async fn is_over(server: &Server, machine: &Machine) {
    until("it is released", || async {
        server.plan(machine.host).await.drain.is_none().then_some(())
    })
    .await;
}

async fn a_fleet_goes_through(database: Option<String>) {
    let sink = Sink::saying(&[
        (503, ""),
        (200, "{\"decision\":\"approved\",\"change\":\"CHG-1\"}"),
        (500, ""),
        (204, ""),
        (200, "{\"decision\":\"approved\",\"change\":\"CHG-2\"}"),
        (200, "{\"decision\":\"approved\",\"change\":\"CHG-2\"}"),
    ])
    .await;
    let url = format!("http://{}/drain", sink.address);
    let (server, machines) = with(Some(url), &["web-1", "web-2"], database).await;
    let first = got(&server, &sink, 1).await.remove(0);
    let (mut one, mut other) = {
        let mut machines = machines.into_iter();
        let (a, b) = (machines.next().unwrap(), machines.next().unwrap());
        if first.host == a.name { (a, b) } else { (b, a) }
    };
    assert_eq!(
        (first.what.as_str(), first.drain.as_str(), first.ask),
        ("drain", "balancer", 1)
    );
    assert_eq!(first.host_id, one.host.to_string());
    assert_eq!(first.answer_by_ms.unwrap() - first.asked_ms, HOUR / 2);
    assert_eq!(
        first.answer_at,
        format!("https://cutover.example.org/api/v1/hosts/{}/drain", one.host)
    );
    let told = why(&server, &one.name).await;
    assert!(told.contains("waits for balancer to drain it, asked at"), "{told}");
    assert!(server.plan(one.host).await.order.is_none());
    // The other one is not drained while this one holds the place.
    let told = why(&server, &other.name).await;
    assert!(told.contains("1 of 1 slots of wave all are taken"), "{told}");

    let again = got(&server, &sink, 2).await.remove(1);
    assert_eq!(again, first, "the same letter, tried again");
    migrate(&server, &mut one).await;
    let release = got(&server, &sink, 3).await.remove(2);
    assert_eq!((release.what.as_str(), &release.key), ("release", &first.key));
    other.check_in(other.hello()).await.unwrap();
    let again = got(&server, &sink, 5).await;
    assert_eq!(again[3], release, "told until it is taken");
    is_over(&server, &one).await;
    assert_eq!((again[4].what.as_str(), &again[4].host), ("drain", &other.name));
    assert_ne!(again[4].key, first.key);
    migrate(&server, &mut other).await;
    is_over(&server, &other).await;
    let letters = got(&server, &sink, 6).await;
    assert_eq!(
        (letters[5].what.as_str(), &letters[5].key),
        ("release", &letters[4].key)
    );
    assert_eq!(taken(&server).await, []);
    let ids = sink.got();
    let id = |index: usize| header(&ids[index], "cutover-delivery").to_owned();
    assert!(id(0) == id(1) && id(2) == id(3) && id(1) != id(2) && id(4) != id(0));
    server.holds_together(&[one.host, other.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_host_is_drained_before_its_order_and_released_after_and_no_more_of_them_at_once_than_may_work() {
    a_fleet_goes_through(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_so_too_on_postgresql() {
    let Some(database) = Database::create("drains") else {
        return;
    };
    a_fleet_goes_through(Some(database.url.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_later_by_rest_lets_the_order_leave_and_a_server_that_ended_asks_no_second_time() {
    let sink = Sink::saying(&[(202, "taken")]).await;
    let url = format!("http://{}/drain", sink.address);
    let (mut server, mut machines) = with(Some(url), &["web-1"], None).await;
    let asked = got(&server, &sink, 1).await.remove(0);
    server.restart().await;
    let waits = why(&server, "web-1").await;
    assert!(waits.contains("waits for balancer to drain it"), "{waits}");
    let token = server.access(Role::Operator).await;
    let say = async |key: &str, granted: bool| {
        let body = json!({ "granted": granted, "change": "CHG-8", "key": key });
        let answer = by_token(&server, Method::POST, "/api/v1/hosts/web-1/drain", &token).json(&body);
        answer.send().await.unwrap().status()
    };
    let other = asked.key.replace(":1", ":2");
    assert_eq!(say("CHG-8", true).await, StatusCode::BAD_REQUEST, "no key at all");
    assert_eq!(say(&other, true).await, StatusCode::CONFLICT, "of another drain");
    assert_eq!(say(&asked.key, false).await, StatusCode::OK);
    let waits = why(&server, "web-1").await;
    assert!(waits.contains("said no, in change CHG-8"), "{waits}");
    assert_eq!(say(&asked.key, true).await, StatusCode::OK);
    machines[0].reconnect(&server).await;
    machines[0].fetch_order().await;
    assert_eq!(sink.got().len(), 1, "asked once");
    let set = server.service().host("web-1".to_owned()).await.unwrap().set.join("\n");
    assert!(set.contains("balancer drained it, in change CHG-8"), "{set}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_asked_is_told_to_release_it_though_the_campaign_names_another_address_by_then() {
    let asked = Sink::saying(&[(200, "{\"decision\":\"approved\",\"change\":\"CHG-1\"}")]).await;
    let other = Sink::answering(&[]).await;
    let address = |sink: &Sink| format!("http://{}/drain", sink.address);
    let (server, machines) = with(Some(address(&asked)), &["web-1"], None).await;
    until("its order is made", || async {
        server.plan(machines[0].host).await.order.map(|_| ())
    })
    .await;
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    server.apply(text.replace(&address(&asked), &address(&other))).await;
    let hold = HoldHost {
        kind: HoldKindAsked::Legal,
        why: "an audit".to_owned(),
        until: None,
        dry_run: false,
    };
    let held = server.service().hold_host(Caller::server(), "web-1".to_owned(), hold);
    held.await.unwrap();
    let letters = got(&server, &asked, 2).await;
    assert_eq!(
        (letters[1].what.as_str(), &letters[1].key),
        ("release", &letters[0].key)
    );
    is_over(&server, &machines[0]).await;
    assert!(other.got().is_empty(), "{:?}", other.got());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_is_asked_again_under_the_same_key_and_nothing_starts() {
    let sink = Sink::saying(&[(202, ""), (200, "{\"decision\":\"approved\",\"change\":\"CHG-9\"}")]).await;
    let url = format!("http://{}/drain", sink.address);
    let (server, machines) = with(Some(url), &["web-1"], None).await;
    let first = got(&server, &sink, 1).await.remove(0);
    let host = machines[0].host;
    server.clock.advance(HOUR / 2);
    let second = got(&server, &sink, 2).await.remove(1);
    assert_eq!((&second.key, second.ask), (&first.key, 2));
    until("it is drained", || async {
        let plan = server.plan(host).await;
        plan.drain.is_some_and(|drain| drain.is_drained()).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_drains_where_no_address_is_given_and_a_hold_has_it_released() {
    let (server, machines) = with(None, &["web-1"], None).await;
    let service = server.service();
    let answer = || AnswerDrain {
        granted: true,
        change: None,
        key: None,
        dry_run: false,
    };
    let wanted = || "web-1".to_owned();
    until("it is to be drained", || async {
        server.plan(machines[0].host).await.drain.map(drop)
    })
    .await;
    let hold = HoldHost {
        kind: HoldKindAsked::Legal,
        why: "an audit".to_owned(),
        until: None,
        dry_run: false,
    };
    let ask = ProposeClosing {
        why: "the year is over".to_owned(),
        risks: vec!["web-1".to_owned()],
        dry_run: true,
    };
    let closing = service.propose_closing(Caller::server(), ask).await.unwrap_err();
    assert!(
        closing.to_string().contains("1 hosts are drained, or may be"),
        "{closing}"
    );
    let long = AnswerDrain {
        change: Some("7".repeat(201)),
        ..answer()
    };
    let long = service.answer_drain(Caller::server(), wanted(), long).await;
    assert!(long.unwrap_err().to_string().contains("longer than 200 bytes"));
    let only = AnswerDrain {
        dry_run: true,
        ..answer()
    };
    let would = service.answer_drain(Caller::server(), wanted(), only).await.unwrap();
    assert!(would.starts_with("would note as drained web-1"), "{would}");
    let said = service
        .answer_drain(Caller::server(), wanted(), answer())
        .await
        .unwrap();
    assert!(said.starts_with("noted as drained web-1"), "{said}");
    service.hold_host(Caller::server(), wanted(), hold).await.unwrap();
    let drain = server.plan(machines[0].host).await.drain.unwrap();
    assert!(matches!(drain.state, DrainState::Releasing { .. }), "{drain:?}");
    let late = service.answer_drain(Caller::server(), wanted(), answer()).await;
    assert!(late.unwrap_err().to_string().contains("being released"));
    let said = service
        .host_released(Caller::server(), wanted(), HostReleased::default())
        .await;
    assert!(said.unwrap().starts_with("noted as released web-1"));
    let plan = server.plan(machines[0].host).await;
    assert_eq!((plan.phase, plan.drain), (Phase::Queued, None));
    assert_eq!(taken(&server).await, []);
    let twice = service
        .host_released(Caller::server(), wanted(), HostReleased::default())
        .await;
    assert!(twice.unwrap_err().to_string().contains("it is not drained"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_has_hosts_drained_by_letter_is_refused_where_nothing_signs_them() {
    let server = Server::start().await;
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let ask = ApplyCampaign {
        file: "new.toml".to_owned(),
        text: text.replace("[wave]\nname = \"all\"\n", &entry(Some("https://lb.example.org/"))),
        if_version: None,
        dry_run: true,
    };
    let refused = server
        .service()
        .apply_campaign(Caller::server(), ask)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("gates.secret_file"), "{refused}");
    server.stop().await;
}
