//! What removals that owe a restart, and new kernel sessions, leave in the plan.

use cutover_proto::ids::ProductId;

use crate::{
    catalog::RestartNeed,
    plan::{Plan, RestartOwed},
};

/// A removal that is complete only after a restart was made in this kernel session.
pub(super) fn owe(plan: &mut Plan, need: RestartNeed, product: &ProductId, boot_id: &str) {
    let owed = plan.restart_owed.get_or_insert_with(|| RestartOwed {
        need,
        products: Vec::new(),
        boot_id: String::new(),
    });
    owed.need = owed.need.max(need);
    boot_id.clone_into(&mut owed.boot_id);
    if !owed.products.contains(product) {
        owed.products.push(product.clone());
    }
}

/// Another kernel session than the one in which something was removed: the removal is complete.
pub(super) fn settle(plan: &mut Plan, boot_id: &str) {
    let is_over = |owed: &RestartOwed| !boot_id.is_empty() && owed.boot_id != boot_id;
    if plan.restart_owed.as_ref().is_some_and(is_over) {
        plan.restart_owed = None;
    }
}
