//! The routes and what each does.

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, Uri},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};

use super::{
    Problem, Signed, events,
    extract::{Asked, Named, Sent},
    health,
};
use crate::service::{
    ArtifactAdded, ArtifactFilter, ArtifactList, ChangeTags, CloneIncident, HostFilter, NewArtifact, NewArtifactUse,
    NewToken, Service, SettleClones,
    views::{HostDetail, HostList, ReportRow, Summary},
};

/// Everything that the API serves.
pub fn router(service: Service) -> Router {
    let v1 = Router::new()
        .route("/summary", get(summary))
        .route("/hosts", get(hosts))
        .route("/hosts/{host}", get(host))
        .route("/hosts/{host}/retry", post(retry))
        .route("/hosts/{host}/retire", post(retire))
        .route("/hosts/{host}/erase-personal", post(erase_personal))
        .route("/hosts/{host}/tags", post(tag))
        .route("/clones", get(clone_incidents))
        .route("/clones/{host}/settle", post(settle_clones))
        .route("/artifacts", get(artifacts))
        .route("/artifacts", put(add_artifact))
        .route("/artifacts/uses", post(use_artifacts))
        .merge(super::campaigns::routes())
        .merge(super::blockers::routes())
        .merge(super::readiness::routes())
        .merge(super::assets::routes())
        .merge(super::people::routes())
        .merge(super::agent_releases::routes())
        .merge(super::secrets::routes())
        .route("/tokens", post(create_token))
        .route("/reports", get(reports).post(run_report))
        .route("/events", get(events::events))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn(answers_of_then));
    Router::new()
        .nest("/api/v1", v1)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/version", get(health::version))
        .with_state(service)
}

/// Whether an address names an instant.
pub fn asks_of_then(uri: &Uri) -> bool {
    uri.query()
        .is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("as_of")))
}

/// Refuses a question as of an instant where nothing would hear it: an answer of now must not be taken for one of then.
async fn answers_of_then(request: Request, next: Next) -> Response {
    let asks = asks_of_then(request.uri());
    let path = request.uri().path().trim_matches('/');
    let answers = match path.split_once('/') {
        None => matches!(
            path,
            "summary" | "hosts" | "waves" | "exemptions" | "encryption" | "handwork"
        ),
        Some((first, rest)) => first == "hosts" && !rest.contains('/'),
    };
    let answers = answers && request.method() == Method::GET || path == "reports" && request.method() == Method::POST;
    if asks && !answers {
        let detail = "this is not kept as it was; as of an instant, ask for summary, waves, hosts, hosts/{host}, exemptions, \
                      encryption or handwork, or make a report by POST to reports";
        return Problem::new(StatusCode::BAD_REQUEST, "not valid", detail).into_response();
    }
    next.run(request).await
}

/// What every change answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    /// What was done, or would be.
    pub done: String,
}

/// What every change may be asked.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

async fn unknown(_: Signed) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not found",
        "there is no such resource under /api/v1",
    )
}

async fn not_allowed(_: Signed, method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method not allowed",
        format!("this resource does not take {method}; the header `allow` says what it takes"),
    )
}

/// As of which instant a question is asked.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Then {
    /// With its zone; left out: now.
    #[serde(default)]
    pub(super) as_of: Option<String>,
}

async fn summary(
    _: Signed,
    State(service): State<Service>,
    Asked(then): Asked<Then>,
) -> Result<Json<Summary>, Problem> {
    Ok(Json(service.summary_as_of(then.as_of).await?))
}

async fn hosts(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<HostFilter>,
) -> Result<Json<HostList>, Problem> {
    Ok(Json(service.hosts(filter).await?))
}

async fn host(
    _: Signed,
    State(service): State<Service>,
    Named(host): Named,
    Asked(then): Asked<Then>,
) -> Result<Json<HostDetail>, Problem> {
    Ok(Json(service.host_as_of(host, then.as_of).await?))
}

async fn retry(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<Ask>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.retry_host(caller, host, ask.dry_run).await?,
    }))
}

/// What a retirement is asked with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retire {
    /// What became of the machine, and who says so.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

async fn retire(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<Retire>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.retire_host(caller, host, ask.why, ask.dry_run).await?,
    }))
}

async fn tag(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<ChangeTags>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.tag_host(caller, host, ask).await?,
    }))
}

async fn erase_personal(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<Ask>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.erase_personal(caller, host, ask.dry_run).await?,
    }))
}

async fn clone_incidents(_: Signed, State(service): State<Service>) -> Result<Json<Vec<CloneIncident>>, Problem> {
    Ok(Json(service.clone_incidents().await?))
}

async fn settle_clones(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<SettleClones>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.settle_clones(caller, host, ask).await?,
    }))
}

async fn create_token(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(ask): Sent<NewToken>,
) -> Result<Json<crate::service::TokenMade>, Problem> {
    Ok(Json(service.create_token(caller, ask).await?))
}

async fn reports(_: Signed, State(service): State<Service>) -> Result<Json<Vec<ReportRow>>, Problem> {
    Ok(Json(service.reports().await?))
}

async fn run_report(
    Signed(caller): Signed,
    State(service): State<Service>,
    Asked(then): Asked<Then>,
) -> Result<Json<ReportRow>, Problem> {
    Ok(Json(service.run_report(caller, then.as_of).await?))
}

async fn artifacts(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<ArtifactFilter>,
) -> Result<Json<ArtifactList>, Problem> {
    Ok(Json(service.artifacts(filter).await?))
}

/// The body is the file; it goes to disk as it comes.
async fn add_artifact(
    Signed(caller): Signed,
    State(service): State<Service>,
    Asked(new): Asked<NewArtifact>,
    body: Body,
) -> Result<Json<ArtifactAdded>, Problem> {
    Ok(Json(service.add_artifact(caller, new, body.into_data_stream()).await?))
}

async fn use_artifacts(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(new): Sent<NewArtifactUse>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.use_artifacts(caller, new).await?,
    }))
}
