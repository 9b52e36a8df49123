//! Every route has a door. The list here is compared with the routers' sources, so that a new route without an entry
//! fails.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::{Method, StatusCode, header};

use super::browser::{Browser, problem};
use crate::server::Server;

/// What stands before a route.
#[derive(Clone, Copy)]
pub(super) enum Door {
    /// Open to all.
    Open,
    /// Open, because it is the door: a bad code is answered 401.
    Form,
    /// A problem document with 401.
    Unauthorized,
    /// The way to the sign-in.
    ToSignIn,
}
use Door::{Form, Open, ToSignIn, Unauthorized};

pub(super) const API: &[(&str, &str, Door)] = &[
    ("GET", "/summary", Unauthorized),
    ("GET", "/hosts", Unauthorized),
    ("GET", "/hosts/{host}", Unauthorized),
    ("POST", "/hosts/{host}/retry", Unauthorized),
    ("POST", "/hosts/{host}/retire", Unauthorized),
    ("POST", "/hosts/{host}/erase-personal", Unauthorized),
    ("POST", "/hosts/{host}/tags", Unauthorized),
    ("GET", "/clones", Unauthorized),
    ("POST", "/clones/{host}/settle", Unauthorized),
    ("GET", "/findings", Unauthorized),
    ("POST", "/scans", Unauthorized),
    ("GET", "/assets", Unauthorized),
    ("GET", "/assets/{asset}", Unauthorized),
    ("POST", "/assets/imports", Unauthorized),
    ("POST", "/assets/{asset}/attest", Unauthorized),
    ("POST", "/assets/{asset}/match", Unauthorized),
    ("POST", "/assets/{asset}/erase-personal", Unauthorized),
    ("GET", "/exemptions", Unauthorized),
    ("POST", "/exemptions", Unauthorized),
    ("POST", "/exemptions/{host}/revoke", Unauthorized),
    ("GET", "/encryption", Unauthorized),
    ("POST", "/encryption", Unauthorized),
    ("POST", "/encryption/{host}/withdraw", Unauthorized),
    ("POST", "/simulations", Unauthorized),
    ("GET", "/forecast", Unauthorized),
    ("POST", "/hosts/{host}/hold", Unauthorized),
    ("POST", "/hosts/{host}/release", Unauthorized),
    ("POST", "/hosts/{host}/drain", Unauthorized),
    ("POST", "/hosts/{host}/drain/released", Unauthorized),
    ("GET", "/handwork", Unauthorized),
    ("POST", "/handwork/{host}/assign", Unauthorized),
    ("POST", "/handwork/{host}/done", Unauthorized),
    ("GET", "/duties", Unauthorized),
    ("POST", "/duties/{duty}/reported", Unauthorized),
    ("GET", "/waves", Unauthorized),
    ("POST", "/waves/{wave}/open", Unauthorized),
    ("POST", "/waves/{wave}/pause", Unauthorized),
    ("POST", "/waves/{wave}/resume", Unauthorized),
    ("POST", "/waves/{wave}/approve", Unauthorized),
    ("POST", "/waves/{wave}/reset", Unauthorized),
    ("POST", "/waves/{wave}/gate", Unauthorized),
    ("GET", "/blockers", Unauthorized),
    ("GET", "/readiness", Unauthorized),
    ("POST", "/readiness/{item}/attest", Unauthorized),
    ("POST", "/readiness/{item}/waive", Unauthorized),
    ("POST", "/readiness/{item}/withdraw", Unauthorized),
    ("GET", "/campaigns", Unauthorized),
    ("GET", "/campaigns/{campaign}", Unauthorized),
    ("POST", "/campaigns/{campaign}/versions", Unauthorized),
    ("POST", "/campaigns/{campaign}/pause", Unauthorized),
    ("POST", "/campaigns/{campaign}/resume", Unauthorized),
    ("POST", "/campaigns/{campaign}/stop", Unauthorized),
    ("GET", "/campaigns/{campaign}/closing", Unauthorized),
    ("POST", "/campaigns/{campaign}/closing", Unauthorized),
    ("POST", "/campaigns/{campaign}/closing/confirm", Unauthorized),
    ("POST", "/campaigns/{campaign}/closing/withdraw", Unauthorized),
    ("GET", "/agent-releases", Unauthorized),
    ("POST", "/agent-releases", Unauthorized),
    ("POST", "/agent-releases/{revision}/halt", Unauthorized),
    ("POST", "/agent-releases/{revision}/resume", Unauthorized),
    ("GET", "/artifacts", Unauthorized),
    ("PUT", "/artifacts", Unauthorized),
    ("POST", "/artifacts/uses", Unauthorized),
    ("POST", "/tokens", Unauthorized),
    ("GET", "/secrets", Unauthorized),
    ("POST", "/secrets/{secret}", Unauthorized),
    ("POST", "/secrets/{secret}/remove", Unauthorized),
    ("GET", "/reports", Unauthorized),
    ("POST", "/reports", Unauthorized),
    ("GET", "/events", Unauthorized),
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/version", Open),
];

pub(super) const PAGES: &[(&str, &str, Door)] = &[
    ("GET", "/", ToSignIn),
    ("GET", "/hosts", ToSignIn),
    ("GET", "/hosts/{host}", ToSignIn),
    ("GET", "/live", ToSignIn),
    ("GET", "/sign-in", Open),
    ("POST", "/sign-in", Form),
    ("POST", "/sign-out", ToSignIn),
    ("GET", "/assets", ToSignIn),
    ("GET", "/findings", ToSignIn),
    ("GET", "/machines/{asset}", ToSignIn),
    ("GET", "/assets/{name}", Open),
];

/// `.route("/path", get(x).post(y))` of a router's source, as method and path.
fn routes_in(source: &str) -> BTreeSet<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/src").join(source);
    let text = fs::read_to_string(file).unwrap();
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(".route(") {
        let call = text[at + 1..].split("\n        .").next().unwrap();
        let path = call.split('"').nth(1).unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if call.contains(&format!("{method}(")) {
                found.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    found
}

fn listed(routes: &[(&str, &str, Door)]) -> BTreeSet<(String, String)> {
    let entry = |(method, path, _): &(&str, &str, Door)| ((*method).to_owned(), (*path).to_owned());
    routes.iter().map(entry).collect()
}

#[test]
fn every_route_of_the_sources_has_an_entry_here() {
    let mut api = routes_in("api/routes.rs");
    for source in [
        "assets",
        "campaigns",
        "agent_releases",
        "people",
        "readiness",
        "blockers",
        "secrets",
    ] {
        api.extend(routes_in(&format!("api/{source}.rs")));
    }
    assert_eq!(listed(API), api);
    assert_eq!(listed(PAGES), routes_in("web/router.rs"));
}

/// A path of the lists above, with a name for what it leaves open.
pub(super) fn named(path: &str) -> String {
    path.replace("{host}", "pc-1")
        .replace("{asset}", "pc-1")
        .replace("{duty}", "discovery")
        .replace("{wave}", "all")
        .replace("{campaign}", "kaspersky-us-2024")
        .replace("{item}", "seats")
        .replace("{revision}", "1")
        .replace("{secret}", "uninstall-password")
        .replace("{name}", "cutover.css")
}

/// Asks as somebody without a sign-in, by a body that would be good.
async fn knock(server: &Server, browser: &Browser, method: &str, path: &str, door: Door) {
    let path = named(path);
    let request = browser.ask(server, method.parse::<Method>().unwrap(), &path);
    let request = match (method, door) {
        ("POST", Form | ToSignIn) => request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("code=guessed&csrf=guessed"),
        ("POST", Open | Unauthorized) => request.json(&serde_json::json!({ "dry_run": false })),
        _ => request,
    };
    let answer = request.send().await.unwrap();
    let what = format!("{method} {path}");
    match door {
        Open => assert_eq!(answer.status(), StatusCode::OK, "{what}"),
        Form => assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}"),
        Unauthorized => {
            problem(answer, StatusCode::UNAUTHORIZED).await;
        }
        ToSignIn => {
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{what}");
            assert_eq!(answer.headers()[header::LOCATION], "/sign-in", "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sign_in_every_route_but_health_and_version_is_closed() {
    let server = Server::start().await;
    let machine = crate::machine::Machine::enrol(&server, "pc-1").await;
    let before = server.last_pos().await;
    let forged = "0".repeat(64);
    for browser in [Browser::new(), Browser::holding(&forged), Browser::holding("")] {
        for (method, path, door) in API {
            let prefix = if matches!(door, Open) { "" } else { "/api/v1" };
            knock(&server, &browser, method, &format!("{prefix}{path}"), *door).await;
        }
        for (method, path, door) in PAGES {
            knock(&server, &browser, method, path, *door).await;
        }
        knock(&server, &browser, "GET", "/api/v1/nothing-of-this-name", Unauthorized).await;
        knock(&server, &browser, "GET", "/nothing-of-this-name", ToSignIn).await;
    }
    assert_eq!(server.last_pos().await, before, "somebody changed something");
    machine.check_in(machine.hello()).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_page_without_a_session_is_refused_and_not_sent_elsewhere() {
    let server = Server::start().await;
    for path in ["/", "/hosts", "/hosts/pc-1"] {
        let request = Browser::new().ask(&server, Method::GET, path);
        let answer = request.header("x-cutover-part", "live").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    server.stop().await;
}
