//! Routes of what people set on hosts, and of what they do there by hand.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};

use super::{
    Done, Problem, Signed,
    extract::{Asked, Named, Sent},
};
use crate::service::{
    AnswerDrain, AssignHandwork, AttestDisks, DisksFilter, DisksList, EndHandwork, ExemptionFilter, ExemptionList,
    HandworkFilter, HandworkList, HoldHost, HostReleased, NewExemption, ReleaseHost, RevokeExemption, Service,
    WithdrawDisks,
};

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/exemptions", get(exemptions).post(exempt))
        .route("/exemptions/{host}/revoke", post(revoke))
        .route("/encryption", get(disks).post(attest_disks))
        .route("/encryption/{host}/withdraw", post(withdraw_disks))
        .route("/hosts/{host}/hold", post(hold))
        .route("/hosts/{host}/release", post(release))
        .route("/hosts/{host}/drain", post(drain))
        .route("/hosts/{host}/drain/released", post(drain_released))
        .route("/handwork", get(handwork))
        .route("/handwork/{host}/assign", post(assign))
        .route("/handwork/{host}/done", post(handwork_done))
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

async fn disks(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<DisksFilter>,
) -> Result<Json<DisksList>, Problem> {
    Ok(Json(service.disks(filter).await?))
}

async fn attest_disks(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(ask): Sent<AttestDisks>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.attest_disks(caller, ask).await?,
    }))
}

async fn withdraw_disks(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<WithdrawDisks>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.withdraw_disks(caller, host, ask).await?,
    }))
}

async fn hold(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<HoldHost>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.hold_host(caller, host, ask).await?,
    }))
}

async fn release(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<ReleaseHost>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.release_host(caller, host, ask).await?,
    }))
}

async fn drain(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<AnswerDrain>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.answer_drain(caller, host, ask).await?,
    }))
}

async fn drain_released(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<HostReleased>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.host_released(caller, host, ask).await?,
    }))
}

async fn handwork(
    _: Signed,
    State(service): State<Service>,
    Asked(filter): Asked<HandworkFilter>,
) -> Result<Json<HandworkList>, Problem> {
    Ok(Json(service.handwork(filter).await?))
}

async fn assign(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<AssignHandwork>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.assign_handwork(caller, host, ask).await?,
    }))
}

async fn handwork_done(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(host): Named,
    Sent(ask): Sent<EndHandwork>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.end_handwork(caller, host, ask).await?,
    }))
}
