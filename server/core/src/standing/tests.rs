use std::collections::BTreeMap;

use cutover_proto::ids::CampaignId;
use proptest::prelude::*;

use super::*;
use crate::{campaign::Campaign, plan::Phase, samples};

const TARGET: &str = "recovery_target = \"2027-06-30T00:00:00-04:00\"\n";
const BEFORE_MS: i64 = 1_799_053_200_000;
const AFTER_MS: i64 = 1_830_000_000_000;

fn bucket(phase: Phase) -> Bucket {
    Bucket {
        campaign: CampaignId::new("c"),
        phase,
        wave: "all".to_owned(),
        site: String::new(),
        stale: false,
        late: false,
        closed: phase.is_closed(),
        carried: false,
    }
}

/// One line a phase: standing with a target ahead, when stale, when late, and after the target.
#[test]
fn the_table_of_standings() {
    let campaign = samples::campaign(TARGET);
    let said = |bucket: &Bucket, now_ms: i64| standing(bucket, now_ms, &campaign).map_or("-", Standing::as_str);
    let mut text = String::new();
    for phase in Phase::ALL {
        let it = bucket(*phase);
        let stale = Bucket {
            stale: !it.closed,
            ..it.clone()
        };
        let late = Bucket {
            late: true,
            ..it.clone()
        };
        let mark = if overdue_since(&it, BEFORE_MS, &campaign).is_some() {
            "past cutoff"
        } else {
            ""
        };
        let line = format!(
            "{phase:<12} {:<10} stale: {:<10} late: {:<10} after: {:<10} {mark}",
            said(&it, BEFORE_MS),
            said(&stale, BEFORE_MS),
            said(&late, BEFORE_MS),
            said(&it, AFTER_MS)
        );
        text += line.trim_end();
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_past_cutoff_without_a_recovery_target_is_overdue_and_with_one_is_a_mark() {
    let queued = bucket(Phase::Queued);
    let without = samples::campaign("");
    assert_eq!(standing(&queued, BEFORE_MS, &without), Some(Standing::Overdue));
    let with = samples::campaign(TARGET);
    assert_eq!(standing(&queued, BEFORE_MS, &with), Some(Standing::OnTrack));
    assert_eq!(overdue_since(&queued, BEFORE_MS, &with), with.cutoff_ms());
    assert_eq!(overdue_since(&queued, 0, &with), None);
}

#[test]
fn a_closed_plan_is_never_stale() {
    let closed = Bucket {
        stale: true,
        ..bucket(Phase::Concluded)
    };
    assert_eq!(
        standing(&closed, BEFORE_MS, &samples::campaign("")),
        Some(Standing::Compliant)
    );
}

fn campaign() -> Campaign {
    samples::campaign(TARGET)
}

#[test]
fn headlines_leave_out_what_lies_outside_the_duty() {
    let carried = |phase| Bucket {
        carried: true,
        ..bucket(phase)
    };
    let totals: Totals = [
        (carried(Phase::Migrated), 6),
        (carried(Phase::Queued), 2),
        (carried(Phase::Retired), 3),
        (bucket(Phase::Clear), 10),
        (bucket(Phase::Unassessed), 2),
        (bucket(Phase::OutOfScope), 7),
    ]
    .into_iter()
    .collect();
    let it = Headline::of(&totals, BEFORE_MS, &campaign());
    assert_eq!(it.replaced.to_string(), "6 of 8 (75 %)");
    assert_eq!(it.unknown.to_string(), "2 of 20 (10 %)");
    assert_eq!(totals.hosts(), 30);
}

#[test]
fn shares_of_nothing_have_no_percentage() {
    assert_eq!(Share { part: 0, whole: 0 }.to_string(), "0 of 0");
}

#[test]
fn almost_all_is_not_all_and_hardly_any_is_not_none() {
    let percent = |part, whole| Share { part, whole }.percent();
    assert_eq!(percent(99_999, 100_000), Some(99));
    assert_eq!(percent(1, 100_000), Some(1));
    assert_eq!((percent(100_000, 100_000), percent(0, 100_000)), (Some(100), Some(0)));
    assert_eq!(
        (percent(1, 2), percent(2, 3), percent(1, 3)),
        (Some(50), Some(67), Some(33))
    );
    assert_eq!(percent(i64::MAX, i64::MAX), Some(100));
}

proptest! {
    #[test]
    fn a_hundred_and_zero_percent_are_shown_only_when_true(whole in 1_i64..1_000_000, part in 0_i64..1_000_000) {
        let part = part % (whole + 1);
        let percent = i64::from(Share { part, whole }.percent().unwrap());
        prop_assert_eq!(percent == 100, part == whole);
        prop_assert_eq!(percent == 0, part == 0);
        let exact = 100.0 * part as f64 / whole as f64;
        prop_assert!((percent as f64 - exact).abs() <= 1.0);
    }

    #[test]
    fn totals_kept_by_moves_equal_a_recount_and_parts_add_up(
        moves in proptest::collection::vec((0_usize..10, 0_usize..16, any::<bool>(), any::<bool>()), 0..200)
    ) {
        let mut hosts: BTreeMap<usize, Bucket> = BTreeMap::new();
        let mut totals = Totals::default();
        for (host, phase, stale, carried) in moves {
            let next = Bucket { stale, carried, ..bucket(Phase::ALL[phase]) };
            for (bucket, change) in Totals::changes(hosts.get(&host), Some(&next)) {
                totals.add(bucket, change);
            }
            hosts.insert(host, next);
        }
        let recount: Totals = hosts.values().map(|bucket| (bucket.clone(), 1)).collect();
        prop_assert_eq!(&totals, &recount);
        let count = i64::try_from(hosts.len()).unwrap();
        prop_assert_eq!(totals.by_phase().values().sum::<i64>(), count);
        prop_assert_eq!(totals.by_standing(BEFORE_MS, &campaign()).values().sum::<i64>(), count);
    }
}
