//! The phase table: its text, its spellings, and a way out of every phase.

use cutover_proto::{
    inventory::DiskEncryption,
    record::{FailureCause, RecordEvent},
    verdict::Verdict,
};

use super::*;
use crate::{
    plan::{Exemption, TRANSITIONS, is_legal},
    samples::{carrying, inventory, replaced, with},
};

#[test]
fn the_phases_and_their_moves_are_as_written() {
    let mut text = String::new();
    for phase in Phase::ALL {
        let (_, next) = TRANSITIONS
            .iter()
            .find(|(from, _)| from == phase)
            .expect("every phase has a row");
        let next: Vec<&str> = next.iter().map(|phase| phase.as_str()).collect();
        text += &format!("{phase} -> {}\n", next.join(", "));
    }
    insta::assert_snapshot!(text);
    let docs: String = include_str!("../../plan/transitions.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//! "))
        .filter(|line| line.contains(" -> "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(docs, text, "the text in the module's documentation is not the table");
}

#[test]
fn no_phase_follows_itself_and_every_phase_is_reached() {
    for phase in Phase::ALL {
        assert!(!is_legal(*phase, *phase));
        let is_reached = TRANSITIONS.iter().any(|(_, next)| next.contains(phase));
        assert!(is_reached, "{phase}");
    }
}

/// Puts a host into a phase, by inputs alone.
fn in_phase(phase: Phase) -> Host {
    let mut host = Host::new();
    let exemption = Exemption {
        why: "x".into(),
        owner: "eve".into(),
        control: None,
        until_ms: None,
        by: None,
    };
    match phase {
        Phase::Unassessed => {}
        Phase::Clear => drop(host.look(&inventory())),
        Phase::Unplanned => {
            let mut other = carrying();
            other.facts.os_id = "arch".into();
            host.look(&other);
        }
        Phase::Planned => {
            host.turn_wave(WaveState::Closed);
            host.look(&carrying());
        }
        Phase::Queued => drop(host.look(&carrying())),
        Phase::Migrating => {
            host.look(&carrying());
            host.start_and_fetch();
        }
        Phase::Rebooting => {
            host = in_phase(Phase::Migrating);
            let order = host.plan.order.as_mut().unwrap();
            order.steps[0].action = cutover_proto::step::Action::Restart {
                reason: "drivers".into(),
                notice: std::time::Duration::from_secs(300),
                defer: std::time::Duration::from_secs(86_400),
            };
            host.report(RecordEvent::StepBegun, 0, None);
        }
        Phase::Verifying => {
            host = in_phase(Phase::Migrating);
            host.work();
        }
        Phase::Migrated => {
            host.look(&carrying());
            host.migrate();
        }
        Phase::Blocked => {
            let mut encrypted = carrying();
            encrypted.facts.encryption = DiskEncryption::ByTarget;
            host.look(&encrypted);
        }
        Phase::Handwork => drop(host.look(&with(inventory(), "kesl", Verdict::Embedded))),
        Phase::Failed => {
            host.campaign.policy.attempts = 1;
            host.look(&carrying());
            host.start_and_fetch();
            host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
        }
        Phase::Exempt => drop(host.send(Input::Exempted(exemption))),
        Phase::Concluded => {
            host.look(&inventory());
            host.send(Input::Concluded);
        }
        Phase::OutOfScope => drop(host.send(Input::Described {
            known: samples::tagged("kiosk"),
        })),
        Phase::Retired => drop(host.send(Input::Retired {
            by: "ann".into(),
            why: "scrapped".into(),
        })),
    }
    assert_eq!(host.plan.phase, phase, "{}", host.told());
    host
}

/// What the table of DESIGN calls "goes on when", as an act.
fn way_out(phase: Phase, host: &mut Host) {
    match phase {
        Phase::Unassessed | Phase::Clear | Phase::Unplanned | Phase::Blocked => drop(host.look(&carrying())),
        Phase::Planned => {
            host.turn_wave(WaveState::Open);
            host.send(Input::WaveOpened);
        }
        Phase::Queued => drop(host.start()),
        Phase::Migrating => host.work(),
        Phase::Rebooting => drop(host.wake()),
        Phase::Verifying => host.confirm(),
        Phase::Migrated => drop(host.look(&carrying())),
        Phase::Handwork => drop(host.send(Input::HandworkDone {
            by: "bob".into(),
            evidence: "ticket 7".into(),
        })),
        Phase::Failed => drop(host.send(Input::Retried { by: "ann".into() })),
        Phase::Exempt => drop(host.send(Input::ExemptionRevoked {
            by: "eve".into(),
            why: "it is over".into(),
        })),
        Phase::OutOfScope => drop(host.send(Input::Described {
            known: Known::default(),
        })),
        Phase::Concluded | Phase::Retired => {
            host.send(Input::Enrolled {
                known: Known::default(),
            });
        }
    }
}

#[test]
fn every_phase_has_a_way_out() {
    for phase in Phase::ALL {
        let mut host = in_phase(*phase);
        way_out(*phase, &mut host);
        assert_ne!(host.plan.phase, *phase, "{}", host.told());
    }
}

#[test]
fn every_phase_that_is_in_progress_has_a_limit_an_owner_and_a_reason() {
    for phase in Phase::ALL {
        let host = in_phase(*phase);
        let waiting = host.waiting();
        assert_eq!(
            waiting.is_none(),
            matches!(phase, Phase::Clear | Phase::Migrated),
            "{phase}"
        );
        if let Some(waiting) = waiting {
            assert!(!waiting.text().is_empty() && !waiting.owner().as_str().is_empty());
        }
        assert_eq!(host.next_wake().is_none(), phase.is_closed(), "{phase}");
    }
}

#[test]
fn a_whole_fleet_ends_where_no_host_moves_without_a_person() {
    let mut host = in_phase(Phase::Failed);
    assert!(!host.plan.is_moving());
    host.look(&replaced());
    assert!(host.plan.is_moving(), "other hands mended it: {}", host.plan.phase);
    host.confirm();
    assert!(!host.plan.is_moving());
}
