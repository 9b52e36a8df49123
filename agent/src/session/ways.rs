//! Which way calls go: HTTP/2, or HTTPS POST where HTTP/2 does not come through; and when HTTP/2 is tried again.
//!
//! ```text
//!   Http2 --three cuts in a row--> TryingPost --answered--> Post --its time, or the network was gone--> TryingBack
//!     ^                                |failed               ^                                            |   |
//!     +--------------------------------+                     +----------------- cut ----------------------+   |
//!     +------------------------------------------------ answered ---------------------------------------------+
//! ```

use std::time::Duration;

use cutover_proto::words;

use super::{
    backoff::Jitter,
    ticks::{Ticks, spread_around},
};

words! {
    /// How calls go.
    pub enum Way("way of calls") {
        /// gRPC.
        Http2 = "http2",
        /// The same messages, each as an HTTPS POST over HTTP/1.1. There is no Watch stream.
        Post = "post",
    }
}

/// So many calls in a row reach a believed server over HTTP/2 and bring nothing back before POST is tried.
const CUTS: u32 = 3;
/// After falling back, HTTP/2 is tried again after so long; each time that it fails, after twice as long.
const FIRST_BACK: Duration = Duration::from_secs(30 * 60);
/// The longest.
const LONGEST_BACK: Duration = Duration::from_secs(4 * 3600);
/// After so many answers over HTTP/2 in a row an earlier fallback is forgotten.
const HELD: u32 = 10;

/// How a call failed, as far as it tells something of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symptom {
    /// A connection came about and brought nothing back.
    Cut,
    /// No connection came about, or to somebody else.
    NoWay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Http2 { cuts: u32 },
    TryingPost,
    Post { back_at: Ticks },
    TryingBack,
}

#[derive(Debug)]
pub(super) struct Ways {
    state: State,
    back: Duration,
    /// Answers over HTTP/2 in a row.
    held: u32,
}

impl Ways {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Http2 { cuts: 0 },
            back: FIRST_BACK,
            held: HELD,
        }
    }

    /// For the call that goes now.
    pub(super) const fn way(&self) -> Way {
        match self.state {
            State::Http2 { .. } | State::TryingBack => Way::Http2,
            State::TryingPost | State::Post { .. } => Way::Post,
        }
    }

    /// A check-in goes out: where it is time, it tries HTTP/2 again.
    pub(super) fn begin(&mut self, now: Ticks) {
        if matches!(self.state, State::Post { back_at } if back_at <= now) {
            self.state = State::TryingBack;
        }
    }

    /// When HTTP/2 is tried again; none while it is in use.
    pub(super) const fn back_at(&self) -> Option<Ticks> {
        match self.state {
            State::Post { back_at } => Some(back_at),
            State::Http2 { .. } | State::TryingPost | State::TryingBack => None,
        }
    }

    /// The server answered, in whatever words.
    pub(super) fn answered(&mut self, now: Ticks, jitter: &mut Jitter) {
        self.state = match self.state {
            State::Http2 { .. } => {
                self.held = self.held.saturating_add(1);
                if self.held >= HELD {
                    self.back = FIRST_BACK;
                }
                State::Http2 { cuts: 0 }
            }
            State::TryingBack => {
                self.held = 1;
                State::Http2 { cuts: 0 }
            }
            State::TryingPost => {
                if self.held < HELD {
                    self.lengthen();
                }
                self.held = 0;
                self.post(now, jitter)
            }
            State::Post { back_at } => State::Post { back_at },
        };
    }

    pub(super) fn failed(&mut self, symptom: Symptom, now: Ticks, jitter: &mut Jitter) {
        // One more cut leads to POST.
        let nearly = State::Http2 { cuts: CUTS - 1 };
        self.state = match (self.state, symptom) {
            (State::Http2 { cuts }, Symptom::Cut) if cuts + 1 >= CUTS => State::TryingPost,
            (State::Http2 { cuts }, Symptom::Cut) => State::Http2 { cuts: cuts + 1 },
            (State::Http2 { cuts }, Symptom::NoWay) => State::Http2 { cuts },
            (State::TryingPost, _) | (State::Post { .. }, Symptom::Cut) => nearly,
            (State::TryingBack, Symptom::Cut) => {
                self.lengthen();
                self.post(now, jitter)
            }
            // The network is gone; the one that comes may let HTTP/2 through.
            (State::Post { .. } | State::TryingBack, Symptom::NoWay) => {
                self.back = FIRST_BACK;
                State::Post { back_at: now }
            }
        };
    }

    fn post(&self, now: Ticks, jitter: &mut Jitter) -> State {
        let back_at = now.after(spread_around(self.back, jitter));
        State::Post { back_at }
    }

    fn lengthen(&mut self) {
        self.back = (self.back * 2).min(LONGEST_BACK);
    }
}
