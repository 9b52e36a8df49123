//! A host's keys. They are not made from the seed, so nothing of a trace may hang on them.

use anyhow::Result;
use cutover_proto::{
    envelope::{self, Context, SigningKey},
    inventory::HostFacts,
    v1,
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use sha2::{Digest, Sha256};

pub(crate) struct Keys {
    pair: KeyPair,
    pub(crate) signing: SigningKey,
}

impl Keys {
    pub(crate) fn new() -> Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let signing = SigningKey::host(&pair.serialize_der())?;
        Ok(Self { pair, signing })
    }

    /// The same keys, on a copy of the disk.
    pub(crate) fn copied(&self) -> Result<Self> {
        let pair = KeyPair::try_from(self.pair.serialize_der())?;
        let signing = SigningKey::host(&pair.serialize_der())?;
        Ok(Self { pair, signing })
    }

    pub(crate) fn spki_hash(&self) -> String {
        self.signing.public().key_id().to_owned()
    }

    pub(crate) fn enrolment(&self, token: &str, facts: HostFacts) -> Result<v1::EnrollRequest> {
        Ok(v1::EnrollRequest {
            token: token.to_owned(),
            csr_der: self.csr()?,
            sealing_key: Some(self.sealing_statement()?),
            facts: Some(facts.into()),
            agent_version: crate::AGENT_VERSION.to_owned(),
        })
    }

    /// A good request for an identity of its own, for these keys, proven by the ones that several machines have.
    pub(crate) fn splitting(&self, shared: &Self, boot_id: &str, facts: HostFacts) -> Result<v1::SplitRequest> {
        let csr_der = self.csr()?;
        let mut proven = Sha256::digest(&csr_der).to_vec();
        proven.extend(boot_id.as_bytes());
        Ok(v1::SplitRequest {
            proof: Some(envelope::seal(Context::Split, proven, &shared.signing)?),
            sealing_key: Some(self.sealing_statement()?),
            facts: Some(facts.into()),
            agent_version: crate::AGENT_VERSION.to_owned(),
            boot_id: boot_id.to_owned(),
            csr_der,
        })
    }

    fn csr(&self) -> Result<Vec<u8>> {
        Ok(CertificateParams::default()
            .serialize_request(&self.pair)?
            .der()
            .to_vec())
    }

    fn sealing_statement(&self) -> Result<v1::Envelope> {
        // Nothing is sealed in a simulation: any 32 bytes do.
        Ok(envelope::seal(Context::SealingKey, vec![7; 32], &self.signing)?)
    }
}
