//! How one of several machines with one identity gets one of its own.

use cutover_proto::{
    envelope::{self, Context},
    v1,
};
use sha2::{Digest, Sha256};

use super::{Identity, IdentityDir, IdentityError, Link, LinkError};

/// What a machine says of itself when it asks.
#[derive(Debug)]
pub struct SplitParts {
    /// Its kernel session, which tells it from the others.
    pub boot_id: String,
    /// What the machine says of itself.
    pub facts: v1::HostFacts,
    /// Of this program.
    pub agent_version: &'static str,
}

impl Link {
    /// Asks for an identity of this machine alone, proven by the one that several have, and keeps it to be taken at the
    /// next start. Safe to repeat: after a lost answer, or an end in the middle, the same keys are shown again.
    ///
    /// # Errors
    /// As a call, or when the identity cannot be kept. The present one stays then.
    pub async fn split_off(&self, dir: &IdentityDir, present: &Identity, parts: SplitParts) -> Result<(), LinkError> {
        let keys = dir.split_keys(&parts.boot_id)?;
        let made = |error: super::keys::KeyError| IdentityError::Keys(error.to_string());
        let csr_der = keys.request().map_err(made)?;
        let mut body = Sha256::digest(&csr_der).to_vec();
        body.extend(parts.boot_id.as_bytes());
        let proof = envelope::seal(Context::Split, body, &present.signing())
            .map_err(|error| IdentityError::Keys(error.to_string()))?;
        let request = v1::SplitRequest {
            csr_der,
            proof: Some(proof),
            sealing_key: Some(keys.sealing_statement().map_err(made)?),
            facts: Some(parts.facts),
            agent_version: parts.agent_version.to_owned(),
            boot_id: parts.boot_id,
        };
        let reply = self.split(request).await?;
        let own = Identity::of_reply(reply, present.servers().to_vec(), keys)?;
        Ok(dir.keep_for_the_next_start(&own)?)
    }
}
