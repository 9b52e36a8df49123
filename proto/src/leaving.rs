//! The last statement of a host whose agent leaves.

use crate::{
    WireError,
    envelope::{self, Context, EnvelopeError, PublicKey, SigningKey},
    ids::HostId,
    v1,
};

/// Nobody's id or version is longer, in bytes.
const WORD_MAX: usize = 64;
/// Of SHA-256.
const DIGEST_BYTES: usize = 32;

/// What a host says last: signed by its own key, and never another for the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStatement {
    /// Who leaves.
    pub host_id: HostId,
    /// What it answers.
    pub request_id: String,
    /// When it was made, as far as the host can tell.
    pub at_ms: i64,
    /// In which kernel session.
    pub boot_id: String,
    /// SHA-256 of its final inventory.
    pub inventory_digest: Vec<u8>,
    /// The highest order that its journal has; 0: none.
    pub highest_order_begun: u64,
    /// The rules that it looked by.
    pub rules_revision: u64,
    /// Of the program that leaves.
    pub agent_version: String,
}

/// Why a statement is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementRefused {
    /// Not signed by a key that counts, or changed on the way.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A value that this version cannot read.
    #[error(transparent)]
    Form(#[from] WireError),
}

impl LastStatement {
    /// Signs it as the host.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn sign(&self, key: &SigningKey) -> Result<v1::Envelope, EnvelopeError> {
        envelope::seal_message(Context::LastStatement, &v1::LastStatement::from(self.clone()), key)
    }

    /// Reads one that was signed by one of these keys.
    ///
    /// # Errors
    /// When it was not, or is not well formed.
    pub fn open(signed: &v1::Envelope, keys: &[PublicKey]) -> Result<Self, StatementRefused> {
        let wire: v1::LastStatement = envelope::open_message(signed, Context::LastStatement, keys)?;
        Ok(wire.try_into()?)
    }
}

impl From<LastStatement> for v1::LastStatement {
    fn from(it: LastStatement) -> Self {
        Self {
            host_id: it.host_id.to_string(),
            request_id: it.request_id,
            at_ms: it.at_ms,
            boot_id: it.boot_id,
            inventory_digest: it.inventory_digest,
            highest_order_begun: it.highest_order_begun,
            rules_revision: it.rules_revision,
            agent_version: it.agent_version,
        }
    }
}

impl TryFrom<v1::LastStatement> for LastStatement {
    type Error = WireError;
    fn try_from(wire: v1::LastStatement) -> Result<Self, WireError> {
        if wire.inventory_digest.len() != DIGEST_BYTES {
            return Err(WireError::Invalid {
                field: "statement.inventory_digest",
                why: format!("it has {} bytes, not {DIGEST_BYTES}", wire.inventory_digest.len()),
            });
        }
        Ok(Self {
            host_id: wire.host_id.parse()?,
            request_id: word("statement.request_id", wire.request_id)?,
            at_ms: wire.at_ms,
            boot_id: word("statement.boot_id", wire.boot_id)?,
            inventory_digest: wire.inventory_digest,
            highest_order_begun: wire.highest_order_begun,
            rules_revision: wire.rules_revision,
            agent_version: word("statement.agent_version", wire.agent_version)?,
        })
    }
}

fn word(field: &'static str, word: String) -> Result<String, WireError> {
    match word.len() {
        0 => Err(WireError::Missing(field)),
        length if length > WORD_MAX => Err(WireError::Invalid {
            field,
            why: format!("it is longer than {WORD_MAX} bytes"),
        }),
        _ => Ok(word),
    }
}
