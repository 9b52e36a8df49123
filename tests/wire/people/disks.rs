//! Who encrypts disks, where no look can tell: two people attest it, one of them perhaps by an imported report.

use base64::Engine as _;
use cutover_core::plan::{Phase, Reason};
use cutover_proto::inventory::DiskEncryption;
use cutover_server::service::{
    AssetImport, AssetsImported, AttestDisks, Caller, DisksFilter, DisksView, Role, ServiceError, WithdrawDisks,
};
use reqwest::{Method, StatusCode};

use super::browser::{by_token, problem};
use crate::{database::Database, inventories, machine::Machine, server::Server, wait::until};

const DAY: i64 = 24 * 3_600_000;
/// Two days before the clock begins, and ten days after.
const SEEN: &str = "2026-11-20T12:00:00Z";
const END: &str = "2026-12-02T12:00:00Z";

async fn person(server: &Server, name: &str) -> Caller {
    let service = server.service();
    let token = service
        .create_access_token(name.to_owned(), Role::Operator)
        .await
        .unwrap();
    service.caller_by_token(&token).await.unwrap().unwrap()
}

fn asking(hosts: &[&str]) -> AttestDisks {
    AttestDisks {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        says: Some("decrypted".to_owned()),
        rests_on: Some(SEEN.to_owned()),
        until: END.to_owned(),
        why: "the console's report 7".to_owned(),
        ..AttestDisks::default()
    }
}

async fn attest(server: &Server, who: &Caller, ask: AttestDisks) -> Result<String, ServiceError> {
    server.service().attest_disks(who.clone(), ask).await
}

fn told(refused: Result<impl std::fmt::Debug, ServiceError>) -> String {
    refused.expect_err("must be refused").to_string()
}

async fn listed(server: &Server, as_of: Option<&str>) -> Vec<DisksView> {
    let filter = DisksFilter {
        as_of: as_of.map(str::to_owned),
        ..DisksFilter::default()
    };
    server.service().disks(filter).await.unwrap().disks
}

async fn show(machine: &mut Machine, encryption: DiskEncryption) {
    let mut inventory = inventories::carrying(machine.host, &machine.name);
    inventory.facts.encryption = encryption;
    let request = machine.showing(inventory);
    machine.check_in(request).await.unwrap();
}

/// A host that carries the product, and of which no look tells who encrypts its disks.
async fn unknown(server: &Server, name: &str) -> Machine {
    let mut machine = Machine::enrol(server, name).await;
    show(&mut machine, DiskEncryption::Unknown).await;
    let plan = server.plan(machine.host).await;
    assert_eq!(
        (plan.phase, plan.reason),
        (Phase::Blocked, Some(Reason::EncryptionUnknown))
    );
    machine
}

async fn import(server: &Server, who: &Caller, lines: &str) -> AssetsImported {
    let text = format!("name,last-seen,encryption\n{lines}");
    let ask = AssetImport {
        source: "ksc".to_owned(),
        preset: String::new(),
        mapping: "[columns]\nname = [\"name\"]\nlast-seen = [\"last-seen\"]\nencryption = [\"encryption\"]\n"
            .to_owned(),
        content: base64::engine::general_purpose::STANDARD.encode(text),
        skip_bad: false,
        evidence_of: String::new(),
        dry_run: false,
    };
    server.service().import_assets(who.clone(), ask).await.unwrap()
}

async fn two_people_lift_what_is_not_known(server: Server) {
    let (ada, grace) = (person(&server, "ada").await, person(&server, "grace").await);
    let (one, mut two) = (unknown(&server, "pc-1").await, unknown(&server, "pc-2").await);
    let both = ["pc-1", "pc-2"];
    let would = AttestDisks {
        dry_run: true,
        ..asking(&both)
    };
    let said = attest(&server, &ada, would).await.unwrap();
    assert!(
        said.starts_with("would attest the disks of 2 hosts until 2026-12-02T12:00:00Z"),
        "{said}"
    );
    assert_eq!(listed(&server, None).await, []);

    let said = attest(&server, &ada, asking(&both)).await.unwrap();
    assert!(
        said.contains("pc-1 (stays blocked): the first of two signatures"),
        "{said}"
    );
    assert_eq!(server.plan(one.host).await.phase, Phase::Blocked, "one person alone");
    assert!(told(attest(&server, &ada, asking(&both)).await).contains("another person's"));
    let other = AttestDisks {
        says: Some("keys-escrowed".to_owned()),
        ..asking(&both)
    };
    assert!(told(attest(&server, &grace, other).await).contains("by another word"));
    let first = listed(&server, None).await;
    assert!(
        first.iter().all(|row| !row.counts && row.signed.len() == 1),
        "{first:?}"
    );
    let then = jiff::Timestamp::from_millisecond(server.clock.now_ms())
        .unwrap()
        .to_string();
    server.clock.advance(60_000);

    let said = attest(&server, &grace, asking(&both)).await.unwrap();
    assert!(
        said.contains("pc-1 (blocked, then planned), pc-2 (blocked, then planned)"),
        "{said}"
    );
    let rows = listed(&server, None).await;
    assert_eq!(
        (rows.len(), rows[0].name.as_str(), rows[0].says.as_str()),
        (2, "pc-1", "decrypted")
    );
    let signed: Vec<&str> = rows[0].signed.iter().map(|by| by.by.as_str()).collect();
    assert_eq!((rows[0].counts, signed), (true, vec!["ada", "grace"]));
    let shown = server.service().host("pc-1".to_owned()).await.unwrap();
    for part in ["ada at 2026-11-22T12:00:00Z: the console's report 7", "by grace at"] {
        assert!(shown.set[0].contains(part), "no `{part}` in {:?}", shown.set);
        assert!(shown.timeline.iter().any(|event| event.text.contains(part)), "{part}");
    }
    // As it was when one had said it: the second changes nothing of that.
    assert_eq!(listed(&server, Some(&then)).await, first);
    server.clock.advance(1_000);

    // A look that shows it wins, and a later one that cannot tell is not believed by what was attested before.
    show(&mut two, DiskEncryption::ByTarget).await;
    assert_eq!(server.plan(two.host).await.reason, Some(Reason::EncryptedByTarget));
    let refused = told(attest(&server, &ada, asking(&["pc-2"])).await);
    assert!(refused.contains("nothing attests that away"), "{refused}");
    show(&mut two, DiskEncryption::Unknown).await;
    assert_eq!(server.plan(two.host).await.reason, Some(Reason::EncryptionUnknown));
    assert_eq!(listed(&server, None).await.len(), 1);

    server.clock.advance(10 * DAY);
    until("it ends by its date", || async {
        let plan = server.plan(one.host).await;
        (plan.reason == Some(Reason::EncryptionUnknown)).then_some(())
    })
    .await;
    assert_eq!(listed(&server, None).await, []);
    assert_eq!(listed(&server, Some(&then)).await, first);
    server.holds_together(&[one.host, two.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_attest_what_no_look_tells_and_a_look_or_its_date_ends_it() {
    two_people_lift_what_is_not_known(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_two_people_attest_what_no_look_tells_and_a_look_or_its_date_ends_it() {
    let Some(database) = Database::create("disks") else {
        return;
    };
    let url = database.url.clone();
    two_people_lift_what_is_not_known(Server::with(move |config| config.store.url = url).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_takes_it_back_with_a_reason_and_both_are_audited() {
    let server = Server::start().await;
    let (ada, grace) = (person(&server, "ada").await, person(&server, "grace").await);
    let one = unknown(&server, "pc-1").await;
    for who in [&ada, &grace] {
        attest(&server, who, asking(&["pc-1"])).await.unwrap();
    }
    assert_eq!(server.plan(one.host).await.phase, Phase::Planned);
    let refused = told(attest(&server, &person(&server, "eve").await, asking(&["pc-1"])).await);
    assert!(refused.contains("two people have attested it already"), "{refused}");
    let withdraw = |why: &str| {
        let ask = WithdrawDisks {
            why: why.to_owned(),
            dry_run: false,
        };
        server.service().withdraw_disks(ada.clone(), "pc-1".to_owned(), ask)
    };
    assert!(told(withdraw(" ").await).contains("`why` is missing"));
    withdraw("the report was of another machine").await.unwrap();
    assert_eq!(
        server.plan(one.host).await.reason,
        Some(Reason::EncryptionUnknown),
        "it blocks again at once"
    );
    assert!(told(withdraw("again").await).contains("nothing is attested"));
    let kinds: Vec<String> = server
        .read(|tx| {
            let stream = cutover_server::store::StreamName::audit("hosts");
            let events = cutover_server::store::events::load(tx, &stream, 0, 100)?;
            Ok(events.into_iter().map(|event| event.kind).collect())
        })
        .await;
    let about: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| kind.starts_with("disks-"))
        .collect();
    assert_eq!(about, ["disks-attested", "disks-attested", "disks-withdrawn"]);

    // Who signed first and was erased cannot be told from the second.
    attest(&server, &ada, asking(&["pc-1"])).await.unwrap();
    server
        .service()
        .erase_personal(Caller::server(), "pc-1".to_owned(), false)
        .await
        .unwrap();
    let refused = told(attest(&server, &grace, asking(&["pc-1"])).await);
    assert!(
        refused.contains("was erased") && refused.contains("withdraw-encryption"),
        "{refused}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_one_persons_word_and_another_one_confirms_it() {
    let server = Server::start().await;
    let (ada, grace) = (person(&server, "ada").await, person(&server, "grace").await);
    let (one, two) = (unknown(&server, "pc-1").await, unknown(&server, "pc-2").await);
    let reported = |hosts: &[&str]| AttestDisks {
        says: None,
        rests_on: None,
        reported_by: Some("ksc".to_owned()),
        ..asking(hosts)
    };
    let refused = told(attest(&server, &grace, reported(&["pc-1"])).await);
    assert!(refused.contains("no report of ksc says anything"), "{refused}");
    import(
        &server,
        &ada,
        &format!("pc-1,{SEEN},not-encrypted-by-target\npc-2,{SEEN},by-target\n"),
    )
    .await;
    assert_eq!(
        server.plan(one.host).await.phase,
        Phase::Blocked,
        "a report alone changes nothing"
    );
    assert_eq!(listed(&server, None).await, []);
    let refused = told(attest(&server, &ada, reported(&["pc-1"])).await);
    assert!(refused.contains("another person's"), "{refused}");
    for ask in [reported(&["pc-2"]), asking(&["pc-2"])] {
        let refused = told(attest(&server, &grace, ask).await);
        assert!(refused.contains("ksc says that the product"), "{refused}");
    }
    attest(&server, &grace, reported(&["pc-1"])).await.unwrap();
    let row = listed(&server, None).await.remove(0);
    let signed: Vec<(&str, &str)> = row.signed.iter().map(|by| (by.by.as_str(), by.why.as_str())).collect();
    assert_eq!(
        signed,
        [
            ("ada", "brought the report of ksc"),
            ("grace", "the console's report 7")
        ]
    );
    assert_eq!((row.says.as_str(), row.counts), ("not-encrypted-by-target", true));
    assert_eq!(server.plan(one.host).await.phase, Phase::Planned);

    // The next report says otherwise: that ends it, whoever brings it.
    import(
        &server,
        &grace,
        &format!("pc-1,{SEEN},by-target\npc-2,{SEEN},decrypted\n"),
    )
    .await;
    assert_eq!(listed(&server, None).await, []);
    assert_eq!(server.plan(one.host).await.reason, Some(Reason::EncryptionUnknown));
    let shown = server.service().host("pc-1".to_owned()).await.unwrap().timeline;
    assert!(
        shown
            .iter()
            .any(|event| event.text.contains("taken back by grace: ksc says that the product")),
        "{shown:?}"
    );
    attest(&server, &ada, reported(&["pc-2"])).await.unwrap();
    assert_eq!(server.plan(two.host).await.phase, Phase::Planned);
    server.holds_together(&[one.host, two.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_says_what_by_what_of_when_and_until_when() {
    let server = Server::start().await;
    unknown(&server, "pc-1").await;
    let token = server.access(Role::Operator).await;
    let full = serde_json::to_value(asking(&["pc-1"])).unwrap();
    let post = |token: &str, ask: &serde_json::Value| {
        by_token(&server, Method::POST, "/api/v1/encryption", token)
            .json(ask)
            .send()
    };
    for (key, value, says) in [
        ("why", " ", "`why` is missing"),
        ("says", "maybe", "`maybe`"),
        ("rests_on", "2026-11-20", "such as 2026-11-20T00:00:00-04:00"),
        ("until", "", "`until` is missing"),
        ("until", "2026-11-01T00:00:00Z", "is past"),
        ("reported_by", "ksc", "not both"),
    ] {
        let mut ask = full.clone();
        ask[key] = value.into();
        let detail = problem(post(&token, &ask).await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(says), "{key} = {value}: {detail}");
    }
    for (key, value, says) in [
        ("rests_on", "2026-11-22T12:00:01Z", "which is to come"),
        ("until", "2027-02-18T12:00:01Z", "until 2027-02-18T12:00:00Z"),
    ] {
        let mut ask = full.clone();
        ask[key] = value.into();
        let detail = problem(post(&token, &ask).await.unwrap(), StatusCode::CONFLICT).await;
        assert!(detail.contains(says), "{key} = {value}: {detail}");
    }
    let viewer = server.access(Role::Viewer).await;
    problem(post(&viewer, &full).await.unwrap(), StatusCode::FORBIDDEN).await;
    assert_eq!(listed(&server, None).await, []);
    server.stop().await;
}
