//! What pages and answers carry, and what they never do.

use cutover_server::service::Role;
use reqwest::{Method, StatusCode, header};

use super::browser::{Browser, by_token, problem};
use crate::{machine::Machine, server::Server};

const EVIL: &str = "<script>alert(1)</script>\"'&";

#[tokio::test(flavor = "multi_thread")]
async fn a_hosts_name_is_text_on_every_page_and_never_markup() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, EVIL).await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    let own = format!("/hosts/{}", machine.host);
    // The filter comes back in the form of the listing.
    let filtered = "/hosts?name=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in ["/", "/hosts", own.as_str(), filtered] {
        let page = browser.page(&server, path).await;
        assert!(!page.contains("<script>alert"), "{path}: {page}");
        assert!(
            page.contains("script&#62;alert(1)") || page.contains("script&gt;alert(1)"),
            "{path}: {page}"
        );
    }
    let missing = browser.get(&server, "/hosts/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(!missing.text().await.unwrap().contains("<script>alert"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_days_to_every_milestone_and_a_hosts_page_tells_its_whole_timeline() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    let overview = browser.page(&server, "/").await;
    // 2026-11-22T12:00:00Z against sale, vendor's and legal end of updates, and the recovery target.
    for distance in ["855 days past", "803 days past", "784 days past", "in 219 days"] {
        assert!(overview.contains(distance), "no `{distance}` in {overview}");
    }
    for part in ["phase=planned", "standing=on-track", "<td>all</td>", "data-live=\"/\""] {
        assert!(overview.contains(part), "no `{part}` in {overview}");
    }

    let own = browser.page(&server, &format!("/hosts/{}", machine.host)).await;
    let timeline = server.service().host("pc-1".to_owned()).await.unwrap().timeline;
    assert!(timeline.len() > 2, "{timeline:?}");
    let read = own.replace("&#39;", "'").replace("&#34;", "\"").replace("&#62;", ">");
    let mut rest = read.split_once("Timeline").expect("a timeline").1;
    for event in timeline {
        let (_, after) = rest
            .split_once(&event.text)
            .unwrap_or_else(|| panic!("`{}` is not in its place in {read}", event.text));
        rest = after;
    }
    assert!(rest.contains("hash chains of these events verify"), "{rest}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_carries_headers_that_keep_foreign_code_out() {
    let server = Server::start().await;
    let nobody = Browser::new();
    let viewer = Browser::signed_in(&server, Role::Viewer).await;
    let answers = [
        nobody.get(&server, "/").await,
        nobody.get(&server, "/sign-in").await,
        nobody.get(&server, "/assets/live.js").await,
        viewer.get(&server, "/").await,
        viewer.get(&server, "/hosts").await,
        viewer.get(&server, "/hosts/none").await,
        viewer.get(&server, "/none").await,
        nobody.get(&server, "/api/v1/summary").await,
        viewer.get(&server, "/api/v1/summary").await,
        nobody.get(&server, "/version").await,
    ];
    for answer in answers {
        let text = |name| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let policy = text(header::CONTENT_SECURITY_POLICY).expect("a policy");
        assert!(policy.starts_with("default-src 'none'"), "{}: {policy}", answer.url());
        assert!(policy.contains("frame-ancestors 'none'"), "{}: {policy}", answer.url());
        assert!(!policy.contains("unsafe"), "{}: {policy}", answer.url());
        assert_eq!(text(header::X_CONTENT_TYPE_OPTIONS).as_deref(), Some("nosniff"));
        assert_eq!(text(header::X_FRAME_OPTIONS).as_deref(), Some("DENY"));
        assert_eq!(text(header::REFERRER_POLICY).as_deref(), Some("same-origin"));
        assert!(text(header::CACHE_CONTROL).is_some(), "{}", answer.url());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_cannot_read_is_answered_with_a_problem_document() {
    let server = Server::start().await;
    let token = server.access(Role::Administrator).await;
    let queries = [
        ("/api/v1/hosts?fase=planned", "fase"),
        ("/api/v1/hosts?phase=plannned", "plannned"),
        ("/api/v1/hosts?standing=fine", "fine"),
    ];
    for (path, named) in queries {
        let answer = by_token(&server, Method::GET, path, &token).send().await.unwrap();
        let detail = problem(answer, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(named), "{path}: {detail}");
    }
    let bodies = [
        ("/api/v1/waves/all/open", r#"{"dryrun":true}"#, "dryrun"),
        ("/api/v1/tokens", r#"{"uses":"many","hours":1}"#, "uses"),
        ("/api/v1/tokens", r#"{"uses":0,"hours":1}"#, "at least one use"),
        ("/api/v1/hosts/none/retire", "no JSON", "JSON"),
    ];
    let before = server.last_pos().await;
    for (path, body, named) in bodies {
        let request = by_token(&server, Method::POST, path, &token);
        let answer = request
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        let detail = problem(answer, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(named), "{path}: {detail}");
    }
    let bare = by_token(&server, Method::POST, "/api/v1/tokens", &token)
        .send()
        .await
        .unwrap();
    problem(bare, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let nothing = by_token(&server, Method::GET, "/api/v1/nothing", &token)
        .send()
        .await
        .unwrap();
    problem(nothing, StatusCode::NOT_FOUND).await;
    let nobody = by_token(&server, Method::GET, "/api/v1/hosts/none", &token)
        .send()
        .await
        .unwrap();
    assert!(problem(nobody, StatusCode::NOT_FOUND).await.contains("none"));
    let wrong = by_token(&server, Method::DELETE, "/api/v1/waves", &token)
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.headers()[header::ALLOW], "GET,HEAD");
    assert!(problem(wrong, StatusCode::METHOD_NOT_ALLOWED).await.contains("DELETE"));
    let no_text = by_token(&server, Method::GET, "/api/v1/hosts/%ff", &token)
        .send()
        .await
        .unwrap();
    problem(no_text, StatusCode::BAD_REQUEST).await;
    assert_eq!(server.last_pos().await, before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_asked_for_by_an_unknown_key_says_so_as_a_page() {
    let server = Server::start().await;
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    for (path, named) in [("/hosts?fase=planned", "fase"), ("/hosts?phase=plannned", "plannned")] {
        let answer = browser.get(&server, path).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(named), "{path}: {page}");
    }
    server.stop().await;
}
