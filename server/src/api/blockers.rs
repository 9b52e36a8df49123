//! The route of what holds hosts up.

use axum::{Json, Router, extract::State, routing::get};

use super::{Problem, Signed};
use crate::service::{Blockers, Service};

pub(super) fn routes() -> Router<Service> {
    Router::new().route("/blockers", get(blockers))
}

async fn blockers(_: Signed, State(service): State<Service>) -> Result<Json<Blockers>, Problem> {
    Ok(Json(service.blockers().await?))
}
