//! What people attest of a host's disks, and what ends that.

use super::{Fact, Refused, look, pen::Pen, place::settle};
use crate::{
    judge::Blocker,
    plan::{DiskAttestation, Personal, Phase},
};

pub(super) fn attested(pen: &mut Pen<'_>, disks: &DiskAttestation) -> Result<(), Refused> {
    if pen.plan.is_closed() {
        return Err(pen.refuse("the host is no longer watched; it would have to enrol again"));
    }
    if disks.until_ms <= pen.cx.now_ms {
        return Err(pen.refuse("the attestation ends before it begins; give it a later end"));
    }
    if is_by_target(pen) {
        return Err(pen.refuse(
            "its newest look says that the product that is to go holds the keys of its disks, and nothing attests that away; \
             decrypt them first",
        ));
    }
    if pen.plan.disks.as_ref() == Some(disks) {
        return Ok(());
    }
    pen.write(Fact::DisksAttested { disks: disks.clone() })?;
    reconsider(pen)
}

pub(super) fn withdrawn(pen: &mut Pen<'_>, by: &Personal, why: &Personal) -> Result<(), Refused> {
    if pen.plan.disks.is_none() {
        return Err(pen.refuse("nothing is attested of its disks"));
    }
    pen.write(Fact::DisksDoubted {
        by: Some(by.clone()),
        why: Some(why.clone()),
        by_look: false,
    })?;
    reconsider(pen)
}

/// Its time is over.
pub(super) fn over(pen: &mut Pen<'_>) -> Result<(), Refused> {
    pen.write(Fact::DisksDoubted {
        by: None,
        why: None,
        by_look: false,
    })?;
    reconsider(pen)
}

/// A look that says that the product encrypts wins over whatever was attested, and ends it: a later look that cannot tell is
/// not believed by it again.
pub(super) fn contradicted(pen: &mut Pen<'_>) -> Result<(), Refused> {
    if pen.plan.disks.is_none() || !is_by_target(pen) {
        return Ok(());
    }
    pen.write(Fact::DisksDoubted {
        by: None,
        why: None,
        by_look: true,
    })
}

fn is_by_target(pen: &Pen<'_>) -> bool {
    let assessment = pen.plan.assessment.as_ref();
    assessment.is_some_and(|it| it.blockers.contains(&Blocker::EncryptedByTarget))
}

/// What waits for work is placed anew; an order that is out is taken back, or ends at its next safe point, where the disks forbid
/// it now.
fn reconsider(pen: &mut Pen<'_>) -> Result<(), Refused> {
    match pen.plan.phase {
        Phase::Unplanned | Phase::Planned | Phase::Queued | Phase::Blocked | Phase::Failed => settle(pen),
        Phase::Migrating | Phase::Rebooting => look::at_work(pen),
        Phase::Handwork if pen.plan.is_persons_to_end() => Ok(()),
        Phase::Handwork => settle(pen),
        Phase::Unassessed
        | Phase::Clear
        | Phase::Verifying
        | Phase::Migrated
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => Ok(()),
    }
}
