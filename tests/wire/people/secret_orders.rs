//! Secrets in orders: who gets which, and what becomes of those that do not help.
//!
//! No recipe installs anything on Windows yet, so the machine of these tests is none that there is: Windows, with apt for its replacement.

use cutover_core::plan::{Phase, Plan};
use cutover_proto::{
    inventory::{Inventory, OsFamily, PackageManager},
    order::WorkOrder,
    record::RecordEvent,
    secret::SecretUse,
    step::{Action, StepKind},
    uninstall::Entry,
    v1,
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Showing, Verdict},
};
use cutover_server::{
    config::Config,
    service::Role,
    store::{events, work_orders},
};
use cutover_tests::harness::postgres::query;
use reqwest::StatusCode;
use serde_json::json;

use super::secrets::{Administrator, VALUES, none_of_them_below, none_of_them_in};
use crate::{database::Database, inventories, machine::Machine, server::Server};

const MINUTES_5: i64 = 5 * 60_000;
const KES: &str = "{30000000-2222-3333-4444-555555555555}";
const AGENT: &str = "{20000000-2222-3333-4444-555555555555}";

/// What it shows: two products that Windows Installer knows.
fn carrying(machine: &Machine) -> Inventory {
    let mut inventory = inventories::carrying(machine.host, &machine.name);
    inventory.facts.os_family = OsFamily::Windows;
    inventory.facts.package_managers.push(PackageManager::Msi);
    for sighting in &mut inventory.sightings {
        let key = match sighting.product.as_str() {
            "kes-windows" => KES,
            "klnagent-windows" => AGENT,
            "kesl" => {
                sighting.verdict = Verdict::Absent;
                sighting.evidence.clear();
                continue;
            }
            _ => continue,
        };
        let entry = Entry {
            name: sighting.product.as_str(),
            version: "12.9.0.384",
            key,
            is_msi: true,
            is_orphan: false,
            is_of_user: false,
        };
        sighting.verdict = Verdict::Installed;
        sighting.evidence = vec![Evidence {
            kind: EvidenceKind::UninstallKey,
            required: true,
            outcome: EvidenceOutcome::Seen,
            detail: entry.in_words(),
            shows: Some(Showing::Installed),
        }];
    }
    inventory
}

/// What an order says to which product, by which property, and what that is, as the machine opens it.
fn opened(machine: &Machine, order: &WorkOrder) -> Vec<(String, u32, String, String)> {
    let mut all: Vec<_> = order
        .secrets
        .iter()
        .map(|secret| {
            let goes_to = SecretUse::of(secret).unwrap().unwrap();
            let plain = machine.keys.sealing.open(machine.host, order.number, secret).unwrap();
            let plain = String::from_utf8(plain.to_vec()).unwrap();
            (goes_to.product.to_string(), goes_to.attempt, goes_to.property, plain)
        })
        .collect();
    all.sort();
    all
}

/// A server whose campaign lets ClamAV take the place of what such a machine has.
async fn server(change: impl FnOnce(&mut Config)) -> Server {
    Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let rule = "\n[[replacement]]\nos_family = [\"windows\"]\nproduct = \"clamav\"\n";
        std::fs::write(&config.campaign.file, text + rule).unwrap();
        change(config);
    })
    .await
}

fn kes(attempt: u32, property: &str, plain: &str) -> (String, u32, String, String) {
    ("kes-windows".to_owned(), attempt, property.to_owned(), plain.to_owned())
}

async fn set(admin: &Administrator<'_>, product: &str, name: &str, values: &[&str]) -> String {
    let answer = admin.post(name, json!({ "product": product, "values": values })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

/// The order fails when it removes the product, as a wrong password makes it.
async fn fail(server: &Server, machine: &mut Machine, order: &WorkOrder) {
    let is_kes =
        |action: &Action| action.kind() == StepKind::RemovePackages && action.product() == Some(&"kes-windows".into());
    let at = order.steps.iter().position(|step| is_kes(&step.action)).unwrap();
    let at = u32::try_from(at).unwrap();
    let told = [
        (RecordEvent::OrderAccepted, 0),
        (RecordEvent::StepBegun, at),
        (RecordEvent::StepFailed, at),
        (RecordEvent::OrderFailed, at),
    ];
    let records = (1..).zip(told).map(|(sequence, (event, step))| {
        if matches!(event, RecordEvent::StepFailed | RecordEvent::OrderFailed) {
            machine.failure(order.number, sequence, event, step, 1603)
        } else {
            machine.record(order.number, sequence, event, step)
        }
    });
    let request = v1::CheckInRequest {
        step_records: records.collect(),
        highest_order_begun: order.number,
        ..machine.hello()
    };
    machine.check_in(request).await.unwrap();
    server.clock.advance(MINUTES_5);
}

fn remedy(plan: &Plan) -> String {
    plan.reason.as_ref().unwrap().remedy()
}

/// The next order, once its time has come.
async fn next_order(server: &Server, machine: &Machine) -> WorkOrder {
    server.clock.advance(2 * 86_400_000);
    machine.fetch_order().await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_by_which_a_replacement_is_onboarded_is_set_as_one_value() {
    let server = Server::start().await;
    let admin = Administrator::of(&server).await;
    let asked = |values: &[&str]| json!({ "product": "defender-endpoint", "values": values });
    let refused = admin.post("onboarding", asked(&["{", "}"])).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let said = refused.text().await.unwrap();
    assert!(
        said.contains("is one file, and 2 values came; set it with --whole"),
        "{said}"
    );
    let done = set(&admin, "defender-endpoint", "onboarding", &["{\n}\n"]).await;
    assert!(
        done.contains("orders that install defender-endpoint bring it from now on"),
        "{done}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_a_replacement_is_is_set_as_one_value() {
    let server = Server::start().await;
    let admin = Administrator::of(&server).await;
    let (ours, anothers) = (
        "79391C24113773B01D8181C38C3E111A-5B",
        "0123456789ABCDEF0123456789ABCDEF-C4",
    );
    for name in ["cid", "provisioning-token"] {
        let asked = json!({ "product": "crowdstrike-falcon", "values": [ours, anothers] });
        let refused = admin.post(name, asked).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let said = refused.text().await.unwrap();
        assert!(
            said.contains("is one value, and 2 came") && !said.contains(ours),
            "{said}"
        );
        let done = set(&admin, "crowdstrike-falcon", name, &[ours]).await;
        assert!(
            done.contains("orders that install crowdstrike-falcon bring it from now on"),
            "{done}"
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_customers_id_than_the_campaign_names_is_not_taken_and_not_repeated() {
    let server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let rule = "\n[[replacement]]\nos_family = [\"windows\"]\nproduct = \"crowdstrike-falcon\"\n\
                    tenant = \"79391C24113773B01D8181C38C3E111A-5B\"\n";
        std::fs::write(&config.campaign.file, text + rule).unwrap();
    })
    .await;
    let admin = Administrator::of(&server).await;
    let anothers = "0123456789ABCDEF0123456789ABCDEF-C4";
    for dry_run in [true, false] {
        let asked = json!({ "product": "crowdstrike-falcon", "values": [anothers], "dry_run": dry_run });
        let refused = admin.post("cid", asked).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        let said = refused.text().await.unwrap();
        assert!(
            said.contains("is another customer's") && !said.contains(anothers),
            "{said}"
        );
    }
    for ours in [
        "79391C24113773B01D8181C38C3E111A-5B",
        "79391c24113773b01d8181c38c3e111a-5b",
    ] {
        set(&admin, "crowdstrike-falcon", "cid", &[ours]).await;
    }
    server.stop().await;
}

async fn goes(server: &Server) -> WorkOrder {
    let admin = Administrator::of(server).await;
    let [first, second, third] = VALUES;
    let mut machine = Machine::enrol(server, "pc-1").await;
    let shown = carrying(&machine);
    let request = machine.showing(shown);
    machine.check_in(request).await.unwrap();
    let done = set(&admin, "kes-windows", "login", &["KLAdmin"]).await;
    assert!(
        done.contains("orders that remove kes-windows bring it from now on"),
        "{done}"
    );
    set(&admin, "kes-windows", "password", &[first, second]).await;
    let done = set(&admin, "kes-windows", "token", &[third]).await;
    assert!(done.contains("asks for login, password and not for this"), "{done}");
    set(&admin, "kea", "password", &[third]).await;
    server.open_wave().await;

    let order = next_order(server, &machine).await;
    assert_eq!(
        opened(&machine, &order),
        [
            kes(0, "KLLOGIN", "KLAdmin"),
            kes(0, "KLPASSWD", first),
            kes(1, "KLLOGIN", "KLAdmin"),
            kes(1, "KLPASSWD", second),
        ]
    );
    let stranger = Machine::enrol(server, "pc-2").await;
    for secret in &order.secrets {
        assert!(stranger.keys.sealing.open(machine.host, order.number, secret).is_err());
        assert!(
            machine
                .keys
                .sealing
                .open(machine.host, order.number + 1, secret)
                .is_err()
        );
    }
    let (host, number) = (machine.host.to_string(), i64::try_from(order.number).unwrap());
    let row = server
        .read(move |tx| work_orders::load(tx, &host, number))
        .await
        .unwrap();
    none_of_them_in(&row.body, "an order's row");

    // Neither helped, and neither is said again: the host waits, and says for what.
    fail(server, &mut machine, &order).await;
    let plan = server.plan(machine.host).await;
    assert_eq!((plan.phase, plan.attempts_used), (Phase::Blocked, 0));
    assert!(
        remedy(&plan).contains("`cutover secret set password --product kes-windows"),
        "{}",
        remedy(&plan)
    );
    set(&admin, "kes-windows", "password", &[second, first]).await;
    assert_eq!(server.plan(machine.host).await.phase, Phase::Blocked, "nothing new");
    set(&admin, "kes-windows", "password", &[first, third]).await;
    let order = next_order(server, &machine).await;
    assert_eq!(
        opened(&machine, &order),
        [kes(0, "KLLOGIN", "KLAdmin"), kes(0, "KLPASSWD", third)]
    );
    fail(server, &mut machine, &order).await;

    // What is removed is brought no more: it is tried without, once somebody asks for it.
    for name in ["login", "password"] {
        let gone = admin
            .post(&format!("{name}/remove"), json!({ "product": "kes-windows" }))
            .await;
        assert_eq!(gone.status(), StatusCode::OK);
    }
    assert_eq!(server.plan(machine.host).await.phase, Phase::Blocked);
    let caller = cutover_server::service::Caller::server();
    server
        .service()
        .retry_host(caller, "pc-1".to_owned(), false)
        .await
        .unwrap();
    let last = next_order(server, &machine).await;
    assert_eq!(opened(&machine, &last), []);
    for event in server.read(|tx| events::since(tx, 0, 10_000)).await {
        none_of_them_in(event.body.as_bytes(), &event.kind);
    }
    server.holds_together(&[machine.host, stranger.host]).await;
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_brings_its_own_products_secrets_sealed_to_its_host_and_none_twice() {
    let mut server = server(|_| ()).await;
    goes(&server).await;
    let directory = server.path().to_owned();
    server.halt().await;
    none_of_them_below(&directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_an_order_brings_the_same_and_no_row_has_them_in_plain() {
    let Some(database) = Database::create("secret_orders") else {
        return;
    };
    let url = database.url.clone();
    let server = server(|config| config.store.url.clone_from(&url)).await;
    goes(&server).await;
    for table in ["work_order", "plan", "event"] {
        let rows = query(&url, &format!("SELECT t::text FROM {table} t")).unwrap();
        none_of_them_in(rows.as_bytes(), table);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_file_is_as_good_as_no_secret_and_orders_go_on() {
    let mut server = server(|_| ()).await;
    let token = server.access(Role::Administrator).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let shown = carrying(&machine);
    let request = machine.showing(shown);
    machine.check_in(request).await.unwrap();
    set(
        &Administrator::with(&server, &token),
        "kes-windows",
        "password",
        &VALUES[..1],
    )
    .await;
    server.halt().await;
    std::fs::remove_file(server.config.secret_key_file()).unwrap();
    server.resume().await;
    machine.reconnect(&server).await;
    server.open_wave().await;
    let order = next_order(&server, &machine).await;
    assert_eq!(opened(&machine, &order), []);
    server.stop().await;
}
