//! Routes of the readiness list.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};

use super::{
    Done, Problem, Signed,
    extract::{Named, Sent},
};
use crate::service::{AttestItem, ReadinessView, Service, SignItem};

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/readiness", get(list))
        .route("/readiness/{item}/attest", post(attest))
        .route("/readiness/{item}/waive", post(waive))
        .route("/readiness/{item}/withdraw", post(withdraw))
}

async fn list(_: Signed, State(service): State<Service>) -> Result<Json<Vec<ReadinessView>>, Problem> {
    Ok(Json(service.readiness().await?))
}

async fn attest(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(item): Named,
    Sent(ask): Sent<AttestItem>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.attest_item(caller, item, ask).await?,
    }))
}

async fn waive(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(item): Named,
    Sent(ask): Sent<SignItem>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.waive_item(caller, item, ask).await?,
    }))
}

async fn withdraw(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(item): Named,
    Sent(ask): Sent<SignItem>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.withdraw_item(caller, item, ask).await?,
    }))
}
