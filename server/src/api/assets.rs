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
use crate::service::{
    AssetDetail, AssetFilter, AssetImport, AssetList, AssetsImported, AttestAsset, DutyView, FindingFilter,
    FindingList, MatchAsset, ReportDuty, ScanImport, ScanImported, Service,
};

/// A file in base64, with what is said of it.
const BODY_MAX: usize = MAX_BYTES / 3 * 4 + (1 << 20);

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/assets", get(list))
        .route("/findings", get(findings))
        .route("/duties", get(duties))
        .route("/duties/{duty}/reported", post(report_duty))
        .route("/scans", post(import_scan).layer(DefaultBodyLimit::max(BODY_MAX)))
        .route("/assets/{asset}", get(show))
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

async fn findings(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<FindingFilter>,
) -> Result<Json<FindingList>, Problem> {
    Ok(Json(service.findings(filter).await?))
}

async fn duties(_: Signed, State(service): State<Service>) -> Result<Json<Vec<DutyView>>, Problem> {
    Ok(Json(service.duties().await?))
}

async fn report_duty(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(duty): Named,
    Sent(ask): Sent<ReportDuty>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.report_duty(caller, duty, ask).await?,
    }))
}

async fn show(_: Signed, State(service): State<Service>, Named(asset): Named) -> Result<Json<AssetDetail>, Problem> {
    Ok(Json(service.asset(asset).await?))
}

async fn import_scan(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(ask): Sent<ScanImport>,
) -> Result<Json<ScanImported>, Problem> {
    Ok(Json(service.import_scan(caller, ask).await?))
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
