//! Routes of secrets. Each takes or tells of one; none gives one back, nor quotes what it was sent.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    routing::{get, post},
};

use super::{
    Done, Problem, Signed,
    extract::{Named, Sent},
};
use crate::service::{NewSecret, RemoveSecret, SecretView, Service};

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/secrets", get(secrets))
        .route("/secrets/{secret}", post(set_secret))
        .route("/secrets/{secret}/remove", post(remove_secret))
}

async fn secrets(Signed(caller): Signed, State(service): State<Service>) -> Result<Json<Vec<SecretView>>, Problem> {
    Ok(Json(service.secrets(caller).await?))
}

/// What cannot be read is not read by the usual extractor: that quotes what it did not expect, and here that may be the secret.
async fn set_secret(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(secret): Named,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Done>, Problem> {
    let body =
        body.map_err(|error| Problem::new(error.status(), "not valid", "the body could not be read to its end"))?;
    let new: NewSecret = serde_json::from_slice(&body).map_err(|_| {
        let detail = "the body is not what is taken here: an object of JSON with `product`, `values` (a list of texts, the likeliest \
                      first) and, if wanted, `dry_run`";
        Problem::new(StatusCode::BAD_REQUEST, "not valid", detail)
    })?;
    Ok(Json(Done {
        done: service.set_secret(caller, secret, new).await?,
    }))
}

async fn remove_secret(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(secret): Named,
    Sent(ask): Sent<RemoveSecret>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.remove_secret(caller, secret, ask).await?,
    }))
}
