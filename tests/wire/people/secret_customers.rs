//! Whose a replacement will be: a customer's id that is one, and that counts for as long as the campaign names that customer.

use cutover_core::plan::{Phase, Plan, Reason};
use cutover_proto::v1;
use cutover_server::service::{ApplyCampaign, Caller, NewArtifactUse, Role, UsedFile};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    browser::{by_token, problem},
    secrets::Administrator,
};
use crate::{machine::Machine, server::Server};

const FALCON: &str = "crowdstrike-falcon";
const OURS: &str = "79391C24113773B01D8181C38C3E111A-5B";
const ANOTHERS: &str = "0123456789ABCDEF0123456789ABCDEF-C4";

/// A campaign's text by which the sensor of this customer takes the place of what goes.
fn names(text: &str, tenant: &str) -> String {
    let mut document: toml::Table = toml::from_str(text).unwrap();
    for rule in document["replacement"].as_array_mut().unwrap() {
        let rule = rule.as_table_mut().unwrap();
        rule.insert("product".to_owned(), FALCON.into());
        rule.insert("tenant".to_owned(), tenant.into());
    }
    toml::to_string(&document).unwrap()
}

async fn server_of(tenant: &str) -> Server {
    Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        std::fs::write(&config.campaign.file, names(&text, tenant)).unwrap();
    })
    .await
}

/// Gives the server the package.
async fn bind(server: &Server) {
    let file_name = "falcon-sensor_7.20.0-17306_amd64.deb";
    let token = server.access(Role::Operator).await;
    let address = format!("/api/v1/artifacts?file_name={file_name}");
    let sent = by_token(server, Method::PUT, &address, &token).body("goods").send();
    let added: Value = sent.await.unwrap().json().await.unwrap();
    let new = NewArtifactUse {
        product: FALCON.to_owned(),
        version: "7.20".to_owned(),
        systems: vec!["debian".to_owned()],
        mirrors: vec!["https://mirror.example/files/".to_owned()],
        files: vec![UsedFile {
            file_name: file_name.to_owned(),
            sha256: added["sha256"].as_str().unwrap().to_owned(),
        }],
        dry_run: false,
    };
    server.service().use_artifacts(Caller::server(), new).await.unwrap();
}

async fn set(admin: &Administrator<'_>, cid: &str) {
    let answer = admin.post("cid", json!({ "product": FALCON, "values": [cid] })).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

fn lacks_it(plan: &Plan) -> bool {
    plan.phase == Phase::Blocked && matches!(&plan.reason, Some(Reason::SecretMissing { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_customers_id_is_not_taken_and_not_repeated() {
    let server = Server::start().await;
    let admin = Administrator::of(&server).await;
    for bad in ["hunter2", &OURS[..32], &OURS[1..]] {
        for dry_run in [true, false] {
            let asked = json!({ "product": FALCON, "values": [bad], "dry_run": dry_run });
            let told = problem(admin.post("cid", asked).await, StatusCode::BAD_REQUEST).await;
            assert!(told.contains("32 hexadecimal digits") && !told.contains(bad), "{told}");
        }
    }
    assert_eq!(admin.listed().await, json!([]));
    set(&admin, &format!(" {OURS}\n")).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_id_counts_no_more_once_the_campaign_names_another_customer() {
    let server = server_of(OURS).await;
    let admin = Administrator::of(&server).await;
    bind(&server).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let shown: v1::CheckInRequest = machine.carrying();
    machine.check_in(shown).await.unwrap();
    let plan = server.plan(machine.host).await;
    assert!(lacks_it(&plan), "{plan:?}");
    set(&admin, OURS).await;
    let plan = server.plan(machine.host).await;
    assert_eq!(plan.phase, Phase::Planned, "{plan:?}");

    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let other = names(&text, ANOTHERS);
    let ask = ApplyCampaign {
        file: "new.toml".to_owned(),
        text: other.clone(),
        if_version: None,
        dry_run: true,
    };
    let would = server.service().apply_campaign(Caller::server(), ask).await.unwrap();
    let warned = would.preview.warnings.join("\n");
    assert!(
        warned.contains("is another customer's than 0123456789ABCDEF"),
        "{warned}"
    );
    assert_eq!(server.plan(machine.host).await.phase, Phase::Planned);

    server.apply(other).await;
    let plan = server.plan(machine.host).await;
    assert!(lacks_it(&plan), "{plan:?}");
    let remedy = plan.reason.unwrap().remedy();
    assert!(remedy.contains("`cutover secret list` tells why"), "{remedy}");
    let listed = admin.listed().await;
    let fault = listed[0]["fault"].as_str().unwrap();
    assert!(
        fault.contains("another customer's than 0123456789ABCDEF") && !fault.contains(OURS),
        "{fault}"
    );
    server.open_wave().await;
    assert!(lacks_it(&server.plan(machine.host).await), "nothing goes meanwhile");

    set(&admin, ANOTHERS).await;
    assert_eq!(admin.listed().await[0]["fault"], Value::Null);
    // The wave is open: its order may have left by now.
    let plan = server.plan(machine.host).await;
    assert!(matches!(plan.phase, Phase::Queued | Phase::Migrating), "{plan:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_id_that_does_not_open_is_not_said_to_be_anothers() {
    let mut server = server_of(OURS).await;
    let token = server.access(Role::Administrator).await;
    set(&Administrator::with(&server, &token), OURS).await;
    server.halt().await;
    std::fs::remove_file(server.config.secret_key_file()).unwrap();
    server.resume().await;
    let listed = Administrator::with(&server, &token).listed().await;
    let fault = listed[0]["fault"].as_str().unwrap();
    assert!(
        fault.contains("was sealed with key") && !fault.contains("customer"),
        "{fault}"
    );
    server.stop().await;
}
