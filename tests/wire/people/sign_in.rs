//! Who gets in, how often, and what a session alone may not do.

use cutover_server::service::Role;
use reqwest::{Method, StatusCode, header};

use super::browser::{Browser, by_token, cookie, problem};
use crate::server::Server;

async fn wave_state(server: &Server) -> String {
    server.service().summary().await.unwrap().waves[0].state.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_login_signs_in_once() {
    let server = Server::start().await;
    let login = server
        .service()
        .create_one_time_login("ann".to_owned(), Role::Viewer)
        .await
        .unwrap();
    let (mut first, mut second) = (Browser::new(), Browser::new());
    let answer = first.sign_in(&server, &login).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let set = cookie(&answer).expect("a session");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(attribute), "{attribute} in {set}");
    }
    assert!(!set.contains(&login), "the login is in the cookie");
    first.page(&server, "/").await;

    let again = second.sign_in(&server, &login).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(cookie(&again), None);
    let text = again.text().await.unwrap();
    assert!(text.contains("was used"), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_signs_in_and_a_session_ends_by_signing_out() {
    let server = Server::start().await;
    let token = server.access(Role::Operator).await;
    let mut browser = Browser::new();
    assert_eq!(browser.sign_in(&server, &token).await.status(), StatusCode::SEE_OTHER);
    let page = browser.page(&server, "/").await;
    // A form from elsewhere does not know what the page holds.
    let foreign = browser.form(&server, "/sign-out", "csrf=guessed").await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    browser.page(&server, "/").await;

    let csrf = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let left = browser.form(&server, "/sign-out", &format!("csrf={csrf}")).await;
    assert_eq!(left.status(), StatusCode::SEE_OTHER);
    let answer = Browser::holding(browser.session()).get(&server, "/").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "the session outlived its end");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_touched_is_nobodys() {
    let server = Server::start().await;
    let browser = Browser::signed_in(&server, Role::Administrator).await;
    let good = browser.session().to_owned();
    let other_end = if good.ends_with('0') { "1" } else { "0" };
    let touched = format!("{}{other_end}", &good[..good.len() - 1]);
    for session in [touched, good.to_uppercase() + "x", "../../etc".to_owned()] {
        let forged = Browser::holding(&session);
        assert_eq!(forged.get(&server, "/").await.status(), StatusCode::SEE_OTHER);
        let answer = forged.get(&server, "/api/v1/summary").await;
        problem(answer, StatusCode::UNAUTHORIZED).await;
    }
    // Neither is a session a token, nor a token a session.
    let as_token = by_token(&server, Method::GET, "/api/v1/summary", &good)
        .send()
        .await
        .unwrap();
    problem(as_token, StatusCode::UNAUTHORIZED).await;
    let token = server.access(Role::Viewer).await;
    assert_eq!(
        Browser::holding(&token).get(&server, "/").await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(browser.get(&server, "/api/v1/summary").await.status(), StatusCode::OK);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_asked_for_with_a_cookie_alone_is_refused() {
    let server = Server::start().await;
    let browser = Browser::signed_in(&server, Role::Administrator).await;
    let posts = [
        ("/api/v1/waves/all/open", "{}"),
        ("/api/v1/waves/all/pause", "{}"),
        ("/api/v1/tokens", r#"{"uses":1,"hours":1}"#),
        ("/api/v1/reports", "{}"),
    ];
    let before = server.last_pos().await;
    for (path, body) in posts {
        let request = browser.ask(&server, Method::POST, path);
        let answer = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        problem(answer, StatusCode::UNAUTHORIZED).await;
    }
    assert_eq!(server.last_pos().await, before);
    assert_eq!(wave_state(&server).await, "closed");

    let token = server.access(Role::Operator).await;
    let request = by_token(&server, Method::POST, "/api/v1/waves/all/open", &token);
    let answer = request.json(&serde_json::json!({})).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(wave_state(&server).await, "open");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_looks_and_changes_nothing() {
    let server = Server::start().await;
    let token = server.access(Role::Viewer).await;
    let looked = by_token(&server, Method::GET, "/api/v1/hosts", &token)
        .send()
        .await
        .unwrap();
    assert_eq!(looked.status(), StatusCode::OK);
    let request = by_token(&server, Method::POST, "/api/v1/waves/all/open", &token);
    let answer = request.json(&serde_json::json!({})).send().await.unwrap();
    let detail = problem(answer, StatusCode::FORBIDDEN).await;
    assert!(detail.contains("operator"), "{detail}");
    assert_eq!(wave_state(&server).await, "closed");
    server.stop().await;
}
