//! Routes of assets.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    routing::{get, post},
};
use cutover_core::coverage::import::MAX_BYTES;

use super::{
    Ask, Done, Problem, Signed,
    extract::{Asked, Named, Sent},
};
use crate::service::{AssetFilter, AssetImport, AssetList, AssetsImported, AttestAsset, MatchAsset, Service};

/// A file in base64, with what is said of it.
const BODY_MAX: usize = MAX_BYTES / 3 * 4 + (1 << 20);

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/assets", get(list))
        .route("/assets/imports", post(import).layer(DefaultBodyLimit::max(BODY_MAX)))
        .route("/assets/{asset}/attest", post(attest))
        .route("/assets/{asset}/match", post(match_asset))
        .route("/assets/{asset}/erase-personal", post(erase_personal))
}

async fn list(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<AssetFilter>,
) -> Result<Json<AssetList>, Problem> {
    Ok(Json(service.assets(filter).await?))
}

async fn import(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(ask): Sent<AssetImport>,
) -> Result<Json<AssetsImported>, Problem> {
    Ok(Json(service.import_assets(caller, ask).await?))
}

async fn attest(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(asset): Named,
    Sent(ask): Sent<AttestAsset>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.attest_asset(caller, asset, ask).await?,
    }))
}

async fn match_asset(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(asset): Named,
    Sent(ask): Sent<MatchAsset>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.match_asset(caller, asset, ask).await?,
    }))
}

async fn erase_personal(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(asset): Named,
    Sent(ask): Sent<Ask>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.erase_asset_personal(caller, asset, ask.dry_run).await?,
    }))
}
