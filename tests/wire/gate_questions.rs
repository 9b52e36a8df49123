//! Gates that another system answers: asked by the server, signed, until it takes the question, and answered at once or later.

use cutover_core::plan::Phase;
use cutover_server::{
    service::{AnswerGate, Caller, Question, Role},
    store::outbox::{self, DeliveryState, OutboxRow},
};
use reqwest::{Method, StatusCode};
use ring::hmac;
use serde_json::json;

use crate::{
    campaigns::tag,
    gates::{migrate, note},
    machine::Machine,
    people::browser::by_token,
    server::Server,
    sink::{Got, Sink},
    wait::until,
};

pub(crate) const SECRET: &str = "a secret that is long enough";
const DAY: i64 = 24 * 3_600_000;

fn waves(url: &str) -> String {
    format!(
        "[[wave]]\nname = \"pilot\"\nmatch = {{ tag = [\"pilot\"] }}\n[wave.gate]\nleast = 1\n[wave.gate.external]\n\
         name = \"change board\"\nwithin = \"7d\"\nurl = \"{url}\"\n[[wave]]\nname = \"rest\"\nopens = \"by-gate\"\n"
    )
}

/// A server whose pilot wave was good enough, and whose gate asks there; the other host waits for it.
struct Asking {
    server: Server,
    pilot: Machine,
    rest: Machine,
}

impl Asking {
    async fn at(url: String) -> Self {
        let server = Server::with(|config| {
            let text = std::fs::read_to_string(&config.campaign.file).unwrap();
            let changed = text.replace("[wave]\nname = \"all\"\n", &waves(&url));
            std::fs::write(&config.campaign.file, changed).unwrap();
            config.gates.secret = SECRET.to_owned();
            config.gates.answer_at = "https://cutover.example.org/".to_owned();
        })
        .await;
        let mut pilot = Machine::enrol(&server, "pc-1").await;
        let mut rest = Machine::enrol(&server, "pc-2").await;
        tag(&server, "pc-1", "pilot").await;
        for it in [&mut pilot, &mut rest] {
            let carries = it.carrying();
            it.check_in(carries).await.unwrap();
        }
        let wave = "pilot".to_owned();
        server.service().open_wave(Caller::server(), wave, false).await.unwrap();
        migrate(&server, &mut pilot).await;
        Self { server, pilot, rest }
    }

    async fn end(self) {
        self.server.holds_together(&[self.pilot.host, self.rest.host]).await;
        self.server.stop().await;
    }
}

/// The question, once it is in this state after so many tries.
async fn question(server: &Server, state: DeliveryState, attempts: i64) -> OutboxRow {
    until("the question got so far", || async {
        let rows = server.read(move |tx| outbox::in_state(tx, state, 10)).await;
        rows.into_iter()
            .find(|row| row.kind == "gate" && row.attempts >= attempts)
    })
    .await
}

pub(crate) fn header<'a>(got: &'a Got, name: &str) -> &'a str {
    let line = got
        .head
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {}", got.head))
}

pub(crate) fn is_signed(got: &Got) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let text = format!("{}.{}", header(got, "cutover-timestamp"), got.body);
    let tag = hex::decode(header(got, "cutover-signature").strip_prefix("sha256=").unwrap()).unwrap();
    hmac::verify(&key, text.as_bytes(), &tag).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_a_gate_is_asked_until_it_takes_the_question_and_what_it_says_at_once_opens_the_next_wave() {
    let sink = Sink::saying(&[
        (503, ""),
        (200, "{\"decision\":\"perhaps\",\"change\":\"CHG-7\"}"),
        (200, "{\"decision\":\"approved\",\"change\":\"CHG-7\"}"),
    ])
    .await;
    let asking = Asking::at(format!("http://{}/ask", sink.address)).await;
    let server = &asking.server;
    for (attempts, error) in [(1, "answered 503"), (3, "neither `approved` nor `refused`")] {
        let waits = question(server, DeliveryState::Pending, attempts).await;
        assert!(waits.last_error.as_deref().unwrap().contains(error), "{waits:?}");
        assert!(
            waits.next_ms > server.service().real_now_ms(),
            "it is asked again later: {waits:?}"
        );
        assert_eq!(server.plan(asking.rest.host).await.phase, Phase::Planned);
        server.hurry_letters().await;
    }
    asking.rest.fetch_order().await;
    let got = sink.got();
    assert_eq!(got.len(), 3, "{got:?}");
    for it in &got {
        assert!(is_signed(it), "{it:?}");
        assert_eq!(header(it, "cutover-delivery"), header(&got[0], "cutover-delivery"));
        assert_eq!(it.body, got[0].body);
        assert!(!it.head.contains(SECRET) && !it.body.contains(SECRET));
    }
    let asked: Question = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!((asked.wave.as_str(), asked.gate.as_str()), ("pilot", "change board"));
    assert_eq!(asked.answer_by_ms - asked.asked_ms, 7 * DAY);
    assert_eq!(asked.answer_at, "https://cutover.example.org/api/v1/waves/pilot/gate");
    assert!(note(server, "pilot").await.starts_with("its gate holds since"));
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_taken_is_answered_later_by_rest_and_a_refusal_keeps_the_gate_closed() {
    let sink = Sink::saying(&[(202, "taken")]).await;
    let asking = Asking::at(format!("http://{}/ask", sink.address)).await;
    let server = &asking.server;
    question(server, DeliveryState::Delivered, 1).await;
    assert!(note(server, "pilot").await.contains("change board has not answered"));
    let token = server.access(Role::Operator).await;
    let answered = async |granted: bool| {
        let body = json!({ "granted": granted, "change": "CHG-8" });
        let answer = by_token(server, Method::POST, "/api/v1/waves/pilot/gate", &token).json(&body);
        assert_eq!(answer.send().await.unwrap().status(), StatusCode::OK);
    };
    answered(false).await;
    assert!(note(server, "pilot").await.contains("said no, in change CHG-8"));
    assert_eq!(server.plan(asking.rest.host).await.phase, Phase::Planned);
    answered(true).await;
    asking.rest.fetch_order().await;
    assert_eq!(sink.got().len(), 1);
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_given_up_when_its_time_is_over_and_the_gate_stays_closed() {
    let sink = Sink::answering(&[500; 50]).await;
    let asking = Asking::at(format!("http://{}/ask", sink.address)).await;
    let server = &asking.server;
    question(server, DeliveryState::Pending, 1).await;
    let tried = sink.got().len();
    server.clock.advance(8 * DAY);
    server.hurry_letters().await;
    let dead = question(server, DeliveryState::Dead, 1).await;
    assert_eq!(dead.last_error.as_deref(), Some("its time is over"));
    assert_eq!(sink.got().len(), tried, "it is not posted any more");
    assert!(
        note(server, "pilot")
            .await
            .contains("change board did not answer until")
    );
    let told = until("it is told", || async {
        let pos = server.last_pos().await;
        let told = server
            .read(move |tx| cutover_server::store::events::since(tx, 0, pos))
            .await;
        let is_late = |it: &&cutover_server::store::events::Event| it.body.contains("\"unanswered\":true");
        let late = told.iter().filter(is_late).count();
        (late > 0).then_some(late)
    })
    .await;
    assert_eq!(told, 1, "once");
    assert_eq!(server.plan(asking.rest.host).await.phase, Phase::Planned);
    asking.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_answered_by_other_means_is_not_posted_again() {
    let sink = Sink::answering(&[500; 50]).await;
    let asking = Asking::at(format!("http://{}/ask", sink.address)).await;
    let server = &asking.server;
    question(server, DeliveryState::Pending, 1).await;
    let answer = AnswerGate {
        granted: true,
        change: Some("CHG-9".to_owned()),
        dry_run: false,
    };
    let wave = "pilot".to_owned();
    server
        .service()
        .answer_gate(Caller::server(), wave, answer)
        .await
        .unwrap();
    let tried = sink.got().len();
    server.hurry_letters().await;
    let dead = question(server, DeliveryState::Dead, 1).await;
    assert_eq!(dead.last_error.as_deref(), Some("it was answered by other means"));
    assert_eq!(sink.got().len(), tried);
    asking.rest.fetch_order().await;
    asking.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_asks_outside_is_refused_where_nothing_signs_its_questions() {
    let server = Server::start().await;
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let ask = cutover_server::service::ApplyCampaign {
        file: "new.toml".to_owned(),
        text: text.replace("[wave]\nname = \"all\"\n", &waves("https://changes.example.org/ask")),
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
