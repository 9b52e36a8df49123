//! Duties to report: opened when what they are for has happened, due at an instant each, with a draft of the notice.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use crate::{
    campaign::{Campaign, Duty, DutyTrigger, zone::utc},
    plan::Personal,
    standing::{Headline, Totals},
};

words! {
    /// What a duty asks for.
    pub enum DutyPart("report of a duty") {
        /// The first report.
        First = "first report",
        /// The one that follows it.
        FollowUp = "follow-up report",
    }
}

/// A report that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// When.
    pub at_ms: i64,
    /// Who says so.
    pub by: Personal,
    /// Under which number, or what shows it.
    pub reference: Personal,
}

/// How far a duty has come, from when it opened on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutyCourse {
    /// When what it is for was known.
    pub opened_ms: i64,
    /// Reports that were made, in their order.
    #[serde(default)]
    pub reports: Vec<Reported>,
    /// Of how many of its reports somebody was told that they are overdue.
    #[serde(default)]
    pub told: usize,
}

/// One report that a duty asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyStep {
    /// Which.
    pub part: DutyPart,
    /// By when; `None` where no time is known, or where it counts from a report that was not made yet.
    pub due_ms: Option<i64>,
    /// The report, once it was made.
    pub reported: Option<Reported>,
}

impl DutyStep {
    /// Whether it was to be made by now.
    #[must_use]
    pub fn is_overdue(&self, now_ms: i64) -> bool {
        self.reported.is_none() && self.due_ms.is_some_and(|due_ms| due_ms <= now_ms)
    }
}

impl Duty {
    /// Whether what it is for has happened. A campaign is done when every host that ever carried a target has been replaced,
    /// and nothing is unknown.
    #[must_use]
    pub fn is_called_for(&self, totals: &Totals, now_ms: i64, campaign: &Campaign) -> bool {
        let headline = Headline::of(totals, now_ms, campaign);
        match self.on {
            DutyTrigger::TargetFound => {
                totals.iter().any(|(bucket, _)| bucket.carried) || totals.assets().keys().any(|bucket| bucket.carried())
            }
            DutyTrigger::CampaignDone => {
                let replaced = headline.replaced;
                replaced.whole > 0 && replaced.part == replaced.whole && headline.unknown.part == 0
            }
        }
    }
}

impl DutyCourse {
    /// The reports that the duty asks for. The second counts from when the first was made.
    #[must_use]
    pub fn steps(&self, duty: &Duty, campaign: &Campaign) -> Vec<DutyStep> {
        let end = |term, from_ms| campaign.policy.end_ms(term, from_ms);
        let first = self.reports.first();
        let mut steps = vec![DutyStep {
            part: DutyPart::First,
            due_ms: duty.within.map(|within| end(within, self.opened_ms)),
            reported: first.cloned(),
        }];
        if let Some(follow_up) = duty.follow_up {
            steps.push(DutyStep {
                part: DutyPart::FollowUp,
                due_ms: first.map(|first| end(follow_up, first.at_ms)),
                reported: self.reports.get(1).cloned(),
            });
        }
        steps
    }

    /// The report that is to be made next; `None` where all were.
    #[must_use]
    pub fn next(&self, duty: &Duty, campaign: &Campaign) -> Option<DutyStep> {
        self.steps(duty, campaign)
            .into_iter()
            .find(|step| step.reported.is_none())
    }

    /// Notes that the next report is overdue, where nobody was told yet; `None` where nothing is to be told.
    #[must_use]
    pub fn overdue(&self, duty: &Duty, campaign: &Campaign, now_ms: i64) -> Option<(Self, DutyStep)> {
        let step = self.next(duty, campaign)?;
        (step.is_overdue(now_ms) && self.told <= self.reports.len()).then(|| {
            let told = self.reports.len() + 1;
            (Self { told, ..self.clone() }, step)
        })
    }
}

/// A draft of the notice for the next report: what is known is filled in, what only a person can say stands in brackets.
#[must_use]
pub fn draft(
    duty: &Duty,
    step: &DutyStep,
    opened_ms: i64,
    totals: &Totals,
    now_ms: i64,
    campaign: &Campaign,
) -> String {
    let headline = Headline::of(totals, now_ms, campaign);
    let due = step
        .due_ms
        .map_or_else(String::new, |due_ms| format!(", due {}", utc(due_ms)));
    let products: Vec<&str> = campaign.targets.iter().map(|it| it.as_str()).collect();
    let mut lines = vec![
        format!("DRAFT of {}, to be checked and completed by a person{due}", utc(now_ms)),
        format!("To: {}", duty.to),
        format!("Subject: {} ({}): {}", campaign.title, duty.name, step.part),
        String::new(),
    ];
    lines.push(match duty.on {
        DutyTrigger::TargetFound => format!(
            "At {} our inventory was first seen to have machines with products that {} names. It looks for: {}.",
            utc(opened_ms),
            campaign.title,
            products.join(", ")
        ),
        DutyTrigger::CampaignDone => format!(
            "At {} every machine of ours that ever carried a product that {} names was replaced, and none was unknown.",
            utc(opened_ms),
            campaign.title
        ),
    });
    lines.push(format!(
        "As of now: replaced {}; state not known {}.",
        headline.replaced, headline.unknown
    ));
    lines.push(String::new());
    lines.extend(
        match step.part {
            DutyPart::First => [
                "Contract and order numbers: [to be filled in]",
                "Supplier, and supplier's identifiers where known: [to be filled in]",
                "Brand, model and description of what was found: [to be filled in from `cutover hosts list`]",
                "What was done at once, or is recommended: [to be filled in]",
            ],
            DutyPart::FollowUp => [
                "Our first report: [number]",
                "What was done since, or is recommended further: [to be filled in]",
                "What was done to prevent use or submission of the products: [to be filled in]",
                "What will be done so that it does not happen again: [to be filled in]",
            ],
        }
        .map(str::to_owned),
    );
    if !duty.note.is_empty() {
        lines.push(String::new());
        lines.push(format!("Not certain about this duty: {}", duty.note));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{campaign::Term, coverage::AssetBucket, plan::Phase, standing::Bucket};

    /// Friday, 2027-01-08T10:00:00Z.
    const FRIDAY: i64 = 1_799_402_400_000;
    const DAY: i64 = 86_400_000;

    fn campaign() -> Campaign {
        Campaign::preset().unwrap()
    }

    fn far() -> Duty {
        Duty {
            name: "discovery".to_owned(),
            on: DutyTrigger::TargetFound,
            to: "the contracting officer".to_owned(),
            within: Some(Term::WorkingDays(3)),
            follow_up: Some(Term::WorkingDays(10)),
            note: "older texts say one day".to_owned(),
        }
    }

    fn reported(at_ms: i64) -> Reported {
        Reported {
            at_ms,
            by: "ann".into(),
            reference: "letter 7".into(),
        }
    }

    fn bucket(phase: Phase, carried: bool, stale: bool) -> Bucket {
        let campaign = campaign().id;
        Bucket {
            campaign,
            phase,
            wave: "all".to_owned(),
            site: String::new(),
            stale,
            late: false,
            closed: phase.is_closed(),
            carried,
        }
    }

    fn totals(buckets: &[(Bucket, i64)]) -> Totals {
        let mut totals = Totals::default();
        for (bucket, hosts) in buckets {
            totals.add(bucket.clone(), *hosts);
        }
        totals
    }

    #[test]
    fn the_second_report_counts_from_when_the_first_was_made_over_working_days() {
        let (duty, campaign) = (far(), campaign());
        let mut course = DutyCourse {
            opened_ms: FRIDAY,
            ..DutyCourse::default()
        };
        let due: Vec<Option<i64>> = course.steps(&duty, &campaign).iter().map(|step| step.due_ms).collect();
        // Monday, Tuesday, Wednesday.
        assert_eq!(due, [Some(FRIDAY + 5 * DAY), None]);
        course.reports.push(reported(FRIDAY + 3 * DAY));
        let next = course.next(&duty, &campaign).unwrap();
        assert_eq!((next.part, next.due_ms), (DutyPart::FollowUp, Some(FRIDAY + 17 * DAY)));
        course.reports.push(reported(FRIDAY + 4 * DAY));
        assert_eq!(course.next(&duty, &campaign), None);
    }

    #[test]
    fn each_report_that_is_overdue_is_told_of_once() {
        let (duty, campaign) = (far(), campaign());
        let course = DutyCourse {
            opened_ms: FRIDAY,
            ..DutyCourse::default()
        };
        assert_eq!(course.overdue(&duty, &campaign, FRIDAY + 5 * DAY - 1), None);
        let (mut told, step) = course.overdue(&duty, &campaign, FRIDAY + 5 * DAY).unwrap();
        assert_eq!(step.part, DutyPart::First);
        assert_eq!(told.overdue(&duty, &campaign, FRIDAY + 50 * DAY), None);
        told.reports.push(reported(FRIDAY + 6 * DAY));
        assert_eq!(told.overdue(&duty, &campaign, FRIDAY + 7 * DAY), None);
        let (told, step) = told.overdue(&duty, &campaign, FRIDAY + 50 * DAY).unwrap();
        assert_eq!(step.part, DutyPart::FollowUp);
        assert_eq!(told.overdue(&duty, &campaign, FRIDAY + 60 * DAY), None);
        // Without a time nothing is overdue.
        let timeless = Duty { within: None, ..far() };
        assert_eq!(course.overdue(&timeless, &campaign, i64::MAX), None);
    }

    #[test]
    fn a_duty_is_called_for_when_a_target_is_found_or_when_nothing_is_left() {
        let campaign = campaign();
        let found = far();
        let done = Duty {
            on: DutyTrigger::CampaignDone,
            ..far()
        };
        let asks = |duty: &Duty, buckets: &[(Bucket, i64)]| duty.is_called_for(&totals(buckets), FRIDAY, &campaign);
        let clear = (bucket(Phase::Clear, false, false), 3);
        let carries = (bucket(Phase::Planned, true, false), 1);
        let migrated = (bucket(Phase::Migrated, true, false), 2);
        let silent = (bucket(Phase::Clear, false, true), 1);
        assert!(!asks(&found, &[]) && !asks(&found, std::slice::from_ref(&clear)));
        assert!(asks(&found, &[clear.clone(), carries.clone()]));
        assert!(!asks(&done, std::slice::from_ref(&clear)), "nothing was ever replaced");
        assert!(!asks(&done, &[clear.clone(), migrated.clone(), carries]));
        assert!(!asks(&done, &[migrated.clone(), silent]), "one is unknown");
        assert!(asks(&done, &[clear, migrated]));
    }

    #[test]
    fn a_machine_without_agent_that_is_said_to_carry_a_target_calls_for_a_duty_as_well() {
        let campaign = campaign();
        let asks = |bucket| {
            let mut totals = totals(&[(self::bucket(Phase::Clear, false, false), 3)]);
            totals.add_assets(bucket, 1);
            far().is_called_for(&totals, FRIDAY, &campaign)
        };
        for bucket in AssetBucket::ALL {
            assert_eq!(asks(*bucket), bucket.carried(), "{bucket}");
        }
        assert!(asks(AssetBucket::SeenCarries) && !asks(AssetBucket::Unknown) && !asks(AssetBucket::Clear));
    }

    #[test]
    fn a_draft_says_what_is_known_and_leaves_to_people_what_only_they_can_say() {
        let (duty, campaign) = (far(), campaign());
        let totals = totals(&[
            (bucket(Phase::Planned, true, false), 3),
            (bucket(Phase::Migrated, true, false), 1),
        ]);
        let course = DutyCourse {
            opened_ms: FRIDAY,
            ..DutyCourse::default()
        };
        let step = course.next(&duty, &campaign).unwrap();
        let text = draft(&duty, &step, FRIDAY, &totals, FRIDAY + DAY, &campaign);
        for part in [
            "DRAFT of 2027-01-09T10:00:00Z",
            "due 2027-01-13T10:00:00Z",
            "To: the contracting officer",
            "At 2027-01-08T10:00:00Z",
            "kesl",
            "replaced 1 of 4 (25 %)",
            "Contract and order numbers: [",
            "older texts say one day",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
    }
}
