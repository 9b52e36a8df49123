//! A replacement that is a service: healthy only with all that its rule names, real-time only with proof.

use cutover_proto::verdict::{Health, HealthState, Protection, Verdict};

use super::{
    plants::looked,
    service_plants::{ASKS, FRESH, LISTENS, at_work, clamd, on_access, services},
};
use crate::host::Fixture;

fn health(host: &Fixture, product: &str) -> Health {
    let inventory = looked(host);
    inventory
        .sighting(&product.into())
        .and_then(|it| it.health.clone())
        .unwrap()
}

#[test]
fn a_daemon_that_is_at_work_and_answers_with_fresh_signatures_is_healthy() {
    let host = clamd("", FRESH);
    let inventory = looked(&host);
    let seen = inventory.sighting(&"clamav-daemon".into()).unwrap();
    assert_eq!(seen.verdict, Verdict::Running);
    assert_eq!(seen.health.as_ref().unwrap().state, HealthState::Healthy);
    assert_eq!(inventory.protection, Protection::OnDemand);
    // The same package, not set up on access.
    assert_eq!(
        inventory.sighting(&"clamav-on-access".into()).unwrap().verdict,
        Verdict::Remnant
    );
}

#[test]
fn each_thing_that_is_wrong_is_named_with_what_to_do() {
    let said = |about: &str| {
        let host = services().into_iter().find(|host| host.about == about).unwrap();
        let health = health(&host, "clamav-daemon");
        assert_eq!(health.state, HealthState::Unhealthy, "{about}");
        assert_eq!(health.grade, Protection::None, "{about}");
        health.why
    };
    for (about, part) in [
        ("clamd dead", "systemctl status clamav-daemon.service"),
        ("freshclam dead", "clamav-freshclam.service is not at work"),
        ("clamd without signatures", "let the product fetch them"),
        ("clamd loaded no newer ones", "see its log"),
        ("clamd, systemd does not run", "systemd does not run here"),
    ] {
        assert!(said(about).contains(part), "{about}: {}", said(about));
    }
}

#[test]
fn what_cannot_be_asked_is_unknown_and_its_protection_unobserved() {
    for about in ["clamd says nonsense", "clamd offline"] {
        let host = services().into_iter().find(|host| host.about == about).unwrap();
        assert_eq!(health(&host, "clamav-daemon").state, HealthState::Unknown, "{about}");
        assert_eq!(looked(&host).protection, Protection::Unobserved, "{about}");
    }
}

#[test]
fn real_time_is_claimed_only_while_the_kernel_asks() {
    let asks = on_access("", ASKS);
    assert_eq!(health(&asks, "clamav-on-access").state, HealthState::Healthy);
    assert_eq!(looked(&asks).protection, Protection::RealTime);

    // Its service is at work, and it has no say.
    let listens = on_access("", LISTENS);
    let ill = health(&listens, "clamav-on-access");
    assert_eq!(ill.state, HealthState::Unhealthy);
    assert!(ill.why.contains("the kernel asks no clamonacc"), "{}", ill.why);
    assert_eq!(looked(&listens).protection, Protection::OnDemand);

    let dead = at_work(on_access("", ASKS), "clamav-clamonacc.service", false);
    assert_eq!(looked(&dead).protection, Protection::OnDemand);
    assert_eq!(health(&dead, "clamav-on-access").state, HealthState::Unhealthy);
}
