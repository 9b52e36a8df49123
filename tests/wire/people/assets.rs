//! What other systems know of machines: imported, matched with hosts, attested, and in every denominator.

use base64::Engine as _;
use cutover_proto::inventory::Inventory;
use cutover_server::{
    service::{
        AssetFilter, AssetImport, AssetView, AssetsImported, AttestAsset, Caller, MatchAsset, Role, ServiceError,
        views::Summary,
    },
    store::{asset_totals, events},
};

use super::browser::Browser;
use crate::{inventories, machine::Machine, server::Server, wait};

const AD: &str = "Name,DNSHostName,Serial,Owner,Enabled,ObjectGUID\r\n\
     PC-1,pc-1.corp.example,SER-1,Ann Field,True,g-1\r\n\
     PC-2,,To be filled by O.E.M.,,True,g-2\r\n\
     PHONE-3,,,=HYPERLINK(1),True,g-3\r\n";

fn import(source: &str, text: &str) -> AssetImport {
    AssetImport {
        source: source.to_owned(),
        preset: "active-directory".to_owned(),
        mapping: "columns = { serial = [\"Serial\"], owner = [\"Owner\", \"ManagedBy\"] }".to_owned(),
        content: base64::engine::general_purpose::STANDARD.encode(text),
        evidence_of: String::new(),
        skip_bad: false,
        dry_run: false,
    }
}

async fn operator(server: &Server) -> Caller {
    let token = server.access(Role::Operator).await;
    let caller = server.service().caller_by_token(&token).await.unwrap();
    caller.expect("a caller")
}

async fn imported(server: &Server, caller: &Caller, source: &str, text: &str) -> AssetsImported {
    let caller = caller.clone();
    server
        .service()
        .import_assets(caller, import(source, text))
        .await
        .unwrap()
}

async fn all(server: &Server) -> Vec<AssetView> {
    server.service().assets(AssetFilter::default()).await.unwrap().assets
}

async fn asset(server: &Server, name: &str) -> AssetView {
    let found = all(server).await.into_iter().find(|asset| asset.name == name);
    found.unwrap_or_else(|| panic!("no asset {name}"))
}

/// The figures, after checking that their parts add up and the totals are what a recount gives.
async fn figures(server: &Server) -> Summary {
    let summary = server.service().summary().await.unwrap();
    let standing: u64 = summary.standing.iter().map(|count| count.count).sum();
    let assets: u64 = summary.assets.iter().map(|count| count.count).sum();
    assert_eq!(standing, summary.expected, "{summary:?}");
    assert_eq!(summary.hosts + assets, summary.expected, "{summary:?}");
    let (kept, counted) = server
        .read(|tx| Ok((asset_totals::list(tx)?, asset_totals::recount(tx)?)))
        .await;
    assert_eq!(kept, counted);
    summary
}

fn of_serial(machine: &Machine, serial: &str) -> Inventory {
    let mut inventory = inventories::carrying(machine.host, "renamed");
    inventory.facts.serial = serial.to_owned();
    inventory
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_is_unknown_until_its_host_enrols_and_is_then_the_host() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut dry = import("ad", AD);
    dry.dry_run = true;
    let would = server.service().import_assets(caller.clone(), dry).await.unwrap();
    assert_eq!(
        (would.new, would.alone, all(&server).await.len()),
        (3, 3, 0),
        "{would:?}"
    );
    assert!(!would.unconfirmed.is_empty());

    let done = imported(&server, &caller, "ad", AD).await;
    assert_eq!((done.new, done.updated, done.alone), (3, 0, 3), "{done:?}");
    let figures_before = figures(&server).await;
    assert_eq!((figures_before.hosts, figures_before.expected), (0, 3));
    assert_eq!((figures_before.unknown.part, figures_before.unknown.whole), (3, 3));

    let mut machine = Machine::enrol(&server, "renamed").await;
    let inventory = of_serial(&machine, "SER 1");
    let request = machine.showing(inventory);
    machine.check_in(request).await.unwrap();
    let host = asset(&server, "PC-1").await;
    assert_eq!((host.is.as_str(), host.host_id), ("host", machine.host.to_string()));
    assert_eq!(host.why, "host renamed, by its serial");
    let figures = figures(&server).await;
    assert_eq!(
        (figures.hosts, figures.expected),
        (1, 3),
        "the host counts for its record"
    );
    assert_eq!(figures.unknown.part, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_changes_nothing_and_who_is_no_longer_named_stays() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    imported(&server, &caller, "ad", AD).await;
    let before = all(&server).await;
    let again = imported(&server, &caller, "ad", AD).await;
    assert_eq!((again.new, again.updated, again.missing_count), (0, 3, 0), "{again:?}");
    assert_eq!(all(&server).await, before);

    let shorter: String = AD.lines().take(3).map(|line| format!("{line}\r\n")).collect();
    let done = imported(&server, &caller, "ad", &shorter).await;
    assert_eq!(
        (done.missing.as_slice(), done.missing_count),
        (&["PHONE-3".to_owned()][..], 1)
    );
    assert!(asset(&server, "PHONE-3").await.missing_ms.is_some());
    assert_eq!(figures(&server).await.unknown.part, 3, "it counts on");
    imported(&server, &caller, "ad", AD).await;
    assert_eq!(asset(&server, "PHONE-3").await.missing_ms, None);

    let other = imported(&server, &caller, "cmdb", AD).await;
    assert_eq!(
        (other.new, other.same),
        (3, 3),
        "another source names the same machines: {other:?}"
    );
    assert_eq!(figures(&server).await.expected, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_imports_nothing_unless_it_is_to_be_left_out() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let bad = format!("{AD}PC-4,too short\r\n");
    let refused = server.service().import_assets(caller.clone(), import("ad", &bad)).await;
    let Err(ServiceError::Invalid { why }) = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains("line 5") && why.contains("nothing was imported"), "{why}");
    assert_eq!(all(&server).await, []);
    let mut rest = import("ad", &bad);
    rest.skip_bad = true;
    let done = server.service().import_assets(caller, rest).await.unwrap();
    assert_eq!((done.new, done.fault_count, done.faults[0].line), (3, 1, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ambiguous_is_decided_by_a_person_and_can_be_taken_back() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machines = Vec::new();
    for _ in 0..2 {
        let mut machine = Machine::enrol(&server, "pc-2").await;
        let request = machine.carrying();
        machine.check_in(request).await.unwrap();
        machines.push(machine);
    }
    imported(&server, &caller, "ad", AD).await;
    let found = asset(&server, "PC-2").await;
    assert_eq!(found.is, "ambiguous");
    assert!(found.why.starts_with("several hosts have this name"), "{}", found.why);
    assert_eq!(
        figures(&server).await.expected,
        5,
        "it may be another machine, and counts"
    );

    let host = machines[1].host.to_string();
    let decide = |host: Option<String>| {
        let ask = MatchAsset {
            host,
            no_host: false,
            dry_run: false,
        };
        server
            .service()
            .match_asset(caller.clone(), found.asset_id.clone(), ask)
    };
    decide(Some(host.clone())).await.unwrap();
    let decided = asset(&server, "PC-2").await;
    assert_eq!((decided.is.as_str(), decided.host_id), ("host", host));
    assert!(decided.why.ends_with("as a person says"), "{}", decided.why);
    assert_eq!(figures(&server).await.expected, 4);
    decide(None).await.unwrap();
    assert_eq!(asset(&server, "PC-2").await.is, "ambiguous");
    figures(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_counts_until_its_end() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    imported(&server, &caller, "ad", AD).await;
    let attest = |claim: &str, seconds: i64| {
        let until = jiff::Timestamp::from_millisecond(server.service().now_ms() + seconds * 1000).unwrap();
        let ask = AttestAsset {
            claim: claim.to_owned(),
            until: until.to_string(),
            why: "Grace Hopper looked at it".to_owned(),
            dry_run: false,
        };
        server.service().attest_asset(caller.clone(), "PHONE-3".to_owned(), ask)
    };
    attest("replaced", 86_400).await.unwrap();
    let counted = figures(&server).await;
    assert_eq!((counted.unknown.part, counted.unknown.whole), (2, 3));
    assert_eq!((counted.replaced.part, counted.replaced.whole), (1, 1));
    assert_eq!(asset(&server, "PHONE-3").await.counts, "attested-replaced");
    let refused = attest("replaced", -1).await;
    assert!(matches!(refused, Err(ServiceError::Invalid { .. })), "{refused:?}");

    attest("gone", 1).await.unwrap();
    assert_eq!(asset(&server, "PHONE-3").await.counts, "attested-gone");
    server.clock.advance(1_000);
    wait::until("the attestation ended", || async {
        (asset(&server, "PHONE-3").await.counts == "unknown").then_some(())
    })
    .await;
    let counted = figures(&server).await;
    assert_eq!((counted.unknown.part, counted.unknown.whole), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_an_asset_is_in_no_event_and_is_text_on_the_page() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let owner = AD.replace("Ann Field", "<script>Ann Field</script>");
    imported(&server, &caller, "ad", &owner).await;
    let told = server.read(|tx| events::since(tx, 0, 10_000)).await;
    let text: String = told
        .iter()
        .map(|event| format!("{} {}\n", event.kind, event.body))
        .collect();
    assert!(text.contains("assets-imported"), "{text}");
    for personal in ["Ann", "HYPERLINK", "PC-1"] {
        assert!(!text.contains(personal), "{personal} stands in an event: {text}");
    }
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    let page = browser.page(&server, "/assets").await;
    assert!(page.contains("Ann Field") && !page.contains("<script>Ann"), "{page}");

    let token = server.access(Role::Administrator).await;
    let administrator = server.service().caller_by_token(&token).await.unwrap().unwrap();
    let erased = server
        .service()
        .erase_asset_personal(administrator, "PC-1".to_owned(), false);
    assert_eq!(erased.await.unwrap(), "erased 1 names and notes about PC-1");
    assert_eq!(asset(&server, "PC-1").await.owner, "(erased)");
}
