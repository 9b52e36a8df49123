//! What happens, and when the next of it does.

use cutover_proto::{ids::HostId, v1};

use crate::{fault::Fault, people::Deed, view::Look};

/// What happens.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// A machine has something to do.
    Poll(usize),
    /// A machine goes on or off, by its habit.
    Presence(usize),
    /// A machine that went down comes up.
    Boot(usize),
    /// An agent's process that died is started again.
    AgentBack(usize),
    Enrol(usize),
    /// What is particular about a machine happens; again, later.
    Turn(usize, u32),
    /// A nudge arrives.
    Nudge(HostId),
    /// A request arrives that its host gave up.
    Late(Box<Late>),
    /// A reply arrives.
    Reply(usize, u32, Box<v1::CheckInReply>),
    /// The server's loop.
    Pass,
    Beat,
    /// Something goes wrong with the server.
    Trouble(Fault),
    ServerUp,
    PartitionEnds,
    /// Somebody does something.
    People(Deed),
    Recount,
    /// Nothing goes wrong from here on.
    Calm,
    Glance,
    Tamper,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub(crate) struct Late {
    pub(crate) host: HostId,
    pub(crate) spki_hash: String,
    pub(crate) spki_der: Vec<u8>,
    pub(crate) request: v1::CheckInRequest,
    pub(crate) seen: Option<Look>,
}
