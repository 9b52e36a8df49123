use std::collections::BTreeSet;

use cutover_proto::verdict::Verdict;

use super::*;
use crate::{samples, standing::Bucket};

const NOW_MS: i64 = 1_799_053_200_000;
const IN_FORCE: (u64, u64) = (3, 7);

fn bucket(phase: Phase, stale: bool) -> Bucket {
    Bucket {
        campaign: cutover_proto::ids::CampaignId::new("c"),
        phase,
        wave: "all".to_owned(),
        site: String::new(),
        stale,
        late: false,
        closed: phase.is_closed(),
        carried: phase == Phase::Migrated,
    }
}

fn mention(digit: char) -> Personal {
    Personal::of_digest(&digit.to_string().repeat(64)).unwrap()
}

fn residue(changed: impl FnOnce(&mut Totals)) -> Residue {
    let mut totals: Totals = [
        (bucket(Phase::Migrated, false), 6),
        (bucket(Phase::Migrated, true), 1),
        (bucket(Phase::Unassessed, false), 2),
        (bucket(Phase::Queued, false), 3),
        (bucket(Phase::Handwork, false), 4),
        (bucket(Phase::Exempt, false), 5),
        (bucket(Phase::Retired, false), 9),
        (bucket(Phase::OutOfScope, false), 8),
    ]
    .into_iter()
    .collect();
    changed(&mut totals);
    let beside = Beside {
        retired_unproven: 2,
        findings: 0,
        duties: 1,
    };
    Residue::of(&totals, beside, &samples::campaign(""), NOW_MS)
}

fn proposal() -> Proposal {
    Proposal {
        digest: "ab".repeat(32),
        paper: Paper {
            campaign: "c".to_owned(),
            version: IN_FORCE.0,
            catalog_revision: IN_FORCE.1,
            residue: residue(|_| ()),
            risks: vec![mention('1')],
            proposed: Signature {
                by: mention('2'),
                why: mention('3'),
                at_ms: NOW_MS,
            },
        },
    }
}

#[test]
fn every_host_that_is_not_done_is_left_and_none_that_is() {
    let it = residue(|_| ());
    let said: Vec<String> = it.left.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    assert_eq!(
        said,
        [
            "unknown 3",
            "overdue 7",
            "exempt 5",
            "handwork 4",
            "retired-unproven 2",
            "duties 1"
        ],
        "seven migrated hosts of which one is silent, and what lies outside of the duty is in no standing"
    );
    assert_eq!((it.expected, it.replaced, it.carried), (38, 6, 7));
}

#[test]
fn nobody_signs_twice_and_nobody_signs_another_paper() {
    let (it, same) = (proposal(), residue(|_| ()));
    assert_eq!(it.may_confirm(&it.digest, true, IN_FORCE, &same), Ok(()));
    assert_eq!(
        it.may_confirm(&it.digest, false, IN_FORCE, &same),
        Err(NotConfirmed::SamePerson)
    );
    let other = it.may_confirm(&"cd".repeat(32), true, IN_FORCE, &same).unwrap_err();
    assert!(matches!(other, NotConfirmed::Other { .. }), "{other}");
}

#[test]
fn a_figure_that_moved_since_the_first_signature_refuses_the_second_and_is_named() {
    let it = proposal();
    let refused = |in_force, now: &Residue| it.may_confirm(&it.digest, true, in_force, now).unwrap_err().to_string();
    let silent = residue(|totals| {
        totals.add(bucket(Phase::Migrated, false), -1);
        totals.add(bucket(Phase::Migrated, true), 1);
    });
    let said = refused(IN_FORCE, &silent);
    assert!(
        said.contains("replaced was 6 and is 5; unknown was 3 and is 4;"),
        "{said}"
    );
    let swapped = residue(|totals| {
        totals.add(bucket(Phase::Queued, false), -1);
        totals.add(bucket(Phase::Exempt, false), 1);
    });
    let said = refused(IN_FORCE, &swapped);
    assert!(said.contains("overdue was 7 and is 6; exempt was 5 and is 6"), "{said}");
    assert!(refused((4, 7), &residue(|_| ())).contains("campaign version was 3 and is 4"));
    assert!(refused((3, 8), &residue(|_| ())).contains("catalog revision was 7 and is 8"));
}

#[test]
fn what_nobody_looked_at_is_not_proven_free() {
    let plan = Plan::unborn(samples::host(), cutover_proto::ids::CampaignId::new("c"));
    assert!(!is_proven_free(&plan));
    let look = |inventory| {
        let known = crate::plan::Known::default();
        let plan = Plan {
            assessment: Some(crate::judge::assess(
                &inventory,
                &known,
                &samples::campaign(""),
                &samples::catalog(),
            )),
            ..plan.clone()
        };
        is_proven_free(&plan)
    };
    let of = |verdict| look(samples::with(samples::inventory(), "kesl", verdict));
    assert!(of(Verdict::Absent) && of(Verdict::Remnant));
    assert!(!of(Verdict::Unknown) && !of(Verdict::Embedded) && !of(Verdict::Running));
}

#[test]
fn who_signs_reads_of_each_kind_what_it_means_and_which_command_names_it() {
    let texts: BTreeSet<&str> = Residual::ALL.iter().map(|kind| kind.text()).collect();
    assert_eq!(texts.len(), Residual::ALL.len(), "{texts:?}");
    assert!(
        texts
            .iter()
            .all(|text| text.contains("hosts") || text.contains("duties")),
        "{texts:?}"
    );
    for kind in Residual::ALL {
        assert!(kind.names().starts_with("cutover "), "{kind}");
        if Standing::parse(kind.as_str()).is_ok() && *kind != Residual::Exempt {
            assert!(kind.names().contains(&format!("--standing {kind}")), "{kind}");
        }
    }
}
