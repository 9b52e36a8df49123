//! How fast a release of the agent goes out: to a few hosts first, and to no more at once than may be lost at once.

use serde::{Deserialize, Serialize};

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasePace {
    /// So many hosts have to go on well with it before any other gets it.
    pub canaries: u32,
    /// No more than so many are on their way to it at once.
    pub at_once: u32,
}

/// How many hosts a release has reached. A host that says nothing more stays on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseTally {
    /// It was offered to them, or they try it.
    pub on_their_way: u64,
    /// They go on with it.
    pub in_force: u64,
    /// They refused it, or went back from it.
    pub failed: u64,
}

/// Whether one more host may get it now.
#[must_use]
pub fn may_be_offered(pace: ReleasePace, tally: ReleaseTally) -> bool {
    let canaries = u64::from(pace.canaries).saturating_sub(tally.in_force);
    let room = if canaries > 0 {
        canaries.min(pace.at_once.into())
    } else {
        pace.at_once.into()
    };
    tally.on_their_way < room
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: ReleasePace = ReleasePace {
        canaries: 3,
        at_once: 50,
    };

    fn at(on_their_way: u64, in_force: u64) -> bool {
        let tally = ReleaseTally {
            on_their_way,
            in_force,
            failed: 0,
        };
        may_be_offered(PACE, tally)
    }

    #[test]
    fn nobody_gets_it_before_every_canary_goes_on_well() {
        assert!(at(0, 0) && at(2, 0));
        assert!(!at(3, 0) && !at(1, 2) && !at(2, 1));
        assert!(at(1, 1) && at(0, 2));
    }

    #[test]
    fn after_them_it_goes_to_no_more_than_may_be_under_way_at_once() {
        assert!(at(0, 3) && at(49, 3) && at(49, 10_000));
        assert!(!at(50, 3) && !at(51, 10_000));
    }

    proptest! {
        /// Hosts take it, stay silent or go on well, in any order: before the canaries are through, no more than them ever
        /// had it, and never more than may be are on their way.
        #[test]
        fn what_may_be_lost_at_once_is_bounded(
            canaries in 1_u32..10, at_once in 1_u32..20, steps in proptest::collection::vec(any::<bool>(), 0..300)
        ) {
            let pace = ReleasePace { canaries, at_once };
            let mut tally = ReleaseTally::default();
            for ends_well in steps {
                if ends_well && tally.on_their_way > 0 {
                    tally.on_their_way -= 1;
                    tally.in_force += 1;
                } else if may_be_offered(pace, tally) {
                    tally.on_their_way += 1;
                }
                prop_assert!(tally.on_their_way <= u64::from(at_once));
                let through = tally.in_force >= u64::from(canaries);
                prop_assert!(through || tally.on_their_way + tally.in_force <= u64::from(canaries));
            }
        }
    }
}
