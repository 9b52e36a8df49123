//! Whether the server lives, is ready, and which it is: the only routes without a sign-in.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::service::Service;

/// What `/version` says.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    program: &'static str,
    version: &'static str,
}

pub(crate) async fn version() -> Json<Version> {
    Json(Version {
        program: "cutover",
        version: env!("CARGO_PKG_VERSION"),
    })
}

pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// Ready means that the store answers.
pub(crate) async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    match service.store_answers().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store does not answer; the server's log has the cause\n",
            )
        }
    }
}
