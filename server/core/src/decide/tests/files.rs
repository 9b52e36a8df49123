//! Replacements that come as files: what a host does while the server lacks them, and what it may fetch ahead.

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    ids::ProductId,
    record::FailureCause,
    step::{Action, StepKind},
};

use super::*;
use crate::{
    campaign::Mode,
    catalog::{Exit, ExitMeaning, Shelved, Source, files_to_come},
    plan::Reason,
    samples::{carrying, replaced},
};

fn host() -> Host {
    let mut host = Host::new();
    host.campaign.replacements[0].source = Some(Source::Artifacts);
    host
}

fn shelf(digit: u8) -> Shelf {
    Shelf::new(vec![Shelved {
        product: ProductId::new("clamav"),
        version: format!("1.{digit}"),
        systems: Vec::new(),
        artifact: ArtifactRef {
            sha256: ArtifactDigest::new([digit; 32]),
            size: 7,
            file_name: format!("clamav_1.{digit}_amd64.deb"),
            urls: Vec::new(),
        },
        bound_ms: i64::from(digit),
    }])
}

fn hints(host: &Host) -> Vec<String> {
    let files = files_to_come(&host.plan, &host.campaign, &host.catalog, &host.shelf);
    files.into_iter().map(|file| file.file_name).collect()
}

#[test]
fn a_host_waits_for_a_file_with_a_reason_and_goes_on_by_itself() {
    let mut host = host();
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Blocked);
    let Some(Waiting::Stuck(reason @ Reason::ArtifactMissing { .. })) = host.waiting() else {
        panic!("{:?}", host.waiting());
    };
    assert!(reason.text().contains(".deb file of clamav"), "{}", reason.text());
    assert!(
        reason.remedy().starts_with("cutover artifact add"),
        "{}",
        reason.remedy()
    );
    assert!(host.check_in().events.is_empty(), "nothing changed, nothing is written");

    host.shelf = shelf(1);
    host.pass(HOUR).check_in();
    assert_eq!(host.plan.phase, Phase::Queued);
    host.migrate();
    assert_eq!(host.plan.phase, Phase::Migrated);
    assert_eq!(host.plan.attempts_used, 0);
}

#[test]
fn an_order_names_what_is_on_the_shelf_when_it_is_issued() {
    let mut host = host();
    host.shelf = shelf(1);
    host.look(&carrying());
    host.shelf = shelf(2);
    host.start();
    let order = host.plan.order.as_ref().unwrap();
    let fetched = order.steps.iter().find_map(|step| {
        if let Action::FetchArtifact { artifact } = &step.action {
            return Some(artifact.file_name.as_str());
        }
        None
    });
    assert_eq!(fetched, Some("clamav_1.2_amd64.deb"));
}

#[test]
fn a_file_that_went_before_the_start_stops_the_start_and_nothing_else() {
    let mut host = host();
    host.shelf = shelf(1);
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued);
    host.shelf = Shelf::default();
    host.start();
    assert_eq!(host.plan.order, None);
    assert_eq!(host.plan.phase, Phase::Blocked);
}

#[test]
fn who_waits_for_a_turn_may_fetch_ahead_and_nobody_else() {
    let mut host = host();
    host.shelf = shelf(1);
    host.turn_wave(WaveState::Closed);
    assert_eq!(hints(&host), [""; 0], "nothing was looked at");
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Planned);
    assert_eq!(hints(&host), ["clamav_1.1_amd64.deb"]);
    host.campaign.mode = Mode::Observe;
    assert_eq!(hints(&host), [""; 0], "who only looks fetches nothing");
    host.campaign.mode = Mode::Automatic;
    host.turn_wave(WaveState::Open);
    host.send(Input::WaveOpened);
    assert_eq!(host.plan.phase, Phase::Queued);
    assert_eq!(hints(&host), ["clamav_1.1_amd64.deb"]);
    host.start_and_fetch();
    assert_eq!(hints(&host), [""; 0], "the order fetches for itself");
    host.work();
    host.look(&replaced());
    assert_eq!(hints(&host), [""; 0]);
    let mut from_the_distribution = Host::new();
    from_the_distribution.shelf = shelf(1);
    from_the_distribution.look(&carrying());
    assert_eq!(hints(&from_the_distribution), [""; 0]);
}

/// Fetches the next order, whose file is not what it states.
fn unfit(host: &mut Host) {
    host.pass(DAY).check_in();
    host.start_and_fetch();
    let first = host.plan.order.as_ref().unwrap().steps[0].action.kind();
    assert_eq!(first, StepKind::FetchArtifact);
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, 0, None);
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::WrongHash));
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::WrongHash));
}

#[test]
fn a_file_that_is_not_what_was_signed_is_the_catalogs_to_mend_and_uses_no_attempt_of_any_host() {
    let mut host = host();
    host.shelf = shelf(1);
    host.look(&carrying());
    unfit(&mut host);
    assert_eq!(host.plan.phase, Phase::Queued, "once may be a broken download");
    assert_eq!(
        host.plan.outcome,
        crate::rollout::Outcome::Unfit,
        "and counts against the wave"
    );
    unfit(&mut host);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Blocked, 0));
    let reason = host.plan.reason.clone().unwrap();
    assert_eq!(reason.owner(), crate::plan::Owner::Catalog);
    assert!(reason.text().contains("clamav_1.1_amd64.deb"), "{}", reason.text());
    assert!(reason.remedy().contains("cutover artifact add"), "{}", reason.remedy());
    host.pass(DAY).check_in();
    assert_eq!(host.plan.phase, Phase::Blocked, "the same file would come again");
    // Another one goes on by itself.
    host.shelf = shelf(2);
    host.pass(HOUR).check_in();
    assert_eq!(host.plan.phase, Phase::Queued);
    unfit(&mut host);
    unfit(&mut host);
    assert_eq!(host.plan.phase, Phase::Blocked);
    // And so does somebody who has mended what brought the wrong one.
    host.send(Input::Retried { by: "ops".into() });
    assert_eq!(host.plan.phase, Phase::Queued);
}

#[test]
fn what_an_archive_of_the_distribution_gives_is_no_file_of_the_campaigns() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, 0, None);
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::WrongHash));
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::WrongHash));
    assert_eq!(
        (host.plan.attempts_used, host.plan.outcome),
        (1, crate::rollout::Outcome::Failed)
    );
}

#[test]
fn a_supplied_package_that_its_installer_cannot_open_is_the_catalogs_to_mend_like_one_of_other_bytes() {
    const CODE: i32 = 1234;
    let mut host = host();
    host.shelf = shelf(1);
    for recipe in host.catalog.recipes.values_mut() {
        recipe.exits = vec![Exit {
            installer: None,
            code: CODE,
            means: ExitMeaning::Package,
            fact: "a test".to_owned(),
        }];
    }
    host.look(&carrying());
    for phase in [Phase::Queued, Phase::Blocked] {
        host.pass(DAY).check_in();
        host.start_and_fetch();
        let order = host.plan.order.clone().unwrap();
        let installs = |step: &cutover_proto::step::Step| step.action.kind() == StepKind::InstallArtifact;
        let at = u32::try_from(order.steps.iter().position(installs).unwrap()).unwrap();
        host.report(RecordEvent::OrderAccepted, 0, None);
        host.report(RecordEvent::StepBegun, at, None);
        let mut record = host.record(RecordEvent::StepFailed, at, Some(FailureCause::ToolFailed));
        record.exit_code = Some(CODE);
        host.send(Input::Recorded(Box::new(record)));
        host.report(RecordEvent::OrderFailed, at, None);
        assert_eq!((host.plan.phase, host.plan.attempts_used), (phase, 0));
    }
    let reason = host.plan.reason.clone().unwrap();
    assert!(reason.text().contains("clamav_1.1_amd64.deb"), "{}", reason.text());
    assert_eq!(reason.owner(), crate::plan::Owner::Catalog);
}
