//! The next certificate.

use super::life::{Input, Life};
use crate::{
    link::{Identity, LinkError},
    session::{Ticks, Validity},
};

impl Life {
    pub(super) fn renew(&mut self, now: Ticks) {
        if self.should_wait(now) {
            self.session.postpone_renewal(now);
            return;
        }
        if !self.session.begin_renewal(now) {
            return;
        }
        let (link, send) = (self.link.clone(), self.sender());
        let (dir, present) = (self.state.identity(), self.identity.clone());
        self.tasks.spawn(async move {
            let renewed = link.renewed(&dir, &present).await;
            send(Input::Renewed(renewed.map(Box::new)));
        });
    }

    /// Records are signed once, by the key of their time, and the server believes the key that speaks. So the key is
    /// changed while none waits, unless the certificate is about to end.
    fn should_wait(&self, now: Ticks) -> bool {
        let busy = self.order_at_work || {
            let journal = self.journal();
            journal.is_open() || !journal.pending().is_empty()
        };
        let (from_ms, to_ms) = self.identity.validity_ms();
        let last_tenth = to_ms - (to_ms - from_ms) / 10;
        busy && self.session.trusted().now_ms(now) < last_tenth
    }

    pub(super) fn renewed(&mut self, renewed: Result<Box<Identity>, LinkError>, now: Ticks) {
        let swapped = renewed.and_then(|renewed| self.link.swap(&renewed).map(|()| renewed));
        match swapped {
            Ok(renewed) => {
                self.identity = *renewed;
                let (from_ms, to_ms) = self.identity.validity_ms();
                let server_keys = self.identity.server_keys().to_vec();
                self.session
                    .handle_renewed(Validity { from_ms, to_ms }, server_keys, now);
                self.sign_kept_inventory_anew();
                tracing::info!(until_ms = to_ms, "certificate renewed");
            }
            Err(error) => {
                tracing::warn!(%error, "certificate not renewed; it is tried again");
                self.session.handle_renewal_failed(now);
            }
        }
    }
}
