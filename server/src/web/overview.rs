//! The overview: where the fleet stands against each milestone.

use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};

use super::{auth::Viewer, page, words};
use crate::service::{
    Service,
    views::{Count, EventView, Share, StuckView, Summary, WaveView},
};

#[cfg(test)]
use crate::service::views::samples;

const EVENTS_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct OverviewPage {
    here: &'static str,
    csrf: String,
    body: Overview,
}

#[derive(Template)]
#[template(path = "overview_live.html")]
struct OverviewPart {
    body: Overview,
}

/// The part that lives.
pub(crate) struct Overview {
    campaign: String,
    mode: String,
    halted: String,
    is_over: bool,
    kind: String,
    campaign_version: u64,
    catalog_revision: u64,
    as_of: String,
    milestones: Vec<Tile>,
    headlines: Vec<Headline>,
    standing: Vec<Bar>,
    phases: Vec<Bar>,
    waves: Vec<WaveView>,
    stuck: Vec<StuckView>,
    events: Vec<Line>,
}

struct Tile {
    name: String,
    regime: String,
    at: String,
    distance: String,
    class: &'static str,
}

struct Headline {
    label: &'static str,
    percent: String,
    part: u64,
    whole: u64,
    of: &'static str,
}

/// A piece of a stacked bar, in thousandths of its width.
pub(crate) struct Bar {
    name: String,
    count: u64,
    percent: String,
    filter: &'static str,
    x: u64,
    width: u64,
}

/// An event as a line.
pub(crate) struct Line {
    at: String,
    host_id: String,
    host: String,
    text: String,
}

impl From<EventView> for Line {
    fn from(event: EventView) -> Self {
        Self {
            at: words::instant(event.at_ms),
            host_id: event.host_id,
            host: event.host,
            text: event.text,
        }
    }
}

pub(crate) async fn page(viewer: Viewer, State(service): State<Service>, headers: HeaderMap) -> Response {
    let (summary, events) = match (service.summary().await, service.newest_events(EVENTS_SHOWN).await) {
        (Ok(summary), Ok(events)) => (summary, events),
        (Err(error), _) | (_, Err(error)) => return page::failed(&error),
    };
    let body = Overview::new(summary, events);
    if page::wants_part(&headers) {
        page::render(&OverviewPart { body })
    } else {
        page::render(&OverviewPage {
            here: "overview",
            csrf: viewer.caller.csrf().to_owned(),
            body,
        })
    }
}

#[cfg(test)]
impl OverviewPage {
    pub(super) fn sample() -> Self {
        Self {
            here: "overview",
            csrf: "csrf".to_owned(),
            body: Overview::new(samples::summary(), vec![samples::event()]),
        }
    }

    /// A campaign in which nothing has happened.
    pub(super) fn sample_of_a_new_campaign() -> Self {
        Self {
            body: Overview::new(samples::new_campaign(), Vec::new()),
            ..Self::sample()
        }
    }
}

impl Overview {
    /// Puts figures into words and bars.
    pub(crate) fn new(summary: Summary, events: Vec<EventView>) -> Self {
        let as_of_ms = summary.as_of_ms;
        let headline = |label, share: Share, of| Headline {
            label,
            percent: share.percent,
            part: share.part,
            whole: share.whole,
            of,
        };
        Self {
            campaign: summary.title,
            mode: summary.mode,
            halted: summary.halted,
            is_over: summary.closed_ms.is_some(),
            kind: summary.kind,
            campaign_version: summary.campaign_version,
            catalog_revision: summary.catalog_revision,
            as_of: words::instant(as_of_ms),
            milestones: summary
                .milestones
                .into_iter()
                .map(|milestone| Tile {
                    class: if milestone.at_ms <= as_of_ms { "past" } else { "ahead" },
                    name: milestone.name,
                    regime: milestone.regime,
                    at: words::instant(milestone.at_ms),
                    distance: milestone.distance,
                })
                .collect(),
            headlines: vec![
                headline("Replaced", summary.replaced, "hosts that ever carried it"),
                headline("Unknown", summary.unknown, "that are enrolled or expected"),
                headline("Protected", summary.protected, "that are enrolled or expected"),
            ],
            standing: bars("standing", summary.standing),
            phases: bars("phase", summary.phases),
            waves: summary.waves,
            stuck: summary.stuck,
            events: events.into_iter().map(Line::from).collect(),
        }
    }
}

fn bars(filter: &'static str, counts: Vec<Count>) -> Vec<Bar> {
    let whole: u64 = counts.iter().map(|count| count.count).sum();
    let mut before = 0;
    let mut bars = Vec::new();
    for count in counts.into_iter().filter(|count| count.count > 0) {
        let x = before * 1000 / whole;
        before += count.count;
        bars.push(Bar {
            percent: words::percent(count.count.cast_signed(), whole.cast_signed()),
            filter,
            x,
            width: before * 1000 / whole - x,
            name: count.name,
            count: count.count,
        });
    }
    bars
}
