//! Which address calls go to, by which way, and who stood in between.
//!
//! The list is ordered, the best first. The connection itself tries every address from the kept one on, round the end;
//! here is decided which one is kept, and when a better one is looked for.

use std::time::Duration;

use super::{
    backoff::Jitter,
    check_ins::WhyCheckIn,
    state::Session,
    ticks::{Ticks, spread_around},
    ways::{Symptom, Way, Ways},
};

/// After leaving the first address, it is tried again after so long; each further time after twice as long.
const FIRST_BETTER: Duration = Duration::from_secs(5 * 60);
/// The longest.
const LONGEST_BETTER: Duration = Duration::from_secs(3600);
/// A list that was handed out is tried soon, and not by the whole fleet in one second.
const NEW_LIST: Duration = Duration::from_secs(5);

/// An address of the agents' listener, and what leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `HOST:PORT`.
    pub address: String,
    /// `HOST:PORT` of the proxy in between.
    pub proxy: Option<String>,
}

/// What the link holds to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Connections are tried from this address of the list on.
    pub address: String,
    /// How calls go.
    pub way: Way,
}

#[derive(Debug)]
pub(super) struct Course {
    places: Vec<Place>,
    /// The kept one.
    at: usize,
    better_at: Option<Ticks>,
    better: Duration,
    looking: bool,
    pub(super) ways: Ways,
    /// The issuer of a certificate that was shown in the server's place, the newest since the start.
    pub(super) intercepted_by: Option<String>,
}

impl Course {
    pub(super) const fn new(places: Vec<Place>) -> Self {
        Self {
            places,
            at: 0,
            better_at: None,
            better: FIRST_BETTER,
            looking: false,
            ways: Ways::new(),
            intercepted_by: None,
        }
    }

    /// When an address before the kept one is tried.
    pub(super) const fn better_at(&self) -> Option<Ticks> {
        self.better_at
    }

    pub(super) fn here(&self) -> Option<&Place> {
        self.places.get(self.at)
    }

    /// A connection stands to this one.
    fn reached(&mut self, address: &str, now: Ticks, jitter: &mut Jitter) {
        if let Some(at) = self.places.iter().position(|place| place.address == address)
            && at != self.at
        {
            self.keep(at, now, jitter);
        }
    }

    fn keep(&mut self, at: usize, now: Ticks, jitter: &mut Jitter) {
        self.at = at;
        if at == 0 {
            self.better_at = None;
            self.better = FIRST_BETTER;
        } else if self.better_at.is_none() {
            self.plan_better(now, jitter);
        }
    }

    fn plan_better(&mut self, now: Ticks, jitter: &mut Jitter) {
        self.better_at = Some(now.after(spread_around(self.better, jitter)));
        self.better = (self.better * 2).min(LONGEST_BETTER);
    }
}

impl Session {
    /// What the link holds to from here on.
    #[must_use]
    pub fn heading(&self) -> Heading {
        Heading {
            address: self
                .course
                .here()
                .map(|place| place.address.clone())
                .unwrap_or_default(),
            way: self.course.ways.way(),
        }
    }

    /// Whether nudges can come: they need HTTP/2.
    #[must_use]
    pub fn may_watch(&self) -> bool {
        self.settings.watch && self.course.ways.way() == Way::Http2
    }

    /// A believed server is connected at this address of the list. Told before the outcome of a call over it.
    pub fn handle_reached(&mut self, address: &str, now: Ticks) {
        self.course.reached(address, now, &mut self.jitter);
    }

    /// Other addresses, in their order. What is kept stays kept where it is still in the list; the better ones are tried
    /// soon.
    pub fn handle_places(&mut self, places: Vec<Place>, now: Ticks) {
        let kept = self.course.here().map(|place| place.address.clone());
        let course = &mut self.course;
        course.places = places;
        course.at = kept
            .and_then(|kept| course.places.iter().position(|place| place.address == kept))
            .unwrap_or(0);
        course.better = FIRST_BETTER;
        course.better_at = (course.at > 0).then(|| now.after(self.jitter.between(Duration::ZERO, NEW_LIST)));
    }

    /// When to look for a better address; not while a call or such a look is under way.
    pub(super) fn poll_better(&self) -> Option<Ticks> {
        let busy = self.course.looking || self.in_flight.is_some();
        self.course.better_at.filter(|_| !busy)
    }

    /// The addresses before the kept one, where it is time to try them. From here on it is under way until
    /// [`Self::handle_better`].
    pub fn begin_better(&mut self, now: Ticks) -> Vec<String> {
        if self.poll_better().is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.course.looking = true;
        self.course.better_at = None;
        let before = self.course.places.iter().take(self.course.at);
        before.map(|place| place.address.clone()).collect()
    }

    /// The first of them that a believed server answered at, if any. Where one did, it is kept, and a check-in shows
    /// whether it does more than answer.
    pub fn handle_better(&mut self, found: Option<&str>, now: Ticks) {
        let (course, jitter) = (&mut self.course, &mut self.jitter);
        course.looking = false;
        let found = found.and_then(|found| course.places.iter().position(|place| place.address == found));
        match found.filter(|found| *found < course.at) {
            Some(found) => {
                course.at = found;
                if found > 0 {
                    course.plan_better(now, jitter);
                }
                self.check_ins.ask(now, WhyCheckIn::Address);
            }
            None if course.at > 0 => course.plan_better(now, jitter),
            None => {}
        }
    }

    pub(super) fn course_answered(&mut self, now: Ticks) {
        let course = &mut self.course;
        course.ways.answered(now, &mut self.jitter);
        if course.at == 0 {
            course.better = FIRST_BETTER;
        }
    }

    pub(super) fn course_failed(&mut self, symptom: Symptom, now: Ticks) {
        let (course, jitter) = (&mut self.course, &mut self.jitter);
        course.ways.failed(symptom, now, jitter);
        // Somebody is there and does not do: the next one may.
        if symptom == Symptom::Cut && course.places.len() > 1 {
            let next = (course.at + 1) % course.places.len();
            course.keep(next, now, jitter);
        }
    }
}
