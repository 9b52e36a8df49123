//! Routes of campaigns and their waves.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use cutover_core::rollout::RunState;
use serde::{Deserialize, Serialize};

use super::{
    Ask, Done, Problem, Signed,
    extract::{Asked, Named, Sent},
    routes::Then,
};
use crate::service::{
    AnswerGate, ApplyCampaign, ApproveWave, AskForecast, AskSimulation, CampaignApplied, CampaignDetail, ClosingView,
    ConfirmClosing, ForecastMade, HaltCampaign, ProposeClosing, ResetWave, Service, SimulationDone, WithdrawClosing,
    views::WaveView,
};

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/campaigns", get(list))
        .route("/campaigns/{campaign}", get(show))
        .route("/campaigns/{campaign}/versions", post(apply))
        .route(
            "/campaigns/{campaign}/pause",
            post(|by, at, of, ask| turn(by, at, of, ask, RunState::Paused)),
        )
        .route(
            "/campaigns/{campaign}/resume",
            post(|by, at, of, ask| turn(by, at, of, ask, RunState::Running)),
        )
        .route(
            "/campaigns/{campaign}/stop",
            post(|by, at, of, ask| turn(by, at, of, ask, RunState::Stopped)),
        )
        .route("/campaigns/{campaign}/closing", get(closing).post(propose_closing))
        .route("/campaigns/{campaign}/closing/confirm", post(confirm_closing))
        .route("/campaigns/{campaign}/closing/withdraw", post(withdraw_closing))
        .route("/simulations", post(simulate))
        .route("/forecast", get(forecast))
        .route("/waves", get(waves))
        .route("/waves/{wave}/open", post(open_wave))
        .route("/waves/{wave}/pause", post(pause_wave))
        .route("/waves/{wave}/resume", post(resume_wave))
        .route("/waves/{wave}/approve", post(approve_wave))
        .route("/waves/{wave}/reset", post(reset_wave))
        .route("/waves/{wave}/gate", post(answer_gate))
}

/// Which version of a campaign's text.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhichVersion {
    /// From 1; left out: the one in force.
    pub version: Option<i64>,
}

async fn list(_: Signed, State(service): State<Service>) -> Result<Json<Vec<CampaignDetail>>, Problem> {
    Ok(Json(service.campaigns().await?))
}

async fn show(
    _: Signed,
    State(service): State<Service>,
    Named(campaign): Named,
    Asked(which): Asked<WhichVersion>,
) -> Result<Json<CampaignDetail>, Problem> {
    Ok(Json(service.campaign(campaign, which.version).await?))
}

async fn apply(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(campaign): Named,
    Sent(ask): Sent<ApplyCampaign>,
) -> Result<Json<CampaignApplied>, Problem> {
    service.is_run(&campaign)?;
    Ok(Json(service.apply_campaign(caller, ask).await?))
}

async fn forecast(
    Signed(caller): Signed,
    State(service): State<Service>,
    Asked(ask): Asked<AskForecast>,
) -> Result<Json<ForecastMade>, Problem> {
    Ok(Json(service.forecast(caller, ask).await?))
}

async fn simulate(
    Signed(caller): Signed,
    State(service): State<Service>,
    Sent(ask): Sent<AskSimulation>,
) -> Result<Json<SimulationDone>, Problem> {
    Ok(Json(service.simulate(caller, ask).await?))
}

async fn turn(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(campaign): Named,
    Sent(ask): Sent<HaltCampaign>,
    to: RunState,
) -> Result<Json<Done>, Problem> {
    service.is_run(&campaign)?;
    Ok(Json(Done {
        done: service.turn_campaign(caller, to, ask).await?,
    }))
}

async fn closing(
    _: Signed,
    State(service): State<Service>,
    Named(campaign): Named,
) -> Result<Json<ClosingView>, Problem> {
    service.is_run(&campaign)?;
    Ok(Json(service.closing().await?))
}

async fn propose_closing(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(campaign): Named,
    Sent(ask): Sent<ProposeClosing>,
) -> Result<Json<Done>, Problem> {
    service.is_run(&campaign)?;
    Ok(Json(Done {
        done: service.propose_closing(caller, ask).await?,
    }))
}

async fn confirm_closing(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(campaign): Named,
    Sent(ask): Sent<ConfirmClosing>,
) -> Result<Json<Done>, Problem> {
    service.is_run(&campaign)?;
    Ok(Json(Done {
        done: service.confirm_closing(caller, ask).await?,
    }))
}

async fn withdraw_closing(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(campaign): Named,
    Sent(ask): Sent<WithdrawClosing>,
) -> Result<Json<Done>, Problem> {
    service.is_run(&campaign)?;
    Ok(Json(Done {
        done: service.withdraw_closing(caller, ask).await?,
    }))
}

async fn waves(
    _: Signed,
    State(service): State<Service>,
    Asked(then): Asked<Then>,
) -> Result<Json<Vec<WaveView>>, Problem> {
    Ok(Json(service.summary_as_of(then.as_of).await?.waves))
}

async fn open_wave(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(wave): Named,
    Sent(ask): Sent<Ask>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.open_wave(caller, wave, ask.dry_run).await?,
    }))
}

async fn pause_wave(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(wave): Named,
    Sent(ask): Sent<Ask>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.pause_wave(caller, wave, ask.dry_run).await?,
    }))
}

async fn resume_wave(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(wave): Named,
    Sent(ask): Sent<Ask>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.resume_wave(caller, wave, ask.dry_run).await?,
    }))
}

async fn approve_wave(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(wave): Named,
    Sent(ask): Sent<ApproveWave>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.approve_wave(caller, wave, ask).await?,
    }))
}

async fn reset_wave(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(wave): Named,
    Sent(ask): Sent<ResetWave>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.reset_wave(caller, wave, ask).await?,
    }))
}

async fn answer_gate(
    Signed(caller): Signed,
    State(service): State<Service>,
    Named(wave): Named,
    Sent(ask): Sent<AnswerGate>,
) -> Result<Json<Done>, Problem> {
    Ok(Json(Done {
        done: service.answer_gate(caller, wave, ask).await?,
    }))
}
