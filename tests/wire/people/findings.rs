//! What other systems say of enrolled hosts: where they agree the evidence is better for it, where they do not it is told. And
//! what hosts date themselves after a milestone.

use base64::Engine as _;
use cutover_proto::upkeep::Upkeep;
use cutover_server::service::{AssetImport, Caller, ChangeTags, FindingFilter, FindingView, Role};

use super::browser::Browser;
use crate::{
    inventories,
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

/// 2024-10-03, which is after the cutoff.
const OCTOBER_MS: i64 = 1_727_913_600_000;
const OCTOBER_DAY: i32 = 19_999;

/// A check-in of a machine whose product is so kept up.
fn kept_up(machine: &mut Machine, upkeep: Upkeep) -> cutover_proto::v1::CheckInRequest {
    let mut inventory = inventories::carrying(machine.host, &machine.name);
    for sighting in inventory
        .sightings
        .iter_mut()
        .filter(|it| it.product.as_str() == "kesl")
    {
        sighting.upkeep = Some(upkeep.clone());
    }
    machine.showing(inventory)
}

/// Puts a new version of the campaign in force.
async fn campaign(server: &Server, change: impl FnOnce(&mut toml::Table)) {
    let mut document: toml::Table =
        toml::from_str(&std::fs::read_to_string(&server.config.campaign.file).unwrap()).unwrap();
    change(&mut document);
    let text = toml::to_string(&document).unwrap();
    server.apply(text).await;
}

fn milestone(document: &mut toml::Table, name: &str, at: &str) {
    for milestone in document["milestone"].as_array_mut().unwrap() {
        if milestone["name"].as_str() == Some(name) {
            milestone["at"] = at.into();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_dates_after_a_milestone_is_found_with_no_other_source_until_a_look_or_the_campaign_says_otherwise()
{
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    assert_eq!(found(&server).await, []);
    let both = Upkeep {
        bases_ms: Some(OCTOBER_MS),
        installed_day: Some(OCTOBER_DAY),
        ..Upkeep::default()
    };
    let request = kept_up(&mut machine, both);
    machine.check_in(request).await.unwrap();
    let kinds = |told: &[FindingView]| told.iter().map(|it| it.kind.clone()).collect::<Vec<_>>();
    let told = found(&server).await;
    assert_eq!(kinds(&told), ["installed-after-sale-ban", "updated-after-cutoff"]);
    assert!(
        told.iter().all(|it| it.source == "kesl" && it.name == "pc-1"),
        "{told:?}"
    );
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!(host.findings, told);
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    for path in ["/findings".to_owned(), format!("/hosts/{}", machine.host)] {
        let page = browser.page(&server, &path).await;
        assert!(page.contains("still updating after the cutoff"), "{path}: {page}");
    }

    // A later milestone, and then the former one again.
    campaign(&server, |it| milestone(it, "updates", "2024-10-05T04:00:00Z")).await;
    assert_eq!(kinds(&found(&server).await), ["installed-after-sale-ban"]);
    campaign(&server, |_| ()).await;
    assert_eq!(kinds(&found(&server).await).len(), 2);

    // A look that tells no dates takes none back; one that finds the target gone does.
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    assert_eq!(kinds(&found(&server).await).len(), 2);
    let request = machine.replaced();
    machine.check_in(request).await.unwrap();
    assert_eq!(found(&server).await, []);
    server.holds_together(&[machine.host]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_the_campaign_that_names_a_tenant_is_held_against_every_host_and_every_machine_without_agent()
{
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let columns = "Key,Name,Product,Tenant,Seen";
    for name in ["pc-1", "pc-9"] {
        let line = format!("k-{name},{name},clamav,tenant-b,{}", at(BEGIN_MS));
        import(&server, &caller, &format!("console-{name}"), columns, &line).await;
    }
    assert_eq!(found(&server).await, []);
    let tenant = |tenant: &'static str| {
        move |document: &mut toml::Table| {
            for rule in document["replacement"].as_array_mut().unwrap() {
                if rule["product"].as_str() == Some("clamav") {
                    rule.as_table_mut().unwrap().insert("tenant".into(), tenant.into());
                }
            }
        }
    };
    campaign(&server, tenant("tenant-a")).await;
    let mut told = found(&server).await;
    told.sort_by(|one, other| one.name.cmp(&other.name));
    let told: Vec<(&str, &str)> = told.iter().map(|it| (it.name.as_str(), it.kind.as_str())).collect();
    assert_eq!(told, [("pc-1", "wrong-tenant"), ("pc-9", "wrong-tenant")]);
    campaign(&server, tenant("tenant-b")).await;
    assert_eq!(found(&server).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_a_machine_is_is_unknown_until_an_import_says_it_and_an_operator_goes_before_it() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let whose = || async { server.service().host("pc-1".to_owned()).await.unwrap() };
    assert_eq!(whose().await.ownership, "unknown");
    import(&server, &caller, "ad", "Key,Name,Ownership", "k-1,pc-1,corporate").await;
    assert_eq!(whose().await.ownership, "corporate");
    import(&server, &caller, "intune", "Key,Name,Ownership", "k-2,pc-1,personal").await;
    let host = whose().await;
    assert_eq!(host.ownership, "personal");
    assert!(
        host.machine.contains(&"ownership: personal, says intune".to_owned()),
        "{:?}",
        host.machine
    );
    let told = found(&server).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].kind, "sources-disagree");

    let tag = |add: &str, dry_run| ChangeTags {
        add: vec![add.to_owned()],
        remove: Vec::new(),
        dry_run,
    };
    let tags = |ask| server.service().tag_host(caller.clone(), "pc-1".to_owned(), ask);
    let would = tags(tag("ownership=corporate", true)).await.unwrap();
    assert!(would.contains("would have"), "{would}");
    assert_eq!(whose().await.ownership, "personal");
    assert!(tags(tag("ownership=mine", false)).await.is_err());
    tags(tag("floor-1", false)).await.unwrap();
    tags(tag("ownership=corporate", false)).await.unwrap();
    // A check-in leaves what a person said as it is.
    let request = machine.replaced();
    machine.check_in(request).await.unwrap();
    let host = whose().await;
    assert_eq!(
        (host.ownership.as_str(), host.tags.as_slice()),
        (
            "corporate",
            &["floor-1".to_owned(), "ownership=corporate".to_owned()][..]
        )
    );
}
