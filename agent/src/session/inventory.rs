//! What the server has of this host's inventory, and what it still has to be told.

use cutover_proto::{envelope, inventory::Inventory, v1};

/// The newest inventory: signed once, confirmed by every look that says the same.
#[derive(Debug, Clone)]
pub(super) struct Newest {
    pub(super) said: Inventory,
    pub(super) envelope: v1::Envelope,
    pub(super) digest: [u8; 32],
    /// Trusted time of the newest look that says so.
    pub(super) looked_at_ms: i64,
}

/// The newest inventory against what is durable.
#[derive(Debug, Default)]
pub(super) struct Inventories {
    newest: Option<Newest>,
    /// Signed before this start: the server probably has it, and its next reply tells.
    kept: bool,
    durable: Option<Vec<u8>>,
    wanted: bool,
}

impl Inventories {
    pub(super) fn kept(signed: Option<(Inventory, v1::Envelope)>) -> Self {
        Self {
            kept: signed.is_some(),
            newest: signed.map(|(said, envelope)| Newest::new(said, envelope)),
            ..Self::default()
        }
    }

    pub(super) const fn newest(&self) -> Option<&Newest> {
        self.newest.as_ref()
    }

    pub(super) fn is_news(&self, seen: &Inventory) -> bool {
        self.newest
            .as_ref()
            .is_none_or(|newest| !newest.said.says_the_same(seen))
    }

    pub(super) fn confirm(&mut self, looked_at_ms: i64) {
        if let Some(newest) = &mut self.newest {
            newest.looked_at_ms = looked_at_ms;
        }
    }

    pub(super) fn replace(&mut self, said: Inventory, envelope: v1::Envelope) {
        self.newest = Some(Newest::new(said, envelope));
        self.kept = false;
    }

    /// Another signature over the bytes of the newest, which changes nothing else.
    pub(super) fn sign_anew(&mut self, said: Inventory, envelope: v1::Envelope) {
        match &mut self.newest {
            Some(newest) if newest.digest == envelope::digest(&envelope) => newest.envelope = envelope,
            Some(_) | None => self.replace(said, envelope),
        }
    }

    /// The newest, if the server lacks it or asked for it.
    pub(super) fn to_send(&self) -> Option<&Newest> {
        let lacks = |newest: &&Newest| match &self.durable {
            Some(durable) => durable.as_slice() != newest.digest,
            None => !self.kept,
        };
        self.newest.as_ref().filter(|newest| self.wanted || lacks(newest))
    }

    pub(super) fn is_durable(&self) -> bool {
        let newest = self.newest.as_ref().map(|newest| newest.digest.as_slice());
        newest.is_some() && newest == self.durable.as_deref()
    }

    pub(super) fn acknowledged(&mut self, durable: Vec<u8>, wanted: bool) {
        self.durable = Some(durable);
        self.wanted = wanted;
    }
}

impl Newest {
    fn new(said: Inventory, envelope: v1::Envelope) -> Self {
        Self {
            looked_at_ms: said.taken_at_ms,
            digest: envelope::digest(&envelope),
            said,
            envelope,
        }
    }
}
