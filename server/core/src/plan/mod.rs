//! One host in one campaign: its phase, what is known of it, why it is there, and what is out.
//!
//! A plan changes only by [`apply`](crate::decide::apply)ing an event. Its row is the replay of its events.

mod account;
mod asked;
mod disks;
mod drain;
mod handwork;
mod holds;
mod kept;
mod known;
mod notices;
mod order;
mod personal;
mod phase;
mod pool;
mod reason;
mod reason_text;
mod row;
mod shown;
mod stop;
mod transitions;
mod tried;
mod verify;

pub use account::{Account, Cover, Gap, Spent};
pub use disks::{DiskAttestation, DiskSignature, DiskWord, NotAttested};
pub(crate) use drain::numbered;
pub use drain::{Drain, DrainState, DrainTurn};
pub use handwork::Handwork;
pub use holds::{Exemption, Hold, HoldKind};
pub use kept::{Approval, JournalFault, LastFailure, RestartOwed};
pub use known::{Known, SET};
pub use notices::{Given, Notices};
pub(crate) use order::campaigns_slot;
pub use order::{OpenOrder, OrderEnd, RestartDue};
pub use personal::{NotADigest, Personal};
pub use phase::Phase;
pub use pool::Pool;
pub use reason::{Owner, Reason};
pub use row::Plan;
pub use shown::ShownBy;
pub use stop::Stop;
pub use transitions::{TRANSITIONS, is_legal};
pub use tried::Tried;
pub(crate) use tried::is_first;
pub use verify::{Origin, Verify};
