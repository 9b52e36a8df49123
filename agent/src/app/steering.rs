//! Keeps the link on the course that the session decides: which address, which way, and a new connection after a sleep.

use super::{
    clock::HostClock,
    life::{Input, Life},
};
use crate::{
    link::Address,
    session::{Heading, Ticks, Way},
};

impl Life {
    /// Told to the session before the outcome of a call: where the newest connection went.
    pub(super) fn note_reached(&mut self, answered: bool, now: Ticks) {
        let Some(address) = self.link.reached() else {
            return;
        };
        self.session.handle_reached(&address.to_string(), now);
        if answered && let Some(kept) = self.book.answered_at(&address) {
            self.state.keep_addresses(kept);
            self.set_places(now);
        }
    }

    /// The server's list of addresses as it is now.
    pub(super) fn take_addresses(&mut self, addresses: &[String], now: Ticks) {
        let Some(kept) = self.book.hand(addresses) else {
            return;
        };
        self.state.keep_addresses(kept);
        tracing::info!(addresses = addresses.join(", "), "the server hands out these addresses");
        self.set_places(now);
    }

    fn set_places(&mut self, now: Ticks) {
        self.link.set_addresses(&self.book.in_order());
        self.session.handle_places(self.book.places(&self.proxies), now);
        let Heading { address, way } = self.session.heading();
        self.link.hold_to(&address, way == Way::Post);
    }

    /// Goes where the session now heads. A change drops the connection, so that the next call goes there.
    pub(super) fn steer(&mut self) {
        let heading = self.session.heading();
        if self.heading != heading {
            tracing::info!(
                address = heading.address,
                way = heading.way.as_str(),
                "the way to the server"
            );
            self.link.hold_to(&heading.address, heading.way == Way::Post);
            let is_open = self
                .link
                .reached()
                .is_some_and(|address| address.to_string() == heading.address);
            if !is_open || heading.way != self.heading.way {
                self.link.reconnect();
            }
            self.heading = heading;
        }
        let may = self.session.may_watch();
        self.watch_wanted
            .send_if_modified(|wanted| std::mem::replace(wanted, may) != may);
    }

    /// Looks whether an address before the kept one answers.
    pub(super) fn look_for_better(&mut self, now: Ticks) {
        let better = self.session.begin_better(now);
        let addresses: Vec<Address> = better.iter().filter_map(|address| address.parse().ok()).collect();
        let (link, send) = (self.link.clone(), self.sender());
        self.tasks.spawn(async move {
            send(Input::Better(link.first_that_answers(&addresses).await));
        });
    }

    /// Notices a sleep. The loop turns often enough for that.
    pub(super) fn look_at_clocks(&mut self, now: Ticks) {
        if self.session.handle_clocks(HostClock::host_ms(), now) {
            tracing::info!("the machine slept, or its clock was set; connecting anew");
            self.link.reconnect();
        }
    }
}
