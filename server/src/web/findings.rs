//! The page of findings.

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{auth::Viewer, page, words};
use crate::service::{FindingFilter, FindingList, Service};

#[derive(Template)]
#[template(path = "findings.html")]
pub(super) struct FindingsPage {
    here: &'static str,
    csrf: String,
    address: String,
    body: Findings,
}

#[derive(Template)]
#[template(path = "findings_live.html")]
struct FindingsPart {
    body: Findings,
}

struct Findings {
    rows: Vec<Row>,
    drafts: Vec<(String, String)>,
    next: Option<String>,
}

struct Row {
    address: String,
    name: String,
    kind: String,
    text: String,
    remedy: String,
    since: String,
}

impl From<FindingList> for Findings {
    fn from(list: FindingList) -> Self {
        let row = |it: crate::service::FindingView| Row {
            address: match it.of_kind.as_str() {
                "host" => format!("/hosts/{}", it.of_id),
                "campaign" => format!("#duty-{}", it.of_id),
                _ => format!("/machines/{}", it.of_id),
            },
            name: it.name,
            kind: it.kind,
            text: it.text,
            remedy: it.remedy,
            since: words::instant(it.since_ms),
        };
        Self {
            drafts: Vec::new(),
            rows: list.findings.into_iter().map(row).collect(),
            next: list
                .next
                .map(|after| format!("/findings?after={}", after.replace(", ", "%2C%20"))),
        }
    }
}

pub(crate) async fn page(
    viewer: Viewer,
    State(service): State<Service>,
    wanted: Result<Query<FindingFilter>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let filter = match wanted {
        Ok(Query(filter)) => filter,
        Err(rejection) => return page::problem(StatusCode::BAD_REQUEST, "Not valid", &rejection.body_text()),
    };
    let mut body = match service.findings(filter).await {
        Ok(list) => Findings::from(list),
        Err(error) => return page::failed(&error),
    };
    body.drafts = match service.duties().await {
        Ok(duties) => duties.into_iter().map(|duty| (duty.name, duty.draft)).collect(),
        Err(error) => return page::failed(&error),
    };
    body.drafts.retain(|(_, draft)| !draft.is_empty());
    if page::wants_part(&headers) {
        return page::render(&FindingsPart { body });
    }
    page::render(&FindingsPage {
        here: "assets",
        csrf: viewer.caller.csrf().to_owned(),
        address: uri.to_string(),
        body,
    })
}
