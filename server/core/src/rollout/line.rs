//! What lines carry: how many bytes orders make hosts fetch, counted from their start, against what the campaign lets a line
//! carry. The line of a site, and what all of them carry together.
//!
//! An order counts for an hour, or for as long as its line takes for it where that is longer. So within any hour no more is
//! started than the line carries in one; what is larger than that starts alone, and nothing follows before it is through. Who
//! waits for a line keeps those behind it in the queue off it: otherwise many small ones would keep a large one waiting.

use std::collections::BTreeMap;

use cutover_proto::{
    ids::ProductId,
    step::{Fetched, Purpose, Step},
};

use crate::{
    campaign::{Campaign, Rate},
    plan::Plan,
};

/// What an order makes its host fetch, and until when that counts on its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetches {
    /// So many bytes.
    pub bytes: u64,
    /// The site over whose line they come; empty where none is known.
    pub site: String,
    /// Until when they count among those of all sites.
    pub until_ms: i64,
    /// Until when they count on the line of the site.
    pub site_until_ms: i64,
}

impl Fetches {
    /// Those of an order of so many bytes that was issued at an instant.
    #[must_use]
    pub fn new(plan: &Plan, campaign: &Campaign, bytes: u64, issued_ms: i64) -> Self {
        let site = plan.known.site.clone();
        let until_ms = |limit| issued_ms.saturating_add(Rate::counts_ms(limit, bytes));
        Self {
            until_ms: until_ms(campaign.policy.bandwidth),
            site_until_ms: until_ms(campaign.bandwidth_of_site(&site)),
            site,
            bytes,
        }
    }
}

/// How many bytes these steps make a host fetch: the sizes of files, and what the campaign says of packages that come by name.
/// What is fetched again to finish an installation that something else left half done is not counted: nobody knows it.
#[must_use]
pub fn bytes_of(steps: &[Step], replacement: &ProductId, campaign: &Campaign) -> u64 {
    let of_step = |step: &Step| match step.action.purpose() {
        Purpose::Fetch(Fetched::File(artifact)) => artifact.size,
        Purpose::Fetch(Fetched::Packages) => campaign.download_of(replacement).unwrap_or(0),
        Purpose::Repair
        | Purpose::Remove(_)
        | Purpose::Install(_)
        | Purpose::Configure(_)
        | Purpose::Start(_)
        | Purpose::Prove(_)
        | Purpose::Sweep(_)
        | Purpose::Restart => 0,
    };
    steps.iter().map(of_step).fold(0, u64::saturating_add)
}

/// Whether what the host fetches comes over a line that is limited.
#[must_use]
pub fn is_limited(plan: &Plan, campaign: &Campaign) -> bool {
    campaign.policy.bandwidth.is_some() || campaign.bandwidth_of_site(&plan.known.site).is_some()
}

/// What counts on a line at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineUse {
    /// So many bytes.
    pub bytes: u64,
    /// When the first of them no longer do; means nothing where there are none.
    pub next_ms: i64,
    /// Whether one that waits for it keeps it.
    is_kept: bool,
}

impl LineUse {
    /// Of what counts on it.
    #[must_use]
    pub const fn new(bytes: u64, next_ms: i64) -> Self {
        Self {
            bytes,
            next_ms,
            is_kept: false,
        }
    }

    /// Counts so many bytes more, until then.
    pub fn add(&mut self, bytes: u64, until_ms: i64) {
        if bytes == 0 {
            return;
        }
        self.next_ms = if self.bytes == 0 {
            until_ms
        } else {
            self.next_ms.min(until_ms)
        };
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether so many more fit on a line of this rate: on an empty one everything does.
    const fn fits(&self, bytes: u64, rate: Rate) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(bytes) <= rate.an_hour()
    }
}

/// What counts on all lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// Of all sites together.
    pub all: LineUse,
    /// Of each site.
    pub sites: BTreeMap<String, LineUse>,
}

/// Why a host waits for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineWait {
    /// Whose: `the campaign`, `site kiel`.
    pub of: String,
    /// What it may carry.
    pub rate: Rate,
    /// How many bytes the host would fetch.
    pub bytes: u64,
    /// When there is room again, at the earliest; `None` where there is, and those before it in the queue come first.
    pub room_ms: Option<i64>,
}

impl Lines {
    fn of_site(&self, site: &str) -> LineUse {
        self.sites.get(site).copied().unwrap_or_default()
    }

    /// The limits for a host, with what counts against each.
    fn limits(&self, plan: &Plan, campaign: &Campaign) -> impl Iterator<Item = (LineUse, Rate, String)> {
        let site = &plan.known.site;
        let all = campaign
            .policy
            .bandwidth
            .map(|rate| (self.all, rate, "the campaign".to_owned()));
        let here = campaign
            .bandwidth_of_site(site)
            .map(|rate| (self.of_site(site), rate, format!("site {site}")));
        [all, here].into_iter().flatten()
    }

    /// The line that a host waits for, if it waits for one. Whoever fetches nothing never does.
    #[must_use]
    pub fn wait(&self, plan: &Plan, campaign: &Campaign) -> Option<LineWait> {
        let bytes = plan.fetches;
        let mut limits = self.limits(plan, campaign).filter(|_| bytes > 0);
        limits.find_map(|(line, rate, of)| {
            let fits = line.fits(bytes, rate);
            (line.is_kept || !fits).then(|| LineWait {
                of,
                rate,
                bytes,
                room_ms: (!fits).then_some(line.next_ms),
            })
        })
    }

    /// Whether somebody else's turn on its line may come before a host that could start: where anything counts on it, one
    /// that needs more room may be before it in the queue.
    #[must_use]
    pub fn turn(&self, plan: &Plan, campaign: &Campaign) -> Option<LineWait> {
        let mut limits = self.limits(plan, campaign).filter(|_| plan.fetches > 0);
        limits
            .find(|(line, _, _)| line.bytes > 0)
            .map(|(_, rate, of)| LineWait {
                of,
                rate,
                bytes: plan.fetches,
                room_ms: None,
            })
    }

    /// One waits for its line: nobody behind it in the queue starts there in this pass.
    pub(super) fn keep(&mut self, plan: &Plan, campaign: &Campaign) {
        if plan.fetches == 0 {
            return;
        }
        if let Some(rate) = campaign.policy.bandwidth {
            self.all.is_kept |= !self.all.fits(plan.fetches, rate);
        }
        if let Some(rate) = campaign.bandwidth_of_site(&plan.known.site) {
            let line = self.sites.entry(plan.known.site.clone()).or_default();
            line.is_kept |= !line.fits(plan.fetches, rate);
        }
    }

    /// Counts what an order makes its host fetch.
    pub fn add(&mut self, fetches: &Fetches) {
        self.all.add(fetches.bytes, fetches.until_ms);
        let line = self.sites.entry(fetches.site.clone()).or_default();
        line.add(fetches.bytes, fetches.site_until_ms);
    }
}
