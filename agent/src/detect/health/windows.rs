//! What a Windows system says of its protection.

use cutover_proto::rule::{HealthRule, Pattern};

use super::{Ill, asked::NO_AGENT, standing_back};
use crate::{
    detect::windows::{WindowsGround, any},
    facts::{Answer, Question, RegistryKey, RegistryValue, Reply, ServiceState},
    host::HostView,
};

/// Where Defender for Endpoint keeps its state, once it started for the first time.
const ONBOARDING: &str = r"SOFTWARE\Microsoft\Windows Advanced Threat Protection\Status";
const ONBOARDING_STATE: &str = "OnboardingState";
const ORG_ID: &str = "OrgId";
/// Where the Falcon sensor keeps its ids: `AG` the agent's, `CU` the customer's.
const FALCON: &str =
    r"SYSTEM\CrowdStrike\{9b03c1d9-3138-44ed-9fae-d9f4c034b88d}\{16e0423f-7058-48c9-a204-725362b67639}\Default";
const AGENT: &str = "AG";
const CUSTOMER: &str = "CU";

pub(super) fn services(ground: &WindowsGround<'_>, wanted: &[String]) -> Result<(), Ill> {
    if wanted.is_empty() {
        return Ok(());
    }
    let services = match ground.services() {
        Answer::Found(services) => services,
        Answer::Absent | Answer::Unsupported => {
            return Err(Ill::CannotTell("Windows does not tell its services".into()));
        }
        Answer::Denied(why) | Answer::Failed(why) => return Err(Ill::CannotTell(why.clone())),
    };
    wanted.iter().try_for_each(|wanted| {
        let named = services.iter().find(|it| it.name.eq_ignore_ascii_case(wanted));
        match named.map(|service| service.state) {
            Some(Some(ServiceState::Running)) => Ok(()),
            Some(None) => Err(Ill::CannotTell(format!(
                "this host does not run, so whether {wanted} does its work cannot be told"
            ))),
            Some(Some(ServiceState::Stopped)) => Err(Ill::Is(format!("service {wanted} is not at work; start it"))),
            None => Err(Ill::Is(format!(
                "service {wanted} is missing; install the product again"
            ))),
        }
    })
}

/// Microsoft Defender Antivirus by its own word.
pub(super) fn defender(view: &dyn HostView, rule: &HealthRule) -> Result<(), Ill> {
    let status = match view.ask(&Question::DefenderStatus).parsed(Reply::defender_status) {
        Answer::Found(status) => status,
        Answer::Absent => {
            return Err(Ill::Is(
                "Microsoft Defender Antivirus is not installed; add the Windows feature and restart".into(),
            ));
        }
        Answer::Unsupported => return Err(Ill::CannotTell("this Windows does not tell Defender's state".into())),
        Answer::Denied(why) | Answer::Failed(why) => return Err(Ill::CannotTell(why)),
    };
    let old = || {
        (status.signature_age_days > rule.max_age_days).then(|| {
            Ill::Is(format!(
                "Defender's signatures are older than {} days; let it fetch them",
                rule.max_age_days
            ))
        })
    };
    match status.running_mode.to_lowercase().as_str() {
        "normal" => {}
        mode if mode.starts_with("passive") || mode.contains("block mode") => {
            let why = format!(
                "Defender runs in {}, and leaves the work to another; see what registered itself, and \
                 ForceDefenderPassiveMode on servers",
                status.running_mode
            );
            return Err(standing_back(why, old().map_or(Ok(()), Err)));
        }
        _ => {
            return Err(Ill::Is(format!(
                "Defender's running mode is `{}`; see whether a policy turns it off (DisableAntiSpyware)",
                status.running_mode
            )));
        }
    }
    if !(status.service_enabled && status.antivirus_enabled) {
        return Err(Ill::Is(
            "Defender is turned off; see whether a policy does it (DisableAntiSpyware)".into(),
        ));
    }
    if !status.real_time_enabled {
        return Err(Ill::Is(
            "Defender's real-time protection is off; turn it on by its policy".into(),
        ));
    }
    old().map_or(Ok(()), Err)
}

/// Whether Defender for Endpoint belongs to an organisation.
pub(super) fn onboarded(view: &dyn HostView, tenant: &mut Option<String>) -> Result<(), Ill> {
    let not = || Ill::Is("it is not onboarded; run the onboarding package".into());
    let key = registry(view, ONBOARDING, &[ONBOARDING_STATE, ORG_ID], &not)?;
    if let Some(RegistryValue::Text(org)) = key.values.get(ORG_ID) {
        *tenant = Some(org.to_lowercase()).filter(|org| !org.is_empty());
    }
    match key.values.get(ONBOARDING_STATE) {
        Some(RegistryValue::Number(1)) => Ok(()),
        Some(_) | None => Err(not()),
    }
}

/// Whether the Falcon sensor has an id from its cloud.
pub(super) fn falcon(view: &dyn HostView, tenant: &mut Option<String>) -> Result<(), Ill> {
    let not = || Ill::Is(NO_AGENT.into());
    let key = registry(view, FALCON, &[AGENT, CUSTOMER], &not)?;
    if let Some(RegistryValue::Hex(customer)) = key.values.get(CUSTOMER) {
        *tenant = Some(customer.to_lowercase()).filter(|customer| !customer.is_empty());
    }
    match key.values.get(AGENT) {
        Some(RegistryValue::Hex(agent)) if !agent.is_empty() => Ok(()),
        Some(_) | None => Err(not()),
    }
}

fn registry(view: &dyn HostView, key: &str, values: &[&str], without: &dyn Fn() -> Ill) -> Result<RegistryKey, Ill> {
    let question = Question::Registry {
        is_32: false,
        key: key.to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    match view.ask(&question).parsed(Reply::registry) {
        Answer::Found(key) => Ok(key),
        Answer::Absent | Answer::Unsupported => Err(without()),
        Answer::Denied(why) | Answer::Failed(why) => Err(Ill::CannotTell(why)),
    }
}

/// Whether Windows Security Center says that the product is on and up to date.
pub(super) fn security_center(ground: Option<&WindowsGround<'_>>, names: &[Pattern]) -> Result<(), Ill> {
    let Some(ground) = ground else {
        return Err(Ill::CannotTell("there is no Security Center on this system".into()));
    };
    let products = match ground.security_center() {
        Answer::Found(products) => products,
        Answer::Absent | Answer::Unsupported => {
            return Err(Ill::CannotTell(
                "Windows Server has no Security Center, and nothing else is confirmed of this product's health; ask its \
                 console"
                    .into(),
            ));
        }
        Answer::Denied(why) | Answer::Failed(why) => return Err(Ill::CannotTell(why.clone())),
    };
    // Of several entries, stale ones stay behind; one that says that it works is enough.
    let named = products.iter().filter(|product| any(names, &product.name));
    let states: Vec<u32> = named.map(|product| product.state).collect();
    if states.is_empty() {
        return Err(Ill::CannotTell(
            "it is not registered with Windows Security Center, and nothing else is confirmed of its health; ask its console"
                .into(),
        ));
    }
    if states.iter().any(|state| is_on(*state) && is_current(*state)) {
        Ok(())
    } else if states.iter().any(|state| is_on(*state)) {
        Err(Ill::Is(
            "Windows Security Center says that its signatures are old; let it fetch them".into(),
        ))
    } else {
        Err(Ill::Is(
            "Windows Security Center says that it is off; see its own console".into(),
        ))
    }
}

/// `productState` is a bit field: bits 12 to 15 say whether the product works (1: it does), bits 4 to 7 whether its
/// signatures are up to date (0: they are). 0x041000 is on and current.
const fn is_on(state: u32) -> bool {
    (state >> 12) & 0xf == 1
}

const fn is_current(state: u32) -> bool {
    (state >> 4) & 0xf == 0
}
