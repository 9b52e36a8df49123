//! The listing of assets; the address carries the filter.

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{auth::Viewer, page, words};
use crate::service::{AssetFilter, AssetList, AssetView, Service};

#[derive(Template)]
#[template(path = "assets.html")]
pub(super) struct AssetsPage {
    here: &'static str,
    csrf: String,
    address: String,
    chosen: String,
    body: Assets,
}

#[derive(Template)]
#[template(path = "assets_live.html")]
struct AssetsPart {
    body: Assets,
}

struct Assets {
    totals: Vec<Total>,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Total {
    name: String,
    count: i64,
}

struct Row {
    name: String,
    source: String,
    class: String,
    host_id: String,
    asset_id: String,
    why: String,
    counts: String,
    seen: String,
    attested: String,
    owner: String,
    last_seen: String,
    missing: String,
}

impl From<AssetView> for Row {
    fn from(asset: AssetView) -> Self {
        Self {
            name: asset.name,
            source: asset.source,
            class: asset.class,
            host_id: asset.host_id,
            asset_id: asset.asset_id,
            why: asset.why,
            counts: asset.counts,
            seen: asset.seen,
            attested: asset.attested,
            owner: asset.owner,
            last_seen: asset.said.last_seen_ms.map_or_else(String::new, words::instant),
            missing: asset.missing_ms.map_or_else(String::new, words::instant),
        }
    }
}

impl Assets {
    fn of(list: AssetList, filter: &AssetFilter) -> Self {
        let next = list.next.map(|after| {
            let mut address = format!("/assets?after={after}");
            if let Some(is) = &filter.is {
                address.push_str("&is=");
                address.push_str(is);
            }
            if filter.missing {
                address.push_str("&missing=true");
            }
            address
        });
        Self {
            totals: list
                .totals
                .into_iter()
                .map(|(name, count)| Total { name, count })
                .collect(),
            rows: list.assets.into_iter().map(Row::from).collect(),
            next,
        }
    }
}

/// A filter as the form sends it: empty means any.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    is: String,
    missing: bool,
    after: Option<String>,
}

pub(crate) async fn page(
    viewer: Viewer,
    State(service): State<Service>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let wanted = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(rejection) => return page::problem(StatusCode::BAD_REQUEST, "Not valid", &rejection.body_text()),
    };
    let filter = AssetFilter {
        is: Some(wanted.is.clone()).filter(|is| !is.is_empty()),
        missing: wanted.missing,
        after: wanted.after,
        ..AssetFilter::default()
    };
    let body = match service.assets(filter.clone()).await {
        Ok(list) => Assets::of(list, &filter),
        Err(error) => return page::failed(&error),
    };
    if page::wants_part(&headers) {
        return page::render(&AssetsPart { body });
    }
    page::render(&AssetsPage {
        here: "assets",
        csrf: viewer.caller.csrf().to_owned(),
        address: uri.to_string(),
        chosen: wanted.is,
        body,
    })
}

#[cfg(test)]
impl AssetsPage {
    pub(super) fn sample() -> Self {
        let row = |name: &str, why: &str, counts: &str| Row {
            name: name.to_owned(),
            source: "ad".to_owned(),
            class: "workstation".to_owned(),
            host_id: String::new(),
            asset_id: "01890000-0000-7000-8000-000000000003".to_owned(),
            why: why.to_owned(),
            counts: counts.to_owned(),
            seen: String::new(),
            attested: String::new(),
            owner: String::new(),
            last_seen: String::new(),
            missing: String::new(),
        };
        let rows = vec![
            Row {
                host_id: "01890000-0000-7000-8000-000000000001".to_owned(),
                ..row("pc-1", "host pc-1, by its serial", "")
            },
            Row {
                missing: "2026-11-22T12:00:00Z".to_owned(),
                ..row(
                    "<b>pc-2",
                    "the name is the same and the serial is another: pc-2 (x)",
                    "unknown",
                )
            },
            Row {
                class: "phone".to_owned(),
                owner: "Ann".to_owned(),
                attested: "clear until 2027-01-31T00:00:00Z, by ann: seen by hand".to_owned(),
                ..row("phone-3", "no agent", "attested-clear")
            },
        ];
        let total = |name: &str, count| Total {
            name: name.to_owned(),
            count,
        };
        Self {
            here: "assets",
            csrf: "csrf".to_owned(),
            address: "/assets?is=".to_owned(),
            chosen: String::new(),
            body: Assets {
                totals: vec![total("attested-clear", 1), total("unknown", 1)],
                rows,
                next: Some("/assets?after=x".to_owned()),
            },
        }
    }

    pub(super) fn sample_without_assets() -> Self {
        Self {
            body: Assets {
                totals: Vec::new(),
                rows: Vec::new(),
                next: None,
            },
            ..Self::sample()
        }
    }
}
