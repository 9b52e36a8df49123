//! Duties to report: opened when what they are for has happened, and overdue at their instant.

use cutover_core::{
    campaign::{Duty, instant_ms, zone::utc},
    findings::{DutyCourse, DutyStep, Reported, draft},
    report::instant,
    rollout::RunState,
};
use serde::{Deserialize, Serialize};

use super::{
    Caller, FindingView, Service, ServiceError, access::Role, campaign::InForce, named::said, personal::revealed,
};
use crate::store::{Reader, StreamName, WriteTx};

/// One report that a duty asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyStepView {
    /// Which: the first, or the one that follows it.
    pub part: String,
    /// By when; none where no time is known, or where it counts from a report that was not made yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// Whether that is past and it was not made.
    pub overdue: bool,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_ms: Option<i64>,
    /// Who says so; empty before.
    #[serde(default)]
    pub by: String,
    /// Under which number, or what shows it; empty before.
    #[serde(default)]
    pub reference: String,
}

/// A duty to report that was called for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyView {
    /// Its name.
    pub name: String,
    /// What it is for: `target-found`, `campaign-done`.
    pub on: String,
    /// To whom.
    pub to: String,
    /// When what it is for was known.
    pub opened_ms: i64,
    /// Its reports, in their order.
    pub reports: Vec<DutyStepView>,
    /// A draft of the notice that is to be sent next; empty where all were sent.
    pub draft: String,
    /// What is not certain about the duty.
    pub note: String,
}

/// A report that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportDuty {
    /// Under which number, or what shows it.
    pub reference: String,
    /// When: an instant with its offset or zone; left out: now.
    #[serde(default)]
    pub at: Option<String>,
    /// Only say what would be noted.
    #[serde(default)]
    pub dry_run: bool,
}

impl Service {
    /// Opens duties that are called for, and tells of reports that are overdue; says how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tend_duties(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let due = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                Ok::<_, ServiceError>(!service.turned(tx, &in_force)?.is_empty())
            })
            .await?;
        if !due {
            return Ok(0);
        }
        let service = self.clone();
        self.0.store.write(move |tx| service.turn_duties(tx)).await
    }

    fn turn_duties(&self, tx: &mut WriteTx<'_>) -> Result<usize, ServiceError> {
        let turned = {
            let in_force = self.in_force(tx)?;
            self.turned(tx, &in_force)?
        };
        for (duty, course, overdue) in &turned {
            let mut in_force = self.in_force(tx)?;
            let event = match overdue {
                None => {
                    tracing::info!(duty, "a duty to report is called for");
                    tx.after_commit("alarm:duty-opened");
                    ("duty-opened", serde_json::json!({ "duty": duty }))
                }
                Some(step) => {
                    tracing::warn!(duty, report = %step.part, "a report is overdue");
                    tx.after_commit("alarm:duty-overdue");
                    let body = serde_json::json!({ "duty": duty, "report": step.part, "due_ms": step.due_ms });
                    ("duty-overdue", body)
                }
            };
            in_force.progress.duties.insert(duty.clone(), course.clone());
            self.put_campaign(tx, &in_force, Some(event))?;
        }
        Ok(turned.len())
    }

    /// Duties whose course goes on at this moment: those that are called for, and those with a report that is overdue.
    pub(super) fn turned(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
    ) -> Result<Vec<(String, DutyCourse, Option<DutyStep>)>, ServiceError> {
        if in_force.run == RunState::Closed {
            return Ok(Vec::new());
        }
        let (campaign, now_ms) = (&in_force.campaign, self.now_ms());
        let mut turned = Vec::new();
        for duty in &campaign.duties {
            match in_force.progress.duties.get(&duty.name) {
                Some(course) => {
                    if let Some((course, step)) = course.overdue(duty, campaign, now_ms) {
                        turned.push((duty.name.clone(), course, Some(step)));
                    }
                }
                None if duty.is_called_for(&self.totals(db)?, now_ms, campaign) => {
                    let course = DutyCourse {
                        opened_ms: now_ms,
                        ..DutyCourse::default()
                    };
                    turned.push((duty.name.clone(), course, None));
                }
                None => {}
            }
        }
        Ok(turned)
    }

    /// Notes that the next report of a duty was made; says what was noted, or would be.
    ///
    /// # Errors
    /// When there is no such duty, it was not called for, all its reports were made, the caller may not, or nothing shows it.
    pub async fn report_duty(&self, caller: Caller, name: String, ask: ReportDuty) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said(
            "reference",
            &ask.reference,
            "under which number it was made, or what shows it",
        )?;
        let at_ms = match &ask.at {
            None => self.now_ms(),
            Some(at) => instant_ms(at).map_err(|error| ServiceError::Invalid {
                why: format!("`at` is `{at}`: {error}"),
            })?,
        };
        if at_ms > self.now_ms() {
            let why = format!(
                "`at` is {}, which is still to come; note a report once it was made",
                utc(at_ms)
            );
            return Err(ServiceError::Invalid { why });
        }
        let (by, reference) = (self.personal_user(caller.name())?, self.personal_note(&ask.reference)?);
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                let duty = named(&in_force, &name)?;
                let Some(mut course) = in_force.progress.duties.get(&name).cloned() else {
                    let why = format!("duty `{name}` was not called for yet; it is for {}", duty.on);
                    return Err(ServiceError::Refused { why });
                };
                let Some(step) = course.next(&duty, &in_force.campaign) else {
                    let why = format!("every report of duty `{name}` was made");
                    return Err(ServiceError::Refused { why });
                };
                let earliest_ms = course.reports.last().map_or(course.opened_ms, |last| last.at_ms);
                if at_ms < earliest_ms {
                    let why = format!(
                        "`at` is {}, before {}, when the duty was called for or last reported on",
                        utc(at_ms),
                        utc(earliest_ms)
                    );
                    return Err(ServiceError::Invalid { why });
                }
                course.reports.push(Reported {
                    at_ms,
                    by: by.mention(),
                    reference: reference.mention(),
                });
                let next = match course.next(&duty, &in_force.campaign) {
                    Some(next) => format!("; the {} is due {}", next.part, due(&next)),
                    None => "; nothing more is to be reported".to_owned(),
                };
                let what = format!("the {} of duty `{name}`, made {}{next}", step.part, utc(at_ms));
                if ask.dry_run {
                    return Ok(format!("would note {what}"));
                }
                let stream = StreamName::campaign(service.campaign_id().as_str());
                by.keep(tx, &stream)?;
                reference.keep(tx, &stream)?;
                in_force.progress.duties.insert(name.clone(), course);
                let body = serde_json::json!({
                    "duty": name, "report": step.part, "at_ms": at_ms,
                    "by": by.mention(), "reference": reference.mention(),
                });
                service.put_campaign(tx, &in_force, Some(("duty-reported", body)))?;
                Ok::<_, ServiceError>(format!("noted {what}"))
            })
            .await
    }

    /// Every duty that was called for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn duties(&self) -> Result<Vec<DutyView>, ServiceError> {
        let service = self.clone();
        self.0.store.read(move |tx| service.duties_in(tx)).await
    }

    pub(super) fn duties_in(&self, db: &mut impl Reader) -> Result<Vec<DutyView>, ServiceError> {
        let in_force = self.in_force(db)?;
        let (campaign, now_ms) = (&in_force.campaign, self.now_ms());
        let mut views = Vec::new();
        for duty in &campaign.duties {
            let Some(course) = in_force.progress.duties.get(&duty.name) else {
                continue;
            };
            let mut reports = Vec::new();
            for step in course.steps(duty, campaign) {
                reports.push(step_view(db, &step, now_ms)?);
            }
            let text = match course.next(duty, campaign) {
                Some(step) => draft(duty, &step, course.opened_ms, &self.totals(db)?, now_ms, campaign),
                None => String::new(),
            };
            views.push(DutyView {
                name: duty.name.clone(),
                on: duty.on.to_string(),
                to: duty.to.clone(),
                opened_ms: course.opened_ms,
                reports,
                draft: text,
                note: duty.note.clone(),
            });
        }
        Ok(views)
    }

    /// Duties that were called for, as findings.
    pub(super) fn duty_findings(&self, db: &mut impl Reader) -> Result<Vec<FindingView>, ServiceError> {
        Ok(self.duties_in(db)?.into_iter().map(finding).collect())
    }
}

fn named(in_force: &InForce, name: &str) -> Result<Duty, ServiceError> {
    let duties = &in_force.campaign.duties;
    duties
        .iter()
        .find(|duty| duty.name == *name)
        .cloned()
        .ok_or_else(|| ServiceError::NotFound {
            what: match duties
                .iter()
                .map(|duty| duty.name.as_str())
                .collect::<Vec<_>>()
                .as_slice()
            {
                [] => format!("duty `{name}`; the campaign has none"),
                names => format!("duty `{name}`; the campaign has {}", names.join(", ")),
            },
        })
}

fn due(step: &DutyStep) -> String {
    step.due_ms
        .map_or_else(|| "at a time that is not known".to_owned(), utc)
}

fn step_view(db: &mut impl Reader, step: &DutyStep, now_ms: i64) -> Result<DutyStepView, ServiceError> {
    let (by, reference) = match &step.reported {
        Some(reported) => (reported.by.to_string(), reported.reference.to_string()),
        None => Default::default(),
    };
    Ok(DutyStepView {
        part: step.part.to_string(),
        due_ms: step.due_ms,
        overdue: step.is_overdue(now_ms),
        reported_ms: step.reported.as_ref().map(|reported| reported.at_ms),
        by: revealed(db, by)?,
        reference: revealed(db, reference)?,
    })
}

fn finding(duty: DutyView) -> FindingView {
    let mut said = vec![format!("to be reported to {}", duty.to)];
    for report in &duty.reports {
        let part = &report.part;
        said.push(match (report.reported_ms, report.due_ms) {
            (Some(at_ms), _) => format!("{part} made {} by {}: {}", instant(at_ms), report.by, report.reference),
            (None, Some(due_ms)) if report.overdue => format!("{part} OVERDUE since {}", instant(due_ms)),
            (None, Some(due_ms)) => format!("{part} due {}", instant(due_ms)),
            (None, None) => format!("{part} not made; its time is not known yet"),
        });
    }
    let remedy = if duty.draft.is_empty() {
        "nothing: every report was made".to_owned()
    } else {
        format!(
            "complete and send the notice (`cutover findings draft {name}`), then `cutover findings reported {name} --reference …`",
            name = duty.name
        )
    };
    FindingView {
        of_id: duty.name.clone(),
        of_kind: "campaign".to_owned(),
        name: duty.name,
        kind: "reporting-duty".to_owned(),
        source: duty.to,
        text: said.join("; "),
        remedy,
        since_ms: duty.opened_ms,
    }
}
