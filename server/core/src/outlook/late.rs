//! Which hosts are late: slack where it leaves no choice, a forecast for the rest.
//!
//! Slack has the first word, since it is certain: what cannot be done by the target even if it began now is late, whatever
//! courses say. Of what could still be done in time, the courses tell how often it is. Both are asked of one plan at one
//! instant, so no two judges contradict each other from pass to pass; and between two bounds a host stays what it was, so
//! that a course more or less turns nobody back and forth.

use std::collections::BTreeMap;

use cutover_proto::ids::HostId;

use super::{
    Experience,
    likely::{is_missed, nth_course},
};
use crate::{
    campaign::Campaign,
    forecast,
    plan::Plan,
    simulate::{Participant, Setup},
};

/// A host that was in time is late where it misses the target in more than so many of a hundred courses: what a forecast calls
/// probable.
const LATE_ABOVE: u32 = 50;
/// One that was late is in time again where it misses it in fewer.
const IN_TIME_BELOW: u32 = 30;

/// In how many courses each host missed the target. Without courses nothing is said of anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misses {
    courses: u32,
    hosts: BTreeMap<HostId, u32>,
}

impl Misses {
    /// Of how many courses.
    #[must_use]
    pub const fn courses(&self) -> u32 {
        self.courses
    }

    /// In so many of a hundred courses; `None` of a host that took no part as one that is to be done.
    fn percent(&self, host: HostId) -> Option<u32> {
        let missed = self.hosts.get(&host)?;
        (missed * 100).checked_div(self.courses)
    }
}

/// Lets the fleet go on until the target, so many times. `None` where `goes_on` said no between two courses: half of them say
/// nothing. Without a target between the setup's two instants there is nothing to miss. Everything follows from the setup's seed.
pub fn misses(
    setup: &Setup<'_>,
    fleet: &[Participant],
    experience: &Experience,
    courses: u32,
    mut goes_on: impl FnMut() -> bool,
) -> Option<Misses> {
    let ahead = setup.from_ms + 1..=setup.until_ms;
    let Some(target_ms) = setup.campaign.target_ms().filter(|at_ms| ahead.contains(at_ms)) else {
        return Some(Misses::default());
    };
    let mut hosts: BTreeMap<HostId, u32> = BTreeMap::new();
    for nth in 0..courses {
        if !goes_on() {
            return None;
        }
        for host in nth_course(setup, fleet, experience, nth).1 {
            *hosts.entry(host.host).or_default() += u32::from(is_missed(host.done_ms, target_ms));
        }
    }
    Some(Misses { courses, hosts })
}

/// Whether a plan is late by what is known at an instant. Nobody is who is done, or for whom the campaign has no target ahead.
/// Of work that others do no course tells anything, so that slack alone decides.
#[must_use]
pub fn is_late(plan: &Plan, campaign: &Campaign, now_ms: i64, misses: &Misses) -> bool {
    let Some(is_out_of_time) = forecast::late(plan, campaign, now_ms) else {
        return false;
    };
    if is_out_of_time || plan.executor(campaign).is_some() || misses.courses == 0 {
        return is_out_of_time;
    }
    match misses.percent(plan.host_id) {
        Some(percent) if plan.late => percent >= IN_TIME_BELOW,
        Some(percent) => percent > LATE_ABOVE,
        None => plan.late,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        catalog::Shelf,
        plan::Phase,
        samples,
        simulate::tests::{DAY, Fleet, HOUR, START, all, campaign, host},
    };

    fn said(fleet: &Fleet, courses: u32) -> Misses {
        let (catalog, shelf) = (samples::catalog(), Shelf::default());
        let setup = fleet.setup(&catalog, &shelf);
        misses(&setup, &fleet.hosts, &Experience::default(), courses, || true).unwrap()
    }

    /// Eight hosts, of which one has been away for two months, and a target in a week.
    fn one_away() -> Fleet {
        let mut fleet = Fleet::of(8, all("soak = \"1h\"\nagent_lost_after = \"90d\"\n"));
        fleet.campaign.recovery_target_ms = Some(START + 7 * DAY);
        fleet.hosts[3].last_seen_ms = START - 60 * DAY;
        fleet
    }

    #[test]
    fn who_probably_misses_the_target_is_late_and_the_others_are_not() {
        let fleet = one_away();
        let seen = said(&fleet, 20);
        assert_eq!(seen, said(&fleet, 20), "of one seed");
        assert_eq!(seen.courses(), 20);
        for (index, it) in fleet.hosts.iter().enumerate() {
            assert!(seen.percent(it.plan.host_id).is_some());
            assert_eq!(is_late(&it.plan, &fleet.campaign, START, &seen), index == 3, "{seen:?}");
        }
    }

    #[test]
    fn half_a_forecast_says_nothing() {
        let fleet = one_away();
        let (catalog, shelf) = (samples::catalog(), Shelf::default());
        let setup = fleet.setup(&catalog, &shelf);
        let mut left = 2;
        let seen = misses(&setup, &fleet.hosts, &Experience::default(), 5, || {
            left -= 1;
            left > 0
        });
        assert_eq!(seen, None);
    }

    #[test]
    fn without_a_target_within_its_time_a_forecast_says_nothing_and_slack_decides_alone() {
        let mut fleet = one_away();
        fleet.days = 3;
        assert_eq!(said(&fleet, 2), Misses::default());
        fleet.campaign.recovery_target_ms = Some(START);
        assert_eq!(said(&fleet, 2), Misses::default());
        fleet.campaign.recovery_target_ms = Some(START + 7 * DAY);
        let plan = &fleet.hosts[0].plan;
        let target_ms = fleet.campaign.target_ms().unwrap();
        assert!(!is_late(plan, &fleet.campaign, START, &Misses::default()));
        assert!(is_late(plan, &fleet.campaign, target_ms - 1, &Misses::default()));
        assert!(!is_late(plan, &fleet.campaign, target_ms, &Misses::default()));
    }

    fn of(missed: u32, courses: u32) -> Misses {
        Misses {
            courses,
            hosts: BTreeMap::from([(host(0), missed)]),
        }
    }

    #[test]
    fn work_of_others_is_late_by_slack_alone() {
        let ours = Fleet::of(1, all(""));
        let others = campaign(
            "[executor]\nname = \"intune\"\nowner = \"the endpoint team\"\nwithin = \"14d\"\n[wave]\nname = \"all\"\n",
            "",
        );
        let plan = &ours.hosts[0].plan;
        assert!(is_late(plan, &ours.campaign, START, &of(9, 10)));
        assert!(!is_late(plan, &others, START, &of(9, 10)));
        assert!(is_late(plan, &others, others.target_ms().unwrap() - 1, &of(0, 10)));
    }

    #[test]
    fn just_half_of_the_courses_turn_nobody_late_and_just_three_tenths_nobody_back() {
        let fleet = Fleet::of(1, all(""));
        let mut plan = fleet.hosts[0].plan.clone();
        let mut said = |was: bool, missed: u32| {
            plan.late = was;
            is_late(&plan, &fleet.campaign, START, &of(missed, 100))
        };
        assert_eq!((said(false, 50), said(false, 51)), (false, true));
        assert_eq!((said(true, 30), said(true, 29)), (true, false));
    }

    proptest! {
        #[test]
        fn what_was_turned_is_not_turned_back_by_the_same_word_and_slack_is_never_contradicted(
            missed in 0_u32..=40, was: bool, hours in prop_oneof![-2_i64..8, 0_i64..4000], phase in prop::sample::select(Phase::ALL)
        ) {
            let fleet = Fleet::of(1, all("soak = \"1h\"\n"));
            let mut plan = fleet.hosts[0].plan.clone();
            let (now_ms, seen) = (fleet.campaign.target_ms().unwrap() - hours * HOUR, of(missed, 40));
            (plan.phase, plan.late) = (phase, was);
            let first = is_late(&plan, &fleet.campaign, now_ms, &seen);
            plan.late = first;
            prop_assert_eq!(is_late(&plan, &fleet.campaign, now_ms, &seen), first);
            match forecast::late(&plan, &fleet.campaign, now_ms) {
                None => prop_assert!(!first),
                Some(true) => prop_assert!(first),
                Some(false) => {
                    // A course more or less than what turned it does not turn it back.
                    for missed in missed.saturating_sub(4)..=(missed + 4).min(40) {
                        if first != was {
                            prop_assert_eq!(is_late(&plan, &fleet.campaign, now_ms, &of(missed, 40)), first);
                        }
                    }
                }
            }
        }
    }
}
