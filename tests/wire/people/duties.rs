//! Duties to report: called for by what happens, due over working days, overdue once, and noted when they were made.

use cutover_server::service::{Caller, DutyView, FindingFilter, FindingView, ReportDuty, Role, ServiceError};

use super::browser::Browser;
use crate::{
    machine::Machine,
    server::{BEGIN_MS, Server},
    wait::until,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

const DUTIES: &str = "
[[duty]]
name = \"discovery\"
on = \"target-found\"
to = \"the contracting officer <co@example.org>\"
within = \"3 working days\"
follow_up = \"10 working days\"
note = \"It was one day once.\"

[[duty]]
name = \"completion\"
on = \"campaign-done\"
to = \"the board\"

[policy]
";

/// A server whose campaign has duties to report.
async fn with_duties() -> Server {
    Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let changed = text.replacen("[policy]\n", DUTIES, 1);
        assert_ne!(changed, text);
        std::fs::write(&config.campaign.file, changed).unwrap();
    })
    .await
}

async fn duties(server: &Server) -> Vec<DutyView> {
    server.service().duties().await.unwrap()
}

async fn listed(server: &Server) -> Vec<FindingView> {
    let list = server.service().findings(FindingFilter::default()).await.unwrap();
    list.findings
        .into_iter()
        .filter(|it| it.kind == "reporting-duty")
        .collect()
}

async fn report(server: &Server, reference: &str, at: Option<&str>) -> Result<String, ServiceError> {
    let ask = ReportDuty {
        reference: reference.to_owned(),
        at: at.map(str::to_owned),
        dry_run: false,
    };
    server
        .service()
        .report_duty(Caller::server(), "discovery".to_owned(), ask)
        .await
}

/// How often the campaign's stream tells of something.
async fn told(server: &Server, kind: &'static str) -> usize {
    use cutover_server::store::{StreamName, events};
    let stream = StreamName::campaign(server.service().campaign_id().as_str());
    let stored = server.read(move |tx| events::load(tx, &stream, 1, 10_000)).await;
    stored.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_found_opens_a_duty_that_turns_overdue_and_is_noted_as_reported() {
    let server = with_duties().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    assert_eq!((duties(&server).await, listed(&server).await), (vec![], vec![]));
    let early = report(&server, "letter 1", None).await.unwrap_err().to_string();
    assert!(early.contains("was not called for yet"), "{early}");
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let duty = until("the duty is called for", || async { duties(&server).await.pop() }).await;
    // A Sunday: three working days end with Wednesday.
    let first_due = BEGIN_MS + 3 * DAY + 12 * HOUR;
    assert_eq!((duty.opened_ms, duty.reports[0].due_ms), (BEGIN_MS, Some(first_due)));
    assert_eq!((duty.reports[1].due_ms, duty.reports[0].overdue), (None, false));
    for part in [
        "DRAFT",
        "To: the contracting officer",
        "due 2026-11-26T00:00:00Z",
        "replaced 0 of 1",
        "It was one day once.",
    ] {
        assert!(duty.draft.contains(part), "no `{part}` in {}", duty.draft);
    }
    let row = listed(&server).await.remove(0);
    assert!(row.text.contains("first report due 2026-11-26T00:00:00Z"), "{row:?}");
    assert!(row.remedy.contains("cutover findings reported discovery"), "{row:?}");

    server.clock.advance(first_due - BEGIN_MS);
    until("somebody is told that it is overdue", || async {
        (told(&server, "duty-overdue").await == 1).then_some(())
    })
    .await;
    assert!(
        listed(&server).await[0]
            .text
            .contains("first report OVERDUE since 2026-11-26T00:00:00Z")
    );
    server.service().tend_duties().await.unwrap();
    assert_eq!(told(&server, "duty-overdue").await, 1, "it was told of");

    // On the dashboard's page too, with the draft, and as text.
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    let page = browser.page(&server, "/findings").await;
    for part in [
        "reporting-duty",
        "OVERDUE",
        "Draft notice: discovery",
        "officer &#60;co@example.org&#62;",
    ] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }

    for (reference, at, says) in [
        (" ", None, "`reference` is missing"),
        ("letter 1", Some("2026-11-25"), "-04:00"),
        ("letter 1", Some("2027-11-25T00:00:00Z"), "still to come"),
        ("letter 1", Some("2026-11-20T00:00:00Z"), "before 2026-11-22T12:00:00Z"),
    ] {
        let refused = report(&server, reference, at).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{at:?}: {refused}");
    }
    // Sent on Tuesday: ten working days after that is Tuesday fortnight.
    let said = report(&server, "letter 1 of Grace Hopper", Some("2026-11-24T12:00:00Z"))
        .await
        .unwrap();
    assert!(
        said.contains("the follow-up report is due 2026-12-08T12:00:00Z"),
        "{said}"
    );
    let duty = duties(&server).await.remove(0);
    assert_eq!(duty.reports[0].reference, "letter 1 of Grace Hopper");
    assert!(duty.draft.contains("follow-up report"), "{}", duty.draft);
    let said = report(&server, "letter 2", None).await.unwrap();
    assert!(said.contains("nothing more is to be reported"), "{said}");
    let row = listed(&server).await.remove(0);
    assert!(
        row.text.contains("letter 2") && row.remedy.starts_with("nothing"),
        "{row:?}"
    );
    let again = report(&server, "letter 3", None).await.unwrap_err().to_string();
    assert!(again.contains("every report of duty `discovery` was made"), "{again}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duty_survives_a_restart_and_one_that_is_not_there_is_named() {
    let mut server = with_duties().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let before = until("the duty is called for", || async { duties(&server).await.pop() }).await;
    server.clock.advance(DAY);
    server.restart().await;
    let after = duties(&server).await.remove(0);
    assert_eq!((after.opened_ms, after.reports), (before.opened_ms, before.reports));
    assert_eq!(told(&server, "duty-opened").await, 1);
    let ask = ReportDuty {
        reference: "x".to_owned(),
        at: None,
        dry_run: false,
    };
    let nobody = server
        .service()
        .report_duty(Caller::server(), "discover".to_owned(), ask)
        .await;
    assert!(nobody.unwrap_err().to_string().contains("discovery, completion"));
    server.stop().await;
}
