//! What all pages share: whole or part, and what is shown when something is wrong.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
};

use crate::{service::ServiceError, store::StoreError};

/// Whether the script asks for the living part alone.
pub(crate) fn wants_part(headers: &HeaderMap) -> bool {
    headers.get("x-cutover-part").is_some_and(|part| part == "live")
}

#[derive(Template)]
#[template(path = "problem.html")]
pub(super) struct ProblemPage<'a> {
    title: &'a str,
    detail: &'a str,
}

#[cfg(test)]
impl ProblemPage<'_> {
    pub(super) const fn sample() -> Self {
        Self {
            title: "Not found",
            detail: "there is no host `<b>`",
        }
    }
}

/// A page that says what is wrong.
pub(crate) fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    (status, render(&ProblemPage { title, detail })).into_response()
}

/// The page for an error of the service.
pub(crate) fn failed(error: &ServiceError) -> Response {
    match error {
        ServiceError::NotFound { .. } => problem(StatusCode::NOT_FOUND, "Not found", &error.to_string()),
        ServiceError::Invalid { .. } => problem(StatusCode::BAD_REQUEST, "Not valid", &error.to_string()),
        ServiceError::Refused { .. } => problem(StatusCode::CONFLICT, "Refused", &error.to_string()),
        ServiceError::Denied { .. } => problem(StatusCode::FORBIDDEN, "Not allowed", &error.to_string()),
        ServiceError::Store(StoreError::NoRoom { .. }) => {
            tracing::error!(%error, "page refused");
            problem(StatusCode::SERVICE_UNAVAILABLE, "No room", &error.to_string())
        }
        ServiceError::Store(_) | ServiceError::Broken { .. } => {
            tracing::error!(%error, "page failed");
            let detail = "Nothing was changed. The server's log has the cause; try again in a moment.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "The server failed", detail)
        }
    }
}

/// Renders a template; one that fails is logged, not shown half.
pub(crate) fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "template failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
