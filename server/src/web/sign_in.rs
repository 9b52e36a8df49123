//! Signing in with a token or a one-time login, and out.

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;

use super::{auth::Viewer, page};
use crate::service::{SESSION_COOKIE, Service};

#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage {
    problem: Option<&'static str>,
}

#[cfg(test)]
impl SignInPage {
    pub(super) fn sample() -> Self {
        Self {
            problem: Some(NOT_VALID),
        }
    }
}

const NOT_VALID: &str = "That is no valid token, or the one-time login was used or has ended.";

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Submitted {
    code: String,
}

/// What the sign-out button sends.
#[derive(Deserialize)]
pub(crate) struct Leaving {
    csrf: String,
}

pub(crate) async fn form() -> Response {
    page::render(&SignInPage { problem: None })
}

pub(crate) async fn submit(State(service): State<Service>, jar: CookieJar, Form(form): Form<Submitted>) -> Response {
    match service.sign_in(form.code.trim().to_owned()).await {
        Ok(Some(session)) => {
            let cookie = Cookie::build((SESSION_COOKIE, session))
                .path("/")
                .http_only(true)
                .same_site(SameSite::Strict)
                .secure(service.people_have_tls());
            (jar.add(cookie), Redirect::to("/")).into_response()
        }
        Ok(None) => {
            let problem = Some(NOT_VALID);
            (StatusCode::UNAUTHORIZED, page::render(&SignInPage { problem })).into_response()
        }
        Err(error) => page::failed(&error),
    }
}

pub(crate) async fn leave(
    viewer: Viewer,
    State(service): State<Service>,
    jar: CookieJar,
    Form(form): Form<Leaving>,
) -> Response {
    if !viewer.caller.csrf_is(&form.csrf) {
        return page::problem(
            StatusCode::FORBIDDEN,
            "Not from this page",
            "Reload the page and try again.",
        );
    }
    let Some(session) = jar.get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned()) else {
        return Redirect::to("/sign-in").into_response();
    };
    match service.sign_out(session).await {
        Ok(()) => (
            jar.remove(Cookie::build(SESSION_COOKIE).path("/")),
            Redirect::to("/sign-in"),
        )
            .into_response(),
        Err(error) => page::failed(&error),
    }
}
