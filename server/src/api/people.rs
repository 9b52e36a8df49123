//! Routes of what people set on hosts: exemptions.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};

use super::{
    Done, Problem, Signed,
    extract::{Asked, Named, Sent},
};
use crate::service::{ExemptionFilter, ExemptionList, NewExemption, RevokeExemption, Service};

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/exemptions", get(exemptions).post(exempt))
        .route("/exemptions/{host}/revoke", post(revoke))
}

async fn exemptions(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<ExemptionFilter>,
) -> Result<Json<ExemptionList>, Problem> {
    Ok(Json(service.exemptions(filter).await?))
}

async fn exempt(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(ask): Sent<NewExemption>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.exempt(caller, ask).await?,
    }))
}

async fn revoke(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<RevokeExemption>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.revoke_exemption(caller, host, ask).await?,
    }))
}
