//! What moves too often for an inventory goes with the next check-in after it crossed a threshold, until the server has it.

use cutover_proto::v1;

use super::state::Session;

/// As they are, and as the server last heard them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vitals {
    now: Option<v1::Vitals>,
    told: Option<v1::Vitals>,
}

impl Vitals {
    /// What the server has not heard.
    pub(super) fn news(&self) -> Option<v1::Vitals> {
        self.now.filter(|now| self.told.as_ref() != Some(now))
    }

    /// An answer came to a check-in that said so. One that said nothing says that nothing has changed.
    pub(super) fn heard(&mut self, said: Option<v1::Vitals>) {
        self.told = said.or(self.told);
    }

    /// The server may lack what it was told.
    pub(super) fn forget(&mut self) {
        self.told = None;
    }
}

impl Session {
    /// The machine's vitals as of now. They make no check-in due: the next one is never far.
    pub fn handle_vitals(&mut self, vitals: v1::Vitals) {
        self.vitals.now = Some(vitals);
    }
}
