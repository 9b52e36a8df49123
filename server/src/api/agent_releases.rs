//! Routes of agent releases.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};

use super::{
    Done, Problem, Signed,
    extract::{Named, Sent},
};
use crate::service::{AgentReleaseView, AskRelease, NewAgentRelease, Service};

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/agent-releases", get(list).post(make))
        .route("/agent-releases/{revision}/halt", post(halt))
        .route("/agent-releases/{revision}/resume", post(resume))
}

async fn list(_: Signed, State(service): State<Service>) -> Result<Json<Vec<AgentReleaseView>>, Problem> {
    Ok(Json(service.agent_releases().await?))
}

async fn make(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(new): Sent<NewAgentRelease>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.make_agent_release(caller, new).await?,
    }))
}

async fn halt(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(revision): Named,
    Sent(ask): Sent<AskRelease>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.halt_agent_release(caller, revision, ask).await?,
    }))
}

async fn resume(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(revision): Named,
    Sent(ask): Sent<AskRelease>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.resume_agent_release(caller, revision, ask).await?,
    }))
}
