//! What was shown at an instant is shown again, byte for byte, to whoever asks for that instant later.

use std::collections::BTreeMap;

use cutover_core::{
    decide::{Event, replay},
    plan::{Phase, Plan},
    report::{Document, instant},
    rollout::RunState,
};
use cutover_proto::ids::HostId;
use cutover_server::{
    service::{Caller, HaltCampaign, NewExemption, RevokeExemption, Role},
    store::{AsOf, StreamName, events, plans, report_runs},
};
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::{campaigns::tag, database::Database, machine::Machine, server::Server, wait::until};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

const WAVES: &str = "[[wave]]\nname = \"pilot\"\nmatch = { tag = [\"pilot\"] }\n[wave.gate]\nleast = 1\n[[wave]]\nname = \"rest\"\nopens = \"by-gate\"\n";

/// Somebody who asks, and keeps what was answered.
struct Asker {
    http: Client,
    token: String,
    hosts: Vec<(HostId, String)>,
    noted: Vec<Noted>,
}

/// What was answered at an instant.
struct Noted {
    what: String,
    at_ms: i64,
    pos: i64,
    answers: BTreeMap<String, String>,
}

impl Asker {
    async fn of(server: &Server) -> Self {
        Self {
            http: Client::new(),
            token: server.access(Role::Viewer).await,
            hosts: Vec::new(),
            noted: Vec::new(),
        }
    }

    async fn get(&self, server: &Server, path: &str) -> (StatusCode, String) {
        let url = server.url(&format!("/api/v1/{path}"));
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn enrol(&mut self, server: &Server, name: &str) -> Machine {
        let machine = Machine::enrol(server, name).await;
        self.hosts.push((machine.host, name.to_owned()));
        machine
    }

    async fn answers(&self, server: &Server, then: &str) -> BTreeMap<String, String> {
        let mut paths: Vec<String> = [
            "summary",
            "waves",
            "hosts",
            "hosts?phase=queued",
            "hosts?phase=unassessed",
            "hosts?standing=unknown",
        ]
        .map(str::to_owned)
        .to_vec();
        for (host, name) in &self.hosts {
            paths.extend([format!("hosts/{host}"), format!("hosts/{name}")]);
        }
        let mut answers = BTreeMap::new();
        for path in paths {
            let joint = if path.contains('?') { '&' } else { '?' };
            let asked = if then.is_empty() {
                path.clone()
            } else {
                format!("{path}{joint}as_of={then}")
            };
            let (status, body) = self.get(server, &asked).await;
            answers.insert(path.clone(), format!("{status} {}", what_is_kept(&path, &body)));
        }
        answers
    }

    /// Notes what is answered now, once nothing moves at this instant any more; time goes on after it.
    async fn note(&mut self, server: &Server, what: &str) {
        let (mut before, mut pos_before) = (BTreeMap::new(), -1);
        loop {
            server.service().flush_seen().await.unwrap();
            let pos = server.last_pos().await;
            let answers = self.answers(server, "").await;
            if answers == before && pos == pos_before {
                break;
            }
            (before, pos_before) = (answers, pos);
        }
        self.noted.push(Noted {
            what: what.to_owned(),
            at_ms: server.clock.now_ms(),
            pos: pos_before,
            answers: before,
        });
        server.clock.advance(1_000);
    }

    /// Asks for everything again as of its instant.
    async fn ask_again(&self, server: &Server) {
        let told = server.read(|tx| events::since(tx, 0, 100_000)).await;
        let mut same = 0;
        for noted in &self.noted {
            // Background work that had begun may still have written something at an instant that was noted already: then that
            // instant was not over.
            if told
                .iter()
                .any(|event| event.pos > noted.pos && event.at_ms <= noted.at_ms)
            {
                continue;
            }
            let then = instant_ms(noted.at_ms);
            let answers = self.answers(server, &then).await;
            for (path, answered) in &noted.answers {
                assert_eq!(&answers[path], answered, "{path} as of {then}: {}", noted.what);
            }
            same += 1;
        }
        assert!(same * 2 > self.noted.len(), "only {same} instants were over");
    }
}

fn instant_ms(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// An answer without what is documented as kept only as it is now.
fn what_is_kept(path: &str, body: &str) -> String {
    let is_host = path.starts_with("hosts/");
    let mut kept = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find(",\"last_contact_ms\":") {
        kept.push_str(&rest[..at]);
        rest = rest[at + 19..].trim_start_matches(|c: char| c == '-' || c.is_ascii_digit());
    }
    kept.push_str(rest);
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&kept) else {
        return kept;
    };
    if !is_host {
        return kept;
    }
    for only_now in ["ahead", "identity", "grade", "findings", "proofs", "looks"] {
        fields.remove(only_now);
    }
    if let Some(Value::Array(lines)) = fields.get_mut("machine") {
        let is_only_now = |line: &str| line.starts_with("ownership: ") || line.starts_with("contact: ");
        lines.retain(|line| !is_only_now(line.as_str().unwrap()));
    }
    Value::Object(fields).to_string()
}

async fn is_in(server: &Server, machine: &Machine, phase: Phase) {
    until("the host comes there", || async {
        (server.plan(machine.host).await.phase == phase).then_some(())
    })
    .await;
}

fn because(why: &str) -> HaltCampaign {
    HaltCampaign {
        why: why.to_owned(),
        dry_run: false,
    }
}

async fn turn(server: &Server, to: RunState) {
    let why = because("a bad definition update");
    server.service().turn_campaign(Caller::server(), to, why).await.unwrap();
}

async fn with_waves(url: Option<String>) -> Server {
    Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        std::fs::write(&config.campaign.file, text.replace("[wave]\nname = \"all\"\n", WAVES)).unwrap();
        if let Some(url) = url {
            config.store.url = url;
        }
    })
    .await
}

/// A campaign that moves: waves, an order, a pause, a success, a regression, silence, another version, a retirement.
async fn a_campaign(server: &mut Server) -> (Asker, Vec<Machine>) {
    let mut asker = Asker::of(server).await;
    let mut pilot = asker.enrol(server, "pc-1").await;
    asker.note(server, "enrolled").await;
    let mut rest = asker.enrol(server, "pc-2").await;
    let third = asker.enrol(server, "pc-3").await;
    for it in [&mut pilot, &mut rest] {
        let carries = it.carrying();
        it.check_in(carries).await.unwrap();
        asker.note(server, "looked at").await;
    }
    tag(server, "pc-1", "pilot").await;
    asker.note(server, "tagged").await;
    let service = server.service().clone();
    let ask = NewExemption {
        hosts: vec!["pc-2".to_owned()],
        why: "runs the old press".to_owned(),
        owner: "Ada Lovelace".to_owned(),
        control: "off the network".to_owned(),
        until: "2026-12-02T12:00:00Z".to_owned(),
        dry_run: false,
    };
    service.exempt(Caller::server(), ask).await.unwrap();
    is_in(server, &rest, Phase::Exempt).await;
    asker.note(server, "exempt").await;
    let ask = RevokeExemption {
        why: "the press is gone".to_owned(),
        dry_run: false,
    };
    service
        .revoke_exemption(Caller::server(), "pc-2".to_owned(), ask)
        .await
        .unwrap();
    asker.note(server, "not exempt any more").await;
    service
        .open_wave(Caller::server(), "pilot".to_owned(), false)
        .await
        .unwrap();
    is_in(server, &pilot, Phase::Migrating).await;
    asker.note(server, "an order is out").await;
    turn(server, RunState::Paused).await;
    asker.note(server, "paused").await;
    turn(server, RunState::Running).await;
    asker.note(server, "resumed").await;
    let (_, order) = pilot.fetch_order().await;
    let mut done = pilot.hello();
    done.step_records = pilot.records_of(&order);
    pilot.check_in(done).await.unwrap();
    asker.note(server, "verifying").await;
    for _ in 0..3 {
        let replaced = pilot.replaced();
        pilot.check_in(replaced).await.unwrap();
        server.clock.advance(5 * MINUTE);
    }
    assert_eq!(server.plan(pilot.host).await.phase, Phase::Migrated);
    asker.note(server, "migrated").await;
    // Its gate holds, so the next wave opens; the host there is silent for longer than a queued one may be.
    is_in(server, &rest, Phase::Queued).await;
    asker.note(server, "the next wave is open").await;
    server.clock.advance(40 * MINUTE);
    asker.note(server, "silent").await;
    rest.check_in(rest.hello()).await.unwrap();
    is_in(server, &rest, Phase::Migrating).await;
    asker.note(server, "heard of again").await;
    let carries = pilot.carrying();
    pilot.check_in(carries).await.unwrap();
    assert_ne!(server.plan(pilot.host).await.phase, Phase::Migrated);
    asker.note(server, "regressed").await;
    let kiosks = "[[out_of_scope]]\nname = \"kiosks\"\nwhy = \"they show a map\"\nmatch = { tag = [\"kiosk\"] }\n";
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    tag(server, "pc-3", "kiosk").await;
    server.apply(format!("{text}\n{kiosks}")).await;
    is_in(server, &third, Phase::OutOfScope).await;
    asker.note(server, "another version").await;
    let gone = "it was sold".to_owned();
    service
        .retire_host(Caller::server(), "pc-3".to_owned(), gone, false)
        .await
        .unwrap();
    asker.note(server, "retired").await;
    server.restart().await;
    for it in [&mut pilot, &mut rest] {
        it.reconnect(server).await;
    }
    asker.note(server, "restarted").await;
    server.clock.advance(8 * DAY);
    asker.note(server, "long after").await;
    pilot.check_in(pilot.hello()).await.unwrap();
    asker.note(server, "seen again").await;
    (asker, vec![pilot, rest, third])
}

/// The plan that is kept at each instant is what its events up to there come to.
async fn kept_plans_are_replays(server: &Server, asker: &Asker, hosts: &[HostId]) {
    let campaign = server.service().campaign_id().clone();
    for noted in &asker.noted {
        let (pos, at_ms) = (noted.pos, noted.at_ms);
        for host in hosts {
            let (id, host) = (campaign.to_string(), *host);
            let (row, told) = server
                .read(move |tx| {
                    let stream = StreamName::plan(&id, &host.to_string());
                    let told = events::load(tx, &stream, 1, 10_000)?;
                    tx.go_back(AsOf { pos, at_ms });
                    Ok((plans::load(tx, &id, &host.to_string())?, told))
                })
                .await;
            let told: Vec<Event> = told
                .iter()
                .filter(|event| event.pos <= pos)
                .map(|event| serde_json::from_str(&event.body).unwrap())
                .collect();
            let kept: Option<Plan> = row.map(|row| serde_json::from_str(&row.state).unwrap());
            let replayed = (!told.is_empty()).then(|| replay(Plan::unborn(host, campaign.clone()), &told).unwrap());
            assert_eq!(kept, replayed, "{host} at {pos}: {}", noted.what);
        }
    }
}

async fn what_was_shown_is_shown_again(mut server: Server) {
    let (asker, machines) = a_campaign(&mut server).await;
    // What had begun at the last instant that was noted has ended then.
    server.restart().await;
    for noted in &asker.noted {
        assert!(
            noted.answers["summary"].starts_with("200 OK {"),
            "{}",
            noted.answers["summary"]
        );
    }
    let hosts: Vec<HostId> = machines.iter().map(|machine| machine.host).collect();
    asker.ask_again(&server).await;
    kept_plans_are_replays(&server, &asker, &hosts).await;
    server.holds_together(&hosts).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_at_an_instant_is_shown_again_byte_for_byte() {
    what_was_shown_is_shown_again(with_waves(None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_what_was_shown_at_an_instant_is_shown_again_byte_for_byte() {
    let Some(database) = Database::create("as_of") else {
        return;
    };
    what_was_shown_is_shown_again(with_waves(Some(database.url.clone())).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_that_cannot_be_answered_is_refused_with_the_reason() {
    let server = Server::start().await;
    let asker = Asker::of(&server).await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let begun_ms = server.clock.now_ms();
    server.clock.advance(DAY);
    let soon = instant_ms(server.clock.now_ms() + 1);
    let before = instant_ms(begun_ms - 1);
    for (instant, why) in [
        (soon.as_str(), "is to come"),
        (before.as_str(), instant(begun_ms + 999).as_str()),
        ("2026-11-22", "a date alone is another instant in every zone"),
        ("2026-11-22T12:00:00", "write it with a time and an offset"),
        ("yesterday", "it is no instant"),
    ] {
        for path in ["summary", "waves", "hosts", "hosts/pc-1"] {
            let (status, body) = asker.get(&server, &format!("{path}?as_of={instant}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {instant}: {body}");
            assert!(body.contains(why), "{path} {instant}: {body}");
        }
    }
    for path in [
        "assets",
        "findings",
        "campaigns",
        "reports",
        "clones",
        "artifacts",
        "agent-releases",
        "blockers",
    ] {
        let now = instant_ms(server.clock.now_ms());
        let (status, body) = asker.get(&server, &format!("{path}?as_of={now}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body}");
        assert!(body.contains("is not kept as it was"), "{path}: {body}");
    }
    let later = Machine::enrol(&server, "pc-2").await;
    let then = instant_ms(begun_ms);
    let (status, body) = asker.get(&server, &format!("hosts/{}?as_of={then}", later.host)).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it was not enrolled yet: {body}");
    let (status, _) = asker
        .get(&server, &format!("hosts/{}?as_of={then}", machine.host))
        .await;
    assert_eq!(status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_stays_erased_also_of_the_past() {
    let server = Server::start().await;
    let asker = Asker::of(&server).await;
    let _machine = Machine::enrol(&server, "pc-1").await;
    let gone = "it was ann's, and she left".to_owned();
    let service = server.service();
    service
        .retire_host(Caller::server(), "pc-1".to_owned(), gone, false)
        .await
        .unwrap();
    let then = instant_ms(server.clock.now_ms());
    server.clock.advance(DAY);
    let path = format!("hosts/pc-1?as_of={then}");
    let (_, body) = asker.get(&server, &path).await;
    assert!(body.contains("ann's"), "{body}");
    service
        .erase_personal(Caller::server(), "pc-1".to_owned(), false)
        .await
        .unwrap();
    let (_, body) = asker.get(&server, &path).await;
    assert!(!body.contains("ann's") && body.contains("(erased)"), "{body}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_as_of_an_instant_says_what_one_made_then_said() {
    let server = Server::start().await;
    let asker = Asker::of(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    let service = server.service();
    let made = service.run_report(Caller::server(), None).await.unwrap();
    let then_ms = server.clock.now_ms();
    server.clock.advance(1);
    server.open_wave().await;
    is_in(&server, &machine, Phase::Migrating).await;
    server.clock.advance(DAY);
    let figures = |period: String| {
        let service = service.clone();
        async move {
            let run = service
                .store()
                .read(move |tx| report_runs::list(tx, 10))
                .await
                .unwrap()
                .into_iter()
                .find(|run| run.period == period)
                .unwrap();
            let document: Document = serde_json::from_str(&run.body).unwrap();
            (document.figures, run.as_of_pos)
        }
    };
    let (was, pos) = figures(made.period.clone()).await;
    assert_eq!(was.at_ms, then_ms);
    let same = Some(instant_ms(then_ms));
    let again = service.run_report(Caller::server(), same).await.unwrap();
    assert_eq!(again.period, made.period, "the report of this instant is there already");
    let url = server.url(&format!("/api/v1/reports?as_of={}", instant_ms(then_ms + 1)));
    let operator = server.access(Role::Operator).await;
    let answer = asker.http.post(url).bearer_auth(operator).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let made: Value = answer.json().await.unwrap();
    let (open, _) = figures(made["period"].as_str().unwrap().to_owned()).await;
    assert_eq!(
        open.phases.iter().find(|it| it.0 == "migrating").map(|it| it.1),
        Some(1)
    );
    let old = server
        .write(move |tx| {
            // As if it had not been made then.
            tx.execute("DELETE FROM report_run WHERE as_of_pos = ?1", &[pos.into()])
        })
        .await;
    assert_eq!(old, 1);
    let again = service
        .run_report(Caller::server(), Some(instant_ms(then_ms)))
        .await
        .unwrap();
    let (is, is_pos) = figures(again.period).await;
    assert_eq!(is, was);
    assert!(is_pos <= pos);
    let refused = service
        .run_report(Caller::server(), Some("2026-11-22".to_owned()))
        .await;
    assert!(refused.is_err());
    let page = server.url(&format!("/hosts?as_of={}", instant_ms(then_ms)));
    let answer = asker.http.get(page).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "pages show now, and say so");
    server.stop().await;
}
