//! One host: what was found, what was done, why it is where it is.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri},
    response::Response,
};

use super::{auth::Viewer, page, words};
use crate::service::{
    FindingView, LookView, Service,
    views::{HostDetail, VerdictView},
};

#[cfg(test)]
use crate::service::views::samples;

#[derive(Template)]
#[template(path = "host.html")]
pub(super) struct HostPage {
    here: &'static str,
    csrf: String,
    address: String,
    name: String,
    body: Host,
}

#[derive(Template)]
#[template(path = "host_live.html")]
struct HostPart {
    body: Host,
}

struct Host {
    name: String,
    phase: String,
    system: String,
    host_id: String,
    last_contact: String,
    restart_pending: String,
    identity: Vec<String>,
    program: String,
    machine: Vec<String>,
    network: String,
    why: Vec<String>,
    ahead: Vec<String>,
    set: Vec<String>,
    protection: Vec<(&'static str, String)>,
    verdicts: Vec<VerdictView>,
    grade: String,
    proofs: Vec<(String, String, String)>,
    findings: Vec<FindingView>,
    looks: Vec<LookView>,
    steps: Vec<Step>,
    timeline: Vec<Line>,
    chain: &'static str,
}

struct Step {
    order: u64,
    step: String,
    event: String,
    at: String,
    exit_code: String,
    detail: String,
    log_tail: String,
}

struct Line {
    at: String,
    text: String,
}

pub(crate) async fn page(
    viewer: Viewer,
    State(service): State<Service>,
    Path(host): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let detail = match service.host(host).await {
        Ok(detail) => detail,
        Err(error) => return page::failed(&error),
    };
    let body = Host::from(detail);
    if page::wants_part(&headers) {
        page::render(&HostPart { body })
    } else {
        page::render(&HostPage {
            here: "hosts",
            csrf: viewer.caller.csrf().to_owned(),
            address: uri.to_string(),
            name: body.name.clone(),
            body,
        })
    }
}

#[cfg(test)]
impl HostPage {
    pub(super) fn sample() -> Self {
        Self::showing(samples::host())
    }

    /// A host of which nothing is known but that it enrolled, and whose events were touched.
    pub(super) fn sample_of_a_host_not_looked_at() -> Self {
        Self::showing(samples::host_not_looked_at())
    }

    fn showing(detail: HostDetail) -> Self {
        let body = Host::from(detail);
        Self {
            here: "hosts",
            csrf: "csrf".to_owned(),
            address: format!("/hosts/{}", body.host_id),
            name: body.name.clone(),
            body,
        }
    }
}

impl From<HostDetail> for Host {
    fn from(detail: HostDetail) -> Self {
        let time = detail.protection_seconds;
        Self {
            name: detail.row.name,
            phase: detail.row.phase,
            system: detail.row.system,
            host_id: detail.row.host_id,
            last_contact: words::instant(detail.row.last_contact_ms),
            restart_pending: detail.restart_pending,
            identity: detail.identity,
            program: detail.program,
            machine: detail.machine,
            network: detail.network,
            why: newest(detail.why),
            ahead: detail.ahead,
            set: detail.set,
            protection: vec![
                ("at the last look", detail.row.protection),
                ("time protected", words::span(time.protected)),
                ("time unprotected", words::span(time.unprotected)),
                ("time unobserved", words::span(time.unobserved)),
            ],
            verdicts: detail.verdicts,
            grade: detail.grade,
            proofs: words::proofs(detail.proofs),
            findings: detail.findings,
            looks: detail.looks,
            steps: detail
                .steps
                .into_iter()
                .map(|step| Step {
                    order: step.order,
                    step: step.step,
                    event: step.event,
                    at: words::instant(step.at_ms),
                    exit_code: step.exit_code.map_or_else(String::new, |code| code.to_string()),
                    detail: step.detail,
                    log_tail: step.log_tail,
                })
                .collect(),
            timeline: detail
                .timeline
                .into_iter()
                .map(|event| Line {
                    at: words::instant(event.at_ms),
                    text: event.text,
                })
                .collect(),
            chain: if detail.chain_verified {
                "The hash chains of these events verify."
            } else {
                "The hash chain of these events does NOT verify: rows were changed outside the server."
            },
        }
    }
}

/// The end of the chain: the timeline below has the rest.
fn newest(mut why: Vec<String>) -> Vec<String> {
    const SHOWN: usize = 8;
    why.split_off(why.len().saturating_sub(SHOWN))
}
