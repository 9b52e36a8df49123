//! One asset: what is known of a machine that may have no agent.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::Response,
};

use super::{auth::Viewer, page, words};
use crate::service::{AssetDetail, FindingView, LookView, Service};

#[derive(Template)]
#[template(path = "asset.html")]
pub(super) struct AssetPage {
    here: &'static str,
    csrf: String,
    address: String,
    name: String,
    body: Asset,
}

#[derive(Template)]
#[template(path = "asset_live.html")]
struct AssetPart {
    body: Asset,
}

struct Asset {
    name: String,
    counts: String,
    asset_id: String,
    facts: Vec<(&'static str, String)>,
    proofs: Vec<(String, String, String)>,
    findings: Vec<FindingView>,
    looks: Vec<LookView>,
}

impl From<AssetDetail> for Asset {
    fn from(detail: AssetDetail) -> Self {
        let it = detail.asset;
        let same: Vec<String> = detail
            .same
            .into_iter()
            .map(|(source, id)| format!("{source} ({id})"))
            .collect();
        let facts = vec![
            ("named by", it.source),
            ("class", it.class),
            ("what it is", it.why),
            ("seen", it.seen),
            ("attested", it.attested),
            ("owner", it.owner),
            (
                "ownership",
                it.said.ownership.map_or_else(String::new, |it| it.to_string()),
            ),
            (
                "source saw it",
                it.said.last_seen_ms.map_or_else(String::new, words::instant),
            ),
            ("the same machine", same.join(", ")),
        ];
        Self {
            name: it.name,
            counts: it.counts,
            asset_id: it.asset_id,
            facts: facts.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            proofs: words::proofs(detail.proofs),
            findings: detail.findings,
            looks: detail.looks,
        }
    }
}

pub(crate) async fn page(
    viewer: Viewer,
    State(service): State<Service>,
    Path(asset): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let body = match service.asset(asset).await {
        Ok(detail) => Asset::from(detail),
        Err(error) => return page::failed(&error),
    };
    if page::wants_part(&headers) {
        return page::render(&AssetPart { body });
    }
    page::render(&AssetPage {
        here: "assets",
        csrf: viewer.caller.csrf().to_owned(),
        address: uri.to_string(),
        name: body.name.clone(),
        body,
    })
}

#[cfg(test)]
impl AssetPage {
    pub(super) fn sample() -> Self {
        let body = Asset {
            name: "<b>OLD-7".to_owned(),
            counts: "seen-carries".to_owned(),
            asset_id: "01890000-0000-7000-8000-000000000003".to_owned(),
            facts: vec![
                ("named by", "collection".to_owned()),
                ("what it is", "no agent".to_owned()),
            ],
            proofs: words::proofs(vec![crate::service::views::samples::proof()]),
            findings: vec![crate::service::views::samples::finding()],
            looks: vec![crate::service::views::samples::look()],
        };
        Self {
            here: "assets",
            csrf: "csrf".to_owned(),
            address: format!("/machines/{}", body.asset_id),
            name: body.name.clone(),
            body,
        }
    }
}
