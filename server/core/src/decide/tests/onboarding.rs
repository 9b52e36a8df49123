//! A replacement that may not stand beside what it replaces, and is told whose it is only after that went.

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    ids::ProductId,
    record::RecordEvent,
    verdict::{Health, HealthState, Protection, Verdict},
};

use super::*;
use crate::{
    catalog::Shelved,
    plan::{Owner, Reason},
    samples::{carrying, inventory, with},
    secret::Held,
};

const FALCON: &str = "crowdstrike-falcon";
const OURS: &str = "79391C24113773B01D8181C38C3E111A-5B";

fn set(names: &[&str]) -> Keyring {
    Keyring::new(names.iter().map(|name| {
        let held = Held {
            revision: 1,
            values: vec![format!("{name}'s")],
        };
        ((ProductId::new(FALCON), (*name).to_owned()), held)
    }))
}

fn host() -> Host {
    let mut host = Host::new();
    host.campaign.replacements[0].product = FALCON.into();
    host.campaign.replacements[0].tenant = Some(OURS.to_owned());
    host.shelf = Shelf::new(vec![Shelved {
        product: FALCON.into(),
        version: "7.20".to_owned(),
        systems: Vec::new(),
        artifact: ArtifactRef {
            sha256: ArtifactDigest::new([1; 32]),
            size: 7,
            file_name: "falcon-sensor_7.20.0-17306_amd64.deb".to_owned(),
            urls: Vec::new(),
        },
        bound_ms: 1,
    }]);
    host.look(&carrying());
    host
}

fn seen(state: HealthState, why: &str, tenant: &str) -> Inventory {
    let mut seen = with(inventory(), FALCON, Verdict::Running);
    let is_well = state == HealthState::Healthy;
    let grade = if is_well {
        Protection::RealTime
    } else {
        Protection::None
    };
    seen.protection = grade;
    if let Some(sighting) = seen.sightings.last_mut() {
        sighting.health = Some(Health {
            state,
            why: why.to_owned(),
            grade,
            tenant: Some(tenant.to_owned()),
        });
    }
    seen
}

#[test]
fn nothing_is_removed_before_the_server_has_what_makes_the_replacement_the_organisations() {
    let mut host = host();
    assert_eq!(host.plan.phase, Phase::Blocked);
    let reason = host.plan.reason.clone().unwrap();
    assert!(matches!(reason, Reason::SecretMissing { .. }), "{reason:?}");
    assert!(
        reason
            .text()
            .contains("makes crowdstrike-falcon the organisation's: cid")
    );
    assert!(
        reason
            .remedy()
            .contains("`cutover secret set cid --product crowdstrike-falcon --value-file FILE`"),
        "{}",
        reason.remedy()
    );
    assert_eq!(reason.owner(), Owner::Operator);

    // What lets a machine in does not say whose it is.
    host.secrets = set(&["provisioning-token"]);
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!(host.plan.phase, Phase::Blocked);

    host.secrets = set(&["cid"]);
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!(host.plan.phase, Phase::Queued);

    // And it is looked at once more when the order would go out.
    host.secrets = Keyring::default();
    host.start();
    assert_eq!((host.plan.phase, &host.plan.order), (Phase::Blocked, &None));

    host.secrets = set(&["cid", "provisioning-token"]);
    host.send(Input::CampaignChanged { assessment: None });
    host.start_and_fetch();
    let order = host.plan.order.as_ref().unwrap();
    let brought: Vec<&str> = order
        .secrets
        .iter()
        .flat_map(|it| &it.tries)
        .map(|it| it.digest.as_str())
        .collect();
    assert_eq!(brought, ["cid:cid's+provisioning-token:provisioning-token's"]);
}

#[test]
fn the_gap_lasts_until_a_look_finds_it_protecting_and_another_customers_is_none() {
    let mut host = host();
    host.secrets = set(&["cid"]);
    host.send(Input::CampaignChanged { assessment: None });
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    let place = |host: &Host, what: &str| {
        let steps = &host.plan.order.as_ref().unwrap().steps;
        let at = steps.iter().position(|step| step.action.describe() == what);
        u32::try_from(at.unwrap()).unwrap()
    };
    let (removed, onboarded) = (place(&host, "remove kesl"), place(&host, "onboard crowdstrike-falcon"));
    for step in 0..=onboarded {
        assert_eq!(host.plan.gap.is_some(), step > removed, "step {step}");
        host.pass(1000).report(RecordEvent::StepBegun, step, None);
        host.pass(1000).report(RecordEvent::StepDone, step, None);
    }
    let gap = host.plan.gap.expect("onboarding alone ends nothing");
    assert_eq!(gap.bound_ms, 30 * 60_000);
    host.pass(1000).report(RecordEvent::StepBegun, onboarded + 1, None);
    host.pass(1000).report(RecordEvent::StepDone, onboarded + 1, None);
    assert_eq!(host.plan.gap, None);
    host.report(RecordEvent::OrderCompleted, 0, None);

    host.pass(60_000)
        .look(&seen(HealthState::Healthy, "", "00112233445566778899aabbccddeeff"));
    assert_ne!(host.plan.phase, Phase::Migrated);
    let reason = host.plan.reason.clone().unwrap().text();
    assert!(
        reason.contains("belongs to tenant 00112233445566778899aabbccddeeff"),
        "{reason}"
    );
    let why = "the sensor stands back (reduced functionality mode)";
    host.pass(60_000)
        .look(&seen(HealthState::Unhealthy, why, &OURS.to_lowercase()[..32]));
    assert_ne!(host.plan.phase, Phase::Migrated);
    assert!(host.plan.reason.clone().unwrap().text().contains(why));

    // The sensor tells its customer without the digits of the checksum.
    let well = seen(HealthState::Healthy, "", &OURS.to_lowercase()[..32]);
    host.pass(60_000).look(&well);
    for _ in 0..3 {
        host.pass(60_000).look(&well);
        host.wake();
        host.check_in();
    }
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
}
