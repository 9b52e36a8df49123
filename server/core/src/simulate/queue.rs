//! The waves' queues, in memory: the order in which the store gives the heads of its own.

use std::collections::{BTreeMap, BTreeSet};

/// Where a host is in its wave's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// It is not queued.
    #[default]
    Out,
    /// It may be looked at; the lower its turn the earlier.
    Ready {
        /// Its turn.
        turn_ms: i64,
    },
    /// Not before then.
    Dated {
        /// When it comes forward.
        at_ms: i64,
        /// Its turn.
        turn_ms: i64,
    },
    /// Not before something of it changes.
    Idle,
    /// Not before it is heard of.
    UntilSeen,
}

#[derive(Debug, Default)]
struct Line {
    ready: BTreeSet<(i64, usize)>,
    dated: BTreeSet<(i64, usize)>,
}

/// The queues of all waves.
#[derive(Debug, Default)]
pub(super) struct Queues {
    lines: BTreeMap<String, Line>,
    places: Vec<(String, Place)>,
}

impl Queues {
    pub(super) fn of(hosts: usize) -> Self {
        Self {
            lines: BTreeMap::new(),
            places: vec![Default::default(); hosts],
        }
    }

    pub(super) fn place(&self, host: usize) -> Place {
        self.places[host].1
    }

    /// Puts a host to its place.
    pub(super) fn put(&mut self, host: usize, wave: &str, place: Place) {
        if self.places[host].1 == place && self.places[host].0 == wave {
            return;
        }
        let (old_wave, old) = std::mem::take(&mut self.places[host]);
        if let Some(line) = self.lines.get_mut(&old_wave) {
            match old {
                Place::Ready { turn_ms } => line.ready.remove(&(turn_ms, host)),
                Place::Dated { at_ms, .. } => line.dated.remove(&(at_ms, host)),
                Place::Out | Place::Idle | Place::UntilSeen => false,
            };
        }
        let line = self.lines.entry(wave.to_owned()).or_default();
        match place {
            Place::Ready { turn_ms } => line.ready.insert((turn_ms, host)),
            Place::Dated { at_ms, .. } => line.dated.insert((at_ms, host)),
            Place::Out | Place::Idle | Place::UntilSeen => false,
        };
        self.places[host] = (wave.to_owned(), place);
    }

    /// The first of a wave, the lowest turn first, those among them whose date has come.
    pub(super) fn head(&mut self, wave: &str, now_ms: i64, limit: usize) -> Vec<usize> {
        let Some(line) = self.lines.get_mut(wave) else {
            return Vec::new();
        };
        let later = line.dated.split_off(&(now_ms.saturating_add(1), 0));
        for (_, host) in std::mem::replace(&mut line.dated, later) {
            if let Place::Dated { turn_ms, .. } = self.places[host].1 {
                self.places[host].1 = Place::Ready { turn_ms };
                line.ready.insert((turn_ms, host));
            }
        }
        line.ready.iter().take(limit).map(|(_, host)| *host).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_into_another_wave_leaves_the_queue_of_the_first() {
        let mut queues = Queues::of(3);
        for host in 0..3 {
            queues.put(host, "first", Place::Ready { turn_ms: 10 });
        }
        queues.put(1, "next", Place::Ready { turn_ms: 10 });
        assert_eq!(queues.head("first", 0, 9), [0, 2]);
        assert_eq!(queues.head("next", 0, 9), [1]);
    }

    #[test]
    fn the_lowest_turn_is_first_and_who_has_a_date_comes_forward_at_it() {
        let mut queues = Queues::of(4);
        queues.put(0, "all", Place::Ready { turn_ms: 30 });
        queues.put(1, "all", Place::Ready { turn_ms: 20 });
        queues.put(
            2,
            "all",
            Place::Dated {
                at_ms: 100,
                turn_ms: 10,
            },
        );
        queues.put(3, "all", Place::Idle);
        assert_eq!(queues.head("all", 99, 9), [1, 0]);
        assert_eq!(queues.head("all", 100, 9), [2, 1, 0]);
        assert_eq!(queues.place(2), Place::Ready { turn_ms: 10 });
        assert_eq!(queues.head("all", 100, 2), [2, 1]);
        queues.put(2, "all", Place::UntilSeen);
        queues.put(0, "", Place::Out);
        assert_eq!(queues.head("all", 100, 9), [1]);
        assert_eq!(queues.head("other", 100, 9), [0; 0]);
    }
}
