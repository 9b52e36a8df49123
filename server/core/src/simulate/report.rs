//! What a simulation tells: when waves are done, what sites bear, who is left and why.

use std::collections::{BTreeMap, VecDeque};

use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use crate::{
    decide::{Event, Fact},
    plan::{Phase, Plan},
};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// So many hosts are named of each kind.
const NAMED: usize = 10;

/// What became of a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// When it began.
    pub from_ms: i64,
    /// When it was ended.
    pub until_ms: i64,
    /// What everything drawn was drawn from.
    pub seed: u64,
    /// Hosts that took part.
    pub hosts: u64,
    /// Of them, those that were not done at its beginning and that the duty reaches.
    pub to_do: u64,
    /// Of these, those that were done at its end.
    pub done: u64,
    /// When which part of those to do was done; without an instant where it was not.
    pub shares: Vec<Share>,
    /// How many of those to do were done at the campaign's milestones and its target.
    pub marks: Vec<Mark>,
    /// The waves in the campaign's order.
    pub waves: Vec<WaveCourse>,
    /// What each site bore, the busiest first.
    pub sites: Vec<SiteLoad>,
    /// Days on which anything happened, by UTC.
    pub days: Vec<DayLoad>,
    /// Who was not done at the end, by why, most first.
    pub left: Vec<LeftOver>,
    /// Hosts that were not heard of from its beginning to its end.
    pub never_reached: u64,
    /// Some of them.
    pub never_reached_named: Vec<String>,
    /// Decisions that were made.
    pub decisions: u64,
}

/// When a part of the hosts was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Of a hundred.
    pub percent: u8,
    /// When; `None` where it was not.
    pub at_ms: Option<i64>,
}

/// How far the fleet was at an instant that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// A milestone's name, or the target.
    pub name: String,
    /// When.
    pub at_ms: i64,
    /// Hosts that were done by then.
    pub done: u64,
}

/// How a wave went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveCourse {
    /// Which.
    pub name: String,
    /// Hosts in it that were to be done.
    pub to_do: u64,
    /// Of them, those that were done at the end.
    pub done: u64,
    /// When it opened; `None` where it was open before, or stayed closed.
    pub opened_ms: Option<i64>,
    /// When its first host started.
    pub first_start_ms: Option<i64>,
    /// When half of its hosts were done.
    pub half_ms: Option<i64>,
    /// When all were.
    pub done_ms: Option<i64>,
    /// Why it was halted, each time.
    pub halts: Vec<String>,
}

/// What a site bore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteLoad {
    /// Which; empty for hosts of which none is known.
    pub site: String,
    /// Orders that were issued.
    pub starts: u64,
    /// The most that were out at a time.
    pub most_at_work: u32,
    /// The most that were issued within an hour.
    pub most_in_an_hour: u32,
    /// When that hour ended.
    pub busiest_ms: i64,
    /// What artifacts weigh that its hosts fetched, in MiB; packages of distributions are not known beforehand.
    pub fetched_mib: u64,
}

/// What happened on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayLoad {
    /// Midnight at its beginning.
    pub day_ms: i64,
    /// Orders that were issued.
    pub starts: u64,
    /// Restarts.
    pub restarts: u64,
    /// Hosts that were done.
    pub done: u64,
    /// Attempts that were used up.
    pub failed: u64,
}

/// Hosts that were not done, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOver {
    /// Why.
    pub why: String,
    /// What to do about it; empty where time would have done.
    pub remedy: String,
    /// So many.
    pub hosts: u64,
    /// Some of them.
    pub named: Vec<String>,
}

/// What became of a host that was to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEnd {
    /// Which.
    pub host: HostId,
    /// When it was done; `None` where it was not.
    pub done_ms: Option<i64>,
    /// Why it is not done; empty where it is.
    pub why: String,
}

/// Whether the duty is done of a host.
pub(super) const fn is_done(phase: Phase) -> bool {
    matches!(phase, Phase::Migrated | Phase::Clear | Phase::Concluded)
}

/// Whether something is to be done of a host.
pub(super) const fn is_to_do(phase: Phase) -> bool {
    !is_done(phase) && !matches!(phase, Phase::Exempt | Phase::OutOfScope | Phase::Retired)
}

#[derive(Debug, Default)]
struct Site {
    load: SiteLoad,
    at_work: u32,
    within: VecDeque<i64>,
}

/// Writes down what happens.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    days: BTreeMap<i64, DayLoad>,
    sites: BTreeMap<String, Site>,
    waves: BTreeMap<String, WaveCourse>,
    /// When hosts were done that were to be; the latest time of each.
    done: BTreeMap<HostId, i64>,
    pub(super) decisions: u64,
}

impl Recorder {
    /// An order that is out at the beginning.
    pub(super) fn note_out(&mut self, plan: &Plan) {
        self.site(plan).at_work += 1;
    }

    /// An event after which the plan is this.
    pub(super) fn note(&mut self, plan: &Plan, event: &Event) {
        let now_ms = event.at_ms;
        if let Fact::OrderIssued { steps, .. } = &event.fact {
            self.day(now_ms).starts += 1;
            let wave = self.wave(&plan.wave);
            wave.first_start_ms.get_or_insert(now_ms);
            let fetched = steps.iter().filter_map(|step| step.action.fetched_file());
            let bytes: u64 = fetched.map(|file| file.size).sum();
            let site = self.site(plan);
            site.load.starts += 1;
            // Bytes until the end, so that small files count too.
            site.load.fetched_mib += bytes;
            site.at_work += 1;
            site.load.most_at_work = site.load.most_at_work.max(site.at_work);
            site.within.push_back(now_ms);
            while site.within.front().is_some_and(|at_ms| *at_ms <= now_ms - HOUR_MS) {
                site.within.pop_front();
            }
            let within = u32::try_from(site.within.len()).unwrap_or(u32::MAX);
            if within > site.load.most_in_an_hour {
                site.load.most_in_an_hour = within;
                site.load.busiest_ms = now_ms;
            }
        } else if let Fact::OrderEnded { used_attempt, .. } = &event.fact {
            let site = self.site(plan);
            site.at_work = site.at_work.saturating_sub(1);
            if *used_attempt {
                self.day(now_ms).failed += 1;
            }
        } else if let Fact::RestartSeen { .. } = &event.fact {
            self.day(now_ms).restarts += 1;
        } else if let Fact::Moved { to, .. } = &event.fact {
            if is_done(*to) {
                self.day(now_ms).done += 1;
                self.done.insert(plan.host_id, now_ms);
            } else {
                self.done.remove(&plan.host_id);
            }
        }
    }

    pub(super) fn note_opened(&mut self, wave: &str, at_ms: i64) {
        self.wave(wave).opened_ms.get_or_insert(at_ms);
    }

    pub(super) fn note_halted(&mut self, wave: &str, why: String) {
        self.wave(wave).halts.push(why);
    }

    fn day(&mut self, at_ms: i64) -> &mut DayLoad {
        let day_ms = at_ms.div_euclid(DAY_MS) * DAY_MS;
        self.days.entry(day_ms).or_insert(DayLoad {
            day_ms,
            ..DayLoad::default()
        })
    }

    fn wave(&mut self, wave: &str) -> &mut WaveCourse {
        self.waves.entry(wave.to_owned()).or_default()
    }

    fn site(&mut self, plan: &Plan) -> &mut Site {
        self.sites.entry(plan.known.site.clone()).or_default()
    }

    /// What became of each host that was to be done.
    pub(super) fn ends(&self, ends: &[End<'_>]) -> Vec<HostEnd> {
        let to_do = ends.iter().filter(|end| end.was_to_do);
        to_do
            .map(|end| HostEnd {
                host: end.plan.host_id,
                done_ms: self.done_ms(end),
                why: end.why.0.clone(),
            })
            .collect()
    }

    fn done_ms(&self, end: &End<'_>) -> Option<i64> {
        let at_ms = self.done.get(&end.plan.host_id).copied();
        at_ms.filter(|_| is_done(end.plan.phase))
    }

    /// All of it. `marks` are instants that count; `ends` are the hosts at the end: name, whether each was to be done, and, where it is left, why.
    pub(super) fn finish<'a>(
        self,
        waves: impl Iterator<Item = &'a str>,
        marks: Vec<(String, i64)>,
        ends: &[End<'_>],
    ) -> Simulated {
        let to_do: Vec<&End<'_>> = ends.iter().filter(|end| end.was_to_do).collect();
        let when = |end: &&End<'_>| self.done_ms(end);
        let mut all: Vec<i64> = to_do.iter().filter_map(when).collect();
        all.sort_unstable();
        let share = |percent: u8| Share {
            percent,
            at_ms: reached(&all, to_do.len(), percent),
        };
        let shares = [50, 80, 90, 95, 99, 100].map(share).to_vec();
        let mark = |(name, at_ms): (String, i64)| Mark {
            name,
            at_ms,
            done: all.partition_point(|done_ms| *done_ms < at_ms) as u64,
        };
        let marks = marks.into_iter().map(mark).collect();
        let course = |name: &str| {
            let of_wave: Vec<&&End<'_>> = to_do.iter().filter(|end| end.plan.wave == name).collect();
            let mut done: Vec<i64> = of_wave.iter().copied().filter_map(when).collect();
            done.sort_unstable();
            WaveCourse {
                name: name.to_owned(),
                to_do: of_wave.len() as u64,
                done: done.len() as u64,
                half_ms: reached(&done, of_wave.len(), 50),
                done_ms: reached(&done, of_wave.len(), 100),
                ..self.waves.get(name).cloned().unwrap_or_default()
            }
        };
        let mut sites: Vec<SiteLoad> = Vec::new();
        for (name, site) in &self.sites {
            sites.push(SiteLoad {
                site: name.clone(),
                fetched_mib: site.load.fetched_mib.div_ceil(1 << 20),
                ..site.load.clone()
            });
        }
        sites.sort_by(|a, b| b.starts.cmp(&a.starts).then_with(|| a.site.cmp(&b.site)));
        let unheard: Vec<String> = to_do
            .iter()
            .filter(|end| !end.was_heard)
            .map(|end| end.name())
            .collect();
        Simulated {
            hosts: ends.len() as u64,
            to_do: to_do.len() as u64,
            done: all.len() as u64,
            shares,
            marks,
            waves: waves.map(course).collect(),
            sites,
            left: left(&to_do),
            never_reached: unheard.len() as u64,
            never_reached_named: unheard.into_iter().take(NAMED).collect(),
            decisions: self.decisions,
            days: self.days.into_values().collect(),
            ..Simulated::default()
        }
    }
}

/// A host at the end.
#[derive(Debug)]
pub(super) struct End<'a> {
    pub(super) plan: &'a Plan,
    /// Whether something was to be done of it at the beginning.
    pub(super) was_to_do: bool,
    /// Whether it was heard of at all.
    pub(super) was_heard: bool,
    /// Why it is not done, and what to do about it; empty where it is.
    pub(super) why: (String, String),
}

impl End<'_> {
    fn name(&self) -> String {
        let hostname = self.plan.assessment.as_ref().map(|it| it.hostname.clone());
        hostname
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| self.plan.host_id.to_string())
    }
}

/// When `percent` of so many were done; of no host everything is done at once, which says nothing.
fn reached(done: &[i64], of: usize, percent: u8) -> Option<i64> {
    let needed = (of * usize::from(percent)).div_ceil(100);
    done.get(needed.checked_sub(1)?).copied()
}

fn left(to_do: &[&End<'_>]) -> Vec<LeftOver> {
    let mut causes: BTreeMap<&(String, String), LeftOver> = BTreeMap::new();
    for end in to_do.iter().filter(|end| is_to_do(end.plan.phase)) {
        let cause = causes.entry(&end.why).or_insert_with(|| LeftOver {
            why: end.why.0.clone(),
            remedy: end.why.1.clone(),
            ..LeftOver::default()
        });
        cause.hosts += 1;
        if cause.named.len() < NAMED {
            cause.named.push(end.name());
        }
    }
    let mut left: Vec<LeftOver> = causes.into_values().collect();
    left.sort_by(|a, b| b.hosts.cmp(&a.hosts).then_with(|| a.why.cmp(&b.why)));
    left
}
