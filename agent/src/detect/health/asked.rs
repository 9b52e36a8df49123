//! Products that say of themselves how they are.

use super::{Ill, standing_back};
use crate::{
    facts::{Answer, Tool},
    host::HostView,
    parse::{self, mdatp::MdatpHealth},
};

/// Microsoft Defender for Endpoint on Linux and macOS.
pub(super) fn mdatp(view: &dyn HostView, tenant: &mut Option<String>) -> Result<(), Ill> {
    let said = view
        .tool(Tool::MdatpHealth)
        .parsed(|said| parse::mdatp::health(&said.stdout));
    let health = answered(said, "mdatp")?;
    tenant.clone_from(&health.organization);
    let rest = mdatp_but_for_passive(&health);
    if health.is_passive == Some(true) {
        let why = "it is in passive mode and leaves the work to another; take the passive mode away, also in its managed settings \
                   (mdatp_managed.json) where they set it";
        return Err(standing_back(why.to_owned(), rest));
    }
    rest
}

/// What ails it, whether it stands back or not. One that stands back leaves files alone, and others may be there.
fn mdatp_but_for_passive(health: &MdatpHealth) -> Result<(), Ill> {
    let stands_back = health.is_passive == Some(true);
    if health.organization.is_none() {
        return Err(Ill::Is(
            "it is not onboarded: mdatp names no organisation; run the onboarding package, or give its file to the server (`cutover \
             secret set onboarding`)".into(),
        ));
    }
    if health.full_disk_access == Some(false) {
        return Err(Ill::Is(
            "it has no Full Disk Access and sees little; grant it by a profile of the device management".into(),
        ));
    }
    let said = |what: Option<bool>, no: &str, unsaid: &str| match what {
        Some(true) => Ok(()),
        Some(false) => Err(Ill::Is(no.into())),
        None => Err(Ill::CannotTell(unsaid.into())),
    };
    said(
        health.licensed,
        "it has no licence; see `mdatp health --field health_issues`",
        "mdatp does not say whether it is licensed",
    )?;
    if !stands_back {
        if !health.conflicting.is_empty() {
            return Err(Ill::Is(format!(
                "it shares its grip on files with {}, and two of that kind can hang a machine; take the other one away",
                health.conflicting.join(", ")
            )));
        }
        said(
            health.real_time,
            "its real-time protection is off; turn it on by its policy",
            "mdatp does not say whether its real-time protection is on",
        )?;
    }
    said(
        health.definitions_current,
        "its definitions are not up to date; let it fetch them",
        "mdatp does not say whether its definitions are up to date",
    )?;
    if health.healthy {
        Ok(())
    } else {
        Err(Ill::Is(format!("mdatp complains: {}", health.issues.join(", "))))
    }
}

/// CrowdStrike Falcon on Linux.
pub(super) fn falcon(view: &dyn HostView, tenant: &mut Option<String>) -> Result<(), Ill> {
    let said = view
        .tool(Tool::FalconState)
        .parsed(|said| parse::falcon::state(&said.stdout));
    let state = answered(said, "falconctl")?;
    *tenant = state.customer;
    if state.agent.is_none() {
        return Err(Ill::Is(NO_AGENT.into()));
    }
    match state.is_reduced {
        Some(false) => Ok(()),
        Some(true) => Err(Ill::Is(
            "the sensor does not know this kernel and stands back (reduced functionality mode); update sensor or kernel".into(),
        )),
        None => Err(Ill::CannotTell("falconctl does not say whether the sensor stands back".into())),
    }
}

/// Of every system.
pub(super) const NO_AGENT: &str =
    "the sensor has no agent id, so its cloud does not know it; see whether this host reaches the cloud";

fn answered<T>(answer: Answer<T>, who: &str) -> Result<T, Ill> {
    match answer {
        Answer::Found(value) => Ok(value),
        Answer::Absent => Err(Ill::Is(format!("{who} is missing; install the product again"))),
        Answer::Unsupported => Err(Ill::CannotTell(format!(
            "this host does not run, so {who} cannot be asked"
        ))),
        Answer::Denied(why) | Answer::Failed(why) => Err(Ill::CannotTell(why)),
    }
}
