//! Secrets go in and come out nowhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cutover_server::{
    service::Role,
    store::{StreamName, events},
};
use cutover_tests::harness::postgres::query;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{
    browser::{Browser, by_token, problem},
    routes::{API, PAGES, named},
};
use crate::{
    database::Database,
    log,
    machine::Machine,
    server::{BEGIN_MS, Server},
};

/// What is tried first and second, and what takes their place later.
pub(super) const VALUES: [&str; 3] = ["Zephyr-quartz 71!", "Пароль-отдела-9", "Juniper&onyx#44"];

/// How a value could stand somewhere: as it is, in base64, in hex, and the same of its UTF-16.
fn spellings(value: &str) -> Vec<Vec<u8>> {
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![value.as_bytes().to_vec(), wide.clone()];
    for bytes in [value.as_bytes(), &wide] {
        let hexed = hex::encode(bytes);
        all.extend([hexed.to_uppercase().into_bytes(), hexed.into_bytes()]);
        all.push(STANDARD.encode(bytes).into_bytes());
    }
    // As JSON and HTML write it.
    all.push(value.replace('&', "&amp;").into_bytes());
    all.push(value.replace('&', "\\u0026").into_bytes());
    all
}

pub(super) fn none_of_them_in(bytes: &[u8], place: &str) {
    for value in VALUES {
        for spelling in spellings(value) {
            let found = bytes.windows(spelling.len()).any(|window| window == spelling);
            assert!(!found, "{place} has {:?}", String::from_utf8_lossy(&spelling));
        }
    }
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub(super) fn none_of_them_below(directory: &Path) {
    let files = files(directory);
    assert!(files.len() > 4, "{files:?}");
    for file in files {
        none_of_them_in(&fs::read(&file).unwrap(), &file.display().to_string());
    }
}

/// A server and somebody who may set secrets there.
pub(super) struct Administrator<'a> {
    server: &'a Server,
    pub(super) token: String,
}

impl<'a> Administrator<'a> {
    pub(super) async fn of(server: &'a Server) -> Self {
        let token = server.access(Role::Administrator).await;
        Self { server, token }
    }

    /// With this access token.
    pub(super) fn with(server: &'a Server, token: &str) -> Self {
        let token = token.to_owned();
        Self { server, token }
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Response {
        by_token(
            self.server,
            Method::POST,
            &format!("/api/v1/secrets/{path}"),
            &self.token,
        )
        .json(&body)
        .send()
        .await
        .unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        by_token(self.server, Method::GET, path, &self.token)
            .send()
            .await
            .unwrap()
    }

    /// What setting it answers; it must be done.
    pub(super) async fn set(&self, name: &str, values: &[&str]) -> String {
        let answer = self.post(name, json!({ "product": "kesl", "values": values })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    }

    pub(super) async fn listed(&self) -> Value {
        self.get("/api/v1/secrets").await.json().await.unwrap()
    }
}

/// What the audit of secrets says, oldest first.
async fn audited(server: &Server) -> Vec<(String, Value)> {
    let stream = StreamName::audit("secrets");
    let rows = server.read(move |tx| events::load(tx, &stream, 1, 100)).await;
    let read = |row: &events::Event| (row.kind.clone(), serde_json::from_str(&row.body).unwrap());
    rows.iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_given_back_by_no_route_and_by_no_refusal() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let admin = Administrator::of(&server).await;
    let done = admin.set("uninstall-password", &VALUES[..2]).await;
    none_of_them_in(done.as_bytes(), "the answer");
    assert!(
        done.contains("no recipe of this version asks for a secret of kesl, so no order carries it"),
        "{done}"
    );

    // What cannot be read is not quoted either: it may be the secret in the wrong place.
    let [first, second, _] = VALUES;
    for wrong in [
        json!({ "product": "kesl", "values": first }),
        json!({ "product": "kesl", "value": first }),
        json!({ "product": "kesl", "values": [first], "dry_run": second }),
        json!({ "product": "kesl", "values": [[first]] }),
        json!(first),
        json!({ "product": "kesl", "values": [first, first] }),
        json!({ "product": "kesl", "values": [format!("{first}\u{7}")] }),
        json!({ "product": "kesl", "values": [first.repeat(3000)] }),
    ] {
        let told = problem(admin.post("other", wrong).await, StatusCode::BAD_REQUEST).await;
        none_of_them_in(told.as_bytes(), "a refusal");
    }

    let mut asked = 0;
    for (method, path, _) in API.iter().filter(|(_, path, _)| *path != "/events") {
        if *method == "GET" {
            for prefix in ["/api/v1", ""] {
                let answer = admin.get(&format!("{prefix}{}", named(path))).await;
                none_of_them_in(&answer.bytes().await.unwrap(), path);
                asked += 1;
            }
        }
    }
    let browser = Browser::signed_in(&server, Role::Administrator).await;
    for (_, path, _) in PAGES
        .iter()
        .filter(|(method, path, _)| *method == "GET" && *path != "/live")
    {
        let answer = browser.get(&server, &named(path)).await;
        none_of_them_in(&answer.bytes().await.unwrap(), path);
        asked += 1;
    }
    assert!(asked > 40, "{asked}");
    // The streams of events, which do not end, tell what these hold.
    let stored = server.read(|tx| events::since(tx, 0, 10_000)).await;
    assert!(stored.iter().any(|event| event.kind == "secret-set"));
    for event in stored {
        none_of_them_in(event.body.as_bytes(), "an event");
    }
    let hello = machine.check_in(machine.hello()).await.unwrap();
    none_of_them_in(format!("{hello:?}").as_bytes(), "what an agent hears");

    // Kept as it is now alone: nothing is answered of then.
    let then = admin.get("/api/v1/secrets?as_of=2026-11-22T12:00:00Z").await;
    problem(then, StatusCode::BAD_REQUEST).await;
    for value in VALUES {
        assert_eq!(log::lines_with(&[value]), [""; 0]);
    }
    server.stop().await;
}

/// A secret's life, with the values in no place where they could be looked for.
async fn lives(server: &Server, look: impl Fn()) {
    let admin = Administrator::of(server).await;
    admin.set("uninstall-password", &VALUES[..2]).await;
    look();
    admin.set("uninstall-password", &VALUES[2..]).await;
    look();
    let gone = admin
        .post("uninstall-password/remove", json!({ "product": "kesl" }))
        .await;
    assert_eq!(gone.status(), StatusCode::OK);
    look();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_bytes_are_in_no_file_of_the_server_neither_in_plain_nor_in_hex_nor_in_utf_16() {
    let server = Server::start().await;
    let directory = server.path().to_owned();
    let journal = directory.join("cutover.db-wal");
    lives(&server, || {
        assert!(journal.exists());
        none_of_them_below(&directory);
    })
    .await;
    let mut server = server;
    server.halt().await;
    none_of_them_below(&directory);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_its_bytes_are_in_no_row_of_any_table() {
    let Some(database) = Database::create("secrets") else {
        return;
    };
    let url = database.url.clone();
    let server = Server::with(|config| config.store.url.clone_from(&url)).await;
    let tables = query(
        &url,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
    )
    .unwrap();
    assert!(tables.lines().any(|table| table == "secret"), "{tables}");
    let directory = server.path().to_owned();
    lives(&server, || {
        for table in tables.lines() {
            let rows = query(&url, &format!("SELECT t::text FROM {table} t")).unwrap();
            none_of_them_in(rows.as_bytes(), table);
        }
        none_of_them_below(&directory);
    })
    .await;
    let left = query(
        &url,
        "SELECT revision, trim(sealed::text, '\\x0') FROM secret ORDER BY revision",
    )
    .unwrap();
    assert_eq!(left, "1|\n2|", "rows stay, and nothing of what was sealed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_and_an_operator_are_refused_and_an_administrator_is_audited() {
    let server = Server::start().await;
    let admin = Administrator::of(&server).await;
    let before = server.last_pos().await;
    for role in [Role::Viewer, Role::Operator] {
        let refused = Administrator::with(&server, &server.access(role).await);
        let set = json!({ "product": "kesl", "values": [VALUES[0]], "dry_run": true });
        for (path, body) in [("token", set), ("token/remove", json!({ "product": "kesl" }))] {
            let told = problem(refused.post(path, body).await, StatusCode::FORBIDDEN).await;
            assert!(told.contains("this takes a administrator"), "{told}");
        }
        let list = refused.get("/api/v1/secrets").await;
        match role {
            Role::Viewer => {
                problem(list, StatusCode::FORBIDDEN).await;
            }
            Role::Operator | Role::Administrator => assert_eq!(list.status(), StatusCode::OK),
        }
    }
    assert_eq!(server.last_pos().await, before, "nothing was changed");

    admin.set("token", &VALUES[..2]).await;
    let gone = admin.post("token/remove", json!({ "product": "kesl" })).await;
    assert_eq!(gone.status(), StatusCode::OK);
    let audited = audited(&server).await;
    let kinds: Vec<&str> = audited.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["secret-set", "secret-removed"]);
    let (_, set) = &audited[0];
    for (key, value) in [
        ("product", json!("kesl")),
        ("name", json!("token")),
        ("revision", json!(1)),
        ("values", json!(2)),
    ] {
        assert_eq!(set[key], value, "{set}");
    }
    for (_, body) in &audited {
        assert!(body["by"].as_str().unwrap().starts_with("personal:"), "{body}");
    }
    let stream = StreamName::audit("secrets");
    let chain = server.read(move |tx| events::verify_chain(tx, &stream)).await;
    assert!(matches!(chain, events::ChainState::Whole { .. }), "{chain:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_takes_the_place_of_the_one_before_and_no_number_comes_twice() {
    let server = Server::start().await;
    let admin = Administrator::of(&server).await;
    assert_eq!(admin.listed().await, json!([]));
    let tried = json!({ "product": "kesl", "values": [VALUES[0]], "dry_run": true });
    let would = admin.post("token", tried).await.text().await.unwrap();
    assert!(
        would.contains("would set token of kesl, revision 1, one value"),
        "{would}"
    );
    assert_eq!(admin.listed().await, json!([]), "only tried");

    admin.set("token", &VALUES[..2]).await;
    // The same once more is another revision: that it is the same would tell what it is.
    admin.set("token", &VALUES[..2]).await;
    let done = admin.set("token", &VALUES[2..]).await;
    assert!(done.contains("revision 3, one value"), "{done}");
    assert_eq!(
        admin.listed().await,
        json!([{
            "product": "kesl", "name": "token", "revision": 3, "values": 1, "set_ms": BEGIN_MS, "by": "a-administrator"
        }])
    );

    let remove = |dry_run: bool| admin.post("token/remove", json!({ "product": "kesl", "dry_run": dry_run }));
    let would = remove(true).await.text().await.unwrap();
    assert!(would.contains("would remove token of kesl, revision 3"), "{would}");
    assert_eq!(admin.listed().await[0]["revision"], 3, "only tried");
    assert_eq!(remove(false).await.status(), StatusCode::OK);
    assert_eq!(admin.listed().await, json!([]));
    let told = problem(remove(false).await, StatusCode::NOT_FOUND).await;
    assert!(told.contains("secret `token` of `kesl`"), "{told}");
    assert!(admin.set("token", &VALUES[..1]).await.contains("revision 4"));

    let unknown = json!({ "product": "kesl-of-tomorrow", "values": ["x"] });
    let told = problem(admin.post("token", unknown).await, StatusCode::BAD_REQUEST).await;
    assert!(told.contains("cutover catalog list"), "{told}");
    let unfit = json!({ "product": "kesl", "values": ["x"] });
    problem(admin.post("To_ken", unfit).await, StatusCode::BAD_REQUEST).await;
    server.stop().await;
}
