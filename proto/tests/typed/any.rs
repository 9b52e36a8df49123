//! Arbitrary typed values.

use std::time::Duration;

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    ids::HostId,
    inventory::{DiskEncryption, HostFacts, HostRole, Inventory, OsFamily, PackageManager},
    order::WorkOrder,
    placed::{Placed, PlacedBy, PlacedRecord, PlacedTrace},
    policy::{Policy, PolicySeen, PolicyState},
    record::{FailureCause, RecordEvent, StepRecord},
    step::{Action, SetUpState, Step},
    subject::Subject,
    upkeep::Upkeep,
    v1,
    verdict::{Evidence, EvidenceKind, EvidenceOutcome, Health, HealthState, Protection, Showing, Sighting, Verdict},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    select(all)
}

fn host_id() -> impl Strategy<Value = HostId> {
    any::<u128>().prop_map(|bits| HostId::new(uuid::Uuid::from_u128(bits)))
}

fn facts() -> impl Strategy<Value = HostFacts> {
    let names = (".*", ".*", ".*", ".*", ".*", ".*", ".*");
    let rest = (
        one_of(OsFamily::ALL),
        vec(one_of(PackageManager::ALL), 0..3),
        one_of(DiskEncryption::ALL),
        any::<Option<bool>>(),
        any::<Option<u64>>(),
        vec(".*", 0..3),
        (".*", ".*", ".*"),
        (
            vec(".*", 0..3),
            vec(one_of(HostRole::ALL), 0..3),
            any::<bool>(),
            any::<Option<bool>>(),
            any::<Option<bool>>(),
            ".*",
            vec(policy(), 0..3),
        ),
    );
    (names, rest).prop_map(|(names, rest)| HostFacts {
        hostname: names.0,
        os_id: names.1,
        os_version: names.2,
        os_name: names.3,
        architecture: names.4,
        kernel: names.5,
        machine_id: names.6,
        os_family: rest.0,
        package_managers: rest.1,
        encryption: rest.2,
        restart_pending: rest.3,
        free_disk_mib: rest.4,
        restart_reasons: rest.5,
        serial: rest.6.0,
        system_uuid: rest.6.1,
        fqdn: rest.6.2,
        encryption_reasons: rest.7.0,
        roles: rest.7.1,
        roles_told: rest.7.2,
        has_battery: rest.7.3,
        domain_joined: rest.7.4,
        time_zone: rest.7.5,
        policies: rest.7.6,
    })
}

fn policy() -> impl Strategy<Value = PolicySeen> {
    (one_of(Policy::ALL), one_of(PolicyState::ALL), ".*").prop_map(|(policy, state, detail)| PolicySeen {
        policy,
        state,
        detail,
    })
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let parts = (
        one_of(EvidenceKind::ALL),
        any::<bool>(),
        one_of(EvidenceOutcome::ALL),
        ".*",
        option::of(one_of(Showing::ALL)),
    );
    parts.prop_map(|(kind, required, outcome, detail, shows)| Evidence {
        kind,
        required,
        outcome,
        detail,
        shows,
    })
}

fn health() -> impl Strategy<Value = Health> {
    let parts = (
        one_of(HealthState::ALL),
        ".*",
        one_of(Protection::ALL),
        prop::option::of(".+"),
    );
    parts.prop_map(|(state, why, grade, tenant)| Health {
        state,
        why,
        grade,
        tenant,
    })
}

fn placed() -> impl Strategy<Value = Placed> {
    let trace = (
        one_of(PlacedRecord::ALL),
        "[a-z /.-]{0,40}",
        option::of(one_of(PlacedBy::ALL)),
        option::of(any::<i32>()),
    );
    let trace = trace.prop_map(|(record, what, by, day)| PlacedTrace {
        record,
        what: what.trim().to_owned(),
        by,
        day,
    });
    (vec(trace, 1..4), vec("[a-z-]{1,12}", 0..4)).prop_map(|(traces, deployers)| Placed { traces, deployers })
}

fn upkeep() -> impl Strategy<Value = Upkeep> {
    let parts = (
        option::of(".+"),
        option::of(any::<i64>()),
        option::of(any::<i64>()),
        option::of(any::<i32>()),
    );
    let known = |upkeep: &Upkeep| !upkeep.is_empty();
    let parts = (parts, option::of(placed()));
    let upkeep = parts.prop_map(
        |((management_server, last_contact_ms, bases_ms, installed_day), placed)| Upkeep {
            management_server,
            last_contact_ms,
            bases_ms,
            installed_day,
            placed,
        },
    );
    upkeep.prop_filter("knows something", known)
}

fn sighting() -> impl Strategy<Value = Sighting> {
    let parts = (
        "[a-z0-9-]{1,12}",
        one_of(Verdict::ALL),
        ".*",
        option::of(".+"),
        vec(evidence(), 0..4),
        option::of(health()),
        option::of(upkeep()),
    );
    parts.prop_map(|(product, verdict, why, version, evidence, health, upkeep)| Sighting {
        product: product.as_str().into(),
        verdict,
        why,
        version,
        evidence,
        health,
        upkeep,
    })
}

pub(crate) fn inventory() -> impl Strategy<Value = Inventory> {
    let parts = (
        host_id(),
        any::<i64>(),
        ".*",
        any::<u64>(),
        facts(),
        vec(sighting(), 0..4),
        one_of(Protection::ALL),
    );
    parts.prop_map(
        |(host_id, taken_at_ms, boot_id, rules_revision, facts, sightings, protection)| Inventory {
            host_id,
            taken_at_ms,
            boot_id,
            rules_revision,
            facts,
            sightings,
            protection,
        },
    )
}

pub(crate) fn record() -> impl Strategy<Value = StepRecord> {
    let head = (
        host_id(),
        any::<u64>(),
        1u32..,
        one_of(RecordEvent::ALL),
        any::<u32>(),
        any::<i64>(),
    );
    let rest = (
        ".*",
        option::of(one_of(FailureCause::ALL)),
        ".*",
        any::<Option<i32>>(),
        ".*",
        any::<Option<i64>>(),
    );
    (head, rest).prop_map(|(head, rest)| StepRecord {
        host_id: head.0,
        order_number: head.1,
        sequence: head.2,
        event: head.3,
        step: head.4,
        at_ms: head.5,
        boot_id: rest.0,
        cause: rest.1,
        detail: rest.2,
        exit_code: rest.3,
        log_tail: rest.4,
        until_ms: rest.5,
    })
}

fn artifact() -> impl Strategy<Value = ArtifactRef> {
    let parts = (
        any::<[u8; 32]>(),
        1u64..,
        "[a-zA-Z0-9][a-zA-Z0-9+._~%^-]{0,40}",
        vec("https?://[a-z0-9./-]{1,30}", 0..3),
    );
    parts.prop_map(|(sha256, size, file_name, urls)| ArtifactRef {
        sha256: ArtifactDigest::new(sha256),
        size,
        file_name,
        urls,
    })
}

fn action() -> impl Strategy<Value = Action> {
    let manager = || one_of(PackageManager::ALL);
    let product = || "[a-z0-9-]{1,12}".prop_map(|name| name.as_str().into());
    // A manager, and packages as it knows them.
    let packages = || {
        manager().prop_flat_map(|manager| {
            let name = match manager {
                PackageManager::Msi => r"\{[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}\}",
                PackageManager::Apt | PackageManager::Dnf | PackageManager::Yum | PackageManager::Zypper => {
                    "[a-z0-9][a-z0-9+.-]{0,20}"
                }
            };
            (Just(manager), vec(name, 1..4))
        })
    };
    prop_oneof![
        packages().prop_map(|(manager, packages)| Action::FetchPackages { manager, packages }),
        (packages(), product()).prop_map(|((manager, packages), product)| {
            Action::RemovePackages {
                manager,
                product,
                packages,
            }
        }),
        (packages(), product()).prop_map(|((manager, packages), product)| {
            Action::InstallPackages {
                manager,
                product,
                packages,
            }
        }),
        (product(), vec("/[a-z]{1,8}/[a-z]{1,8}", 0..3)).prop_map(|(product, paths)| Action::Sweep { product, paths }),
        product().prop_map(|product| Action::DetectionTest { product }),
        manager().prop_map(|manager| Action::RepairPackages { manager }),
        (product(), vec("[a-z_][a-z0-9_-]{0,20}", 1..4))
            .prop_map(|(product, groups)| Action::SweepGroups { product, groups }),
        (product(), vec(subject(), 1..3))
            .prop_map(|(product, subjects)| Action::SweepCertificates { product, subjects }),
        (product(), vec("[a-z]{1,8}\\.service", 1..3))
            .prop_map(|(product, services)| Action::EnableService { product, services }),
        (product(), "/[a-z]{1,8}/[a-z]{1,8}", ".*", 0_u32..0o756).prop_map(|(product, path, contents, mode)| {
            Action::WriteConfig {
                product,
                path,
                contents,
                mode: mode & 0o755,
            }
        }),
        artifact().prop_map(|artifact| Action::FetchArtifact { artifact }),
        (
            product(),
            select(SetUpState::ALL.to_vec()),
            option::of("[a-z0-9-]{1,8}")
        )
            .prop_map(|(product, state, tenant)| Action::SetUp { product, state, tenant }),
        (manager(), product(), vec(artifact(), 1..3)).prop_map(|(manager, product, artifacts)| {
            Action::InstallArtifact {
                manager,
                product,
                artifacts,
            }
        }),
        (".*", any::<u32>(), any::<u32>()).prop_map(|(reason, notice, defer)| Action::Restart {
            reason,
            notice: Duration::from_secs(notice.into()),
            defer: Duration::from_secs(defer.into()),
        }),
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    ("[A-Z][a-z ]{0,20}[a-z]", "[A-Z][a-z.]{0,20}")
        .prop_map(|(name, of)| Subject::parse(&format!("CN={name}, O={of}")).expect("plain words"))
}

fn step() -> impl Strategy<Value = Step> {
    (action(), 1u32.., any::<bool>()).prop_map(|(action, seconds, safe_point_after)| Step {
        action,
        time_limit: Duration::from_secs(seconds.into()),
        safe_point_after,
    })
}

fn secret() -> impl Strategy<Value = v1::SealedSecret> {
    let said = (".*", any::<u32>(), ".*", any::<i32>());
    (".*", any::<Vec<u8>>(), any::<Vec<u8>>(), said).prop_map(
        |(name, encapsulated_key, ciphertext, (product, attempt, property, form))| v1::SealedSecret {
            name,
            encapsulated_key,
            ciphertext,
            product,
            attempt,
            property,
            form,
        },
    )
}

pub(crate) fn order() -> impl Strategy<Value = WorkOrder> {
    let head = (
        host_id(),
        ".*",
        any::<u64>(),
        1u64..,
        any::<u32>(),
        any::<i64>(),
        any::<i64>(),
    );
    let rest = (any::<bool>(), vec(step(), 1..5), vec(secret(), 0..2), any::<u64>());
    (head, rest).prop_map(|(head, rest)| WorkOrder {
        host_id: head.0,
        campaign_id: head.1.as_str().into(),
        campaign_epoch: head.2,
        number: head.3,
        attempt: head.4,
        not_before_ms: head.5,
        expires_ms: head.6,
        offline: rest.0,
        steps: rest.1,
        secrets: rest.2,
        catalog_revision: rest.3,
    })
}
