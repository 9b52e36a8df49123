//! A look that a person carries to the server: the inventory of a machine without a network, signed by a key of its own.
//!
//! ```text
//! cutover-signed-scan 1
//! key HEX
//! inventory HEX
//! ```
//!
//! The key is the machine's (SubjectPublicKeyInfo); whether it is known is for the reader to say. That the signature holds
//! shows that nothing was changed on the way, not who the machine is.

use prost::Message as _;

use crate::{
    envelope::{self, Context, EnvelopeError, PublicKey, SigningKey},
    inventory::Inventory,
    v1,
};

/// The first line.
pub const FIRST_LINE: &str = "cutover-signed-scan 1";
/// A file of more bytes is none.
pub const MAX_BYTES: u64 = 16 << 20;

/// Why such a file is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanFileError {
    /// Another kind of file, or one that was cut or edited.
    #[error("is no signed scan: {0}; make it again with `cutover-agent scan --sign --out FILE`")]
    Format(&'static str),
    /// The signature, or what it covers, does not hold.
    #[error("was changed after it was signed, or damaged: {0}; make it again")]
    Envelope(#[from] EnvelopeError),
    /// The inventory is not one.
    #[error("holds no inventory that this version can read: {0}")]
    Inventory(String),
}

/// A look that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanFile {
    /// As it was signed.
    pub envelope: v1::Envelope,
    /// The key that signed it.
    pub key: PublicKey,
    /// What it says. Its host id is nil where the machine was not enrolled.
    pub inventory: Inventory,
}

impl ScanFile {
    /// Signs an inventory, and gives the file's text.
    ///
    /// # Errors
    /// When the system's randomness fails.
    pub fn sign(inventory: Inventory, key: &SigningKey) -> Result<String, EnvelopeError> {
        let envelope = envelope::seal_message(Context::Inventory, &v1::Inventory::from(inventory), key)?;
        let (key, inventory) = (hex::encode(key.spki_der()), hex::encode(envelope.encode_to_vec()));
        Ok(format!("{FIRST_LINE}\nkey {key}\ninventory {inventory}\n"))
    }

    /// Reads a file, and checks its signature by the key that it names.
    ///
    /// # Errors
    /// When it is another kind of file, or was changed.
    pub fn read(text: &str) -> Result<Self, ScanFileError> {
        let mut lines = text.lines().map(str::trim_end);
        if lines.next() != Some(FIRST_LINE) {
            return Err(ScanFileError::Format("its first line is another"));
        }
        let mut bytes = |name: &str, without| {
            let line = lines.next().and_then(|line| line.strip_prefix(name));
            let digits = line.ok_or(ScanFileError::Format(without))?;
            hex::decode(digits.trim()).map_err(|_| ScanFileError::Format("it holds what is not hexadecimal"))
        };
        let key = PublicKey::host(&bytes("key ", "it names no key")?)?;
        let envelope = v1::Envelope::decode(bytes("inventory ", "it has no inventory")?.as_slice())
            .map_err(|_| ScanFileError::Format("its inventory is no signed message"))?;
        let wire: v1::Inventory = envelope::open_message(&envelope, Context::Inventory, std::slice::from_ref(&key))?;
        let inventory = Inventory::try_from(wire).map_err(|error| ScanFileError::Inventory(error.to_string()))?;
        Ok(Self {
            envelope,
            key,
            inventory,
        })
    }
}
