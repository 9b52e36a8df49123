//! Samples of every message but those about steps.

use cutover_proto::{
    inventory::{HostFacts, Inventory},
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    v1,
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Health, HealthState, Protection, Showing, Sighting, Verdict},
};

use crate::{
    clones,
    facts::{facts, facts_wire},
    identifiers::{self, enroll_request},
    keys::{HOST, host_id},
    leaving,
    network::{self, condition, settings},
    notices, placed, policies, releases,
    sample::Sample,
    steps, tenants, upkeep, zones,
};

/// 2024-09-29T04:00:00Z.
pub(crate) const AT_MS: i64 = 1_727_582_400_000;
pub(crate) const BOOT: &str = "7d1c6c1e-0b0e-4d53-9b5a-0b6b0e6f2f11";

pub(crate) fn samples() -> Vec<Sample> {
    let mut all = enrolment();
    all.extend(check_in());
    all.extend(statements());
    let later = [
        tenants::samples(),
        clones::samples(),
        network::samples(),
        releases::samples(),
        identifiers::samples(),
        placed::samples(),
        policies::samples(),
        upkeep::samples(),
        zones::samples(),
        notices::samples(),
        leaving::samples(),
    ];
    all.extend(with_restarts().into_iter().chain(later.into_iter().flatten()));
    all
}

/// Messages as they are since restarts are noticed, put off and counted as facts.
fn with_restarts() -> Vec<Sample> {
    let reasons = || vec!["libc6".to_owned(), "linux-image-6.1.0-26-amd64".to_owned()];
    let facts_wire = || v1::HostFacts {
        restart_reasons: reasons(),
        ..facts_wire()
    };
    let facts = || HostFacts {
        restart_reasons: reasons(),
        ..facts()
    };
    let inventory_wire = v1::Inventory {
        facts: Some(facts_wire()),
        ..inventory_wire()
    };
    let inventory = Inventory {
        facts: facts(),
        ..inventory()
    };
    let until_ms = Some(AT_MS + 7_200_000);
    let (order_wire, order) = steps::order_with_notice();
    let variant = "with-restarts";
    vec![
        Sample::typed("HostFacts", variant, facts_wire(), facts()).earlier(),
        Sample::typed("Inventory", variant, inventory_wire, inventory).earlier(),
        Sample::variant(
            "EnrollRequest",
            variant,
            v1::EnrollRequest {
                facts: Some(facts_wire()),
                ..enroll_request()
            },
        )
        .earlier(),
        Sample::variant(
            "CheckInRequest",
            variant,
            v1::CheckInRequest {
                session_seconds: Some(54),
                ..check_in_request()
            },
        )
        .earlier(),
        Sample::typed(
            "StepRecord",
            variant,
            v1::StepRecord {
                event: v1::RecordEvent::RestartDeferred.into(),
                until_ms,
                ..record_wire()
            },
            StepRecord {
                event: RecordEvent::RestartDeferred,
                until_ms,
                ..record()
            },
        ),
        Sample::typed("WorkOrder", variant, order_wire.clone(), order.clone()).earlier(),
        Sample::typed(
            "WorkOrder",
            "with-secrets",
            v1::WorkOrder {
                secrets: vec![secret_of_a_product()],
                ..order_wire
            },
            WorkOrder {
                secrets: vec![secret_of_a_product()],
                ..order
            },
        ),
    ]
}

pub(crate) fn check_in_request() -> v1::CheckInRequest {
    v1::CheckInRequest {
        request_id: "01920000-0000-7000-8000-0000000000aa".into(),
        agent_version: "0.1.0".into(),
        boot_id: BOOT.into(),
        rules_revision: 1,
        inventory_digest: vec![0xaa; 32],
        inventory: Some(envelope()),
        looked_at_ms: AT_MS,
        vitals: Some(vitals()),
        step_records: vec![envelope()],
        running: Some(running()),
        highest_order_begun: 7,
        store_epoch: "e1".into(),
        known_steps: vec![1, 2, 3, 4, 5, 6],
        journal: v1::JournalState::Sound.into(),
        refused_rules: vec![refused_rule()],
        session_seconds: None,
        condition: None,
        host_clock_ms: None,
        notices: vec![],
        put_off: None,
        can_leave: false,
    }
}

fn enrolment() -> Vec<Sample> {
    vec![
        Sample::of("Envelope", envelope()),
        Sample::of("Signature", signature()),
        Sample::of("ServerKey", server_key()),
        Sample::of("SealedSecret", sealed_secret()).earlier(),
        Sample::variant("SealedSecret", "of-a-product", secret_of_a_product()),
        Sample::of("EnrollRequest", enroll_request()).earlier(),
        Sample::of(
            "EnrollReply",
            v1::EnrollReply {
                host_id: HOST.into(),
                certificate_chain: vec![vec![0x30, 0x02]],
                trust_anchors: vec![vec![0x30, 0x03]],
                signing_keys: vec![server_key()],
                store_epoch: "e1".into(),
                server_time_ms: AT_MS,
            },
        ),
        Sample::of(
            "RenewRequest",
            v1::RenewRequest {
                csr_der: vec![0x30, 0x01],
                proof: Some(envelope()),
                sealing_key: Some(envelope()),
            },
        ),
        Sample::of(
            "RenewReply",
            v1::RenewReply {
                certificate_chain: vec![vec![0x30, 0x02]],
                trust_anchors: vec![vec![0x30, 0x03]],
                signing_keys: vec![server_key()],
            },
        ),
    ]
}

pub(crate) fn check_in_reply() -> v1::CheckInReply {
    v1::CheckInReply {
        store_epoch: "e1".into(),
        server_time_ms: AT_MS,
        durable: vec![mark()],
        durable_inventory: vec![0xaa; 32],
        want_inventory: true,
        want_look: true,
        work_order: Some(envelope()),
        cancel: Some(envelope()),
        rules: Some(envelope()),
        settings: Some(settings()),
        next_in_seconds: 300,
        renew: true,
        prefetch: vec![],
        split: false,
        agent_release: None,
        notice: None,
        leave: None,
    }
}

fn check_in() -> Vec<Sample> {
    vec![
        Sample::of("CheckInRequest", check_in_request()).earlier(),
        Sample::variant(
            "CheckInRequest",
            "with-condition",
            v1::CheckInRequest {
                condition: Some(condition()),
                ..check_in_request()
            },
        )
        .earlier(),
        Sample::variant(
            "CheckInRequest",
            "with-session-and-condition",
            v1::CheckInRequest {
                session_seconds: Some(54),
                condition: Some(condition()),
                ..check_in_request()
            },
        )
        .earlier(),
        Sample::of("AgentCondition", condition()).earlier(),
        Sample::of("CheckInReply", check_in_reply()).earlier(),
        Sample::variant(
            "CheckInReply",
            "prefetch",
            v1::CheckInReply {
                prefetch: vec![steps::artifact_wire()],
                ..check_in_reply()
            },
        )
        .earlier(),
        Sample::of("OrderMark", mark()),
        Sample::of("RunningOrder", running()),
        Sample::of("Settings", settings()).earlier(),
        Sample::of("Vitals", vitals()).earlier(),
        Sample::of("RefusedRule", refused_rule()),
        Sample::of("WatchRequest", v1::WatchRequest {}),
        Sample::of(
            "Nudge",
            v1::Nudge {
                reason: v1::NudgeReason::CheckIn.into(),
            },
        ),
    ]
}

fn statements() -> Vec<Sample> {
    let rules = rules();
    let file = rules.files[0].clone();
    vec![
        Sample::typed("HostFacts", "", facts_wire(), facts()).earlier(),
        Sample::typed("Evidence", "", evidence_wire(), evidence()),
        seen("module", EvidenceKind::Module, v1::EvidenceKind::Module),
        seen("listener", EvidenceKind::Listener, v1::EvidenceKind::Listener),
        seen("certificate", EvidenceKind::Certificate, v1::EvidenceKind::Certificate),
        seen("group", EvidenceKind::Group, v1::EvidenceKind::Group),
        seen("service", EvidenceKind::Service, v1::EvidenceKind::Service),
        Sample::of("Health", health_wire()).earlier(),
        Sample::typed("Sighting", "", sighting_wire(), sighting()).earlier(),
        Sample::typed("Inventory", "", inventory_wire(), inventory()).earlier(),
        Sample::typed("WorkOrder", "", steps::order_wire(), steps::order()).earlier(),
        Sample::of("Cancel", cancel()),
        Sample::typed("StepRecord", "", record_wire(), record()).earlier(),
        Sample::of("Rules", rules),
        Sample::of("RuleFile", file),
    ]
}

pub(crate) fn envelope() -> v1::Envelope {
    v1::Envelope {
        context: "cutover.v1.Inventory".into(),
        body: vec![1, 2, 3],
        signatures: vec![signature()],
    }
}

fn signature() -> v1::Signature {
    v1::Signature {
        key_id: "ab".repeat(32),
        algorithm: v1::SignatureAlgorithm::Ed25519.into(),
        value: vec![0xcd; 64],
    }
}

fn server_key() -> v1::ServerKey {
    v1::ServerKey {
        key_id: "ab".repeat(32),
        public_key: vec![0xef; 32],
    }
}

pub(crate) fn sealed_secret() -> v1::SealedSecret {
    v1::SealedSecret {
        name: "uninstall-password".into(),
        encapsulated_key: vec![0x33; 32],
        ciphertext: vec![0x44; 20],
        ..v1::SealedSecret::default()
    }
}

pub(crate) fn secret_of_a_product() -> v1::SealedSecret {
    v1::SealedSecret {
        name: "klnagent-windows/1/KLUNINSTPASSWD/utf16le-hex".into(),
        product: "klnagent-windows".into(),
        attempt: 1,
        property: "KLUNINSTPASSWD".into(),
        form: v1::SecretForm::Utf16leHex.into(),
        ..sealed_secret()
    }
}

fn vitals() -> v1::Vitals {
    v1::Vitals {
        free_disk_mib: Some(2048),
        battery_percent: Some(80),
        definitions_age_hours: Some(12),
        on_battery: None,
    }
}

pub(crate) fn on_battery() -> v1::Vitals {
    v1::Vitals {
        on_battery: Some(true),
        ..vitals()
    }
}

fn running() -> v1::RunningOrder {
    v1::RunningOrder {
        order_number: 7,
        step: 2,
        past_last_safe_point: true,
    }
}

fn refused_rule() -> v1::RefusedRule {
    v1::RefusedRule {
        product: "kesl".into(),
        why: "kesl.toml: schema 2 is not known here".into(),
    }
}

fn mark() -> v1::OrderMark {
    v1::OrderMark {
        order_number: 7,
        sequence: 3,
    }
}

pub(crate) fn cancel() -> v1::Cancel {
    v1::Cancel {
        host_id: HOST.into(),
        order_number: 7,
        reason: "emergency stop".into(),
    }
}

pub(crate) fn rules() -> v1::Rules {
    v1::Rules {
        revision: 2,
        files: vec![v1::RuleFile {
            name: "kesl.toml".into(),
            toml: "schema = 1\n".into(),
        }],
    }
}

/// Evidence of one more kind.
fn seen(name: &'static str, kind: EvidenceKind, wire: v1::EvidenceKind) -> Sample {
    let wire = v1::Evidence {
        kind: wire.into(),
        ..evidence_wire()
    };
    Sample::typed("Evidence", name, wire, Evidence { kind, ..evidence() })
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        kind: EvidenceKind::Package,
        required: true,
        outcome: EvidenceOutcome::Seen,
        detail: "clamav 1.0.7+dfsg-1".into(),
        shows: Some(Showing::Installed),
    }
}

pub(crate) fn evidence_wire() -> v1::Evidence {
    v1::Evidence {
        kind: v1::EvidenceKind::Package.into(),
        required: true,
        outcome: v1::EvidenceOutcome::Seen.into(),
        detail: "clamav 1.0.7+dfsg-1".into(),
        shows: v1::Showing::Installed.into(),
    }
}

pub(crate) fn health_wire() -> v1::Health {
    v1::Health {
        state: v1::HealthState::Unhealthy.into(),
        why: "newest signature file is 9 days old".into(),
        grade: v1::Protection::None.into(),
        tenant: String::new(),
    }
}

pub(crate) fn sighting() -> Sighting {
    Sighting {
        product: "clamav".into(),
        verdict: Verdict::Installed,
        why: "kept for the sample".into(),
        version: Some("1.0.7+dfsg-1".into()),
        evidence: vec![evidence()],
        health: Some(Health {
            state: HealthState::Unhealthy,
            why: "newest signature file is 9 days old".into(),
            grade: Protection::None,
            tenant: None,
        }),
        upkeep: None,
    }
}

pub(crate) fn sighting_wire() -> v1::Sighting {
    v1::Sighting {
        product: "clamav".into(),
        verdict: v1::Verdict::Installed.into(),
        why: "kept for the sample".into(),
        version: "1.0.7+dfsg-1".into(),
        evidence: vec![evidence_wire()],
        health: Some(health_wire()),
        upkeep: None,
    }
}

pub(crate) fn inventory() -> Inventory {
    Inventory {
        host_id: host_id(),
        taken_at_ms: AT_MS,
        boot_id: BOOT.into(),
        rules_revision: 1,
        facts: facts(),
        sightings: vec![sighting()],
        protection: Protection::OnDemand,
    }
}

pub(crate) fn inventory_wire() -> v1::Inventory {
    v1::Inventory {
        host_id: HOST.into(),
        taken_at_ms: AT_MS,
        boot_id: BOOT.into(),
        rules_revision: 1,
        facts: Some(facts_wire()),
        sightings: vec![sighting_wire()],
        protection: v1::Protection::OnDemand.into(),
    }
}

fn record() -> StepRecord {
    StepRecord {
        host_id: host_id(),
        order_number: 7,
        sequence: 3,
        event: RecordEvent::StepFailed,
        step: 2,
        at_ms: AT_MS,
        boot_id: BOOT.into(),
        cause: Some(FailureCause::ToolFailed),
        detail: "apt-get ended with 100".into(),
        exit_code: Some(100),
        log_tail: "E: Sub-process returned an error code".into(),
        until_ms: None,
    }
}

pub(crate) fn record_wire() -> v1::StepRecord {
    v1::StepRecord {
        host_id: HOST.into(),
        order_number: 7,
        sequence: 3,
        event: v1::RecordEvent::StepFailed.into(),
        step: 2,
        at_ms: AT_MS,
        boot_id: BOOT.into(),
        cause: v1::FailureCause::ToolFailed.into(),
        detail: "apt-get ended with 100".into(),
        exit_code: Some(100),
        log_tail: "E: Sub-process returned an error code".into(),
        until_ms: None,
    }
}
