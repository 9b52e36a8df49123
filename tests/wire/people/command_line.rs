//! `cutover` as operators and scripts run it, against a server that runs.

use std::{path::PathBuf, time::Duration};

use cutover_server::service::Role;
use cutover_tests::harness::{
    binaries,
    process::{Finished, run, tool},
};
use serde_json::Value;

use crate::{inventories, machine::Machine, server::Server};

const SOON: Duration = Duration::from_secs(30);

/// An operator at a terminal.
struct Operator {
    url: String,
    token_file: PathBuf,
}

impl Operator {
    async fn of(server: &Server) -> Self {
        let token_file = server.path().join("operator.token");
        std::fs::write(&token_file, server.access(Role::Operator).await).unwrap();
        let url = server.url("");
        Self { url, token_file }
    }

    async fn cutover(&self, line: &str) -> Finished {
        let mut command = tool(binaries::server().unwrap());
        command
            .env_clear()
            .args(line.split(' '))
            .arg("--url")
            .arg(&self.url)
            .arg("--token-file")
            .arg(&self.token_file);
        tokio::task::spawn_blocking(move || run(command, SOON).unwrap())
            .await
            .unwrap()
    }

    /// What a command prints; it must succeed.
    async fn says(&self, line: &str) -> String {
        self.cutover(line).await.succeeded().unwrap().stdout
    }

    async fn json(&self, line: &str) -> Value {
        let text = self.says(&format!("{line} --output json")).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}: {text}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_nobody_reads_to_its_end_ends_without_a_word() {
    let server = Server::start().await;
    let operator = Operator::of(&server).await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = tool(binaries::server().unwrap());
    command
        .env_clear()
        .args(["catalog", "list", "--matrix", "--url", &operator.url, "--token-file"])
        .arg(&operator.token_file)
        .stdout(writer);
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
        (Some(0), "")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_the_fleet_a_host_and_why_it_is_there() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let operator = Operator::of(&server).await;

    let status = operator.says("status").await;
    // 2026-11-22T12:00:00Z, against 2024-09-29T04:00:00Z and 2027-06-30T00:00:00Z.
    for part in ["784 days past", "in 219 days", "planned"] {
        assert!(status.contains(part), "no `{part}` in {status}");
    }
    let status = operator.json("status").await;
    assert_eq!((&status["hosts"], &status["replaced"]["whole"]), (&1.into(), &1.into()));

    assert!(operator.says("hosts list").await.contains("pc-1"));
    let rows = operator.json("hosts list --phase planned").await;
    assert_eq!(rows[0]["host_id"], machine.host.to_string());
    assert_eq!(
        operator.json("hosts list --phase migrated").await,
        serde_json::json!([])
    );
    let csv = operator.says("hosts list --output csv").await;
    assert!(csv.starts_with("name,phase,standing"), "{csv}");
    assert!(csv.contains("\npc-1,planned,"), "{csv}");

    let shown = operator.json("hosts show pc-1").await;
    assert_eq!(shown["chain_verified"], true);
    assert_eq!(shown["verdicts"][0]["product"], "kesl");
    assert!(
        shown["timeline"].as_array().is_some_and(|events| events.len() > 1),
        "{shown}"
    );
    let why = operator.says("why pc-1").await;
    assert!(why.starts_with("pc-1 is planned\n") && why.contains("wave"), "{why}");
    // It called at noon; 300 seconds, a fifth more at the most, and a week until it is stale.
    for line in [
        "next contact: by 2026-11-22T12:06:00Z",
        "what happens then: its look is judged; nothing starts before wave all opens",
        "without it: at 2026-11-22T14:00:00Z its agent counts as possibly removed by the product",
    ] {
        assert!(why.contains(line), "no `{line}` in {why}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_zone_of_a_host_is_shown_as_it_was_told() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let operator = Operator::of(&server).await;
    for (told, shown) in [
        ("", "time zone: unknown"),
        ("Australia/Lord_Howe", "time zone: Australia/Lord_Howe"),
        (
            "Mars/Olympus",
            "time zone: Mars/Olympus, which this server does not know",
        ),
    ] {
        let mut inventory = inventories::carrying(machine.host, "pc-1");
        inventory.facts.time_zone = told.to_owned();
        let request = machine.showing(inventory);
        machine.check_in(request).await.unwrap();
        let host = operator.json("hosts show pc-1").await;
        let lines = host["machine"].as_array().unwrap();
        assert!(lines.contains(&shown.into()), "{lines:?}");
        assert!(operator.says("hosts show pc-1").await.contains(shown));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_makes_a_report_and_sees_what_became_of_it() {
    let server = Server::start().await;
    let operator = Operator::of(&server).await;
    let made = operator.json("report run").await;
    assert_eq!(made[0]["schedule"], "by-hand");
    let listed = operator.json("report list").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(listed[0]["period"], made[0]["period"]);
    let table = operator.says("report list").await;
    assert!(table.contains("by-hand") && table.contains("directory"), "{table}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_ends_with_1_and_what_is_misspelt_with_2() {
    let mut server = Server::start().await;
    let mut operator = Operator::of(&server).await;
    let refused = operator.cutover("hosts show nobody").await;
    assert_eq!((refused.code(), refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("nobody"), "{}", refused.stderr);
    let misspelt = operator.cutover("hosts lost").await;
    assert_eq!((misspelt.code(), misspelt.stdout.as_str()), (Some(2), ""));

    operator.token_file = server.path().join("no.token");
    let unnamed = operator.cutover("status").await;
    assert_eq!(unnamed.code(), Some(1));
    assert!(unnamed.stderr.contains("--token-file"), "{}", unnamed.stderr);
    std::fs::write(&operator.token_file, "somebody else's").unwrap();
    let denied = operator.cutover("report run").await;
    assert_eq!((denied.code(), denied.stdout.as_str()), (Some(1), ""));

    server.halt().await;
    let alone = operator.cutover("status").await;
    assert_eq!(alone.code(), Some(1));
    assert!(
        alone.stderr.contains("is `cutover serve` running there?"),
        "{}",
        alone.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_tried_taken_in_listed_and_attested() {
    let server = Server::start().await;
    let operator = Operator::of(&server).await;
    let file = server.path().join("phones.csv");
    std::fs::write(&file, "Gerät;Besitzer\r\nphone-1;=cmd()\r\nphone-2;\r\n").unwrap();
    let import = format!(
        "assets import {} --source phones --map name=Gerät --map owner=Besitzer --class phone",
        file.display()
    );
    let would = operator.json(&format!("{import} --dry-run")).await;
    assert_eq!((would["new"].as_u64(), would["alone"].as_u64()), (Some(2), Some(2)));
    assert_eq!(operator.json("assets list").await, serde_json::json!([]));
    operator.says(&import).await;
    let csv = operator.says("assets list --unmatched --output csv").await;
    assert!(
        csv.contains("phone-1,phones,phone,no agent,unknown,,'=cmd(),"),
        "a spreadsheet takes it for a formula: {csv}"
    );
    let attest = "assets attest phone-2 --as clear --why seen --until";
    let refused = operator.cutover(&format!("{attest} 2020-01-01")).await;
    assert!(refused.stderr.contains("with its zone"), "{}", refused.stderr);
    let end = jiff::Timestamp::from_millisecond(server.service().now_ms() + 86_400_000).unwrap();
    let said = operator.says(&format!("{attest} {end}")).await;
    assert!(said.contains("attested phone-2 as clear"), "{said}");
    let status = operator.json("status").await;
    assert_eq!(
        (status["expected"].as_u64(), status["unknown"]["part"].as_u64()),
        (Some(2), Some(1))
    );
    let nowhere = operator.cutover(&format!("{import} --map serial=Tag")).await;
    assert!(nowhere.stderr.contains("Gerät, Besitzer"), "{}", nowhere.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_exempts_hosts_sees_who_is_exempt_and_revokes_it() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let operator = Operator::of(&server).await;
    let add = "exemption add pc-1 --why press --owner ada --control offline --until";
    let bare = operator.cutover(&format!("{add} 2026-12-02")).await;
    assert_eq!(bare.code(), Some(1), "{bare:?}");
    assert!(bare.stderr.contains("2026-12-02T00:00:00-04:00"), "{bare:?}");
    let without = operator
        .cutover("exemption add pc-1 --why press --owner ada --control offline")
        .await;
    assert_eq!(without.code(), Some(2), "{without:?}");
    operator.says(&format!("{add} 2026-12-02T00:00:00Z")).await;
    let rows = operator.json("exemption list").await;
    assert_eq!((&rows[0]["name"], &rows[0]["owner"]), (&"pc-1".into(), &"ada".into()));
    let csv = operator.says("exemption list --output csv").await;
    assert!(
        csv.contains("\npc-1,exempt,2026-12-02T00:00:00Z,ada,press,offline,"),
        "{csv}"
    );
    assert!(
        operator
            .says("why pc-1")
            .await
            .contains("set: exempt until 2026-12-02T00:00:00Z, ada answers")
    );
    assert!(operator.says("hosts show pc-1").await.contains("done instead: offline"));
    operator.says("exemption revoke pc-1 --why sold").await;
    assert_eq!(operator.json("exemption list").await, serde_json::json!([]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_is_told_with_what_was_made_up() {
    let server = Server::start().await;
    for name in ["pc-1", "pc-2"] {
        let mut machine = Machine::enrol(&server, name).await;
        let request = machine.carrying();
        machine.check_in(request).await.unwrap();
    }
    let operator = Operator::of(&server).await;
    let told = operator
        .cutover("simulate --days 30 --open all=6h --fails 0")
        .await
        .succeeded()
        .unwrap();
    for part in [
        "2 of 2 hosts are to be done",
        "assumed: 0 % of attempts fail",
        "people settle nothing",
    ] {
        assert!(told.stderr.contains(part), "no `{part}` in {}", told.stderr);
    }
    for part in ["2026-11-22T18:00:00Z", "100 % done  2026-11-2", "load of sites", "days"] {
        assert!(told.stdout.contains(part), "no `{part}` in {}", told.stdout);
    }
    assert!(!told.stdout.contains("who is left"), "{}", told.stdout);
    let left = operator.says("simulate --days 30").await;
    for part in [
        "not reached",
        "who is left",
        "wave all is not open",
        "cutover wave open all",
    ] {
        assert!(left.contains(part), "no `{part}` in {left}");
    }
    let csv = operator.says("simulate --days 3 --output csv").await;
    assert!(csv.starts_with("wave,to do,done,opens"), "{csv}");
    let json = operator.json("simulate --days 30 --open all=0s --fails 0").await;
    assert_eq!((&json["to_do"], &json["done"]), (&2.into(), &2.into()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_holds_a_host_sees_it_and_lets_it_go() {
    let server = Server::start().await;
    Machine::enrol(&server, "pc-1").await;
    let operator = Operator::of(&server).await;
    let without = operator.cutover("hosts hold pc-1 --why audit").await;
    assert_eq!(without.code(), Some(2), "{without:?}");
    operator
        .says("hosts hold pc-1 --why audit --until 2026-12-02T00:00:00Z")
        .await;
    operator.says("hosts hold pc-1 --why litigation --kind legal").await;
    let why = operator.says("why pc-1").await;
    for part in [
        "set: held (operator) until 2026-12-02T00:00:00Z by",
        "set: held (legal) until it is lifted by",
    ] {
        assert!(why.contains(part), "no `{part}` in {why}");
    }
    operator.says("hosts release pc-1 --kind legal").await;
    operator.says("hosts release pc-1").await;
    assert!(!operator.says("why pc-1").await.contains("set: "));
    assert_eq!(operator.json("handwork list").await, serde_json::json!([]));
    let nothing = operator.cutover("handwork done pc-1 --evidence photo").await;
    assert_eq!(nothing.code(), Some(1), "{nothing:?}");
    assert!(nothing.stderr.contains("no handwork is open"), "{nothing:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_says_when_how_likely_and_who_will_miss_it() {
    let server = Server::start().await;
    for name in ["pc-1", "pc-2"] {
        let mut machine = Machine::enrol(&server, name).await;
        let request = machine.carrying();
        machine.check_in(request).await.unwrap();
    }
    let operator = Operator::of(&server).await;
    // Nobody opens the wave.
    let closed = operator.says("forecast --days 300 --courses 5").await;
    for part in [
        "not within it",
        "target (2027-06-30T00:00:00Z): all are done by then in 0 % of cases",
        "1 must be done each working day",
        "2 will probably miss the target",
        "wave all is not open",
    ] {
        assert!(closed.contains(part), "no `{part}` in {closed}");
    }
    server.open_wave().await;
    let made = operator.json("forecast --days 300 --courses 10").await;
    assert_eq!((&made["to_do"], &made["courses"]), (&2.into(), &10.into()));
    assert!(made["done"][0]["p50_ms"].is_i64(), "{made}");
    let again = operator.json("forecast --days 300 --courses 10 --seed 2").await;
    assert_eq!(again["seed"], 2);
    let csv = operator.says("forecast --days 30 --courses 2 --output csv").await;
    assert!(csv.starts_with("of the hosts,1 of 10 cases by"), "{csv}");
    let refused = operator.cutover("forecast --courses 0").await;
    assert!(
        refused
            .stderr
            .contains("0 courses cannot be simulated; ask for 1 to 1000"),
        "{}",
        refused.stderr
    );
    server.stop().await;
}
