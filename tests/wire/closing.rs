//! A campaign's end: two different people sign the same thing, and nothing of it changes any more.

use cutover_core::plan::Phase;
use cutover_server::{
    config::Config,
    service::{Caller, ClosingView, ConfirmClosing, ProposeClosing, Role, ServiceError, WithdrawClosing},
    store::{StreamName, events},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    database::Database,
    machine::{Machine, enroll, enrolment},
    people::browser::{Browser, by_token, problem},
    server::{Server, prepare},
};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const CAMPAIGN: &str = "/api/v1/campaigns/kaspersky-us-2024";

async fn person(server: &Server, name: &str) -> Caller {
    let service = server.service();
    let token = service
        .create_access_token(name.to_owned(), Role::Administrator)
        .await
        .unwrap();
    service.caller_by_token(&token).await.unwrap().unwrap()
}

fn proposing(risks: &[&str]) -> ProposeClosing {
    ProposeClosing {
        why: "the year is over, says Ada".to_owned(),
        risks: risks.iter().map(|risk| (*risk).to_owned()).collect(),
        dry_run: false,
    }
}

async fn confirm(server: &Server, caller: &Caller, digest: &str, dry_run: bool) -> Result<String, ServiceError> {
    let digest = digest.to_owned();
    let ask = ConfirmClosing { digest, dry_run };
    server.service().confirm_closing(caller.clone(), ask).await
}

fn refused(answer: Result<String, ServiceError>) -> String {
    match answer {
        Err(ServiceError::Refused { why }) => why,
        other => panic!("must be refused: {other:?}"),
    }
}

fn left(view: &ClosingView) -> Vec<String> {
    view.left.iter().map(|it| format!("{} {}", it.kind, it.count)).collect()
}

/// The digest of what stands proposed.
async fn proposed(server: &Server) -> String {
    let view = server.service().closing().await.unwrap();
    assert_eq!(view.state, "proposed");
    view.proposal.unwrap().digest
}

/// Closes the campaign as it is.
async fn close(server: &Server) {
    let (ada, grace) = (person(server, "ada").await, person(server, "grace").await);
    let service = server.service();
    service
        .propose_closing(ada, proposing(&["pc-1 goes on with it"]))
        .await
        .unwrap();
    let digest = proposed(server).await;
    confirm(server, &grace, &digest, false).await.unwrap();
}

async fn carrying(server: &Server, name: &str) -> Machine {
    let mut machine = Machine::enrol(server, name).await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    machine
}

async fn two_people_sign_the_same(change: impl FnOnce(&mut Config)) {
    let server = Server::with(change).await;
    let service = server.service();
    let _one = carrying(&server, "pc-1").await;
    let (ada, grace) = (person(&server, "ada").await, person(&server, "grace").await);

    let silent = service.propose_closing(ada.clone(), proposing(&[" "])).await;
    let said = silent.unwrap_err().to_string();
    assert!(said.contains("--risk"), "{said}");
    let no_reason = ProposeClosing {
        why: " ".to_owned(),
        ..proposing(&["a risk"])
    };
    let silent = service.propose_closing(ada.clone(), no_reason).await;
    assert!(silent.unwrap_err().to_string().contains("--why"));
    let operator = server.access(Role::Operator).await;
    let operator = service.caller_by_token(&operator).await.unwrap().unwrap();
    assert!(matches!(
        service.propose_closing(operator, proposing(&["a risk"])).await,
        Err(ServiceError::Denied { .. })
    ));
    assert!(refused(confirm(&server, &grace, "ab", false).await).contains("nobody proposed"));

    let before = server.last_pos().await;
    let would = ProposeClosing {
        dry_run: true,
        ..proposing(&["a risk"])
    };
    let said = service.propose_closing(ada.clone(), would).await.unwrap();
    assert!(said.starts_with("would propose"), "{said}");
    assert_eq!(server.last_pos().await, before, "a dry run notes nothing");

    let risks = ["pc-1 goes on with it, and Hopper answers for that"];
    service.propose_closing(ada.clone(), proposing(&risks)).await.unwrap();
    let view = service.closing().await.unwrap();
    let proposal = view.proposal.clone().unwrap();
    assert_eq!(
        (proposal.by.as_str(), proposal.risks.as_slice()),
        ("ada", &[risks[0].to_owned()][..])
    );
    assert!(left(&view).contains(&"on-track 1".to_owned()), "{:?}", view.left);
    let again = service.propose_closing(grace.clone(), proposing(&risks)).await;
    assert!(refused(again).contains("ada proposed"));
    let digest = proposal.digest;
    assert!(refused(confirm(&server, &ada, &digest, false).await).contains("another person's"));
    assert!(refused(confirm(&server, &grace, &"ab".repeat(32), false).await).contains("is not what was proposed"));

    // The campaign goes on meanwhile, and what is left becomes something else.
    let _two = carrying(&server, "pc-2").await;
    let said = refused(confirm(&server, &grace, &digest, false).await);
    assert!(said.contains("on-track was 1 and is 2"), "{said}");
    let withdraw = WithdrawClosing {
        why: "one more came".to_owned(),
        dry_run: false,
    };
    service.withdraw_closing(grace.clone(), withdraw.clone()).await.unwrap();
    assert!(refused(service.withdraw_closing(grace.clone(), withdraw).await).contains("nobody proposed"));
    assert_eq!(service.closing().await.unwrap().state, "open");

    service.propose_closing(ada, proposing(&risks)).await.unwrap();
    let digest = proposed(&server).await;
    let before = server.last_pos().await;
    assert!(
        confirm(&server, &grace, &digest, true)
            .await
            .unwrap()
            .starts_with("would close")
    );
    assert_eq!(server.last_pos().await, before);
    confirm(&server, &grace, &digest, false).await.unwrap();
    let view = service.closing().await.unwrap();
    assert_eq!(
        (view.state.as_str(), view.closed.unwrap().by.as_str()),
        ("closed", "grace")
    );
    let campaign = service.campaigns().await.unwrap().remove(0);
    assert_eq!(campaign.state, "closed");
    assert!(
        campaign.halted.contains("by ada and grace: the year is over"),
        "{}",
        campaign.halted
    );

    // The event holds what was signed, so that its digest can be worked out again, and no word of a person.
    let stream = StreamName::campaign(service.campaign_id().as_str());
    let stored = server.read(move |tx| events::load(tx, &stream, 1, 100)).await;
    let kinds: Vec<&str> = stored.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "version-applied",
            "closing-proposed",
            "closing-withdrawn",
            "closing-proposed",
            "closed"
        ]
    );
    for event in &stored {
        let has_words = ["Ada", "Hopper", "one more"]
            .iter()
            .any(|word| event.body.contains(word));
        assert!(!has_words, "{}", event.body);
    }
    let body: Value = serde_json::from_str(&stored[4].body).unwrap();
    let paper = &body["proposal"]["paper"];
    assert_eq!(hex::encode(Sha256::digest(paper.to_string())), digest);
    assert_eq!(
        (&paper["version"], &paper["residue"]["left"]["on-track"]),
        (&json!(1), &json!(2))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_people_close_a_campaign_and_each_signs_the_same() {
    two_people_sign_the_same(|_| ()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_two_different_people_close_a_campaign_and_each_signs_the_same() {
    prepare();
    let Some(database) = Database::create("closing") else {
        return;
    };
    let url = database.url.clone();
    two_people_sign_the_same(move |config| config.store.url = url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_orders_out_is_not_closed_and_they_are_named() {
    let server = Server::start().await;
    server.open_wave().await;
    let machine = carrying(&server, "pc-1").await;
    machine.fetch_order().await;
    let ada = person(&server, "ada").await;
    let said = refused(server.service().propose_closing(ada, proposing(&["a risk"])).await);
    assert!(said.contains("work orders are out (pc-1)"), "{said}");
    assert_eq!(server.service().closing().await.unwrap().hindrances.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_closed_campaign_changes_and_agents_are_still_served() {
    let mut server = Server::start().await;
    let mut machine = carrying(&server, "pc-1").await;
    let (service, open_ms) = (server.service().clone(), server.clock.now_ms());
    let open = service.summary().await.unwrap();
    server.clock.advance(MINUTE);
    close(&server).await;
    let closed_ms = server.clock.now_ms();
    let summary = service.summary().await.unwrap();
    assert_eq!((open.closed_ms, summary.closed_ms), (None, Some(closed_ms)));
    let page = Browser::signed_in(&server, Role::Viewer).await.page(&server, "/").await;
    assert!(
        page.contains("The campaign is over") && page.contains("closed since 2026-"),
        "{page}"
    );
    let plan = server.plan(machine.host).await;
    assert_eq!(plan.phase, Phase::Planned);

    // Whoever asks for a change is told.
    let token = server.access(Role::Administrator).await;
    let enrol_token = server.token(1).await;
    let (until, now) = ("2027-01-31T00:00:00Z", server.last_pos().await);
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let campaign = |what: &str| format!("{CAMPAIGN}/{what}");
    let v1 = |what: &str| format!("/api/v1/{what}");
    let changes = [
        (campaign("versions"), json!({ "file": "new.toml", "text": text })),
        (campaign("pause"), json!({ "why": "w" })),
        (campaign("stop"), json!({ "why": "w" })),
        (campaign("resume"), json!({ "why": "w" })),
        (campaign("closing"), json!({ "why": "w", "risks": ["r"] })),
        (campaign("closing/confirm"), json!({ "digest": "d" })),
        (campaign("closing/withdraw"), json!({ "why": "w" })),
        (v1("waves/all/open"), json!({})),
        (v1("waves/all/pause"), json!({})),
        (v1("waves/all/resume"), json!({})),
        (v1("waves/all/approve"), json!({ "hosts": [] })),
        (v1("waves/all/approve"), json!({ "hosts": ["pc-1"] })),
        (v1("waves/all/reset"), json!({ "why": "w" })),
        (v1("waves/all/gate"), json!({ "granted": true })),
        (v1("readiness/keys/attest"), json!({ "why": "w" })),
        (v1("readiness/keys/waive"), json!({ "why": "w" })),
        (v1("readiness/keys/withdraw"), json!({ "why": "w" })),
        (
            v1("exemptions"),
            json!({ "hosts": ["pc-1"], "why": "w", "owner": "o", "control": "c", "until": until }),
        ),
        (v1("exemptions/pc-1/revoke"), json!({ "why": "w" })),
        (v1("hosts/pc-1/hold"), json!({ "why": "w", "until": until })),
        (v1("hosts/pc-1/release"), json!({})),
        (v1("hosts/pc-1/retry"), json!({})),
        (v1("hosts/pc-1/retire"), json!({ "why": "w" })),
        (v1("hosts/pc-1/tags"), json!({ "add": ["t"] })),
        (v1("handwork/pc-1/assign"), json!({ "owner": "o" })),
        (v1("handwork/pc-1/done"), json!({ "evidence": "e" })),
        (v1("duties/report/reported"), json!({ "reference": "r" })),
        (v1("clones/pc-1/settle"), json!({ "decision": "keep", "why": "w" })),
        (
            v1("assets/imports"),
            json!({ "source": "ad", "mapping": "[columns]\nname = \"name\"\n", "content": "bmFtZQpwYy05Cg==" }),
        ),
        (v1("scans"), json!({ "content": "e30=" })),
        (
            v1("assets/pc-9/attest"),
            json!({ "claim": "clear", "until": until, "why": "w" }),
        ),
        (v1("assets/pc-9/match"), json!({})),
        (
            v1("artifacts/uses"),
            json!({ "product": "p", "version": "1", "files": [] }),
        ),
    ];
    for (path, body) in changes {
        for dry_run in [true, false] {
            let mut body = body.clone();
            body["dry_run"] = dry_run.into();
            let answer = by_token(&server, Method::POST, &path, &token)
                .json(&body)
                .send()
                .await
                .unwrap();
            let said = problem(answer, StatusCode::CONFLICT).await;
            assert!(said.contains("the campaign is closed since 2026-"), "{path}: {said}");
        }
    }
    for (method, path, body) in [
        (Method::POST, v1("simulations"), json!({})),
        (Method::GET, v1("forecast"), Value::Null),
    ] {
        let answer = by_token(&server, method, &path, &token)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(problem(answer, StatusCode::CONFLICT).await.contains("closed"), "{path}");
    }
    let request = enrolment(&crate::keys::Keys::new(), &enrol_token, "pc-2");
    let refused = enroll(&server, request).await.unwrap_err();
    assert!(refused.message().contains("closed"), "{refused}");
    assert_eq!(server.last_pos().await, now, "nothing of it was noted");

    // Machines are still heard, and what they show is kept; the plan stands as it stood.
    let shows = machine.replaced();
    let digest = shows.inventory_digest.clone();
    let reply = machine.check_in(shows).await.unwrap();
    assert_eq!(reply.durable_inventory, digest);
    assert!(reply.work_order.is_none() && !reply.want_look && reply.prefetch.is_empty());
    for _ in 0..3 {
        server.clock.advance(60 * DAY);
        assert_eq!(service.wake_due().await.unwrap(), 0);
        assert_eq!(service.start_hosts().await.unwrap(), 0);
        assert_eq!(
            service.judge_waves().await.unwrap()
                + service.tend_duties().await.unwrap()
                + service.tend_dates().await.unwrap(),
            0
        );
        machine.check_in(machine.hello()).await.unwrap();
    }
    assert_eq!(server.plan(machine.host).await, plan);
    let later = service.summary().await.unwrap();
    assert_eq!(later, summary, "its figures are those of its end");

    // What it did stays readable, then and now, and after a restart over another text too.
    let then = jiff::Timestamp::from_millisecond(open_ms).unwrap().to_string();
    assert_eq!(service.summary_as_of(Some(then)).await.unwrap(), open);
    service.run_report(Caller::server(), None).await.unwrap();
    std::fs::write(&server.config.campaign.file, format!("{text}\n# Another one.\n")).unwrap();
    server.restart().await;
    machine.reconnect(&server).await;
    machine.check_in(machine.hello()).await.unwrap();
    let service = server.service();
    assert_eq!(service.summary().await.unwrap(), summary);
    assert_eq!(service.campaigns().await.unwrap().remove(0).version, 1);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}
