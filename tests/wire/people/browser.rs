//! A browser as far as these tests need one: it follows nothing and keeps one cookie.

use cutover_server::service::{Role, SESSION_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, redirect::Policy};

use crate::server::{Server, prepare};

/// One person's browser.
pub(crate) struct Browser {
    http: Client,
    session: Option<String>,
}

impl Browser {
    /// Nobody signed in.
    pub(super) fn new() -> Self {
        prepare();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { http, session: None }
    }

    /// With this in its session cookie.
    pub(super) fn holding(session: &str) -> Self {
        Self {
            session: Some(session.to_owned()),
            ..Self::new()
        }
    }

    /// Signed in by a one-time login.
    pub(crate) async fn signed_in(server: &Server, role: Role) -> Self {
        let code = server
            .service()
            .create_one_time_login("ann".to_owned(), role)
            .await
            .unwrap();
        let mut browser = Self::new();
        let answer = browser.sign_in(server, &code).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        browser
    }

    /// Sends the form, and keeps the cookie that comes back.
    pub(super) async fn sign_in(&mut self, server: &Server, code: &str) -> Response {
        let answer = self.form(server, "/sign-in", &format!("code={code}")).await;
        if let Some(cookie) = cookie(&answer) {
            let value = cookie.split(';').next().unwrap().split_once('=').unwrap().1;
            self.session = Some(value.to_owned());
        }
        answer
    }

    /// The session cookie's value.
    pub(super) fn session(&self) -> &str {
        self.session.as_deref().expect("a session")
    }

    pub(super) fn ask(&self, server: &Server, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, server.url(path));
        match &self.session {
            Some(session) => request.header(header::COOKIE, format!("{SESSION_COOKIE}={session}")),
            None => request,
        }
    }

    pub(super) async fn get(&self, server: &Server, path: &str) -> Response {
        self.ask(server, Method::GET, path).send().await.unwrap()
    }

    /// A page's text; it must be there.
    pub(crate) async fn page(&self, server: &Server, path: &str) -> String {
        let answer = self.get(server, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// Sends a form.
    pub(super) async fn form(&self, server: &Server, path: &str, body: &str) -> Response {
        let request = self.ask(server, Method::POST, path);
        let kind = "application/x-www-form-urlencoded";
        request
            .header(header::CONTENT_TYPE, kind)
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }
}

/// The session cookie that an answer sets, with its attributes.
pub(super) fn cookie(answer: &Response) -> Option<String> {
    let set = answer.headers().get(header::SET_COOKIE)?.to_str().unwrap();
    set.starts_with(SESSION_COOKIE).then(|| set.to_owned())
}

/// Asks the API by an access token.
pub(crate) fn by_token(server: &Server, method: Method, path: &str, token: &str) -> RequestBuilder {
    Browser::new().ask(server, method, path).bearer_auth(token)
}

/// An answer that must be a problem document (RFC 9457) of this status; gives its detail.
pub(crate) async fn problem(answer: Response, status: StatusCode) -> String {
    assert_eq!(answer.status(), status, "{}", answer.url());
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/problem+json", "{}", answer.url());
    let document: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(document["status"], status.as_u16());
    for key in ["type", "title", "detail"] {
        assert!(
            document[key].as_str().is_some_and(|text| !text.is_empty()),
            "{key} in {document}"
        );
    }
    document["detail"].as_str().unwrap().to_owned()
}
