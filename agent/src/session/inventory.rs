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
    /// Whether that look was made since this start.
    is_of_this_start: bool,
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
            newest: signed.map(|(said, envelope)| Newest {
                is_of_this_start: false,
                ..Newest::new(said.taken_at_ms, said, envelope)
            }),
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
            newest.is_of_this_start = true;
        }
    }

    /// The clock that the looks of this start went by turned out to be wrong by so much.
    pub(super) fn date_anew(&mut self, shift_ms: i64) {
        if let Some(newest) = self.newest.as_mut().filter(|newest| newest.is_of_this_start) {
            newest.looked_at_ms = newest.looked_at_ms.saturating_add(shift_ms);
        }
    }

    pub(super) fn replace(&mut self, looked_at_ms: i64, said: Inventory, envelope: v1::Envelope) {
        self.newest = Some(Newest::new(looked_at_ms, said, envelope));
        self.kept = false;
    }

    /// Another signature over the bytes of the newest, which changes nothing else.
    pub(super) fn sign_anew(&mut self, said: Inventory, envelope: v1::Envelope) {
        match &mut self.newest {
            Some(newest) if newest.digest == envelope::digest(&envelope) => newest.envelope = envelope,
            Some(_) | None => self.replace(said.taken_at_ms, said, envelope),
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
    fn new(looked_at_ms: i64, said: Inventory, envelope: v1::Envelope) -> Self {
        Self {
            looked_at_ms,
            is_of_this_start: true,
            digest: envelope::digest(&envelope),
            said,
            envelope,
        }
    }

    /// For the server, which orders looks by it. By which clock one of an earlier start was dated nobody knows any more.
    pub(super) const fn told_ms(&self) -> i64 {
        if self.is_of_this_start { self.looked_at_ms } else { 0 }
    }
}
