//! Whether the server lives, is ready, and which it is: the only routes without a sign-in.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;

use crate::{
    service::{Service, ServiceError},
    store::StoreError,
};

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

/// Ready means that the store answers and takes what is written.
pub(crate) async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    let Err(error) = service.store_answers().await else {
        return (StatusCode::OK, "ready\n");
    };
    tracing::warn!(%error, "not ready");
    let why = match error {
        ServiceError::Store(StoreError::NoRoom { .. }) => {
            "the store has no room; free space where its data lies, then the server goes on by itself\n"
        }
        ServiceError::Store(_)
        | ServiceError::NotFound { .. }
        | ServiceError::Invalid { .. }
        | ServiceError::Refused { .. }
        | ServiceError::Denied { .. }
        | ServiceError::Broken { .. } => "the store does not answer; the server's log has the cause\n",
    };
    (StatusCode::SERVICE_UNAVAILABLE, why)
}
