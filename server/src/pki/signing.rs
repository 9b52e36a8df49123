//! Ed25519 keys that sign work orders, cancels, rules and checkpoints.

use std::path::Path;

use cutover_proto::{
    envelope::{PublicKey, SigningKey},
    v1,
};
use ring::{rand::SystemRandom, signature::Ed25519KeyPair};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

use super::{PkiError, disk};

const PREFIX: &str = "signing-";
const SUFFIX: &str = ".pem";
const REMEDY: &str = "restore it from a backup, or delete it if a newer signing key is beside it";

/// The keys, at least one. The newest signs; all of them are handed to agents and verify.
#[derive(Debug)]
pub struct SigningKeys {
    newest: Kept,
    /// Newest first.
    older: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: String,
    made_ms: i64,
    key: SigningKey,
}

impl SigningKeys {
    /// The key that signs.
    #[must_use]
    pub fn newest(&self) -> &SigningKey {
        &self.newest.key
    }

    /// Public halves, newest first.
    #[must_use]
    pub fn public_keys(&self) -> Vec<PublicKey> {
        self.all().map(|kept| kept.key.public().clone()).collect()
    }

    /// Public halves as enrolment and renewal hand them out, newest first.
    #[must_use]
    pub fn wire(&self) -> Vec<v1::ServerKey> {
        self.all()
            .map(|kept| kept.key.public())
            .map(|public| v1::ServerKey {
                key_id: public.key_id().to_owned(),
                public_key: public.bytes().to_vec(),
            })
            .collect()
    }

    /// Reads those of the directory's files that are signing keys.
    pub(super) fn load(directory: &Path, files: &[String]) -> Result<Self, PkiError> {
        // The names start with the time of making, padded, so the last one is the newest.
        let mut newest_first = files
            .iter()
            .rev()
            .filter(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
            .map(|name| load_one(directory, name));
        let Some(newest) = newest_first.next() else {
            return Err(PkiError::Corrupt {
                path: directory.to_owned(),
                why: "it holds no signing key".to_owned(),
                remedy: "restore it from a backup, or agents will refuse every new work order",
            });
        };
        Ok(Self {
            newest: newest?,
            older: newest_first.collect::<Result<_, _>>()?,
        })
    }

    /// Makes a key, keeps it, and signs by it from then on.
    pub(super) fn add(&mut self, directory: &Path, now_ms: i64) -> Result<(), PkiError> {
        // A clock that went back must not leave the new key behind the old one at the next start.
        let newest = generate(directory, now_ms.max(self.newest.made_ms.saturating_add(1)))?;
        let before = std::mem::replace(&mut self.newest, newest);
        self.older.insert(0, before);
        Ok(())
    }

    /// Makes the first key.
    pub(super) fn create(directory: &Path, now_ms: i64) -> Result<Self, PkiError> {
        Ok(Self {
            newest: generate(directory, now_ms)?,
            older: Vec::new(),
        })
    }

    /// Deletes a key: what it signed is not believed any longer by agents that renew.
    pub(super) fn retire(&mut self, directory: &Path, key_id: &str) -> Result<(), PkiError> {
        if self.newest.key.public().key_id() == key_id {
            return Err(PkiError::InUse {
                what: "signing key",
                name: key_id.to_owned(),
                remedy: "add a newer one first",
            });
        }
        let found = self.older.iter().position(|kept| kept.key.public().key_id() == key_id);
        let Some(index) = found else {
            let known: Vec<&str> = self.all().map(|kept| kept.key.public().key_id()).collect();
            return Err(PkiError::Unknown {
                what: "signing key",
                name: key_id.to_owned(),
                known: known.join(", "),
            });
        };
        disk::remove(&directory.join(&self.older[index].file))?;
        self.older.remove(index);
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Kept> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

fn generate(directory: &Path, now_ms: i64) -> Result<Kept, PkiError> {
    if now_ms < 0 {
        return Err(PkiError::BadTime(now_ms));
    }
    let pkcs8 =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| PkiError::Crypto("making a signing key"))?;
    let key = SigningKey::server(pkcs8.as_ref()).map_err(|_| PkiError::Crypto("reading back a new signing key"))?;
    let file = format!("{PREFIX}{now_ms:015}-{}{SUFFIX}", &key.public().key_id()[..16]);
    disk::write(
        &directory.join(&file),
        disk::pem("PRIVATE KEY", pkcs8.as_ref()).as_bytes(),
    )?;
    Ok(Kept {
        file,
        made_ms: now_ms,
        key,
    })
}

fn load_one(directory: &Path, file: &str) -> Result<Kept, PkiError> {
    let path = directory.join(file);
    let bytes = disk::read(&path)?;
    let corrupt = |why: String| PkiError::Corrupt {
        path: path.clone(),
        why,
        remedy: REMEDY,
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&bytes)
        .map_err(|error| corrupt(format!("no private key in PEM ({error})")))?;
    let key = SigningKey::server(der.secret_pkcs8_der()).map_err(|error| corrupt(error.to_string()))?;
    let named = file
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
        .and_then(|rest| rest.split_once('-'));
    match named {
        Some((made, id)) if key.public().key_id().get(..16) == Some(id) => {
            let made_ms = made
                .parse()
                .map_err(|_| corrupt("its name does not say when it was made".to_owned()))?;
            Ok(Kept {
                file: file.to_owned(),
                made_ms,
                key,
            })
        }
        Some(_) | None => Err(corrupt("the key in it is not the one its name says".to_owned())),
    }
}
