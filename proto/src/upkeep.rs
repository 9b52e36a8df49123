//! Who keeps a target up, and how fresh it is: what findings go by.

use serde::{Deserialize, Serialize};

use crate::{inventory::OsFamily, placed::Placed, v1, words};

words! {
    /// Who tells of a product's upkeep. A closed set: what is asked, and how it is read, is bound to the word.
    pub enum UpkeepSource("source of upkeep") {
        /// What the Network Agent keeps in the registry of Windows: its server, its last contact with it, and the date of the
        /// bases of the product that it manages.
        NetworkAgent = "network-agent",
        /// `kesl-control --app-info` on Linux: the date of the bases.
        KeslControl = "kesl-control",
    }
}

impl UpkeepSource {
    /// The system on which it can be asked.
    #[must_use]
    pub const fn os(self) -> OsFamily {
        match self {
            Self::NetworkAgent => OsFamily::Windows,
            Self::KeslControl => OsFamily::Linux,
        }
    }
}

/// What is known of a target's upkeep. Instants and days are the earliest that they can be: whatever is said to lie behind
/// one of them does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// The server that manages it, as the product spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_server: Option<String>,
    /// When it last spoke to that server, in milliseconds since the epoch. Of the present week only its beginning is told,
    /// so that the inventory stays the same while nothing else changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact_ms: Option<i64>,
    /// The date of its bases; the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bases_ms: Option<i64>,
    /// The day on which it was installed, or last changed by its installer (an update, a repair): days since the epoch, by
    /// the machine's own calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_day: Option<i32>,
    /// What tells who put it there; `None` where nothing does, and from agents that do not look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
}

impl Upkeep {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Upkeep> for v1::Upkeep {
    fn from(upkeep: Upkeep) -> Self {
        Self {
            management_server: upkeep.management_server.unwrap_or_default(),
            last_contact_ms: upkeep.last_contact_ms,
            bases_ms: upkeep.bases_ms,
            installed_day: upkeep.installed_day,
            placed: upkeep.placed.map(Into::into),
        }
    }
}

impl From<v1::Upkeep> for Upkeep {
    fn from(wire: v1::Upkeep) -> Self {
        Self {
            management_server: Some(wire.management_server).filter(|server| !server.is_empty()),
            last_contact_ms: wire.last_contact_ms,
            bases_ms: wire.bases_ms,
            installed_day: wire.installed_day,
            placed: wire.placed.map(Placed::from).filter(|placed| !placed.is_empty()),
        }
    }
}
