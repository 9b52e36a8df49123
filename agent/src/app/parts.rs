//! What an agent is made of.

use std::{fmt, path::PathBuf, sync::Arc};

use super::{clock::HostClock, footprint::Limits, pulse::Pulse, state_dir::StateDir, updating::Gate};
use crate::{
    act::JournalError,
    host::{HostView, hands::HostHands},
    link::{Address, Identity, LinkError, Proxies},
};

/// Makes the hands of one order; an error says why it cannot.
pub type MakeHands = Box<dyn Fn() -> Result<Box<dyn HostHands>, String> + Send + Sync>;

/// What an agent is made of. Everything that differs between a live host and a planted one is in `view` and `hands`.
pub struct Parts {
    /// Its own directory; no two agents share one.
    pub state: StateDir,
    /// From [`crate::link::enroll`] or the directory.
    pub identity: Identity,
    /// Servers that are tried first, in this order; then those that the server handed out, then the enrolment's.
    pub servers: Vec<Address>,
    /// What leads to them.
    pub proxies: Proxies,
    /// What looks at the host.
    pub view: Arc<dyn HostView>,
    /// What changes it.
    pub hands: MakeHands,
    /// Its clocks.
    pub clock: Arc<HostClock>,
    /// While this file exists, no order begins and one at work ends at its next safe point.
    pub hold_file: Option<PathBuf>,
    /// What it may use itself.
    pub limits: Limits,
    /// Gets the loop's signs of life.
    pub pulse: Option<Box<dyn Pulse>>,
    /// How much of the disk artifacts may take, MiB.
    pub cache_mib: u64,
    /// While this file exists the host's link is metered: no artifact is fetched.
    pub metered_file: Option<PathBuf>,
    /// Where this process is a program that is tried: what opens with the first answer.
    pub trial: Option<Arc<Gate>>,
    /// Whether this agent can take itself off its machine: then it may be asked to leave.
    pub can_leave: bool,
    /// Spreads waits, so that agents that start together do not stay together.
    pub seed: u64,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("state", &self.state)
            .field("host_id", &self.identity.host_id())
            .finish_non_exhaustive()
    }
}

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its journal cannot be opened, or another agent has it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The last statement that an earlier start made cannot be read.
    #[error("the last statement of this host cannot be read ({0}); see that the state directory is sound")]
    Statement(#[from] std::io::Error),
    /// No link can be made.
    #[error(transparent)]
    Link(#[from] LinkError),
}
