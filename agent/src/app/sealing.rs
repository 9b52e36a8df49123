//! Images: what is taken away before a machine is copied, and what each copy enrols with.

use std::{
    fs,
    io::{self, ErrorKind},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::StateDir;
use crate::{
    act::{Journal, JournalError},
    disk::write_private,
    link::{Address, Identity, IdentityError},
};

/// What a machine made from an image enrols with when its agent first starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstStart {
    /// In the order in which they are tried.
    pub servers: Vec<Address>,
    /// Of the server's authority, hex.
    pub ca_fingerprint: String,
    /// As the server printed it; empty where it is not known.
    pub token: String,
}

impl FirstStart {
    /// Where this host is enrolled; its token is not known any more.
    #[must_use]
    pub fn like(present: &Identity) -> Self {
        Self {
            servers: present.servers().to_vec(),
            ca_fingerprint: present.authority().to_string(),
            token: String::new(),
        }
    }
}

/// Why a machine is not sealed, or does not know what to enrol with.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// An agent is at work, or the journal cannot be opened.
    #[error("{0}; stop the agent before this machine is sealed")]
    Journal(#[from] JournalError),
    /// An order is not over.
    #[error("work order {0} is not over; let the agent end it, then stop the agent and seal this machine")]
    Order(u64),
    /// The server lacks what an order did.
    #[error(
        "the server does not have {0} records of what was done here; let the agent check in, then stop it and seal"
    )]
    Records(usize),
    /// Whether an order is open cannot be told.
    #[error("whether an order is open cannot be told ({0}); let the agent settle that with its server first")]
    CannotTell(String),
    /// The identity cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The disk said no.
    #[error("{path}: {source}; mend that and seal again")]
    Disk {
        /// Which entry.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What to enrol with is damaged.
    #[error("{path}: {why}; seal the image again with a token")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl StateDir {
    /// Entries that stay: an operator's, and what the copies enrol with.
    const STAY: [&'static str; 3] = ["first-start.json", "hold", "metered"];

    /// Where what a sealed image's copies enrol with lies.
    #[must_use]
    pub fn first_start_file(&self) -> PathBuf {
        self.path().join("first-start.json")
    }

    /// What this machine enrols with when its agent first starts; none where it was not made from a sealed image.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn first_start(&self) -> Result<Option<FirstStart>, SealError> {
        let path = self.first_start_file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SealError::Disk { path, source }),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| SealError::Damaged {
                path,
                why: error.to_string(),
            })
    }

    /// The machine has enrolled: the token has done its work here.
    ///
    /// # Errors
    /// What the system says.
    pub fn first_start_is_over(&self) -> Result<(), SealError> {
        let path = self.first_start_file();
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(SealError::Disk { path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Takes everything away that makes this machine the host that it is, and leaves what its copies enrol with. Safe to
    /// repeat, also after an end in the middle.
    ///
    /// # Errors
    /// When an agent is at work, an order is not over, or the disk says no.
    pub fn seal(&self, first: &FirstStart) -> Result<(), SealError> {
        let lock = self.has_journal().then(|| Journal::open(self.path())).transpose()?;
        if let Some(journal) = &lock {
            if let Some(open) = journal.progress() {
                return Err(SealError::Order(open.order.number));
            }
            if let Some(trouble) = journal.trouble() {
                return Err(SealError::CannotTell(trouble.to_owned()));
            }
            match journal.pending().len() {
                0 => {}
                lacking => return Err(SealError::Records(lacking)),
            }
        }
        let disk = |path: PathBuf| move |source| SealError::Disk { path, source };
        fs::create_dir_all(self.path()).map_err(disk(self.path().to_owned()))?;
        let json = serde_json::to_vec_pretty(first).map_err(|error| SealError::CannotTell(error.to_string()))?;
        let path = self.first_start_file();
        write_private(&path, &json).map_err(disk(path))?;
        for name in Self::FILES.iter().filter(|name| !Self::STAY.contains(name)) {
            let path = self.path().join(name);
            gone(fs::remove_file(&path)).map_err(disk(path))?;
        }
        // The identity last: a machine without one has nothing else of a former host's either.
        let trees = Self::TREES.iter().filter(|name| **name != "identity");
        for name in trees.chain(["identity"].iter()) {
            let path = self.path().join(name);
            gone(fs::remove_dir_all(&path)).map_err(disk(path))?;
        }
        drop(lock);
        Ok(())
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
