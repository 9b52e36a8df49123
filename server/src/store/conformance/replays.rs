//! Rows and figures as they were, against the events that made them: for random streams, at each position.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::lab::{CaseError, Lab, NOW, event, on_both, plan};
use crate::store::events::NewEvent;
use crate::store::plans::{self, PlanFilter, PlanRow};
use crate::store::value::params;
use crate::store::{AsOf, StreamName, WriteTx, events, totals};

on_both!(rows_and_totals_at_each_position_are_what_the_events_up_to_it_say);

const fn at(pos: i64) -> AsOf {
    AsOf { pos, at_ms: NOW }
}

/// What a transaction does: for some hosts, into which phase and by how many events; and whether it fails at its end.
type Act = (Vec<(usize, usize, usize)>, bool);

const PHASES: [&str; 4] = ["planned", "queued", "migrating", "failed"];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let change = (0..4_usize, 0..PHASES.len(), 1..4_usize);
    proptest::collection::vec(
        (proptest::collection::vec(change, 1..4), prop::bool::weighted(0.1)),
        1..15,
    )
}

fn rows_and_totals_at_each_position_are_what_the_events_up_to_it_say(lab: &Lab) {
    let config = Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    };
    let case = std::cell::Cell::new(0);
    let outcome = TestRunner::new(config).run(&acts(), |acts| {
        case.set(case.get() + 1);
        let campaign = format!("c{}", case.get());
        replayed(lab, &campaign, &acts).map_err(TestCaseError::fail)
    });
    assert_eq!(outcome, Ok(()));
}

/// The state of a plan here is what all of its events say, one after another.
fn replayed(lab: &Lab, campaign: &str, acts: &[Act]) -> Result<(), String> {
    let begun = lab.store.read_now(|tx| events::last_pos(tx)).expect("a position");
    for (changes, fails) in acts.iter().cloned() {
        let campaign = campaign.to_owned();
        let written = lab.store.write_now(move |tx| {
            for (host, phase, count) in &changes {
                change(tx, &campaign, *host, PHASES[*phase], *count)?;
            }
            if fails { Err(CaseError::Refused("no")) } else { Ok(()) }
        });
        // The same host twice in one transaction is a conflict of this case's own making: its events are not readable yet.
        if let Err(CaseError::Store(error)) = written
            && !error.is_conflict()
        {
            return Err(error.to_string());
        }
    }
    let id = campaign.to_owned();
    let told = lab
        .store
        .read_now(move |tx| events::since(tx, begun, 10_000))
        .expect("events");
    let ends = lab
        .conn()
        .query(
            "SELECT pos FROM event WHERE moment_ms IS NOT NULL ORDER BY pos",
            params![],
        )
        .expect("ends of transactions");
    let ends: Vec<i64> = ends
        .iter()
        .map(|row| row.int("pos").expect("pos"))
        .filter(|pos| *pos > begun)
        .collect();
    for pos in ends {
        let mut states: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in told.iter().filter(|event| event.pos <= pos) {
            let host = event.stream.as_str().rsplit('/').next().unwrap_or_default();
            states.entry(host.to_owned()).or_default().push(event.kind.clone());
        }
        let (campaign, kept_of) = (id.clone(), id.clone());
        let kept = lab
            .store
            .read_now(move |tx| {
                tx.go_back(at(pos));
                plans::list(tx, &kept_of, &PlanFilter::default(), None, 100)
            })
            .expect("rows");
        let found: BTreeMap<String, Vec<String>> = kept
            .iter()
            .map(|row| (row.host_id.clone(), row.state.split(' ').map(str::to_owned).collect()))
            .collect();
        if found != states {
            return Err(format!("at {pos}: {found:?} is kept, and events say {states:?}"));
        }
        let totals = lab
            .store
            .read_now(move |tx| {
                tx.go_back(at(pos));
                totals::list(tx, &campaign)
            })
            .expect("totals");
        let mut counted: BTreeMap<String, i64> = BTreeMap::new();
        for row in &kept {
            *counted.entry(row.phase.clone()).or_default() += 1;
        }
        let totals: BTreeMap<String, i64> = totals.into_iter().map(|it| (it.bucket.phase, it.hosts)).collect();
        if totals != counted {
            return Err(format!("at {pos}: totals say {totals:?}, and rows {counted:?}"));
        }
    }
    Ok(())
}

fn change(tx: &mut WriteTx<'_>, campaign: &str, host: usize, phase: &str, count: usize) -> Result<(), CaseError> {
    let host_id = format!("h{host}");
    let before = plans::load(tx, campaign, &host_id)?;
    let (seq, mut state) = before.map_or((0, String::new()), |row| (row.seq, row.state));
    let told: Vec<NewEvent> = (0..count).map(|n| event(&format!("{phase}{n}"))).collect();
    events::append(tx, &StreamName::plan(campaign, &host_id), seq, &told)?;
    for event in &told {
        state = format!("{state} {}", event.kind).trim_start().to_owned();
    }
    let row = PlanRow {
        campaign_id: campaign.to_owned(),
        seq: seq + count as i64,
        state,
        ..plan(&host_id, phase)
    };
    plans::compare_and_set(tx, seq, &row)?;
    Ok(())
}
