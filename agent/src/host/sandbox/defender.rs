//! A stand-in for Microsoft Defender for Endpoint: it comes into the states that it is asked for, and says so as the real one does.

use cutover_proto::step::SetUpState;
use serde::{Deserialize, Serialize};

use super::files::{Files, SandboxError};

pub(super) const PRODUCT: &str = "defender-endpoint";
pub(super) const PACKAGE: &str = "mdatp";
pub(super) const PROGRAM: &str = "/usr/bin/mdatp";
/// Its package starts its service.
pub(super) const SERVICE: &str = "mdatp.service";
const STATE: &str = "defender.json";
/// The organisation of the planted onboarding.
const ORGANISATION: &str = "7b6c1d1e-0000-4000-8000-000000000001";

/// As it is after its installation: nobody's, and active where it could be.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    is_passive: bool,
    is_onboarded: bool,
}

fn state(files: &Files) -> Result<State, SandboxError> {
    if files.exists(&format!("/.sandbox/{STATE}")) {
        files.read_own(STATE)
    } else {
        Ok(State::default())
    }
}

/// Brings it into a state, unless it never comes into that one.
pub(super) fn set_up(files: &Files, wanted: SetUpState, never: Option<SetUpState>) -> Result<String, SandboxError> {
    if !files.exists(PROGRAM) {
        return Ok("mdatp: command not found\n".to_owned());
    }
    let mut state = state(files)?;
    if never != Some(wanted) {
        match wanted {
            SetUpState::StandingBack => state.is_passive = true,
            SetUpState::Onboarded => state.is_onboarded = true,
            SetUpState::Active => state.is_passive = false,
        }
    }
    files.write_own(STATE, &state)?;
    Ok("Configuration property updated.\n".to_owned())
}

/// What `mdatp health --output json` prints.
pub(super) fn report(files: &Files) -> Result<Vec<u8>, SandboxError> {
    let state = state(files)?;
    let report = serde_json::json!({
        "healthy": state.is_onboarded,
        "healthIssues": if state.is_onboarded { vec![] } else { vec!["missing license"] },
        "licensed": state.is_onboarded,
        "orgId": if state.is_onboarded { ORGANISATION } else { "unavailable" },
        "realTimeProtectionEnabled": { "value": state.is_onboarded && !state.is_passive },
        "passiveModeEnabled": { "value": state.is_passive },
        "definitionsStatus": { "$type": if state.is_onboarded { "upToDate" } else { "unavailable" } },
        "conflictingApplications": [],
    });
    Ok(report.to_string().into_bytes())
}
