//! Deadline reports: each period exactly once, across restarts and replicas, by the key of its row.

use cutover_core::{
    report::{BY_HAND, Document, Figures, Period, StuckHost, figures, file_stem},
    standing::Totals,
    waiting,
};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::InForce,
    letters::{DIRECTORY, WEBHOOK},
    personal::revealed,
    plan_edit::read_state,
    views::{self, ReportRow},
};
use crate::store::{Reader, WriteTx, events, grades, outbox, plans::PlanFilter, report_runs, views as store_views};

/// A run this much after its time says that it is late.
const LATE_FROM_MS: i64 = 3_600_000;

/// How many missed periods are looked at after a long stop; only the newest is made up for.
const MISSED_MAX: usize = 400;

/// How many stuck hosts a report names.
const STUCK_MAX: usize = 10_000;

/// How many runs a listing shows.
const LISTED: i64 = 200;

impl Service {
    /// Makes what the schedule says is due; says how many reports that were. After a stop, the newest missed period is
    /// made once and says that it is late.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_due_reports(&self) -> Result<usize, ServiceError> {
        let Some(schedule) = &self.0.report.schedule else {
            return Ok(0);
        };
        let (name, now_ms) = (self.0.report.name.clone(), self.now_ms());
        let newest = {
            let name = name.clone();
            self.0
                .store
                .read(move |tx| Ok::<_, ServiceError>(report_runs::newest(tx, &name)?))
                .await?
        };
        let Some(newest) = newest else {
            return self.begin_schedule(name, now_ms).await.map(|()| 0);
        };
        let after_ms = period_ms(&newest.period).unwrap_or(newest.made_ms);
        let Some(period) = schedule.due_periods(after_ms, now_ms, MISSED_MAX).pop() else {
            return Ok(0);
        };
        let service = self.clone();
        if self.0.store.read(move |tx| service.is_closed(tx)).await? {
            // Its figures move no more; a person may still have one made.
            return Ok(0);
        }
        let late = now_ms - period.at_ms > LATE_FROM_MS;
        Ok(usize::from(self.make_report(name, period, late).await?))
    }

    /// A schedule that is new here owes nothing for the past: a row without figures marks where it begins.
    async fn begin_schedule(&self, name: String, now_ms: i64) -> Result<(), ServiceError> {
        self.0
            .store
            .write(move |tx| {
                let row = report_runs::ReportRunRow {
                    schedule: name.clone(),
                    period: instant_key(now_ms),
                    made_ms: now_ms,
                    as_of_pos: 0,
                    body: String::new(),
                };
                report_runs::insert(tx, &row)?;
                Ok::<_, ServiceError>(())
            })
            .await
    }

    /// Makes a report outside the schedule: of now, or as it would have been made at an instant.
    ///
    /// # Errors
    /// When the caller may not, the instant cannot be answered or the store fails.
    pub async fn run_report(&self, caller: Caller, as_of: Option<String>) -> Result<ReportRow, ServiceError> {
        caller.must_be(Role::Operator)?;
        let as_of = as_of.filter(|text| !text.is_empty());
        let key = match as_of {
            None => {
                let period = period_of(self.now_ms());
                let key = period.key.clone();
                self.make_report(BY_HAND.to_owned(), period, false).await?;
                key
            }
            Some(_) => self.make_report_as_of(as_of).await?,
        };
        self.reports()
            .await?
            .into_iter()
            .find(|row| row.schedule == BY_HAND && row.period == key)
            .ok_or_else(|| ServiceError::Broken {
                why: "the report was made and cannot be found".to_owned(),
            })
    }

    /// Gives the period that the report stands for: the instant.
    async fn make_report_as_of(&self, as_of: Option<String>) -> Result<String, ServiceError> {
        let figured = self.read_as_of(as_of, |then, tx| {
            let figures = then.figures(tx)?;
            Ok((figures, tx.gone_back_to().map_or(0, |then| then.pos)))
        });
        let (figures, as_of_pos) = figured.await?;
        let period = period_of(figures.at_ms);
        let (service, key) = (self.clone(), period.key.clone());
        self.0
            .store
            .write(move |tx| service.put_report(tx, (BY_HAND, &period.key), false, figures.clone(), as_of_pos))
            .await?;
        Ok(key)
    }

    async fn make_report(&self, schedule: String, period: Period, late: bool) -> Result<bool, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| service.make_in(tx, &schedule, &period, late))
            .await
    }

    fn make_in(&self, tx: &mut WriteTx<'_>, schedule: &str, period: &Period, late: bool) -> Result<bool, ServiceError> {
        let figures = self.figures(tx)?;
        let as_of_pos = events::last_pos(tx)?;
        self.put_report(tx, (schedule, &period.key), late, figures, as_of_pos)
    }

    /// Stores a report and has it delivered; `false` where its period has one.
    fn put_report(
        &self,
        tx: &mut WriteTx<'_>,
        (schedule, period): (&str, &str),
        late: bool,
        figures: Figures,
        as_of_pos: i64,
    ) -> Result<bool, ServiceError> {
        let body = Document {
            schedule: schedule.to_owned(),
            period: period.to_owned(),
            late,
            figures,
        };
        let json = serde_json::to_string(&body).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        let row = report_runs::ReportRunRow {
            schedule: schedule.to_owned(),
            period: period.to_owned(),
            made_ms: self.now_ms(),
            as_of_pos,
            body: json.clone(),
        };
        if !report_runs::insert(tx, &row)? {
            return Ok(false);
        }
        let settings = &self.0.report;
        let directory = settings.directory.display().to_string();
        let targets = [
            (DIRECTORY, directory.as_str()),
            (WEBHOOK, settings.webhook_url.as_str()),
        ];
        for (kind, target) in targets.into_iter().filter(|(_, target)| !target.is_empty()) {
            outbox::insert(
                tx,
                &letter_id(schedule, period, kind),
                kind,
                target,
                &json,
                self.real_now_ms(),
            )?;
        }
        Ok(true)
    }

    /// The figures as of this transaction.
    fn figures(&self, db: &mut impl Reader) -> Result<Figures, ServiceError> {
        let in_force = self.in_force(db)?;
        let totals = self.totals(db)?;
        let stuck = self.stuck(db, &in_force, STUCK_MAX)?;
        let catalog_revision = self.catalog_revision(db)?;
        let made = figures(
            &totals,
            stuck,
            &in_force.campaign,
            catalog_revision,
            in_force.figures_ms(self.now_ms()),
        );
        Ok(made.with_grades(&grades::list(db, self.campaign_id().as_str())?))
    }

    /// The totals of the campaign.
    pub(super) fn totals(&self, db: &mut impl Reader) -> Result<Totals, ServiceError> {
        crate::store::totals::list(db, self.campaign_id().as_str())?
            .into_iter()
            .map(|total| views::bucket(&total.bucket).map(|bucket| (bucket, total.hosts)))
            .collect::<Result<Totals, _>>()
            .and_then(|mut totals| {
                for (bucket, assets) in self.asset_totals(db)? {
                    totals.add_assets(bucket, assets);
                }
                Ok(totals)
            })
    }

    /// Hosts that stand still, from the phases in which hosts do.
    pub(super) fn stuck(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        limit: usize,
    ) -> Result<Vec<StuckHost>, ServiceError> {
        let groups = self.groups(db, in_force)?;
        let mut stuck = Vec::new();
        for phase in views::phases_that_may_stand_still() {
            let filter = PlanFilter {
                phase: Some(phase.as_str().to_owned()),
                ..PlanFilter::default()
            };
            let rows = i64::try_from(limit - stuck.len()).unwrap_or(i64::MAX);
            for line in store_views::host_lines(db, self.campaign_id().as_str(), &filter, None, rows)? {
                let plan = read_state(&line.state)?;
                let seen_ms = line.seen_ms.unwrap_or(0);
                let waits = waiting::why(
                    &plan,
                    &groups.of(&plan.wave),
                    seen_ms,
                    &in_force.campaign,
                    self.now_ms(),
                );
                if let Some(mut host) = StuckHost::of(&plan, waits.as_ref(), &in_force.campaign, self.now_ms()) {
                    host.reason = revealed(db, host.reason)?;
                    stuck.push(host);
                }
            }
        }
        Ok(stuck)
    }

    /// What was made, newest first, and how its delivery stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reports(&self) -> Result<Vec<ReportRow>, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let mut rows = Vec::new();
                for run in report_runs::list(tx, LISTED)? {
                    if !run.body.is_empty() {
                        rows.push(service.report_row(tx, run)?);
                    }
                }
                Ok::<_, ServiceError>(rows)
            })
            .await
    }

    fn report_row(&self, db: &mut impl Reader, run: report_runs::ReportRunRow) -> Result<ReportRow, ServiceError> {
        let mut delivery = Vec::new();
        for kind in [DIRECTORY, WEBHOOK] {
            let Some(letter) = outbox::load(db, &letter_id(&run.schedule, &run.period, kind))? else {
                continue;
            };
            let state = match letter.state {
                outbox::DeliveryState::Delivered => format!("{kind} delivered"),
                outbox::DeliveryState::Pending if letter.attempts == 0 => format!("{kind} waits"),
                outbox::DeliveryState::Pending => {
                    let why = letter.last_error.unwrap_or_default();
                    format!("{kind} failed {} times, is tried again: {why}", letter.attempts)
                }
                outbox::DeliveryState::Dead => {
                    format!("{kind} given up: {}", letter.last_error.unwrap_or_default())
                }
            };
            delivery.push(state);
        }
        let stem = file_stem(&run.schedule, &run.period);
        let files = ["html", "csv"]
            .map(|kind| {
                self.0
                    .report
                    .directory
                    .join(format!("{stem}.{kind}"))
                    .display()
                    .to_string()
            })
            .to_vec();
        let (schedule, period, made_ms) = (run.schedule, run.period, run.made_ms);
        Ok(ReportRow {
            schedule,
            period,
            made_ms,
            files,
            delivery: delivery.join("; "),
        })
    }
}

fn letter_id(schedule: &str, period: &str, kind: &str) -> String {
    format!("report/{schedule}/{period}/{kind}")
}

fn period_of(at_ms: i64) -> Period {
    Period {
        key: instant_key(at_ms),
        at_ms,
    }
}

fn instant_key(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}

fn period_ms(key: &str) -> Option<i64> {
    key.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
