//! Errors as problem details (RFC 9457): a title that stays, a detail that tells what to do.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{service::ServiceError, store::StoreError};

/// A problem answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Stays the same for the same kind of problem.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
}

impl Problem {
    /// A problem of this status.
    #[must_use]
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
        }
    }

    /// Nobody signed in.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not signed in",
            "send a valid access token as `Authorization: Bearer …`, or sign in on the dashboard",
        )
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not found", error.to_string()),
            ServiceError::Invalid { .. } => Self::new(StatusCode::BAD_REQUEST, "not valid", error.to_string()),
            ServiceError::Refused { .. } => Self::new(StatusCode::CONFLICT, "refused", error.to_string()),
            ServiceError::Denied { .. } => Self::new(StatusCode::FORBIDDEN, "not allowed", error.to_string()),
            ServiceError::Store(StoreError::NoRoom { .. }) => {
                tracing::error!(%error, "request refused");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no room", error.to_string())
            }
            ServiceError::Store(StoreError::NotKept { .. }) => {
                Self::new(StatusCode::BAD_REQUEST, "not valid", error.to_string())
            }
            ServiceError::Store(_) | ServiceError::Broken { .. } => {
                tracing::error!(%error, "request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the server failed",
                    "nothing was changed; the server's log has the cause, try again",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
