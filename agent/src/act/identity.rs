//! Who this host is to its server, and what it can do.

use std::sync::Arc;

use cutover_proto::{
    envelope::{PublicKey, SigningKey},
    ids::HostId,
    seal::SealingKey,
    step::StepKind,
};

/// A host's identity and the server keys that it believes.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As the server named it.
    pub host_id: HostId,
    /// The TLS key; signs records.
    pub signing: Arc<SigningKey>,
    /// Opens sealed secrets.
    pub sealing: Arc<SealingKey>,
    /// Sign work orders and cancels.
    pub server_keys: Vec<PublicKey>,
}

/// The step kinds that this agent carries out, as check-ins tell them.
#[must_use]
pub fn known_steps() -> Vec<i32> {
    let known: &[StepKind] = if cfg!(target_os = "linux") {
        StepKind::ALL
    } else if cfg!(windows) {
        &[
            StepKind::RemovePackages,
            StepKind::FetchArtifact,
            StepKind::InstallArtifact,
            StepKind::Restart,
            StepKind::SetUp,
        ]
    } else {
        &[]
    };
    let numbers: Vec<i32> = known.iter().map(|kind| kind.number()).collect();
    // Where no hands reach it is the number of no kind, since an empty list means that the agent does not say.
    if numbers.is_empty() { vec![0] } else { numbers }
}
