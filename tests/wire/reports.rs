//! Scheduled reports: each period once, whatever happens to the server, and delivered until they arrive.

use std::{collections::BTreeSet, fs};

use cutover_core::report::Document;
use cutover_server::{
    config::Config,
    service::{Role, views::ReportRow},
    store::report_runs,
};

use crate::{machine::Machine, server::Server, sink::Sink, wait::until};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const WEEK_MS: i64 = 7 * 24 * HOUR_MS;

/// Mondays at seven in New York: in winter at noon, UTC. Manual clocks begin a day before one.
fn mondays(config: &mut Config) {
    config.report.schedule = "0 7 * * MON".to_owned();
    config.report.zone = "America/New_York".to_owned();
}

/// What the schedule made, oldest first, once there are so many.
async fn made(server: &Server, count: usize) -> Vec<Document> {
    until("reports are made", || async {
        let documents = documents(server).await;
        (documents.len() >= count).then_some(documents)
    })
    .await
}

async fn documents(server: &Server) -> Vec<Document> {
    let mut runs = server.read(|tx| report_runs::list(tx, 100)).await;
    runs.retain(|run| !run.body.is_empty());
    runs.sort_by(|a, b| a.period.cmp(&b.period));
    runs.iter()
        .map(|run| serde_json::from_str(&run.body).unwrap())
        .collect()
}

fn periods(documents: &[Document]) -> Vec<(&str, bool)> {
    documents
        .iter()
        .map(|document| (document.period.as_str(), document.late))
        .collect()
}

/// Waits until the server has looked at its schedule at least once since the clock was moved: it has when a check-in
/// that came after that was written down, because last contacts come before reports in each pass.
async fn pass(server: &Server, machine: &Machine) {
    let host = machine.host.to_string();
    for _ in 0..2 {
        server.clock.advance(1);
        let now_ms = server.clock.now_ms();
        machine.check_in(machine.hello()).await.unwrap();
        until("last contacts are written", || async {
            let host = host.clone();
            let seen = server
                .read(move |tx| cutover_server::store::host_seen::load(tx, &host))
                .await;
            seen.filter(|row| row.seen_ms >= now_ms)
        })
        .await;
    }
}

/// What `cutover report list` shows.
async fn listed(server: &Server) -> Vec<ReportRow> {
    server.service().reports().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_period_is_made_once_across_restarts_and_a_missed_one_is_made_up_for_once() {
    let mut server = Server::with(mondays).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    pass(&server, &machine).await;
    assert!(
        documents(&server).await.is_empty(),
        "a new schedule owes nothing for the past"
    );

    // 2026-11-23T12:00:30Z
    server.clock.advance(24 * HOUR_MS + MINUTE_MS / 2);
    let first = [("2026-11-23T12:00:00Z", false)];
    assert_eq!(periods(&made(&server, 1).await), first);
    pass(&server, &machine).await;
    server.restart().await;
    machine.reconnect(&server).await;
    pass(&server, &machine).await;
    assert_eq!(periods(&documents(&server).await), first, "made again");

    // Three Mondays pass while nobody serves: 2026-12-14T14:00:30Z.
    server.halt().await;
    server.clock.advance(3 * WEEK_MS + 2 * HOUR_MS);
    server.resume().await;
    machine.reconnect(&server).await;
    let both = [first[0], ("2026-12-14T12:00:00Z", true)];
    assert_eq!(periods(&made(&server, 2).await), both);
    server.restart().await;
    machine.reconnect(&server).await;
    pass(&server, &machine).await;
    assert_eq!(periods(&documents(&server).await), both, "made up for twice");

    // The next one is in time again.
    server.clock.advance(WEEK_MS - 2 * HOUR_MS);
    let documents = made(&server, 3).await;
    assert_eq!(periods(&documents)[2], ("2026-12-21T12:00:00Z", false));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_becomes_files_that_say_what_the_figures_say() {
    let server = Server::with(mondays).await;
    let mut machine = Machine::enrol(&server, "pc-<1>").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    pass(&server, &machine).await;
    server.clock.advance(26 * HOUR_MS);
    let rows = until("the files are delivered", || async {
        let rows = listed(&server).await;
        rows.iter()
            .any(|row| row.delivery == "directory delivered")
            .then_some(rows)
    })
    .await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].period, "2026-11-23T12:00:00Z");
    let directory = server.config.report_directory();
    let names: BTreeSet<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["deadline-2026-11-23T120000Z.csv", "deadline-2026-11-23T120000Z.html"];
    assert_eq!(names, expected.map(str::to_owned).into());
    assert_eq!(rows[0].files.iter().map(fs::metadata).filter(Result::is_ok).count(), 2);

    let figures = &documents(&server).await[0].figures;
    assert_eq!(figures.hosts, 1);
    let html = fs::read_to_string(directory.join(expected[1])).unwrap();
    assert!(html.contains("made later than planned"), "{html}");
    assert!(html.contains(&figures.replaced) && !html.contains("pc-<1>"), "{html}");
    let csv = fs::read_to_string(directory.join(expected[0])).unwrap();
    assert!(csv.contains("phase,planned,1,1"), "{csv}");
    assert!(csv.contains(&format!("replaced,{}", figures.replaced)), "{csv}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_posted_to_again_until_it_takes_the_report() {
    let sink = Sink::answering(&[500]).await;
    let address = sink.address;
    let server = Server::with(|config| {
        mondays(config);
        config.report.webhook_url = format!("http://{address}/hook?key=secret");
    })
    .await;
    let machine = Machine::enrol(&server, "pc-1").await;
    pass(&server, &machine).await;
    server.clock.advance(24 * HOUR_MS);
    let row = until("the first try failed", || async {
        let row = listed(&server).await.pop()?;
        row.delivery.contains("webhook failed 1 times").then_some(row)
    })
    .await;
    assert!(row.delivery.contains("500"), "{}", row.delivery);
    assert!(!row.delivery.contains("secret"), "{}", row.delivery);
    assert_eq!(sink.got().len(), 1);

    // As if the pause after a failure were over; it is counted by the machine's clock.
    server.hurry_letters().await;
    until("the second try arrives", || async {
        listed(&server)
            .await
            .pop()?
            .delivery
            .contains("webhook delivered")
            .then_some(())
    })
    .await;
    let got = sink.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].body, got[1].body);
    assert!(got[1].head.starts_with("post /hook?key=secret "), "{}", got[1].head);
    assert!(
        got[1].head.contains("content-type: application/json"),
        "{}",
        got[1].head
    );
    let document: Document = serde_json::from_str(&got[1].body).unwrap();
    assert_eq!(
        (document.period.as_str(), document.figures.hosts),
        ("2026-11-23T12:00:00Z", 1)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_asked_for_by_hand_stands_beside_the_scheduled_ones() {
    let server = Server::with(mondays).await;
    let (token, http) = (server.access(Role::Operator).await, reqwest::Client::new());
    let url = server.url("/api/v1/reports");
    let made: ReportRow = http
        .post(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(made.schedule, "by-hand");
    let rows: Vec<ReportRow> = http
        .get(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0].schedule, &rows[0].period), (&made.schedule, &made.period));
    until("its files are delivered", || async {
        let written = made.files.iter().all(|file| fs::metadata(file).is_ok());
        written.then_some(())
    })
    .await;
    // It is no period of the schedule.
    server.clock.advance(24 * HOUR_MS);
    until("the scheduled one is made too", || async {
        (listed(&server).await.len() == 2).then_some(())
    })
    .await;
    server.stop().await;
}
