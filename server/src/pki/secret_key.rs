//! The key under which secrets lie in the store. It lies beside the authority's, and never in the database: whoever has a copy of
//! one of the two has no secret.

use std::path::{Path, PathBuf};

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{PkiError, disk};

/// Bytes of the number that each sealing needs, never the same twice under one key.
pub const SEAL_NONCE: usize = NONCE_LEN;

const KEY_BYTES: usize = 32;

/// Stands before what is bound, so that what is sealed here opens nowhere else.
const PURPOSE: &[u8] = b"cutover.secret.v1\0";

const REMEDY: &str =
    "restore it from a backup; without it the secrets in the store cannot be opened, and have to be set anew";

/// A key for secrets at rest: ChaCha20-Poly1305.
pub struct SecretKey {
    key: Zeroizing<[u8; KEY_BYTES]>,
    id: String,
    path: PathBuf,
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey")
            .field("id", &self.id)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SecretKey {
    /// Reads the file, or makes it where there is none: 64 hex digits, for its owner alone.
    ///
    /// # Errors
    /// When it is damaged, open to others, or cannot be read or made; what is there stays as it is.
    pub fn open_or_make(path: &Path) -> Result<Self, PkiError> {
        if path.symlink_metadata().is_err() {
            let mut fresh = Zeroizing::new([0; KEY_BYTES]);
            SystemRandom::new()
                .fill(fresh.as_mut_slice())
                .map_err(|_| PkiError::Crypto("making a key for secrets"))?;
            let text = Zeroizing::new(format!("{}\n", Zeroizing::new(hex::encode(fresh.as_slice())).as_str()));
            // Where another process was quicker, its key counts.
            disk::write_first(path, text.as_bytes())?;
        }
        let text = Zeroizing::new(disk::read(path)?);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text.trim_ascii(), key.as_mut_slice()).map_err(|_| PkiError::Corrupt {
            path: path.to_owned(),
            why: "it does not hold 64 hex digits".to_owned(),
            remedy: REMEDY,
        })?;
        let digest = Sha256::new_with_prefix(b"cutover.secret-key-id.v1\0")
            .chain_update(key.as_slice())
            .finalize();
        Ok(Self {
            key,
            id: hex::encode(&digest[..8]),
            path: path.to_owned(),
        })
    }

    /// Names the key and tells nothing of it: 16 hex digits of a hash.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Seals for what these words name; the same words open it. `nonce` is random, drawn for this call alone.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn seal(&self, nonce: [u8; SEAL_NONCE], bound_to: &[&str], plain: &[u8]) -> Result<Vec<u8>, PkiError> {
        // All of it at once: a buffer that grows would leave copies behind.
        let mut sealed = Vec::with_capacity(SEAL_NONCE + plain.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                bound(bound_to),
                &mut sealed[SEAL_NONCE..],
            )
            .map_err(|_| PkiError::Crypto("sealing a secret"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what was sealed for these words.
    ///
    /// # Errors
    /// When it was sealed with another key or for other words, or was changed.
    pub fn open(&self, bound_to: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PkiError> {
        let does_not = || PkiError::DoesNotOpen(self.path.clone());
        let (nonce, rest) = sealed.split_first_chunk::<SEAL_NONCE>().ok_or_else(does_not)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = self
            .cipher()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), bound(bound_to), &mut plain)
            .map_err(|_| does_not())?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Tells whether two values of what these words name are the same, and nothing else of them: nobody without the key can guess by it.
    #[must_use]
    pub fn digest(&self, bound_to: &[&str], plain: &[u8]) -> String {
        let under = |key: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, key);
        // A key of its own for this, made of the one that there is.
        let own = hmac::sign(&under(self.key.as_slice()), b"cutover.secret-digest.v1");
        let mut digest = hmac::Context::with_key(&under(own.as_ref()));
        for word in bound_to {
            digest.update(&(word.len() as u64).to_be_bytes());
            digest.update(word.as_bytes());
        }
        digest.update(plain);
        hex::encode(&digest.sign().as_ref()[..8])
    }

    fn cipher(&self) -> Result<LessSafeKey, PkiError> {
        UnboundKey::new(&CHACHA20_POLY1305, self.key.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| PkiError::Crypto("taking up the key for secrets"))
    }
}

/// Each word with its length before it, so that no two lists of words give the same bytes.
fn bound(words: &[&str]) -> Aad<Vec<u8>> {
    let mut bytes = PURPOSE.to_vec();
    for word in words {
        bytes.extend_from_slice(&(word.len() as u64).to_be_bytes());
        bytes.extend_from_slice(word.as_bytes());
    }
    Aad::from(bytes)
}
