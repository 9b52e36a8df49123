//! Where the fleet stands, from totals: a page never scans the fleet.

use cutover_core::{
    campaign::UNMATCHED,
    plan::{Cover, Phase},
    report::{self, StuckHost},
    standing::{self, Headline, Standing, Totals},
};
use cutover_proto::ids::CampaignId;

use super::{
    super::{
        Service, ServiceError,
        campaign::{InForce, version_of},
        plan_edit::{signed, unsigned},
    },
    Count, MilestoneView, STUCK_SHOWN, Share, StuckView, Summary, WaveView,
};
use crate::store::{Reader, StoreError, totals};

/// Phases in which a host waits for a person, or may.
pub(in super::super) fn phases_that_may_stand_still() -> impl Iterator<Item = Phase> {
    [
        Phase::Blocked,
        Phase::Handwork,
        Phase::Failed,
        Phase::Unplanned,
        Phase::Unassessed,
        Phase::Queued,
    ]
    .into_iter()
}

/// A bucket of the store in the core's words.
pub(in super::super) fn bucket(row: &totals::Bucket) -> Result<standing::Bucket, ServiceError> {
    Ok(standing::Bucket {
        campaign: CampaignId::new(row.campaign_id.clone()),
        phase: Phase::parse(&row.phase).map_err(|error| StoreError::Corrupt {
            what: "total".to_owned(),
            why: error.to_string(),
        })?,
        wave: row.wave.clone(),
        site: row.site.clone(),
        stale: row.stale,
        late: row.late,
        closed: row.closed,
        carried: row.carried,
    })
}

impl Service {
    /// Where the fleet stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn summary(&self) -> Result<Summary, ServiceError> {
        self.summary_as_of(None).await
    }

    /// Where the fleet stood at an instant, or stands now.
    ///
    /// # Errors
    /// When the instant cannot be answered or the store fails.
    pub async fn summary_as_of(&self, as_of: Option<String>) -> Result<Summary, ServiceError> {
        self.read_as_of(as_of, |then, tx| then.summary_in(tx)).await
    }

    /// How many hosts there are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn host_count(&self) -> Result<u64, ServiceError> {
        let service = self.clone();
        let totals = self.0.store.read(move |tx| service.totals(tx)).await?;
        Ok(unsigned(totals.hosts()))
    }

    fn summary_in(&self, db: &mut impl Reader) -> Result<Summary, ServiceError> {
        let in_force = self.in_force(db)?;
        let now_ms = in_force.figures_ms(self.now_ms());
        let totals = self.totals(db)?;
        let stuck = self.stuck(db, &in_force, STUCK_SHOWN)?;
        let catalog_revision = self.catalog_revision(db)?;
        let figures = report::figures(&totals, Vec::new(), &in_force.campaign, catalog_revision, now_ms);
        let headline = Headline::of(&totals, now_ms, &in_force.campaign);
        let (hosts, expected) = (unsigned(totals.hosts()), unsigned(totals.expected()));
        Ok(Summary {
            as_of_ms: now_ms,
            campaign: in_force.campaign.id.to_string(),
            title: in_force.campaign.title.clone(),
            kind: in_force.campaign.kind.to_string(),
            mode: in_force.campaign.mode.to_string(),
            halted: in_force.halted_text(db)?,
            closed_ms: in_force.closed_ms(),
            campaign_version: version_of(&in_force),
            catalog_revision,
            milestones: figures
                .milestones
                .into_iter()
                .map(|milestone| MilestoneView {
                    distance: report::distance(milestone.days, milestone.past),
                    name: milestone.name,
                    regime: milestone.regime,
                    at_ms: milestone.at_ms,
                })
                .collect(),
            hosts,
            expected,
            assets: totals
                .assets()
                .iter()
                .map(|(bucket, assets)| Count {
                    name: bucket.to_string(),
                    count: unsigned(*assets),
                })
                .collect(),
            phases: counts(figures.phases),
            standing: counts(figures.standings),
            replaced: share(headline.replaced),
            unknown: share(headline.unknown),
            protected: self.protected(db, expected)?,
            waves: self.waves(db, &in_force, &totals)?,
            stuck: stuck.into_iter().map(StuckView::from).collect(),
        })
    }

    fn waves(&self, db: &mut impl Reader, in_force: &InForce, totals: &Totals) -> Result<Vec<WaveView>, ServiceError> {
        let waiting = self.waiting(db)?;
        let mut waves = Vec::new();
        for name in in_force.campaign.wave_names() {
            let mut view = wave(in_force, name, totals);
            if name == UNMATCHED && view.hosts == 0 {
                continue;
            }
            view.note = self.wave_note(db, in_force, name, &waiting)?;
            waves.push(view);
        }
        Ok(waves)
    }

    /// Hosts whose protection counts, of all that are enrolled or expected.
    fn protected(&self, db: &mut impl Reader, expected: u64) -> Result<Share, ServiceError> {
        let part = totals::list(db, self.campaign_id().as_str())?
            .into_iter()
            .filter(|total| total.bucket.cover == Cover::Protected.as_str())
            .map(|total| total.hosts)
            .sum();
        Ok(share(standing::Share {
            part,
            whole: signed(expected),
        }))
    }
}

fn counts(rows: Vec<(String, i64)>) -> Vec<Count> {
    rows.into_iter()
        .map(|(name, count)| Count {
            name,
            count: unsigned(count),
        })
        .collect()
}

fn share(share: standing::Share) -> Share {
    Share {
        part: unsigned(share.part),
        whole: unsigned(share.whole),
        percent: report::percent(share.part, share.whole),
    }
}

fn wave(in_force: &InForce, name: &str, totals: &Totals) -> WaveView {
    let mut view = WaveView {
        state: in_force.progress.waves.state(name).to_string(),
        name: name.to_owned(),
        hosts: 0,
        waiting: 0,
        moving: 0,
        done: 0,
        stuck: 0,
        note: String::new(),
    };
    for (bucket, hosts) in totals.iter().filter(|(bucket, _)| bucket.wave == view.name) {
        let hosts = unsigned(hosts);
        view.hosts += hosts;
        match bucket.phase {
            Phase::Unassessed | Phase::Unplanned | Phase::Planned | Phase::Queued => view.waiting += hosts,
            Phase::Migrating | Phase::Rebooting | Phase::Verifying => view.moving += hosts,
            Phase::Blocked | Phase::Handwork | Phase::Failed => view.stuck += hosts,
            Phase::Clear | Phase::Migrated | Phase::Exempt | Phase::Concluded | Phase::OutOfScope | Phase::Retired => {
                view.done += hosts
            }
        }
    }
    view
}

impl From<StuckHost> for StuckView {
    fn from(host: StuckHost) -> Self {
        Self {
            host_id: host.host_id.to_string(),
            name: host.hostname,
            phase: host.phase,
            reason: host.reason,
            remedy: host.remedy,
            owner: host.owner,
        }
    }
}

/// What lies outside the duty has no standing; listings name it so.
pub(in super::super) fn standing_word(standing: Option<Standing>) -> &'static str {
    standing.map_or("outside", Standing::as_str)
}
