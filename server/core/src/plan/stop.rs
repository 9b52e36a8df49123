//! What stops further attempts on a host until something is mended: none of them is for another try to find out.

use cutover_proto::ids::ProductId;
use serde::{Deserialize, Serialize};

use super::Owner;

/// What the last failure demands before anything is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stop", rename_all = "kebab-case")]
pub enum Stop {
    /// The disk was full. A look made after this shows whether there is room.
    Room {
        /// Newest look or record known when it failed, by the host's clock.
        fresh_after_ms: i64,
    },
    /// A file is not what the order states, so what the campaign supplies is at fault and not the host.
    Unfit {
        /// Its name.
        file: String,
        /// What the order states, in hex. Another file in its place lifts it.
        sha256: String,
        /// How often in a row.
        times: u32,
    },
    /// An installer demands a restart before it begins. Another kernel session lifts it.
    RestartFirst {
        /// In which it failed.
        boot_id: String,
    },
    /// An installer asks for a password or token that it did not get, or got a wrong one.
    Secret {
        /// Of which product.
        product: ProductId,
    },
    /// A policy of the machine does not let an installer work.
    Forbidden {
        /// Of which product.
        product: ProductId,
    },
}

/// Once may be a broken download; a second time in a row the file itself is not believed.
const UNFIT_TIMES: u32 = 2;

impl Stop {
    /// Whether it is of the same kind, and about the same thing.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Room { .. }, Self::Room { .. }) | (Self::RestartFirst { .. }, Self::RestartFirst { .. }) => true,
            (Self::Unfit { sha256: one, .. }, Self::Unfit { sha256: other, .. }) => one == other,
            (Self::Secret { product: one }, Self::Secret { product: other })
            | (Self::Forbidden { product: one }, Self::Forbidden { product: other }) => one == other,
            _ => false,
        }
    }

    /// Whether the same failure came often enough that the file is not fetched again.
    #[must_use]
    pub const fn is_believed(&self) -> bool {
        match self {
            Self::Unfit { times, .. } => *times >= UNFIT_TIMES,
            Self::Room { .. } | Self::RestartFirst { .. } | Self::Secret { .. } | Self::Forbidden { .. } => true,
        }
    }

    /// What hosts are counted by.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Room { .. } => "stopped/room".to_owned(),
            Self::Unfit { sha256, .. } => format!("stopped/unfit/{sha256}"),
            Self::RestartFirst { .. } => "stopped/restart-first".to_owned(),
            Self::Secret { product } => format!("stopped/secret/{product}"),
            Self::Forbidden { product } => format!("stopped/forbidden/{product}"),
        }
    }

    /// What is so, in words that hold for every host of which it is.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Room { .. } => "the last attempt found the disk full".to_owned(),
            Self::Unfit { file, .. } => format!("the file {file} that comes is not the one that the order states"),
            Self::RestartFirst { .. } => "an installer demands a restart before it begins".to_owned(),
            Self::Secret { product } => {
                format!("{product} asks for a password or token, and what the order had was missing or wrong")
            }
            Self::Forbidden { product } => format!("a policy of the machine does not let {product} be worked on"),
        }
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Room { .. } => "free room on the host; a look that shows enough brings it back by itself".to_owned(),
            Self::Unfit { .. } => {
                "put the file right (`cutover artifact add`), or find what rewrites it on its way (a mirror, a proxy); another \
                 file goes on by itself, the same one after `cutover hosts retry`"
                    .to_owned()
            }
            Self::RestartFirst { .. } => "the next order restarts the machine".to_owned(),
            Self::Secret { product } => format!(
                "find the password or token that {product} asks for, or have its console not ask, then `cutover hosts retry`"
            ),
            Self::Forbidden { .. } => {
                "lift the policy that the kept log names, then `cutover hosts retry`".to_owned()
            }
        }
    }

    /// Who must act.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        match self {
            Self::Room { .. } | Self::Forbidden { .. } => Owner::Helpdesk,
            Self::Unfit { .. } => Owner::Catalog,
            Self::RestartFirst { .. } => Owner::Server,
            Self::Secret { .. } => Owner::Operator,
        }
    }
}
