//! What a campaign file would change: key by key, and for how many hosts. Every plan is decided under it by the same code as in
//! earnest, and nothing of it is kept.

use std::collections::BTreeMap;

use cutover_core::{
    campaign::{Campaign, Change, Step, Warning, WaveCount, changes},
    plan::{Phase, Plan},
    readiness::not_ready,
    rollout::may_start,
    standing::Totals,
};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    super::{Service, ServiceError, plan_edit::PlanEdit, views::standing_word},
    BATCH, InForce, apply, broken_id,
};
use crate::store::{Reader, plans};

/// Hosts that a figure counts before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// What is counted: a phase, a wave, a standing, a replacement.
    pub name: String,
    /// So many are in it now.
    pub before: u64,
    /// So many would be.
    pub after: u64,
}

/// What a campaign file changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignPreview {
    /// The version that it would take the place of.
    pub version: i64,
    /// What it sets otherwise.
    pub changes: Vec<Change>,
    /// What is sound and probably not meant.
    pub warnings: Vec<String>,
    /// How many hosts were decided under it.
    pub hosts: u64,
    /// Phases whose counts change.
    pub phases: Vec<Moved>,
    /// Standings whose counts change.
    pub standings: Vec<Moved>,
    /// Waves, all of them.
    pub waves: Vec<Moved>,
    /// Replacements whose counts change.
    pub replacements: Vec<Moved>,
}

/// So many hosts are named in a warning.
const NAMED: usize = 3;

/// What plans are counted by, before and after.
#[derive(Default)]
struct Counted {
    hosts: u64,
    before: Totals,
    after: Totals,
    waves: BTreeMap<String, (u64, u64)>,
    replacements: BTreeMap<String, (u64, u64)>,
    /// How many hosts each selector fits, by what it belongs to.
    fitting: BTreeMap<String, u64>,
    /// How many bytes the hosts of each site would fetch that have yet to start.
    to_fetch: BTreeMap<String, u64>,
    /// Kiosks for which no window is: names of a few, and how many.
    kiosks: (Vec<String>, u64),
}

impl Counted {
    /// What a wave would have.
    fn of_wave(&self, campaign: &Campaign, name: &str) -> WaveCount {
        let is_everything = campaign.wave(name).is_some_and(|wave| wave.hosts.is_everything());
        let fitting = self.fitting.get(&format!("[[wave]] {name}")).copied();
        let in_wave = self.after.iter().filter(|(bucket, _)| bucket.wave == name);
        let to_start = in_wave.filter(|(bucket, _)| {
            matches!(
                bucket.phase,
                Phase::Unplanned | Phase::Planned | Phase::Queued | Phase::Blocked | Phase::Failed
            )
        });
        WaveCount {
            hosts: self.waves.get(name).map_or(0, |(_, after)| *after),
            to_start: to_start.map(|(_, hosts)| hosts.unsigned_abs()).sum(),
            fitting: if is_everything {
                self.hosts
            } else {
                fitting.unwrap_or_default()
            },
        }
    }

    fn take_in(&mut self, other: Self) {
        fn pairs(to: &mut BTreeMap<String, (u64, u64)>, from: BTreeMap<String, (u64, u64)>) {
            for (name, (before, after)) in from {
                let sum = to.entry(name).or_default();
                *sum = (sum.0 + before, sum.1 + after);
            }
        }
        self.hosts += other.hosts;
        for (bucket, hosts) in other.before.iter() {
            self.before.add(bucket.clone(), hosts);
        }
        for (bucket, hosts) in other.after.iter() {
            self.after.add(bucket.clone(), hosts);
        }
        pairs(&mut self.waves, other.waves);
        pairs(&mut self.replacements, other.replacements);
        let room = NAMED.saturating_sub(self.kiosks.0.len());
        self.kiosks.0.extend(other.kiosks.0.into_iter().take(room));
        self.kiosks.1 += other.kiosks.1;
        for (site, bytes) in other.to_fetch {
            *self.to_fetch.entry(site).or_default() += bytes;
        }
        for (what, hosts) in other.fitting {
            *self.fitting.entry(what).or_default() += hosts;
        }
    }
}

impl Service {
    /// What the file would change. Reads a batch of plans at a time, so that it holds nobody up; hosts that change meanwhile
    /// are counted as they were read.
    pub(super) async fn preview_campaign(
        &self,
        campaign: Campaign,
        file: &str,
        text: String,
    ) -> Result<CampaignPreview, ServiceError> {
        let mut counted = Counted::default();
        let mut after: Option<String> = None;
        loop {
            let (service, new, text) = (self.clone(), campaign.clone(), text.clone());
            let from = after.clone();
            let (batch, last) = self
                .0
                .store
                .read(move |tx| {
                    let id = service.campaign_id().as_str();
                    let rows = plans::list(tx, id, &plans::PlanFilter::default(), from.as_deref(), BATCH)?;
                    let mut batch = Counted::default();
                    if !rows.is_empty() {
                        let in_force = service.in_force(tx)?;
                        let under = apply::under(&in_force, new.clone(), text.clone());
                        for row in &rows {
                            service.count(tx, &mut batch, &under, row.host_id.parse().map_err(broken_id)?)?;
                        }
                    }
                    Ok::<_, ServiceError>((batch, rows.last().map(|row| row.host_id.clone())))
                })
                .await?;
            counted.take_in(batch);
            after = last;
            if after.is_none() {
                break;
            }
        }
        let service = self.clone();
        let new = campaign.clone();
        let (in_force, of_others) = self
            .0
            .store
            .read(move |tx| {
                let of_others = service.customer_warnings(tx, &new)?;
                Ok::<_, ServiceError>((service.in_force(tx)?, of_others))
            })
            .await?;
        let (version, before) = (in_force.row.version, in_force.row.body);
        let not_ready = not_ready(&in_force.progress.readiness, &in_force.campaign, &campaign);
        let mut warnings: Vec<String> = not_ready.into_iter().map(|why| format!("refused: {why}")).collect();
        let mut lined = campaign.warnings(self.now_ms());
        lined.extend(of_others);
        lined.extend(without_window(&campaign, &counted));
        if counted.hosts > 0 {
            lined.extend(unfitting(&campaign, &counted));
            lined.extend(campaign.count_warnings(|wave| counted.of_wave(&campaign, wave), self.now_ms()));
        }
        lined.extend(campaign.line_warnings(&counted.to_fetch, self.now_ms()));
        lined.sort_by_key(|warning| warning.line);
        warnings.extend(lined.iter().map(|warning| warning.of_file(file)));
        let now_ms = self.now_ms();
        let standings = |totals: &Totals| -> BTreeMap<String, u64> {
            let counts = totals.by_standing(now_ms, &campaign).into_iter();
            counts
                .map(|(standing, hosts)| (standing_word(standing).to_owned(), hosts.unsigned_abs()))
                .collect()
        };
        let phases = |totals: &Totals| -> BTreeMap<String, u64> {
            let counts = totals.by_phase().into_iter();
            counts
                .map(|(phase, hosts)| (phase.to_string(), hosts.unsigned_abs()))
                .collect()
        };
        Ok(CampaignPreview {
            version,
            changes: changes(&before, &text),
            warnings,
            hosts: counted.hosts,
            phases: moved(&phases(&counted.before), &phases(&counted.after)),
            standings: moved(&standings(&counted.before), &standings(&counted.after)),
            waves: campaign
                .wave_names()
                .map(|name| {
                    let (before, after) = counted.waves.get(name).copied().unwrap_or_default();
                    Moved {
                        name: name.to_owned(),
                        before,
                        after,
                    }
                })
                .collect(),
            replacements: counted
                .replacements
                .iter()
                .filter(|(_, (before, after))| before != after)
                .map(|(name, (before, after))| Moved {
                    name: name.clone(),
                    before: *before,
                    after: *after,
                })
                .collect(),
        })
    }

    fn count(
        &self,
        db: &mut impl Reader,
        counted: &mut Counted,
        under: &InForce,
        host: HostId,
    ) -> Result<(), ServiceError> {
        let mut edit = PlanEdit::load(db, self, host)?;
        let before = edit.plan.clone();
        self.decide_anew(db, &mut edit, under)?;
        let after = &edit.plan;
        counted.hosts += 1;
        counted.before.add(before.bucket(), 1);
        counted.after.add(after.bucket(), 1);
        counted.waves.entry(before.wave.clone()).or_default().0 += 1;
        counted.waves.entry(after.wave.clone()).or_default().1 += 1;
        let word = |plan: &Plan| {
            plan.replacement
                .as_ref()
                .map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        counted.replacements.entry(word(&before)).or_default().0 += 1;
        counted.replacements.entry(word(after)).or_default().1 += 1;
        if may_start(after.phase) && under.campaign.calendar_for(&after.traits()).never_opens() {
            let name = after
                .assessment
                .as_ref()
                .map_or_else(|| host.to_string(), |it| it.hostname.clone());
            counted
                .kiosks
                .0
                .extend((counted.kiosks.0.len() < NAMED).then_some(name));
            counted.kiosks.1 += 1;
        }
        if matches!(after.phase, Phase::Planned | Phase::Queued) && after.fetches > 0 {
            *counted.to_fetch.entry(after.known.site.clone()).or_default() += after.fetches;
        }
        for (what, _, selector) in under.campaign.selectors() {
            *counted.fitting.entry(what).or_default() += u64::from(selector.fits(&after.traits()));
        }
        Ok(())
    }
}

/// Kiosks that would never start.
fn without_window(campaign: &Campaign, counted: &Counted) -> Option<Warning> {
    let (named, hosts) = &counted.kiosks;
    (*hosts > 0).then(|| {
        let text = format!(
            "a kiosk starts in a window alone, and no [[window]] is for {hosts} of them (such as {}), so these never start; \
             write one that fits them",
            named.join(", ")
        );
        campaign.warning(&[Step::Key("window")], text)
    })
}

/// Selectors that fit no host of the fleet.
fn unfitting(campaign: &Campaign, counted: &Counted) -> Vec<Warning> {
    let is_none = |what: &String| counted.fitting.get(what).copied().unwrap_or_default() == 0;
    let selectors = campaign.selectors().into_iter();
    selectors
        .filter(|(what, _, _)| is_none(what))
        .map(|(what, way, _)| {
            let text = format!(
                "{what} matches none of the {} hosts; see the spelling of its tags, sites and products",
                counted.hosts
            );
            campaign.warning(&way, text)
        })
        .collect()
}

fn moved(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<Moved> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let count = |of: &BTreeMap<String, u64>, name: &str| of.get(name).copied().unwrap_or_default();
    names
        .into_iter()
        .map(|name| Moved {
            name: name.clone(),
            before: count(before, name),
            after: count(after, name),
        })
        .filter(|it| it.before != it.after)
        .collect()
}
