//! Counts of orders beside the server's own: what is out and was started where, and what came of it. From plans' events and the
//! campaign as it was drawn; nothing of what the server counts, chooses or calls open is asked.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::{
    decide::Fact,
    plan::{OrderEnd, Origin, Phase, Plan},
};
use cutover_proto::{
    ids::HostId,
    step::{Action, Step},
};

use crate::{
    calendar::{HOUR, shown},
    plot::{DOWNLOAD_MB, Gate, Plot, Wave},
    situation::Situation,
    told::Told,
    view::Fresh,
    wall::{self, Says},
};

/// An order that is out, and what it was issued under.
#[derive(Debug)]
struct Out {
    wave: String,
    site: String,
    sets: Vec<String>,
}

#[derive(Debug)]
struct Start {
    at_ms: i64,
    host: HostId,
    number: u64,
    wave: String,
}

#[derive(Debug)]
struct Download {
    site: Option<String>,
    at_ms: i64,
    bytes: u64,
    host: HostId,
    number: u64,
}

/// What came of the newest order of a host.
#[derive(Debug)]
struct Work {
    wave: String,
    round: u32,
    has_failed: bool,
}

/// How a host came to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Well,
    Badly,
    /// Badly, if an order of its own was out or was being verified: one that was taken back counts for nothing.
    Perhaps,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Course {
    out: BTreeMap<HostId, Out>,
    /// Of the last hour, without those that were taken back.
    starts: Vec<Start>,
    /// What was to come over lines, without what was taken back: the line (none: that of all), when, how much, whose.
    downloads: Vec<Download>,
    works: BTreeMap<HostId, Work>,
    /// By wave: hosts that were migrated by an order in it, and hosts that came to anything.
    good: BTreeMap<String, BTreeSet<HostId>>,
    settled: BTreeMap<String, BTreeSet<HostId>>,
    /// Since when a wave has the sample that its gate asks for.
    sample_ms: BTreeMap<String, i64>,
    /// What does not hold, by the name of the invariant.
    pub(crate) faults: Vec<(&'static str, String)>,
    /// What occurred.
    pub(crate) occurred: Vec<Situation>,
}

pub(crate) fn tag<'a>(plan: &'a Plan, key: &'a str) -> impl Iterator<Item = &'a str> {
    let tags = plan.known.tags.iter();
    tags.filter_map(move |tag| tag.strip_prefix(key)?.strip_prefix('='))
}

pub(crate) fn site(plan: &Plan) -> &str {
    tag(plan, "site").next().unwrap_or("")
}

impl Course {
    /// Takes in one event of a plan.
    pub(crate) fn take(&mut self, it: &Fresh, plot: &Plot, zone: &str, told: &Told) {
        if let Fact::OrderIssued {
            number,
            round,
            ref steps,
            ..
        } = it.event.fact
        {
            self.issued(it, number, round, plot, zone, told);
            self.carried(it, number, steps, plot);
        } else if let Fact::OrderEnded {
            number,
            end,
            used_attempt,
            ..
        } = &it.event.fact
        {
            if *end == OrderEnd::Withdrawn {
                self.starts
                    .retain(|start| start.host != it.host || start.number != *number);
                self.downloads
                    .retain(|other| other.host != it.host || other.number != *number);
            }
            if *used_attempt {
                self.came(it, Came::Badly, plot);
            }
        } else if let Fact::ExemptionEnded { by: None, .. } = it.event.fact {
            self.occurred.push(Situation::ExemptionOver);
        } else if let Fact::Moved { to, .. } = it.event.fact {
            if to == Phase::Migrated {
                self.came(it, self.migrated(it), plot);
            } else if to == Phase::Retired {
                self.came(it, Came::Perhaps, plot);
            }
        } else if let Fact::NotConfirmed { used_attempt: true, .. } = it.event.fact {
            self.came(it, Came::Badly, plot);
        } else if matches!(
            it.event.fact,
            Fact::NotConfirmed { .. } | Fact::WentStale { .. } | Fact::ProtectionLost { .. } | Fact::Regressed { .. }
        ) {
            self.came(it, Came::Perhaps, plot);
        }
        let issued = matches!(it.event.fact, Fact::OrderIssued { .. });
        if issued && !it.after.first_places.is_empty() {
            self.occurred.push(Situation::First);
        }
        if it.after.kept_places.len() > it.before.kept_places.len() {
            self.occurred.push(Situation::KeptPlace);
        }
        if it.after.order.is_none() {
            self.out.remove(&it.host);
        }
    }

    /// Whether a host that is migrated is so by its order: what others did speaks for no order, and where nobody can say who it
    /// was, one of which nothing was heard may have done it.
    fn migrated(&self, it: &Fresh) -> Came {
        let has_failed = || self.works.get(&it.host).is_some_and(|work| work.has_failed);
        match it.after.origin {
            Some(Origin::Order) => Came::Well,
            Some(Origin::Unclear) if has_failed() => Came::Well,
            Some(Origin::Unclear | Origin::External | Origin::Handwork) | None => Came::Perhaps,
        }
    }

    /// A host came to something by the newest order that it had.
    fn came(&mut self, it: &Fresh, how: Came, plot: &Plot) {
        let Some(work) = self.works.get_mut(&it.host) else {
            return;
        };
        match how {
            Came::Well => work.has_failed = false,
            Came::Badly => work.has_failed = true,
            Came::Perhaps => {}
        }
        let wave = work.wave.clone();
        if how == Came::Well {
            self.good.entry(wave.clone()).or_default().insert(it.host);
        }
        let settled = self.settled.entry(wave.clone()).or_default();
        settled.insert(it.host);
        let least = plot.wave(&wave).and_then(|wave| wave.gate).map_or(0, |gate| gate.least);
        if settled.len() >= usize::try_from(least).unwrap_or(usize::MAX) {
            self.sample_ms.entry(wave).or_insert(it.event.at_ms);
        }
    }

    fn fault(&mut self, invariant: &'static str, it: &Fresh, why: &str) {
        let at = shown(it.event.at_ms);
        self.faults
            .push((invariant, format!("an order for {} at {at}: {why}", it.host)));
    }

    fn issued(&mut self, it: &Fresh, number: u64, round: u32, plot: &Plot, zone: &str, told: &Told) {
        let (at_ms, wave, here) = (it.event.at_ms, it.before.wave.clone(), site(&it.before).to_owned());
        if let Some(why) = told.against(it.host, &wave, at_ms) {
            self.fault("no-order-against-what-people-were-told", it, why);
        }
        match wall::says(plot, &here, zone, at_ms) {
            Says::NoHours => {}
            Says::Within => self.occurred.push(Situation::WithinHours),
            Says::OutOfHours => self.fault("no-order-out-of-hours", it, "none of its hours is open"),
            Says::Dark => self.fault("no-order-in-a-blackout", it, "a blackout holds there"),
        }
        match wall::change_near(plot, &here, zone, at_ms) {
            Some(true) => self.occurred.push(Situation::Forward),
            Some(false) => self.occurred.push(Situation::Back),
            None => {}
        }
        if !self.works.contains_key(&it.host) && !fits(plot, &it.before) {
            self.fault(
                "no-order-in-a-wave-of-others",
                it,
                &format!("it is in wave {wave}, which does not take it"),
            );
        }
        let sets = tag(&it.before, "set").map(str::to_owned).collect();
        let out = Out {
            wave: wave.clone(),
            site: here,
            sets,
        };
        self.out.insert(it.host, out);
        self.starts.retain(|start| start.at_ms > at_ms - HOUR);
        self.starts.push(Start {
            at_ms,
            host: it.host,
            number,
            wave: wave.clone(),
        });
        let work = Work {
            wave: wave.clone(),
            round,
            has_failed: false,
        };
        self.works.insert(it.host, work);
        self.count(it, plot);
        if let Some(wave) = plot.wave(&wave) {
            self.first_ones(it, wave, round);
        }
    }

    /// Limits, with the order that was just issued.
    fn count(&mut self, it: &Fresh, plot: &Plot) {
        let Some(this) = self.out.get(&it.host) else { return };
        let out = |same: &dyn Fn(&Out) -> bool| self.out.values().filter(|out| same(out)).count();
        let of_set = |set: &String| out(&|other| other.sets.contains(set));
        let most_of_a_set = this.sets.iter().map(of_set).max().unwrap_or(0);
        let of_site = (!this.site.is_empty()).then_some(plot.in_flight_of_site).flatten();
        let wave = plot.wave(&this.wave);
        let this_hour = self.starts.iter().filter(|start| start.wave == this.wave).count();
        let limits = [
            (
                "no-more-in-flight-than-allowed",
                Situation::CampaignFull,
                self.out.len(),
                Some(plot.in_flight),
            ),
            (
                "no-more-of-a-wave-than-allowed",
                Situation::WaveFull,
                out(&|other| other.wave == this.wave),
                wave.and_then(|wave| wave.in_flight),
            ),
            (
                "no-more-of-a-site-than-allowed",
                Situation::SiteFull,
                out(&|other| other.site == this.site),
                of_site,
            ),
            (
                "no-more-an-hour-than-allowed",
                Situation::CampaignHour,
                self.starts.len(),
                plot.an_hour,
            ),
            (
                "no-more-an-hour-than-allowed",
                Situation::WaveHour,
                this_hour,
                wave.and_then(|wave| wave.an_hour),
            ),
        ];
        if most_of_a_set > 1 {
            self.fault("no-two-of-a-set", it, "another of its redundancy set is at work");
        }
        for (invariant, full, count, limit) in limits {
            let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
                continue;
            };
            if count == limit {
                self.occurred.push(full);
            } else if count > limit {
                self.fault(invariant, it, &format!("{count} of {limit} that are allowed"));
            }
        }
    }

    /// What comes over the line of a site, and over those of all, with the order that was just issued: within any hour no more
    /// than it carries in one; what is larger comes alone, and nothing follows until it is through.
    fn carried(&mut self, it: &Fresh, number: u64, steps: &[Step], plot: &Plot) {
        let weighs = |step: &Step| {
            if let Action::FetchArtifact { artifact } = &step.action {
                return artifact.size;
            }
            let is_by_name = matches!(step.action, Action::FetchPackages { .. });
            u64::from(is_by_name) * DOWNLOAD_MB * 1_000_000
        };
        let (bytes, at_ms) = (steps.iter().map(weighs).sum::<u64>(), it.event.at_ms);
        if bytes == 0 {
            return;
        }
        let here = Some(site(&it.before).to_owned()).filter(|site| plot.sites.iter().any(|it| it.name == site));
        let lines = [
            (None, plot.kbit, Situation::LineFull),
            (
                here.clone(),
                plot.kbit_of_site.filter(|_| here.is_some()),
                Situation::SiteLineFull,
            ),
        ];
        for (line, kbit, full) in lines {
            let Some(kbit) = kbit else { continue };
            let kbit = u64::from(kbit);
            let an_hour = kbit * 1000 / 8 * 3600;
            let takes_ms = |bytes: u64| i64::try_from(bytes * 8 / kbit).unwrap_or(i64::MAX);
            self.downloads.push(Download {
                site: line.clone(),
                at_ms,
                bytes,
                host: it.host,
                number,
            });
            self.downloads
                .retain(|it| it.site != line || it.at_ms + takes_ms(it.bytes).max(HOUR) > at_ms);
            let on_it = self.downloads.iter().filter(|it| it.site == line);
            let (count, sum) = on_it.fold((0, 0), |(count, sum), it| (count + 1, sum + it.bytes));
            if sum + bytes > an_hour {
                self.occurred.push(full);
            }
            if bytes > an_hour {
                self.occurred.push(Situation::LargerThanAnHour);
            }
            if sum > an_hour && count > 1 {
                let why = format!("{sum} bytes come over a line that carries {an_hour} within an hour");
                self.fault("no-more-over-a-line-than-it-carries", it, &why);
            }
        }
    }

    /// So many were migrated by orders in a wave.
    pub(crate) fn good(&self, wave: &str) -> usize {
        self.good.get(wave).map_or(0, BTreeSet::len)
    }

    /// While a wave's first hosts have not all succeeded, no other begins. Never more than the server counts are counted here:
    /// hosts whose order is out, or that came to something.
    fn first_ones(&mut self, it: &Fresh, wave: &Wave, round: u32) {
        let canaries = usize::try_from(wave.canaries).unwrap_or(usize::MAX);
        let good = self.good(wave.name);
        if round > 0 || good >= canaries {
            return;
        }
        let has_begun = |(host, work): &(&HostId, &Work)| {
            let is_out = self.out.contains_key(*host);
            let is_good = self.good.get(wave.name).is_some_and(|good| good.contains(*host));
            work.wave == wave.name && work.round == 0 && (is_out || is_good || work.has_failed)
        };
        let begun = self.works.iter().filter(has_begun).count();
        if begun > canaries {
            let why = format!("{begun} of wave {} began, and {canaries} go first", wave.name);
            self.fault("few-go-first", it, &why);
        }
    }

    /// A wave is open that nobody asked to open.
    pub(crate) fn opened(&mut self, name: &str, now_ms: i64, plot: &Plot, told: &Told) {
        self.occurred.push(Situation::OpenedByGate);
        let lacking = match plot.before(name) {
            Some(before) => self.lacking(before, now_ms, told),
            None => Some("no wave comes before it".to_owned()),
        };
        if let Some(why) = lacking.filter(|_| plot.wave(name).is_some()) {
            let why = format!("wave {name} opened by itself: {why}");
            self.faults.push(("opened-only-by-gates-that-hold", why));
        }
    }

    fn lacking(&self, before: &Wave, now_ms: i64, told: &Told) -> Option<String> {
        let name = before.name;
        let Some(gate) = before.gate else {
            return Some(format!("{name} has no gate"));
        };
        if gate.approval && !told.approved.contains(name) {
            return Some(format!("nobody approved the gate of {name}"));
        }
        if gate.outside && !told.granted.contains(name) {
            return Some(format!("nobody outside said yes to {name}"));
        }
        let Some(since_ms) = self.sample_ms.get(name) else {
            let count = self.settled.get(name).map_or(0, BTreeSet::len);
            return Some(format!("{count} of {name} came to something, and {} must", gate.least));
        };
        if now_ms < since_ms + gate.soak_ms {
            return Some(format!(
                "{name} has its sample since {}, too short a time",
                shown(*since_ms)
            ));
        }
        self.not_shown(before, gate)
    }

    /// That so many successes would be by chance where fewer succeed is less likely than the gate bears: the binomial sum
    /// itself, of one look. The server's bound, for any number of looks, asks for more.
    fn not_shown(&self, before: &Wave, gate: Gate) -> Option<String> {
        let (rate, confidence) = gate.success?;
        let good = self.good(before.name);
        let of_first_round = |(host, work): &(&HostId, &Work)| {
            work.wave == before.name
                && work.round == 0
                && work.has_failed
                && !self.good.get(before.name).is_some_and(|good| good.contains(*host))
        };
        let bad = self.works.iter().filter(of_first_round).count();
        let (n, rate) = (good + bad, f64::from(rate) / 100.0);
        let mut chance = 0.0;
        for k in good..=n {
            chance += choose(n, k) * rate.powi(i32::try_from(k).ok()?) * (1.0 - rate).powi(i32::try_from(n - k).ok()?);
        }
        let bears = 1.0 - f64::from(confidence) / 100.0;
        (n == 0 || chance > bears).then(|| format!("{good} of {n} in {} do not show it", before.name))
    }
}

/// Whether a host is in the wave that its tags put it in. Shares are drawn by the server, so a host may be in a wave of a share or
/// in one after it.
fn fits(plot: &Plot, plan: &Plan) -> bool {
    let has = |wanted: &str| plan.known.tags.iter().any(|tag| tag == wanted);
    let first_sure = plot
        .waves
        .iter()
        .position(|wave| wave.share.is_none() && wave.tag.is_none_or(has));
    let is_in = plot.waves.iter().position(|wave| wave.name == plan.wave);
    match (first_sure, is_in) {
        (Some(sure), Some(is_in)) => is_in == sure || is_in < sure && plot.waves[is_in].share.is_some(),
        (None, is_in) => is_in.is_none(),
        (Some(_), None) => false,
    }
}

fn choose(n: usize, k: usize) -> f64 {
    let of = |it: usize| it as f64;
    (0..k).map(|at| of(n - at) / of(at + 1)).product()
}
