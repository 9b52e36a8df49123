//! Server-sent events: every committed event in order. A client that names the last one it saw misses none.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::Stream;

use super::{Problem, Signed};
use crate::service::Service;

const KEEP_ALIVE: Duration = Duration::from_secs(20);

pub(crate) async fn events(
    _: Signed,
    State(service): State<Service>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last_seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .map(str::parse::<i64>);
    let from = match last_seen {
        Some(Ok(pos)) => pos,
        Some(Err(_)) => {
            let detail = "Last-Event-ID is not a number; send the id of the last event that you saw, or none";
            return Err(Problem::new(axum::http::StatusCode::BAD_REQUEST, "not valid", detail));
        }
        None => service.newest_pos().await?,
    };
    Ok(stream(service, from))
}

/// Every event after `from`, as it is committed.
pub fn stream(service: Service, from: i64) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = service.changes();
    let stream = futures_util::stream::unfold((service, changes, from, Vec::new()), |state| async move {
        let (service, mut changes, mut pos, mut ready) = state;
        loop {
            if let Some(view) = ready.pop() {
                let view: crate::service::views::EventView = view;
                pos = view.pos;
                let event = Event::default().id(pos.to_string()).event("changed");
                let event = event.json_data(&view).unwrap_or_default();
                return Some((Ok(event), (service, changes, pos, ready)));
            }
            match service.events_after(pos).await {
                // The safety net under the notices is a look every few seconds.
                Ok((views, end)) if views.is_empty() => {
                    pos = end;
                    changes.wait().await;
                }
                Ok((mut views, _)) => {
                    views.reverse();
                    ready = views;
                }
                Err(error) => {
                    tracing::warn!(%error, "event stream cannot read");
                    changes.wait().await;
                }
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
