//! Tells whoever works here of the work ahead, in the ways in which a restart is told, and lets them put its start off.

use std::time::Duration;

use cutover_proto::v1;

use super::{
    announced::{Shown, StartDeferral, StartRefused, Tell},
    life::{Input, Life},
};
use crate::{
    act,
    parse::instant::spoken,
    session::{self, Ticks},
    words::{Said, to_all},
};

impl Life {
    /// What the server says of the work ahead.
    pub(super) fn take_notice(&mut self, notice: Option<&v1::StartNotice>, told: &session::Announced, now: Ticks) {
        let before = self.announced.clone();
        let view = self.view.clone();
        let now_ms = self.session.trusted().now_ms(now);
        let tell = self.announced.take(notice, told, now_ms, || act::somebody(&*view));
        if self.announced != before
            && let Err(error) = self.state.keep_announced(&self.announced)
        {
            // What is not on disk was not told: the server asks again.
            tracing::warn!(%error, "what the server says of the work ahead cannot be kept");
            self.announced = before;
            return;
        }
        match tell {
            Tell::Nothing => {}
            Tell::Show(it) => {
                let zone = act::zone(&*self.view);
                let when = |at_ms| spoken(at_ms, zone.as_deref());
                let text = to_all(act::language(&*self.view), |language| it.text(&when, language));
                self.show(text, Some((it.round(), it.number)), now);
            }
            Tell::NotPutOff(until_ms) => {
                let zone = act::zone(&*self.view);
                let until = spoken(until_ms, zone.as_deref());
                let said = Said::StartComesAnyhow { until: &until };
                let text = to_all(act::language(&*self.view), |language| said.text(language));
                self.show(text, None, now);
            }
        }
        self.say_announced(now);
    }

    /// On a thread of its own: the programs that show it may take their time.
    fn show(&mut self, text: String, what: Option<(u32, u32)>, now: Ticks) {
        // That work begins is told whatever is just being told.
        let may_wait = what.is_some_and(|(_, number)| number > 0);
        if may_wait && std::mem::replace(&mut self.is_telling, true) {
            return;
        }
        let (hands, view, send) = (self.hands.clone(), self.view.clone(), self.sender());
        let at_ms = self.session.trusted().now_ms(now);
        self.tasks.spawn_blocking(move || {
            let shown = (*hands)().and_then(|mut hands| hands.announce(&text).map_err(|error| error.to_string()));
            let how = match shown {
                Ok(()) => "console and sessions were told".to_owned(),
                Err(why) => {
                    tracing::warn!(why, "sessions were not told");
                    format!("sessions could not be told: {why}; `cutover-agent defer` tells it")
                }
            };
            if let Some((round, number)) = what {
                send(Input::Shown(Shown {
                    round,
                    number,
                    at_ms,
                    somebody: act::somebody(&*view),
                    how,
                }));
            }
        });
    }

    /// On disk before the server hears of it.
    pub(super) fn shown(&mut self, shown: Shown, now: Ticks) {
        self.is_telling = false;
        let mut next = self.announced.clone();
        next.shown(shown);
        match self.state.keep_announced(&next) {
            Ok(()) => self.announced = next,
            Err(error) => {
                tracing::warn!(%error, "that somebody was told of the work ahead cannot be kept; it is told again")
            }
        }
        self.say_announced(now);
    }

    /// On disk before it is acknowledged to the user.
    pub(super) fn put_off(&mut self, length: Duration, now: Ticks) -> Result<StartDeferral, StartRefused> {
        if self.session.order().is_some() || self.journal().is_open() {
            return Err(StartRefused::Begun);
        }
        let mut next = self.announced.clone();
        // Before the server told the time it is the host's own, which decides nothing.
        let trusted = self.session.trusted();
        let now_ms = if trusted.is_from_server() {
            trusted.now_ms(now)
        } else {
            0
        };
        let deferral = next.put_off(now_ms, length)?;
        self.state.keep_announced(&next)?;
        self.announced = next;
        tracing::info!(
            until_ms = deferral.until_ms,
            "the start of the work is put off by its user"
        );
        self.say_announced(now);
        Ok(deferral)
    }

    /// What the server is told with the next check-in, and what holds an order that comes before.
    pub(super) fn say_announced(&mut self, now: Ticks) {
        self.control.put_off(self.announced.put_off_ms());
        self.session.handle_announced(self.announced.said(), now);
    }
}
