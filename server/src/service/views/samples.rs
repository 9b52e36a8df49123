//! Views for the pages' samples.

use cutover_core::{plan::Phase, report::distance, standing::Standing};

use super::super::{FindingView, LookView, ProofView};
use super::{
    Count, EventView, HostDetail, HostRow, MilestoneView, ProtectionTime, Share, StepView, StuckView, Summary,
    VerdictView, WaveView,
};

/// 2026-11-22T12:00:00Z.
const NOW_MS: i64 = 1_795_348_800_000;

const HOST: &str = "01890000-0000-7000-8000-000000000001";
const OTHER: &str = "01890000-0000-7000-8000-000000000002";

/// 25 hosts, one of which needs a person.
pub(crate) fn summary() -> Summary {
    Summary {
        as_of_ms: NOW_MS,
        campaign: "kaspersky-us-2024".to_owned(),
        title: "Kaspersky, US final determination of June 2024".to_owned(),
        kind: "sale-and-update-ban".to_owned(),
        mode: "automatic".to_owned(),
        halted: String::new(),
        closed_ms: None,
        campaign_version: 2,
        catalog_revision: 1,
        milestones: vec![
            milestone("sale", "legal", 1_721_448_000_000, -855),
            milestone("updates", "legal", 1_727_582_400_000, -784),
            milestone("recovery target", "company", 1_814_313_600_000, 219),
        ],
        hosts: 25,
        expected: 25,
        assets: Vec::new(),
        phases: counts(Phase::ALL.iter().map(Phase::to_string), |name| match name {
            "clear" => 4,
            "queued" => 2,
            "migrated" => 18,
            "blocked" => 1,
            _ => 0,
        }),
        standing: counts(Standing::ALL.iter().map(Standing::to_string), |name| match name {
            "compliant" => 22,
            "at-risk" => 3,
            _ => 0,
        }),
        replaced: share(18, 21, "86 %"),
        unknown: share(0, 25, "0 %"),
        protected: share(24, 25, "96 %"),
        waves: vec![WaveView {
            name: "all".to_owned(),
            state: "open".to_owned(),
            hosts: 25,
            waiting: 2,
            moving: 0,
            done: 22,
            stuck: 1,
            note: String::new(),
        }],
        stuck: vec![StuckView {
            host_id: HOST.to_owned(),
            name: "pc-<1>".to_owned(),
            phase: "blocked".to_owned(),
            reason: "the product that is to go holds the keys of the disks".to_owned(),
            remedy: "decrypt the disks with the product and its server first".to_owned(),
            owner: "operator".to_owned(),
        }],
    }
}

/// The same before any host has enrolled.
pub(crate) fn new_campaign() -> Summary {
    let nothing = || share(0, 0, "–");
    Summary {
        hosts: 0,
        expected: 0,
        assets: Vec::new(),
        phases: counts(Phase::ALL.iter().map(Phase::to_string), |_| 0),
        standing: counts(Standing::ALL.iter().map(Standing::to_string), |_| 0),
        replaced: nothing(),
        unknown: nothing(),
        protected: nothing(),
        waves: Vec::new(),
        stuck: Vec::new(),
        ..summary()
    }
}

/// What happened last.
pub(crate) fn event() -> EventView {
    EventView {
        pos: 17,
        at_ms: NOW_MS - 60_000,
        host_id: HOST.to_owned(),
        host: "pc-<1>".to_owned(),
        text: "planned → blocked: the product that is to go holds the keys of the disks".to_owned(),
    }
}

/// What nobody can say any more.
pub(crate) fn proof() -> ProofView {
    ProofView {
        milestone: "updates".to_owned(),
        at_ms: 1_727_582_400_000,
        proof: "not knowable, first look 2026-11-01T12:00:00Z".to_owned(),
    }
}

/// A console that says otherwise.
pub(crate) fn finding() -> FindingView {
    FindingView {
        of_id: HOST.to_owned(),
        of_kind: "host".to_owned(),
        name: "pc-<1>".to_owned(),
        kind: "console-says-healthy".to_owned(),
        source: "console".to_owned(),
        text: "<console> heard of a healthy clamav".to_owned(),
        remedy: "look at the machine".to_owned(),
        since_ms: NOW_MS - 60_000,
    }
}

/// A look that was carried here.
pub(crate) fn look() -> LookView {
    LookView {
        text: "carries at 2026-11-20T10:00:00Z, self-reported; imported by <ann>; not watched".to_owned(),
        sha256: "5e".repeat(32),
        file_name: "OLD-7.cutover.txt".to_owned(),
        grade: "self-reported".to_owned(),
        vouched: "collected".to_owned(),
        taken_ms: NOW_MS - 180_000_000,
        imported_ms: NOW_MS - 60_000,
        imported_by: "<ann>".to_owned(),
        found: "carries".to_owned(),
        rules_revision: 1,
        catalog_revision: 1,
        campaign_version: 2,
        verdicts: vec![VerdictView {
            product: "kes-windows".to_owned(),
            verdict: "running".to_owned(),
            version: "10.3.3.304".to_owned(),
            evidence: vec!["uninstall-key: <Kaspersky>".to_owned()],
        }],
    }
}

/// A host with a verdict, a step that failed, and a timeline.
pub(crate) fn host() -> HostDetail {
    HostDetail {
        row: HostRow {
            host_id: HOST.to_owned(),
            name: "pc-<1>".to_owned(),
            system: "Debian GNU/Linux 12".to_owned(),
            phase: "blocked".to_owned(),
            standing: "at-risk".to_owned(),
            protection: "real-time".to_owned(),
            wave: "all".to_owned(),
            reason: "the product that is to go holds the keys of the disks".to_owned(),
            last_contact_ms: NOW_MS - 30_000,
        },
        why: vec!["enrolled".to_owned(), "it carries kesl".to_owned()],
        ahead: vec!["next contact: by <noon>".to_owned()],
        set: vec!["held (legal) until it is lifted by a-<lawyer>: litigation".to_owned()],
        restart_pending: "yes: libc6".to_owned(),
        identity: Vec::new(),
        program: "0.1.0 on linux-x86_64".to_owned(),
        machine: vec!["disk encryption: by-target".to_owned(), "roles: <none>".to_owned()],
        ownership: "unknown".to_owned(),
        tags: Vec::new(),
        network: "cutover.example.org:7443 by HTTP/2".to_owned(),
        grade: String::new(),
        findings: vec![finding()],
        proofs: vec![proof()],
        looks: vec![look()],
        verdicts: vec![VerdictView {
            product: "kesl".to_owned(),
            verdict: "running".to_owned(),
            version: "12.1.0-1297".to_owned(),
            evidence: vec!["package: kesl 12.1.0-1297".to_owned(), "unit: nothing".to_owned()],
        }],
        protection_seconds: ProtectionTime {
            protected: 200_000,
            unprotected: 90,
            unobserved: 3_600,
        },
        steps: vec![StepView {
            order: 1,
            sequence: 3,
            step: "remove kesl".to_owned(),
            event: "step-failed".to_owned(),
            at_ms: NOW_MS - 90_000,
            exit_code: Some(100),
            detail: "script-failed: the removal script failed".to_owned(),
            log_tail: "dpkg: error <processing>".to_owned(),
        }],
        timeline: vec![event()],
        chain_verified: true,
    }
}

/// One that enrolled and has shown nothing, and whose events were touched.
pub(crate) fn host_not_looked_at() -> HostDetail {
    let known = host();
    HostDetail {
        row: HostRow {
            host_id: OTHER.to_owned(),
            name: "pc-2".to_owned(),
            system: String::new(),
            phase: "unassessed".to_owned(),
            standing: "unknown".to_owned(),
            protection: "unobserved".to_owned(),
            reason: "no complete inventory has arrived".to_owned(),
            last_contact_ms: 0,
            ..known.row
        },
        set: Vec::new(),
        ahead: Vec::new(),
        why: Vec::new(),
        restart_pending: "unknown".to_owned(),
        identity: Vec::new(),
        program: String::new(),
        machine: Vec::new(),
        ownership: "unknown".to_owned(),
        tags: Vec::new(),
        network: String::new(),
        grade: String::new(),
        findings: Vec::new(),
        proofs: Vec::new(),
        looks: Vec::new(),
        verdicts: Vec::new(),
        protection_seconds: ProtectionTime::default(),
        steps: Vec::new(),
        timeline: Vec::new(),
        chain_verified: false,
    }
}

fn milestone(name: &str, regime: &str, at_ms: i64, days: i64) -> MilestoneView {
    MilestoneView {
        name: name.to_owned(),
        regime: regime.to_owned(),
        at_ms,
        distance: distance(days, days < 0),
    }
}

fn counts(names: impl Iterator<Item = String>, count: impl Fn(&str) -> u64) -> Vec<Count> {
    let counted = names.map(|name| Count {
        count: count(&name),
        name,
    });
    counted.collect()
}

fn share(part: u64, whole: u64, percent: &str) -> Share {
    Share {
        part,
        whole,
        percent: percent.to_owned(),
    }
}
