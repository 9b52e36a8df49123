//! Images: what is taken away before a machine is copied, and what each copy enrols with.

use std::{
    fs,
    io::{self, ErrorKind},
    path::PathBuf,
};

use super::{PendingEnrolment, StateDir};
use crate::{
    act::{Journal, JournalError},
    link::IdentityError,
};

/// Why a machine is not sealed.
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
}

impl StateDir {
    /// Entries that stay: an operator's, and what the copies enrol with.
    const STAY: [&'static str; 3] = ["enrolment", "hold", "metered"];

    /// Takes everything away that makes this machine the host that it is, and leaves what its copies enrol with. Safe to
    /// repeat, also after an end in the middle.
    ///
    /// # Errors
    /// When an agent is at work, an order is not over, or the disk says no.
    pub fn seal(&self, first: &PendingEnrolment) -> Result<(), SealError> {
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
        first.keep(self).map_err(disk(self.enrolment()))?;
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
