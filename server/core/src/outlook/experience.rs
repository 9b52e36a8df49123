//! What orders came to so far, and what that leaves open.

use crate::{
    mix::mix,
    plan::Plan,
    rollout::Outcome,
    simulate::{Assumptions, PerMille},
};

/// Outcomes are counted up to so many; beyond, their shares count. What was true of the first thousand hosts need not be true
/// of the next to so many digits.
const COUNTED: u64 = 400;

/// What orders came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Experience {
    /// Hosts that are done by orders.
    pub succeeded: u64,
    /// Hosts on which an attempt failed.
    pub failed: u64,
    /// Hosts that did not come back.
    pub gone: u64,
}

impl Experience {
    /// Counts what came of a plan's newest order.
    pub fn note(&mut self, plan: &Plan) {
        match plan.outcome {
            Outcome::Succeeded => self.succeeded += 1,
            Outcome::Failed | Outcome::Unfit => self.failed += 1,
            Outcome::Dark | Outcome::NotBack => self.gone += 1,
            Outcome::None | Outcome::UnderWay => {}
        }
    }

    /// Assumptions that fit it, drawn: the likelier the more often. Before anything is known, one in twenty attempts fails, one in a
    /// hundred restarts does not come back, and steps take from two thirds to one and a half of what is made up for them.
    #[must_use]
    pub fn draw(&self, made_up: &Assumptions, seed: u64) -> Assumptions {
        let mut dice = Dice(seed);
        let settled = self.succeeded + self.failed + self.gone;
        let scaled = |count: u64| {
            if settled > COUNTED {
                count * COUNTED / settled
            } else {
                count
            }
        };
        let (well, failed, gone) = (scaled(self.succeeded), scaled(self.failed), scaled(self.gone));
        Assumptions {
            fails: dice.share(1 + failed, 19 + well + gone),
            goes_dark: dice.share(1 + gone, 99 + well + failed),
            pace: dice.pace(),
            defers: dice.share(3, 7),
            people_within: made_up.people_within,
        }
    }
}

/// Draws one number after another.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// From a Beta distribution of whole numbers: of `a + b - 1` numbers drawn alike, the `a`th smallest.
    fn share(&mut self, a: u64, b: u64) -> PerMille {
        let mut drawn: Vec<u64> = (1..a + b).map(|_| self.next()).collect();
        drawn.sort_unstable();
        let nth = usize::try_from(a - 1).unwrap_or(usize::MAX);
        let thousandth = drawn.get(nth).map_or(0, |it| (u128::from(*it) * 1001) >> 64);
        PerMille(u16::try_from(thousandth).unwrap_or(1000))
    }

    /// Between two thirds and one and a half, as likely below one as above it.
    fn pace(&mut self) -> u16 {
        let part = u16::try_from(self.next() % 1000).unwrap_or_default();
        if part < 500 {
            67 + part * 33 / 500
        } else {
            100 + (part - 500) / 10
        }
    }
}
