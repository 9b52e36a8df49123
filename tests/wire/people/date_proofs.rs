//! What was true of machines at the milestones: by looks, by records from before, or not to be known.

use base64::Engine as _;
use cutover_server::service::{AssetImport, AssetsImported, Caller, ProofView, Role};

use super::browser::Browser;
use crate::{machine::Machine, server::Server};

async fn operator(server: &Server) -> Caller {
    let token = server.access(Role::Operator).await;
    server.service().caller_by_token(&token).await.unwrap().unwrap()
}

/// A report of the old console, made nine days before the cutoff.
fn report() -> AssetImport {
    let text = "Host ID,Name,Real-time protection,Last connected to Administration Server\r\n\
         h-1,pc-1,Not installed,2024-09-19T08:00:00Z\r\n\
         h-2,pc-2,Running,2024-09-19T09:00:00Z\r\n";
    AssetImport {
        source: "ksc-2024".to_owned(),
        preset: "kaspersky-security-center".to_owned(),
        mapping: String::new(),
        content: base64::engine::general_purpose::STANDARD.encode(text),
        evidence_of: "2024-09-20T12:00:00Z".to_owned(),
        skip_bad: false,
        dry_run: false,
    }
}

async fn import(server: &Server, caller: &Caller) -> AssetsImported {
    server.service().import_assets(caller.clone(), report()).await.unwrap()
}

fn at<'p>(proofs: &'p [ProofView], milestone: &str) -> &'p str {
    let found = proofs.iter().find(|it| it.milestone == milestone);
    &found.unwrap_or_else(|| panic!("no {milestone} in {proofs:?}")).proof
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_from_before_the_cutoff_attests_what_no_look_can_prove_any_more() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.replaced();
    machine.check_in(request).await.unwrap();
    let before = server.service().host("pc-1".to_owned()).await.unwrap();
    assert!(
        at(&before.proofs, "updates").starts_with("not knowable, first look 2026-11-22"),
        "{:?}",
        before.proofs
    );

    let done = import(&server, &caller).await;
    assert_eq!((done.new, done.attested), (2, 2), "{done:?}");
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    let proof = at(&host.proofs, "updates");
    assert!(proof.starts_with("clean, attested by ksc-2024"), "{proof}");
    assert!(
        proof.contains("2024-09-19T08:00:00Z"),
        "as of when the console last heard of it: {proof}"
    );
    assert!(
        at(&host.proofs, "sale").starts_with("not knowable"),
        "the report is of after that: {:?}",
        host.proofs
    );
    let page = Browser::signed_in(&server, Role::Viewer)
        .await
        .page(&server, &format!("/hosts/{}", machine.host))
        .await;
    assert!(page.contains("clean, attested by ksc-2024"), "{page}");

    // A machine of which it says otherwise, and nobody looked.
    let other = server.service().asset("pc-2".to_owned()).await.unwrap();
    assert_eq!(at(&other.proofs, "updates"), "not knowable, never looked at");
    assert_eq!(other.asset.said.target, None, "what was so then says nothing of now");
    let again = import(&server, &caller).await;
    assert_eq!((again.new, again.updated), (0, 2), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_found_the_product_stands_against_the_report() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    // By a clock that was set: a look says of a time after the milestone only where the machine's clock does, too.
    let mut inventory = crate::inventories::carrying(machine.host, "pc-1");
    inventory.taken_at_ms = crate::server::BEGIN_MS;
    let request = machine.showing_as_it_is(inventory);
    machine.check_in(request).await.unwrap();
    import(&server, &caller).await;
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert!(
        at(&host.proofs, "updates").starts_with("not knowable, first look 2026-11-22"),
        "{:?}",
        host.proofs
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_made_in_the_future_is_refused() {
    let server = Server::start().await;
    let caller = operator(&server).await;
    let ask = AssetImport {
        evidence_of: "2030-01-01T00:00:00Z".to_owned(),
        ..report()
    };
    let refused = server.service().import_assets(caller, ask).await.unwrap_err();
    assert!(refused.to_string().contains("in the future"), "{refused}");
}
