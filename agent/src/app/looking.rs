//! Looks that are due, and what is signed of them.

use cutover_proto::{
    envelope::{self, Context},
    inventory::Inventory,
    v1,
};

use super::{
    life::{Input, Life},
    polite,
};
use crate::{
    act::{HostLooker, Looker},
    session::Ticks,
};

impl Life {
    pub(super) fn look(&mut self, now: Ticks) {
        let Some(why) = self.session.begin_look(now) else {
            return;
        };
        let mut looker = self.looker(Box::new(|_| ()));
        let send = self.sender();
        let nice = self.limits.look_nice;
        let span = tracing::info_span!("look", host = %self.identity.host_id(), why = why.as_str());
        self.tasks.spawn_blocking(move || {
            let _entered = span.enter();
            let seen = polite::at(nice, || looker.look());
            send(Input::Looked(Box::new(seen)));
        });
    }

    /// A looker by the rules in force; `seen` gets every inventory that it makes.
    pub(super) fn looker(&self, seen: Box<dyn FnMut(&Inventory) + Send>) -> impl Looker + use<> {
        HostLooker::new(
            self.view.clone(),
            self.rules.clone(),
            self.identity.host_id(),
            self.clock.clone(),
            seen,
        )
    }

    pub(super) fn sign(&mut self, news: Option<Inventory>, now: Ticks) {
        let Some(inventory) = news else {
            return;
        };
        let wire = v1::Inventory::from(inventory.clone());
        match envelope::seal_message(Context::Inventory, &wire, &self.identity.signing()) {
            Ok(envelope) => {
                self.state.keep_inventory(&envelope);
                self.session.handle_signed(inventory, envelope, now);
            }
            // The next look finds the same news again.
            Err(error) => tracing::error!(%error, "an inventory could not be signed"),
        }
    }

    /// What was signed by a key before this one: the same bytes, so the same digest, under the present key. The server
    /// believes only the key that speaks.
    pub(super) fn sign_kept_inventory_anew(&mut self) {
        let Some((inventory, kept)) = self.state.inventory(self.identity.host_id()) else {
            return;
        };
        let signing = self.identity.signing();
        let present = signing.public().key_id();
        if kept.signatures.iter().any(|signature| signature.key_id == present) {
            return;
        }
        match envelope::seal(Context::Inventory, kept.body, &signing) {
            Ok(envelope) => {
                self.state.keep_inventory(&envelope);
                self.session.handle_signed_anew(inventory, envelope);
            }
            Err(error) => tracing::error!(%error, "an inventory could not be signed"),
        }
    }
}
