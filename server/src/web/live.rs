//! The stream that tells an open page that something changed. It carries no data: the page fetches what it shows.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::{auth::Viewer, page};
use crate::service::Service;

pub(crate) async fn stream(_: Viewer, State(service): State<Service>) -> Response {
    match service.newest_pos().await {
        Ok(pos) => crate::api::stream(service, pos).into_response(),
        Err(error) => page::failed(&error),
    }
}
