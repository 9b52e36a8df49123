//! Looks that people carry to the server: whose they are, what they count for, and for how long.

use base64::Engine as _;
use cutover_core::coverage::ImportedLook;
use cutover_proto::{envelope::SigningKey, ids::HostId, inventory::Inventory, scan_file::ScanFile};
use cutover_server::{
    service::{AssetFilter, AssetImport, AssetView, Caller, Role, ScanImport, ScanImported, ServiceError},
    store::{asset_totals, imported_looks},
};
use reqwest::{Method, StatusCode};

use super::browser::{Browser, by_token, problem};
use crate::{
    inventories,
    keys::Keys,
    machine::Machine,
    server::{BEGIN_MS, Server},
};

const DAY_MS: i64 = 86_400_000;

async fn operator(server: &Server) -> Caller {
    let token = server.access(Role::Operator).await;
    server.service().caller_by_token(&token).await.unwrap().unwrap()
}

fn nobody() -> HostId {
    HostId::new(uuid::Uuid::nil())
}

/// A machine without an agent, and when it was looked at.
fn seen(mut inventory: Inventory, serial: &str, taken_ms: i64) -> Inventory {
    inventory.facts.serial = serial.to_owned();
    inventory.taken_at_ms = taken_ms;
    inventory
}

fn file(inventory: Inventory, key: &SigningKey) -> ScanImport {
    asked(ScanFile::sign(inventory, key).unwrap().as_bytes())
}

fn asked(bytes: &[u8]) -> ScanImport {
    ScanImport {
        file_name: r"C:\looks\one.signed".to_owned(),
        content: base64::engine::general_purpose::STANDARD.encode(bytes),
        taken: String::new(),
        dry_run: false,
    }
}

async fn import(server: &Server, caller: &Caller, ask: ScanImport) -> Result<ScanImported, ServiceError> {
    server.service().import_scan(caller.clone(), ask).await
}

async fn assets(server: &Server) -> Vec<AssetView> {
    server.service().assets(AssetFilter::default()).await.unwrap().assets
}

/// Where the assets count, after checking that parts add up.
async fn counted(server: &Server) -> Vec<(String, i64)> {
    let (kept, again) = server
        .read(|tx| Ok((asset_totals::list(tx)?, asset_totals::recount(tx)?)))
        .await;
    assert_eq!(kept, again);
    let summary = server.service().summary().await.unwrap();
    let standing: u64 = summary.standing.iter().map(|count| count.count).sum();
    assert_eq!(standing, summary.expected, "{summary:?}");
    kept
}

fn counts(bucket: &str) -> Vec<(String, i64)> {
    vec![(bucket.to_owned(), 1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_seen_clean_counts_as_that_for_a_time_and_is_then_unknown_again() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let keys = Keys::new();
    let look = file(
        seen(inventories::replaced(nobody(), "pc-9"), "SER-9", BEGIN_MS - DAY_MS),
        &keys.signing,
    );
    let dry = ScanImport {
        dry_run: true,
        ..look.clone()
    };
    let would = import(&server, &caller, dry).await.unwrap();
    assert!(would.done.starts_with("would import"), "{}", would.done);
    assert!(assets(&server).await.is_empty());

    let done = import(&server, &caller, look.clone()).await.unwrap();
    assert_eq!((done.vouched.as_str(), done.is_newest), ("signed", true), "{done:?}");
    assert_eq!(counted(&server).await, counts("seen-clear"));
    let kept = server
        .read(move |tx| imported_looks::bytes(tx, &done.sha256))
        .await
        .unwrap();
    assert_eq!(
        base64::engine::general_purpose::STANDARD.encode(kept),
        look.content,
        "byte for byte"
    );
    let again = import(&server, &caller, look).await.unwrap();
    assert!(again.done.contains("already"), "{}", again.done);
    assert_eq!(server.service().asset("pc-9".to_owned()).await.unwrap().looks.len(), 1);

    server.clock.advance(30 * DAY_MS);
    server.service().end_attestations().await.unwrap();
    assert_eq!(counted(&server).await, counts("unknown"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_is_of_the_machine_that_an_export_names_whichever_came_first() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let keys = Keys::new();
    let carrying = |day: i64| {
        seen(
            inventories::carrying(nobody(), "other-name"),
            "SER-1",
            BEGIN_MS - day * DAY_MS,
        )
    };
    import(&server, &caller, file(carrying(3), &keys.signing))
        .await
        .unwrap();
    let export = AssetImport {
        source: "ad".to_owned(),
        preset: "active-directory".to_owned(),
        mapping: "columns = { serial = [\"Serial\"] }".to_owned(),
        content: base64::engine::general_purpose::STANDARD.encode("Name,Serial,ObjectGUID\r\nPC-1,SER-1,g-1\r\n"),
        evidence_of: String::new(),
        skip_bad: false,
        dry_run: false,
    };
    server.service().import_assets(caller.clone(), export).await.unwrap();
    assert_eq!(counted(&server).await, counts("seen-carries"));
    let of_export = server.service().asset("PC-1".to_owned()).await.unwrap();
    assert_eq!(of_export.looks.len(), 1, "{of_export:?}");
    assert_eq!(of_export.same.len(), 1);

    // An older look adds what it saw, and does not take the newer one's place.
    let newer = seen(
        inventories::replaced(nobody(), "other-name"),
        "SER-1",
        BEGIN_MS - DAY_MS,
    );
    import(&server, &caller, file(newer, &keys.signing)).await.unwrap();
    assert_eq!(counted(&server).await, counts("seen-replaced"));
    let late = import(&server, &caller, file(carrying(2), &keys.signing))
        .await
        .unwrap();
    assert!(
        !late.is_newest && late.done.contains("a later look decides"),
        "{}",
        late.done
    );
    assert_eq!(counted(&server).await, counts("seen-replaced"));
    assert_eq!(server.service().asset("PC-1".to_owned()).await.unwrap().looks.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_a_hosts_own_key_signed_is_that_hosts_and_makes_no_asset() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.replaced();
    machine.check_in(request).await.unwrap();
    let look = seen(inventories::carrying(machine.host, "pc-1"), "", BEGIN_MS - DAY_MS);
    let done = import(&server, &caller, file(look, &machine.keys.signing))
        .await
        .unwrap();
    assert_eq!(
        (done.vouched.as_str(), done.host_id, done.asset_id.as_str()),
        ("host-key", machine.host.to_string(), "")
    );
    assert!(assets(&server).await.is_empty());
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!(host.looks.len(), 1);
    let page = Browser::signed_in(&server, Role::Viewer)
        .await
        .page(&server, &format!("/hosts/{}", machine.host))
        .await;
    assert!(page.contains("own key") && page.contains("one.signed"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_believed_is_refused_with_the_reason_and_changes_nothing() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let keys = Keys::new();
    let future = seen(inventories::replaced(nobody(), "pc-9"), "", BEGIN_MS + DAY_MS);
    let never_set = seen(inventories::replaced(nobody(), "pc-9"), "", 1_000);
    let nameless = seen(inventories::replaced(nobody(), ""), "", BEGIN_MS);
    let sound = ScanFile::sign(
        seen(inventories::replaced(nobody(), "pc-9"), "", BEGIN_MS),
        &keys.signing,
    )
    .unwrap();
    let cut = &sound.as_bytes()[..sound.len() / 2];
    let silent = b"cutover-collection 1\n#fact computer OLD-7\n#fact architecture x86\n#done\n";
    for (ask, why) in [
        (file(future, &keys.signing), "in the future"),
        (file(never_set, &keys.signing), "set that machine's clock"),
        (file(nameless, &keys.signing), "names no machine"),
        (asked(cut), "make it again"),
        (asked(b"MZ\x90\x00 something else"), "cutover-agent scan --sign"),
        (asked(silent), "--taken"),
    ] {
        let refused = import(&server, &caller, ask).await.unwrap_err();
        assert!(refused.to_string().contains(why), "no `{why}` in {refused}");
    }
    let told = ScanImport {
        taken: "2026-11-20T10:00:00Z".to_owned(),
        ..asked(silent)
    };
    let done = import(&server, &caller, told).await.unwrap();
    assert_eq!(done.found, "unknown", "what was not gathered is not known");
    assert_eq!(counted(&server).await, counts("unknown"));

    let viewer = server.access(Role::Viewer).await;
    let answer = by_token(&server, Method::POST, "/api/v1/scans", &viewer)
        .json(&asked(silent))
        .send()
        .await
        .unwrap();
    problem(answer, StatusCode::FORBIDDEN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_a_look_has_a_page_that_says_who_says_so() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let keys = Keys::new();
    let look = seen(inventories::carrying(nobody(), "<pc-9>"), "SER-9", BEGIN_MS);
    let done = import(&server, &caller, file(look, &keys.signing)).await.unwrap();
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    let page = browser.page(&server, &format!("/machines/{}", done.asset_id)).await;
    for part in [
        "seen carrying at",
        "self-reported",
        "not watched",
        "kesl",
        &done.sha256,
        "rules revision",
    ] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
    assert!(browser.page(&server, "/assets").await.contains("seen-carries"));
    let row = server
        .read(move |tx| cutover_server::store::assets::load_all(tx, [&done.asset_id]))
        .await;
    let kept: ImportedLook = serde_json::from_str(&row[0].look).unwrap();
    assert!(kept.carried);
}
