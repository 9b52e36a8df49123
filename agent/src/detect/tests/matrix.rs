//! The golden matrix: what every planted host is judged to be, and how the scan ends.

use std::fmt::Write;

use cutover_proto::{
    rule::Role,
    verdict::{EvidenceOutcome, Verdict},
};

use super::{
    macos_plants,
    plants::{all, looked},
    windows_plants,
};
use crate::{
    detect::{RuleSet, ScanOutcome, outcome},
    host::{Fixture, HostView},
};

pub(super) fn shown(about: &str, view: &dyn HostView) -> String {
    let inventory = looked(view);
    let outcome = outcome(&inventory, &RuleSet::built_in());
    let mut out = format!(
        "{about}: exit {}, protection {}\n",
        outcome.exit_code(),
        inventory.protection
    );
    let unknown = |why: &str| inventory.sightings.iter().filter(|one| one.why == why).count();
    let mut told = Vec::new();
    for sighting in &inventory.sightings {
        match sighting.verdict {
            Verdict::Absent => {}
            // One reason for many products is shown once.
            Verdict::Unknown => {
                if !told.contains(&sighting.why) {
                    let count = unknown(&sighting.why);
                    writeln!(
                        out,
                        "  {count} of {} unknown: {}",
                        inventory.sightings.len(),
                        sighting.why
                    )
                    .expect("writes");
                    told.push(sighting.why.clone());
                }
            }
            Verdict::Installed | Verdict::Running | Verdict::Remnant | Verdict::Embedded => {
                let version = sighting.version.as_deref().unwrap_or("-");
                writeln!(out, "  {} {} {version}", sighting.product, sighting.verdict).expect("writes");
                for evidence in sighting
                    .evidence
                    .iter()
                    .filter(|one| one.outcome != EvidenceOutcome::Nothing)
                {
                    let shows = evidence.shows.map_or("not checked", |shows| shows.as_str());
                    writeln!(out, "    {} {shows}: {}", evidence.kind, evidence.detail).expect("writes");
                }
            }
        }
        if let Some(health) = &sighting.health {
            let tenant = health
                .tenant
                .as_deref()
                .map_or(String::new(), |tenant| format!(" of {tenant}"));
            writeln!(
                out,
                "    health {} {}{tenant} {}",
                health.state, health.grade, health.why
            )
            .expect("writes");
        }
    }
    out
}

#[test]
fn every_planted_host_is_judged_as_before() {
    let matrix: Vec<String> = all().iter().map(|host| shown(&host.about, host)).collect();
    insta::assert_snapshot!(matrix.join("\n"));
}

#[test]
fn every_planted_windows_is_judged_as_before() {
    let matrix: Vec<String> = windows_plants::all()
        .iter()
        .map(|host| shown(&host.about, host))
        .collect();
    insta::assert_snapshot!(matrix.join("\n"));
}

#[test]
fn every_planted_mac_is_judged_as_before() {
    let matrix: Vec<String> = macos_plants::all()
        .iter()
        .map(|host| shown(&host.about, host))
        .collect();
    insta::assert_snapshot!(matrix.join("\n"));
}

/// Nothing of the vendor's is on them, and nothing that must be known is not.
#[test]
fn a_normal_laptop_a_normal_server_and_a_managed_mac_are_clean() {
    let clean = [
        "windows, a normal laptop",
        "windows, a normal server",
        "windows, names that only look alike",
        "windows, check point with another engine",
        "mac, clean",
        "mac, managed, with defender for endpoint",
        "mac, names that only look alike",
    ];
    let hosts = [windows_plants::all(), macos_plants::all()].concat();
    let mut seen = 0;
    for host in hosts.iter().filter(|host| clean.contains(&host.about.as_str())) {
        let inventory = looked(host);
        let rules = RuleSet::built_in();
        assert_eq!(outcome(&inventory, &rules), ScanOutcome::NoTarget, "{}", host.about);
        let is_target = |product| rules.role(product) == Role::Target;
        for sighting in inventory.sightings.iter().filter(|it| is_target(&it.product)) {
            assert_eq!(
                sighting.verdict,
                Verdict::Absent,
                "{}: {}",
                host.about,
                sighting.product
            );
        }
        seen += 1;
    }
    assert_eq!(seen, clean.len());
}

/// A file that an earlier version wrote must read for ever.
#[test]
fn a_recording_in_a_file_is_judged_as_before() {
    let json = include_str!("recorded-debian-12.json");
    let host = Fixture::from_json(json).expect("reads");
    insta::assert_snapshot!(shown(&host.about, &host));
}
