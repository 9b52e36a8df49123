//! An enrolment that was asked for, and is carried out by the service as soon as it reaches a server: an installer, or
//! whoever prepares machines, need not wait for the network, and machines made from a sealed image enrol by themselves.

use std::{fmt, fs, io, path::PathBuf, time::Duration};

use cutover_proto::v1::HostFacts;
use serde::{Deserialize, Serialize};

use super::state_dir::{IdentityChangeError, StateDir};
use crate::{
    disk::{make_private_dir, write_private},
    link::{self, Address, EnrollParts, Fingerprint, Identity, Proxies},
};

/// The waits between tries: doubled from the first to the last.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LAST_WAIT: Duration = Duration::from_secs(300);

/// What `cutover-agent enroll` would need. Kept in a file for the agent alone, which goes once the host is enrolled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingEnrolment {
    /// In the order in which they are tried.
    pub servers: Vec<Address>,
    /// Of the server's authority, hex.
    pub ca_fingerprint: String,
    /// As the server printed it; empty where it is not known.
    pub token: String,
}

/// Why nothing comes of it.
#[derive(Debug, thiserror::Error)]
pub enum PendingError {
    /// The disk said no.
    #[error("{0}: {1}")]
    Read(PathBuf, io::Error),
    /// It is not what was kept.
    #[error("{0} cannot be understood ({1}); delete it and run `cutover-agent enroll`")]
    Damaged(PathBuf, String),
    /// The identity is there, and what was here before is in its way.
    #[error(transparent)]
    Change(#[from] IdentityChangeError),
}

impl PendingEnrolment {
    /// Of servers in the order in which they are tried.
    #[must_use]
    pub fn new(servers: &[Address], ca_fingerprint: Fingerprint, token: &str) -> Self {
        Self {
            servers: servers.to_vec(),
            ca_fingerprint: ca_fingerprint.to_string(),
            token: token.to_owned(),
        }
    }

    /// Where this host is enrolled; its token is not known any more.
    #[must_use]
    pub fn like(present: &Identity) -> Self {
        Self::new(present.servers(), present.authority(), "")
    }

    /// Keeps it, in place of any other.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, state: &StateDir) -> io::Result<()> {
        make_private_dir(state.path())?;
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        write_private(&state.enrolment(), &text)?;
        gone(fs::remove_file(state.first_start_file()))
    }

    /// The one that is kept; none where none is.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load(state: &StateDir) -> Result<Option<Self>, PendingError> {
        for path in [state.enrolment(), state.first_start_file()] {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(PendingError::Read(path, error)),
            };
            let kept = serde_json::from_slice(&bytes);
            // Where in the file it is wrong, and never what stands there: the token does.
            return kept.map(Some).map_err(|error: serde_json::Error| {
                let place = format!("line {}, column {}", error.line(), error.column());
                PendingError::Damaged(path, place)
            });
        }
        Ok(None)
    }

    /// Forgets it: the host is enrolled.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(state: &StateDir) -> io::Result<()> {
        gone(fs::remove_file(state.enrolment()))?;
        gone(fs::remove_file(state.first_start_file()))
    }

    /// Enrols the host, however long the way to a server takes or the server refuses: somebody may mend either. Ends with
    /// an identity that is kept, and forgets itself.
    ///
    /// # Errors
    /// When what is kept cannot be used at all.
    pub async fn enrol(
        self,
        state: &StateDir,
        proxies: Proxies,
        facts: impl Fn() -> HostFacts,
    ) -> Result<Identity, PendingError> {
        let damaged = |why: String| PendingError::Damaged(state.enrolment(), why);
        let ca_fingerprint: Fingerprint = self
            .ca_fingerprint
            .parse()
            .map_err(|error: link::FingerprintError| damaged(error.to_string()))?;
        let directory = state.identity();
        let mut wait = FIRST_WAIT;
        let enrolled = loop {
            let parts = EnrollParts {
                dir: &directory,
                servers: &self.servers,
                proxies: proxies.clone(),
                ca_fingerprint,
                token: &self.token,
                facts: facts(),
                agent_version: super::life::VERSION,
            };
            match link::enroll_next(parts).await {
                Ok(identity) => break identity,
                Err(error) => tracing::warn!(%error, "not enrolled yet; it is tried again"),
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(LAST_WAIT);
        };
        state.settle_identity()?;
        if let Err(error) = Self::forget(state) {
            tracing::warn!(%error, path = %state.enrolment().display(), "a token stays on this disk; delete it");
        }
        Ok(enrolled)
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Without the token.
impl fmt::Debug for PendingEnrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingEnrolment")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> PendingEnrolment {
        PendingEnrolment::new(
            &["cutover.example.org:7443".parse().unwrap()],
            Fingerprint::of(b"an authority"),
            "the-token",
        )
    }

    #[test]
    fn what_is_kept_is_read_again_and_forgotten_once() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::new(root.path().join("agent"));
        assert_eq!(PendingEnrolment::load(&state).unwrap(), None);
        pending().keep(&state).unwrap();
        assert_eq!(PendingEnrolment::load(&state).unwrap(), Some(pending()));
        PendingEnrolment::forget(&state).unwrap();
        PendingEnrolment::forget(&state).unwrap();
        assert_eq!(PendingEnrolment::load(&state).unwrap(), None);
    }

    #[test]
    fn what_an_earlier_version_sealed_is_read_and_goes_too() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::new(root.path());
        let sealed = format!(
            r#"{{"servers":["cutover.example.org:7443"],"ca_fingerprint":"{}","token":"the-token"}}"#,
            Fingerprint::of(b"an authority")
        );
        fs::write(state.first_start_file(), &sealed).unwrap();
        assert_eq!(PendingEnrolment::load(&state).unwrap(), Some(pending()));
        // What is kept later takes its place.
        PendingEnrolment::new(&[], Fingerprint::of(b"another"), "")
            .keep(&state)
            .unwrap();
        assert!(!state.first_start_file().exists());
        assert_ne!(PendingEnrolment::load(&state).unwrap(), Some(pending()));
        fs::write(state.first_start_file(), &sealed).unwrap();
        PendingEnrolment::forget(&state).unwrap();
        assert_eq!(PendingEnrolment::load(&state).unwrap(), None);
    }

    #[test]
    fn neither_its_debug_form_nor_its_errors_show_the_token() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDir::new(root.path());
        assert!(!format!("{:?}", pending()).contains("the-token"));
        fs::write(state.enrolment(), r#"{"servers":[],"token":"the-token","more":1}"#).unwrap();
        let refused = PendingEnrolment::load(&state).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("the-token"), "{refused:?}");
        assert!(refused.to_string().contains("line 1"), "{refused}");
    }
}
