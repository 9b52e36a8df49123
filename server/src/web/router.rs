//! Routes of the dashboard and what every answer carries.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{asset, asset_list, assets, auth::Viewer, findings, host, hosts, live, overview, page, sign_in};
use crate::{api::asks_of_then, service::Service};

/// Nothing inline, nothing from elsewhere, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Every page.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/hosts", get(hosts::page))
        .route("/hosts/{host}", get(host::page))
        .route("/assets", get(asset_list::page))
        .route("/findings", get(findings::page))
        .route("/machines/{asset}", get(asset::page))
        .route("/live", get(live::stream))
        .route("/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/sign-out", post(sign_in::leave))
        .route("/assets/{name}", get(assets::serve))
        .fallback(not_found)
        .layer(from_fn(only_now))
        .with_state(service)
}

/// Pages show now, and do not pass that off as what was.
async fn only_now(request: Request, next: Next) -> Response {
    if asks_of_then(request.uri()) {
        let detail = "Pages show how it is now. As of an instant, ask `cutover status`, `cutover hosts list`, `cutover hosts show` \
                      or `cutover report run` with --as-of.";
        return page::problem(StatusCode::BAD_REQUEST, "Not valid", detail);
    }
    next.run(request).await
}

async fn not_found(_: Viewer) -> Response {
    page::problem(StatusCode::NOT_FOUND, "No such page", "The address leads nowhere.").into_response()
}

/// What every answer to a person carries, the API's too.
pub async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
