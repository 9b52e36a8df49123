//! Listings of what people set and do, as of an instant: what was answered then is answered again, byte for byte.

use cutover_core::plan::Phase;
use cutover_server::service::{AssignHandwork, Caller, ChangeTags, NewExemption, RevokeExemption, Role};
use reqwest::{Method, StatusCode};

use crate::{database::Database, machine::Machine, people::browser::by_token, server::Server, wait::until};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const LISTS: [&str; 2] = ["exemptions", "handwork"];

/// What each listing answered, and when.
struct Noted {
    what: &'static str,
    at_ms: i64,
    answers: [String; 2],
}

struct Asker {
    token: String,
    noted: Vec<Noted>,
}

impl Asker {
    async fn answers(&self, server: &Server, then: &str) -> [String; 2] {
        let mut answers = LISTS.map(|_| String::new());
        for (answer, list) in answers.iter_mut().zip(LISTS) {
            let path = format!("/api/v1/{list}{then}");
            let got = by_token(server, Method::GET, &path, &self.token).send().await.unwrap();
            assert_eq!(got.status(), StatusCode::OK, "{path}");
            *answer = got.text().await.unwrap();
        }
        answers
    }

    /// Notes what is answered now, once nothing moves at this instant any more; time goes on after it.
    async fn note(&mut self, server: &Server, what: &'static str) {
        let mut before = None;
        let answers = loop {
            let now = (server.last_pos().await, self.answers(server, "").await);
            if before.as_ref() == Some(&now) {
                break now.1;
            }
            before = Some(now);
        };
        let at_ms = server.clock.now_ms();
        self.noted.push(Noted { what, at_ms, answers });
        server.clock.advance(1_000);
    }

    async fn ask_again(&self, server: &Server) {
        for noted in &self.noted {
            let then = jiff::Timestamp::from_millisecond(noted.at_ms).unwrap();
            let again = self.answers(server, &format!("?as_of={then}")).await;
            assert_eq!(again, noted.answers, "{}", noted.what);
        }
        let differing: std::collections::BTreeSet<&[String; 2]> = self.noted.iter().map(|it| &it.answers).collect();
        assert_eq!(
            differing.len(),
            self.noted.len(),
            "each instant is answered in its own way"
        );
    }
}

async fn exempt(server: &Server, hosts: &[&str], until: &str) {
    let ask = NewExemption {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        why: "runs the old press".to_owned(),
        owner: "Ada".to_owned(),
        control: "off the network".to_owned(),
        until: until.to_owned(),
        dry_run: false,
    };
    server.service().exempt(Caller::server(), ask).await.unwrap();
}

async fn lists_are_shown_again(server: Server) {
    let token = server.access(Role::Viewer).await;
    let mut asker = Asker {
        token,
        noted: Vec::new(),
    };
    let mut machines = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        machines.push(machine);
    }
    let service = server.service();
    asker.note(&server, "nothing is set").await;
    exempt(&server, &["pc-1", "pc-2"], "2026-12-02T12:00:00Z").await;
    asker.note(&server, "two are let off").await;
    exempt(&server, &["pc-1"], "2026-12-12T12:00:00Z").await;
    asker.note(&server, "one of them for longer").await;
    let why = RevokeExemption {
        why: "the press is gone".to_owned(),
        dry_run: false,
    };
    service
        .revoke_exemption(Caller::server(), "pc-2".to_owned(), why)
        .await
        .unwrap();
    asker.note(&server, "one was revoked").await;

    // A machine that is somebody's own is worked on by hand.
    let own = ChangeTags {
        add: vec!["ownership=personal".to_owned()],
        ..ChangeTags::default()
    };
    service
        .tag_host(Caller::server(), "pc-3".to_owned(), own)
        .await
        .unwrap();
    assert_eq!(server.plan(machines[2].host).await.phase, Phase::Handwork);
    asker.note(&server, "work by hand is open").await;
    let assign = AssignHandwork {
        owner: "Grace".to_owned(),
        reference: Some("T-7".to_owned()),
        due: Some("2026-11-30T12:00:00Z".to_owned()),
        dry_run: false,
    };
    service
        .assign_handwork(Caller::server(), "pc-3".to_owned(), assign)
        .await
        .unwrap();
    asker.note(&server, "somebody does it").await;
    server.clock.advance(12 * DAY);
    asker.note(&server, "it is overdue").await;
    server.clock.advance(10 * DAY);
    until("the exemption is over", || async {
        let plan = server.plan(machines[0].host).await;
        (plan.phase != Phase::Exempt).then_some(())
    })
    .await;
    asker.note(&server, "the other one is over too").await;
    asker.ask_again(&server).await;
    let hosts: Vec<_> = machines.iter().map(|machine| machine.host).collect();
    server.holds_together(&hosts).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exemptions_and_handwork_as_of_an_instant_are_those_that_were_shown_then() {
    lists_are_shown_again(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_exemptions_and_handwork_as_of_an_instant_are_those_that_were_shown_then() {
    let Some(database) = Database::create("as_of_lists") else {
        return;
    };
    let url = database.url.clone();
    lists_are_shown_again(Server::with(move |config| config.store.url = url).await).await;
}
