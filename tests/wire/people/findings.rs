//! What other systems say of enrolled hosts: where they agree the evidence is better for it, where they do not it is told.

use base64::Engine as _;
use cutover_server::service::{AssetImport, Caller, FindingFilter, FindingView, Role};

use super::browser::Browser;
use crate::{
    machine::Machine,
    server::{BEGIN_MS, Server},
};

const HOUR_MS: i64 = 3_600_000;

async fn operator(server: &Server) -> Caller {
    let token = server.access(Role::Operator).await;
    server.service().caller_by_token(&token).await.unwrap().unwrap()
}

fn at(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// One line of a console's export.
async fn import(server: &Server, caller: &Caller, source: &str, columns: &str, line: &str) {
    let fields = columns.split(',').map(|column| match column {
        "Seen" => format!("last-seen = [\"{column}\"]\n"),
        column => format!("{} = [\"{column}\"]\n", column.to_lowercase()),
    });
    let mapping = format!(
        "[columns]\n{}[values.health]\nhealthy = [\"ok\"]\nunhealthy = [\"bad\"]\n\
         [values.target]\ncarries = [\"there\"]\nclear = [\"gone\"]\n",
        fields.collect::<String>()
    );
    let ask = AssetImport {
        source: source.to_owned(),
        preset: String::new(),
        mapping,
        content: base64::engine::general_purpose::STANDARD.encode(format!("{columns}\r\n{line}\r\n")),
        evidence_of: String::new(),
        skip_bad: false,
        dry_run: false,
    };
    server.service().import_assets(caller.clone(), ask).await.unwrap();
}

async fn found(server: &Server) -> Vec<FindingView> {
    server
        .service()
        .findings(FindingFilter::default())
        .await
        .unwrap()
        .findings
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_counts_a_machine_healthy_whose_own_look_finds_nothing_is_told_until_it_agrees() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let columns = "Key,Name,Product,Health,Seen";
    let line = format!("k-1,pc-1,clamav,ok,{}", at(BEGIN_MS));
    import(&server, &caller, "console", columns, &line).await;
    let told = found(&server).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].kind.as_str(), told[0].name.as_str()),
        ("console-says-healthy", "pc-1")
    );
    assert!(told[0].remedy.contains("look at the machine"), "{told:?}");
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    for path in ["/findings".to_owned(), format!("/hosts/{}", machine.host)] {
        let page = browser.page(&server, &path).await;
        assert!(page.contains("console-says-healthy"), "{path}: {page}");
    }
    assert!(browser.page(&server, "/assets").await.contains("href=\"/findings\""));

    // The machine's own look finds it at work: nothing contradicts any more.
    let request = machine.replaced();
    machine.check_in(request).await.unwrap();
    assert_eq!(found(&server).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_host_that_an_export_sees_in_use_is_told() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let retired = server.service().retire_host(
        caller.clone(),
        "pc-1".to_owned(),
        "scrapped, says Ann".to_owned(),
        false,
    );
    retired.await.unwrap();
    let line = |ms| format!("k-1,pc-1,{},yes", at(ms));
    import(
        &server,
        &caller,
        "ad",
        "Key,Name,Seen,Active",
        &line(BEGIN_MS - HOUR_MS),
    )
    .await;
    assert_eq!(found(&server).await, [], "it was seen before it was retired");
    import(
        &server,
        &caller,
        "ad",
        "Key,Name,Seen,Active",
        &line(BEGIN_MS + HOUR_MS),
    )
    .await;
    let told = found(&server).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].kind, "retired-active");
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_contradict_each_other_about_a_machine_without_agent_are_told_until_one_corrects_itself() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let line = |target| format!("k-9,pc-9,{target},{}", at(BEGIN_MS));
    import(&server, &caller, "ksc", "Key,Name,Target,Seen", &line("there")).await;
    import(&server, &caller, "inventory", "Key,Name,Target,Seen", &line("gone")).await;
    let told = found(&server).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].kind.as_str(), told[0].of_kind.as_str()),
        ("sources-disagree", "asset")
    );
    let asset = server.service().asset(told[0].of_id.clone()).await.unwrap();
    assert_eq!(asset.findings, told);
    import(&server, &caller, "ksc", "Key,Name,Target,Seen", &line("gone")).await;
    assert_eq!(found(&server).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migrated_host_is_corroborated_by_the_replacements_console() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    // Others replaced it: what they did must hold, and be seen again.
    for _ in 0..20 {
        let request = machine.replaced();
        machine.check_in(request).await.unwrap();
        if server.plan(machine.host).await.phase.as_str() == "migrated" {
            break;
        }
        server.clock.advance(5 * 60_000);
        server.service().wake_due().await.unwrap();
    }
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!(
        (host.row.phase.as_str(), host.grade.as_str()),
        ("migrated", "self-reported")
    );
    assert!(
        host.why.iter().any(|line| line.contains("not done by us")),
        "{:?}",
        host.why
    );

    let since = server.plan(machine.host).await.phase_since_ms;
    let line = format!("k-1,pc-1,clamav,ok,{}", at(since + HOUR_MS));
    import(&server, &caller, "console", "Key,Name,Product,Health,Seen", &line).await;
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert!(host.grade.starts_with("corroborated by console"), "{}", host.grade);
    assert_eq!(found(&server).await, []);
}
