//! How a host gets its next certificate.

use cutover_proto::{
    envelope::{self, Context},
    v1,
};
use sha2::{Digest, Sha256};

use super::{Identity, IdentityDir, IdentityError, Link, LinkError, identity::Granted};

impl Link {
    /// Asks for a certificate for new keys, proven by the present key, and keeps the result. Safe to repeat. The new
    /// identity is in use only after [`Link::swap`].
    ///
    /// # Errors
    /// As a call, or when the identity cannot be kept. The present one stays good then.
    pub async fn renewed(&self, dir: &IdentityDir, present: &Identity) -> Result<Identity, LinkError> {
        let keys = dir.next_keys()?;
        let made = |error: super::keys::KeyError| IdentityError::Keys(error.to_string());
        let csr_der = keys.request().map_err(made)?;
        let body = Sha256::digest(&csr_der).to_vec();
        let proof = envelope::seal(Context::Renewal, body, &present.signing())
            .map_err(|error| IdentityError::Keys(error.to_string()))?;
        let request = v1::RenewRequest {
            csr_der,
            proof: Some(proof),
            sealing_key: Some(keys.sealing_statement().map_err(made)?),
        };
        let reply = self.ask_to_renew(request).await?;
        let granted = Granted {
            certificate_chain: reply.certificate_chain,
            trust_anchors: reply.trust_anchors,
            signing_keys: reply.signing_keys,
        };
        let renewed = Identity::granted(present.host_id(), present.servers().to_vec(), keys, granted)
            .map_err(IdentityError::Granted)?;
        dir.keep(&renewed)?;
        Ok(renewed)
    }
}
