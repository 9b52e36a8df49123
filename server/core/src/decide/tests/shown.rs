//! How far the recipes were shown to work that migrated a host.

use super::*;
use crate::{
    catalog::{Platform, Proven},
    plan::ShownBy,
    samples::{carrying, replaced},
};

fn with_grade(host: &mut Host, product: &str, grade: Proven) {
    let recipe = host.catalog.recipes.get_mut(&product.into()).unwrap();
    recipe.proven.insert(Platform::LinuxApt, grade);
}

#[test]
fn a_migrated_host_rests_on_the_least_that_a_recipe_of_its_work_was_shown_on() {
    let mut host = Host::new();
    for recipe in host.catalog.recipes.values_mut() {
        recipe.proven.insert(Platform::LinuxApt, Proven::Field);
    }
    with_grade(&mut host, "clamav", Proven::Wine);
    host.look(&carrying());
    host.start_and_fetch();
    assert_eq!(host.plan.shown_by(), None, "it is not migrated yet");
    host.work();
    host.confirm();
    assert_eq!(host.plan.shown_by(), Some(ShownBy::Wine));
    // By the recipes as they were when its order was issued.
    with_grade(&mut host, "clamav", Proven::Field);
    host.look_again();
    assert_eq!(host.plan.shown_by(), Some(ShownBy::Wine));

    // Where the target came back it is another migration, by the recipes of then.
    host.pass(HOUR).look(&carrying());
    assert_eq!((host.plan.shown_by(), host.plan.grade), (None, None));
    host.migrate();
    assert_eq!(host.plan.shown_by(), Some(ShownBy::Field));
}

#[test]
fn what_one_order_left_undone_and_another_did_counts_too() {
    let mut host = Host::new();
    with_grade(&mut host, "kesl", Proven::Fixture);
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
    with_grade(&mut host, "kesl", Proven::Machine);
    host.pass(DAY).wake();
    host.look_again();
    host.migrate();
    assert_eq!(host.plan.shown_by(), Some(ShownBy::Fixture));
}

#[test]
fn the_work_of_others_rests_on_no_recipe_and_what_was_not_said_is_untold() {
    let mut host = Host::new();
    host.look(&carrying());
    host.look(&replaced());
    host.confirm();
    assert_eq!(
        (host.plan.phase, host.plan.shown_by()),
        (Phase::Migrated, Some(ShownBy::Others))
    );
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    assert_eq!(host.plan.shown_by(), Some(ShownBy::Machine));
    // As an order of an earlier version left it.
    host.plan.grade = None;
    assert_eq!(host.plan.shown_by(), Some(ShownBy::Untold));
}
