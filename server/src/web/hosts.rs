//! The listing of hosts; the address carries the filter.

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use cutover_core::{plan::Phase, standing::Standing};

use super::{auth::Viewer, page, words};
use crate::service::{HostFilter, Service, views::HostRow};

#[cfg(test)]
use crate::service::views::samples;

#[derive(Template)]
#[template(path = "hosts.html")]
pub(super) struct HostsPage {
    here: &'static str,
    csrf: String,
    address: String,
    filter: Chosen,
    phases: &'static [Phase],
    standings: &'static [Standing],
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "hosts_live.html")]
struct HostsPart {
    rows: Vec<Row>,
    next: Option<String>,
}

/// The filter as the form shows it.
struct Chosen {
    phase: String,
    standing: String,
    name: String,
}

struct Row {
    host_id: String,
    name: String,
    system: String,
    phase: String,
    standing: String,
    protection: String,
    reason: String,
    last_contact: String,
}

#[cfg(test)]
impl HostsPage {
    pub(super) fn sample() -> Self {
        let rows = [samples::host().row, samples::host_not_looked_at().row];
        Self {
            here: "hosts",
            csrf: "csrf".to_owned(),
            address: "/hosts?phase=blocked".to_owned(),
            filter: Chosen {
                phase: "blocked".to_owned(),
                standing: String::new(),
                name: "pc-".to_owned(),
            },
            phases: Phase::ALL,
            standings: Standing::ALL,
            rows: rows.into_iter().map(Row::from).collect(),
            next: Some("/hosts?phase=blocked&after=x".to_owned()),
        }
    }

    pub(super) fn sample_without_hosts() -> Self {
        Self {
            rows: Vec::new(),
            next: None,
            ..Self::sample()
        }
    }
}

impl From<HostRow> for Row {
    fn from(row: HostRow) -> Self {
        Self {
            host_id: row.host_id,
            name: row.name,
            system: row.system,
            phase: row.phase,
            standing: row.standing,
            protection: row.protection,
            reason: row.reason,
            last_contact: words::instant(row.last_contact_ms),
        }
    }
}

pub(crate) async fn page(
    viewer: Viewer,
    State(service): State<Service>,
    filter: Result<Query<HostFilter>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let filter = match filter {
        Ok(Query(filter)) => filter,
        Err(rejection) => return page::problem(StatusCode::BAD_REQUEST, "Not valid", &rejection.body_text()),
    };
    let chosen = Chosen {
        phase: filter.phase.clone().unwrap_or_default(),
        standing: filter.standing.clone().unwrap_or_default(),
        name: filter.name.clone().unwrap_or_default(),
    };
    let list = match service.hosts(filter.clone()).await {
        Ok(list) => list,
        Err(error) => return page::failed(&error),
    };
    let rows = list.hosts.into_iter().map(Row::from).collect();
    let next = list.next.map(|after| format!("/hosts?{}", filter.query_after(&after)));
    if page::wants_part(&headers) {
        return page::render(&HostsPart { rows, next });
    }
    page::render(&HostsPage {
        here: "hosts",
        csrf: viewer.caller.csrf().to_owned(),
        address: uri.to_string(),
        filter: chosen,
        phases: Phase::ALL,
        standings: Standing::ALL,
        rows,
        next,
    })
}
