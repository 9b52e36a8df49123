//! What an organisation may have set against a part of the system, and who did.

use serde::{Deserialize, Serialize};

use crate::{WireError, spelling::on_wire, v1, words};

words! {
    /// What is set.
    pub enum Policy("policy") {
        /// Microsoft Defender Antivirus is to be off, or its real-time protection is (`DisableAntiSpyware`, `DisableAntiVirus`,
        /// `DisableRealtimeMonitoring`).
        DefenderOff = "defender-off",
        /// Microsoft Defender Antivirus is to leave the work to another (`ForceDefenderPassiveMode`).
        DefenderPassive = "defender-passive",
    }
}
on_wire!(
    Policy,
    "facts.policies.policy",
    v1::Policy {
        DefenderOff,
        DefenderPassive
    }
);

words! {
    /// Whether it is set, and by whom.
    pub enum PolicyState("state of a policy") {
        /// Looked, and it is not.
        Unset = "unset",
        /// On this machine alone: nothing is there that would set it again.
        Local = "local",
        /// By somebody who sets it again, or perhaps by such a one: whoever did takes it away.
        Foreign = "foreign",
        /// Could not be told.
        Unknown = "unknown",
    }
}
on_wire!(
    PolicyState,
    "facts.policies.state",
    v1::PolicyState {
        Unset,
        Local,
        Foreign,
        Unknown
    }
);

/// A policy as a look saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySeen {
    /// Which.
    pub policy: Policy,
    /// Whether it is set.
    pub state: PolicyState,
    /// By which value, or why it could not be told. Empty where it is not set.
    pub detail: String,
}

impl From<PolicySeen> for v1::PolicySeen {
    fn from(seen: PolicySeen) -> Self {
        Self {
            policy: seen.policy.number(),
            state: seen.state.number(),
            detail: seen.detail,
        }
    }
}

impl TryFrom<v1::PolicySeen> for PolicySeen {
    type Error = WireError;
    fn try_from(wire: v1::PolicySeen) -> Result<Self, WireError> {
        Ok(Self {
            policy: wire.policy.try_into()?,
            state: wire.state.try_into()?,
            detail: wire.detail,
        })
    }
}
