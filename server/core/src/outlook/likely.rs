//! Many simulations, and what they say together.

use std::collections::BTreeMap;

use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::Experience;
use crate::{
    campaign::{Campaign, Term},
    mix::mix,
    simulate::{HostEnd, Participant, Setup, Simulated, course},
};

/// A finish that is reached by this part of the hosts counts: the last few of a fleet are never all known.
const PARTS: [u8; 4] = [50, 90, 95, 100];

/// So many hosts that will miss the target are named.
const NAMED: usize = 1000;

/// When a part of the hosts is likely done. An instant is missing where it is not within the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Likely {
    /// Of a hundred hosts.
    pub percent: u8,
    /// In one of ten cases, not later.
    pub p10_ms: Option<i64>,
    /// As likely sooner as later.
    pub p50_ms: Option<i64>,
    /// In nine of ten cases, not later.
    pub p90_ms: Option<i64>,
}

/// How likely all are done by an instant that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chance {
    /// A milestone, or the target.
    pub name: String,
    /// When.
    pub at_ms: i64,
    /// In so many of a hundred cases, 95 of a hundred hosts are done by then.
    pub most_percent: u8,
    /// In so many of a hundred cases, all are.
    pub all_percent: u8,
    /// How many are done by then, as likely more as fewer.
    pub done: u64,
}

/// A host that will probably miss the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// Which.
    pub host: HostId,
    /// In so many of a hundred cases.
    pub percent: u8,
    /// Why, most often; empty where it is only too late.
    pub why: String,
}

/// What is likely.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// When it was made.
    pub at_ms: i64,
    /// How far it looks.
    pub until_ms: i64,
    /// What everything drawn was drawn from.
    pub seed: u64,
    /// How many courses it is made of.
    pub courses: u32,
    /// Hosts that are to be done.
    pub to_do: u64,
    /// When they are.
    pub done: Vec<Likely>,
    /// Milestones and target ahead.
    pub chances: Vec<Chance>,
    /// How many must be done each working day for all to be done by the target; `None` where there is none ahead.
    pub needed_a_day: Option<u64>,
    /// Who will probably miss the target, the surest first; `None` where there is none ahead.
    pub misses: Option<Vec<Miss>>,
    /// How many will.
    pub missing: u64,
}

/// What is likely of a fleet, from so many courses. Everything follows from the setup's seed.
#[must_use]
pub fn outlook(setup: &Setup<'_>, fleet: &[Participant], experience: &Experience, courses: u32) -> Outlook {
    let mut finishes: BTreeMap<u8, Vec<Option<i64>>> = BTreeMap::new();
    let mut marks: BTreeMap<(i64, String), Vec<u64>> = BTreeMap::new();
    let mut missed: BTreeMap<HostId, Missed> = BTreeMap::new();
    let target_ms = setup.campaign.target_ms().filter(|at_ms| *at_ms > setup.from_ms);
    let mut to_do = 0;
    for nth in 0..courses {
        let (simulated, hosts) = nth_course(setup, fleet, experience, nth);
        to_do = simulated.to_do;
        let mut done: Vec<i64> = hosts.iter().filter_map(|it| it.done_ms).collect();
        done.sort_unstable();
        for percent in PARTS {
            let needed = (hosts.len() * usize::from(percent)).div_ceil(100);
            let at_ms = needed.checked_sub(1).and_then(|nth| done.get(nth).copied());
            finishes.entry(percent).or_default().push(at_ms);
        }
        for mark in simulated.marks {
            marks.entry((mark.at_ms, mark.name)).or_default().push(mark.done);
        }
        let is_late = |it: &HostEnd| target_ms.is_some_and(|at_ms| is_missed(it.done_ms, at_ms));
        for host in hosts.into_iter().filter(is_late) {
            missed.entry(host.host).or_default().note(host.why);
        }
    }
    let mut misses: Vec<Miss> = missed
        .into_iter()
        .filter(|(_, missed)| missed.is_probable(courses))
        .map(|(host, missed)| Miss {
            host,
            percent: percent(missed.times, courses),
            why: missed.why(),
        })
        .collect();
    misses.sort_by(|a, b| b.percent.cmp(&a.percent).then_with(|| a.host.cmp(&b.host)));
    let missing = misses.len() as u64;
    misses.truncate(NAMED);
    Outlook {
        at_ms: setup.from_ms,
        until_ms: setup.until_ms,
        seed: setup.seed,
        courses,
        to_do,
        done: finishes.into_iter().map(|(percent, at)| likely(percent, at)).collect(),
        chances: marks
            .into_iter()
            .map(|(mark, done)| chance(mark, done, to_do))
            .collect(),
        needed_a_day: target_ms.map(|at_ms| to_do.div_ceil(working_days(setup.campaign, setup.from_ms, at_ms).max(1))),
        misses: target_ms.map(|_| misses),
        missing,
    }
}

/// How often a host missed the target, and why.
#[derive(Default)]
struct Missed {
    times: u32,
    whys: BTreeMap<String, u32>,
}

impl Missed {
    fn note(&mut self, why: String) {
        self.times += 1;
        *self.whys.entry(why).or_default() += 1;
    }

    /// Whether it misses it more often than not.
    const fn is_probable(&self, courses: u32) -> bool {
        self.times * 2 > courses
    }

    /// Why, most often.
    fn why(self) -> String {
        let why = self.whys.into_iter().max_by_key(|(_, times)| *times);
        why.unwrap_or_default().0
    }
}

/// One course of a forecast, with what is not known drawn for it.
pub(super) fn nth_course(
    setup: &Setup<'_>,
    fleet: &[Participant],
    experience: &Experience,
    nth: u32,
) -> (Simulated, Vec<HostEnd>) {
    let seed = mix(setup.seed ^ mix(u64::from(nth)));
    let assumptions = experience.draw(setup.assumptions, seed);
    let one = Setup {
        assumptions: &assumptions,
        seed,
        ..setup.clone()
    };
    course(one, fleet.to_vec(), |_| ())
}

/// Whether a host that is done at an instant, or never, misses the target.
pub(super) fn is_missed(done_ms: Option<i64>, target_ms: i64) -> bool {
    done_ms.is_none_or(|at_ms| at_ms >= target_ms)
}

/// Whole working days until an instant, up to three years.
fn working_days(campaign: &Campaign, from_ms: i64, until_ms: i64) -> u64 {
    let is_over = |days: &u32| campaign.policy.end_ms(Term::WorkingDays(*days), from_ms) > until_ms;
    u64::from((1..800).find(is_over).unwrap_or(800)) - 1
}

fn likely(percent: u8, mut at: Vec<Option<i64>>) -> Likely {
    // What is not reached is later than all that is.
    at.sort_by_key(|at_ms| at_ms.unwrap_or(i64::MAX));
    Likely {
        percent,
        p10_ms: quantile(&at, 10),
        p50_ms: quantile(&at, 50),
        p90_ms: quantile(&at, 90),
    }
}

fn chance((at_ms, name): (i64, String), mut done: Vec<u64>, to_do: u64) -> Chance {
    done.sort_unstable();
    let courses = u32::try_from(done.len()).unwrap_or(u32::MAX);
    let with = |least: u64| {
        let times = done.iter().filter(|done| **done >= least).count();
        percent(u32::try_from(times).unwrap_or(u32::MAX), courses)
    };
    Chance {
        name,
        at_ms,
        most_percent: with((to_do * 95).div_ceil(100)),
        all_percent: with(to_do),
        done: quantile(&done, 50),
    }
}

/// The smallest that so many of a hundred do not exceed; of none, the default.
fn quantile<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let needed = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(needed - 1).copied().unwrap_or_default()
}

/// So many of so many, in hundredths; a hundred only where it is all, and none only where it is none.
fn percent(part: u32, whole: u32) -> u8 {
    if part == whole {
        return 100;
    }
    let rounded = (u64::from(part) * 100).div_ceil(u64::from(whole.max(1)));
    u8::try_from(rounded.min(99)).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn of_ten_courses_the_first_the_fifth_and_the_ninth_are_told_and_what_is_not_reached_is_later_than_all() {
        let at = [7, 3, 10, 1, 9, 4, 8, 2, 6, 5].map(|it| (it < 10).then_some(it));
        let said = likely(95, at.to_vec());
        assert_eq!((said.p10_ms, said.p50_ms, said.p90_ms), (Some(1), Some(5), Some(9)));
        let two_missing = at.map(|it| it.filter(|it| *it != 9));
        assert_eq!(likely(95, two_missing.to_vec()).p90_ms, None);
        assert_eq!(likely(95, Vec::new()).p10_ms, None);
    }

    #[test]
    fn who_misses_it_more_often_than_not_is_told_with_what_it_was_most_often() {
        let missed = |whys: &[&str]| {
            let mut missed = Missed::default();
            for why in whys {
                missed.note((*why).to_owned());
            }
            missed
        };
        let away = missed(&["away", "away", "failed", "away", "failed"]);
        assert!(!away.is_probable(10), "one is as likely as the other");
        assert!(away.is_probable(9));
        assert_eq!(away.why(), "away");
        assert_eq!(missed(&["failed", "away", "failed"]).why(), "failed");
    }

    #[test]
    fn a_chance_is_the_part_of_the_courses_in_which_so_many_are_done() {
        let said = chance((5, "target".to_owned()), vec![100, 95, 94, 96], 100);
        assert_eq!((said.all_percent, said.most_percent, said.done), (25, 75, 95));
    }

    #[test]
    fn a_hundred_is_said_only_of_all_and_nothing_only_of_none() {
        assert_eq!(
            [percent(0, 999), percent(1, 999), percent(998, 999), percent(999, 999)],
            [0, 1, 99, 100]
        );
    }

    #[test]
    fn working_days_are_counted_whole_and_without_weekends() {
        let campaign = samples::campaign("");
        // A Friday; the next Monday is a day later, and the one after it six.
        let friday = samples::instant("2027-01-08T12:00:00Z");
        let until = |text: &str| working_days(&campaign, friday, samples::instant(text));
        assert_eq!(until("2027-01-11T11:59:59Z"), 0);
        assert_eq!(until("2027-01-11T12:00:00Z"), 1);
        assert_eq!(until("2027-01-18T12:00:00Z"), 6);
    }
}
