//! Where everything comes from that a run leaves to chance. The same seed throws the same numbers.

/// A small generator (splitmix64, Steele and others 2014). Guards nothing.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Of a seed, for one thing of it: what is thrown for one host moves no other.
    pub(crate) fn of(seed: u64, what: u64) -> Self {
        let mut dice = Self(seed ^ what.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        Self(dice.next() ^ what)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between two numbers, both included.
    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = u64::try_from(most.saturating_sub(least)).unwrap_or(0).saturating_add(1);
        least.saturating_add(i64::try_from(self.next() % span).unwrap_or(0))
    }

    /// True so often out of a thousand.
    pub(crate) fn once_in_a_thousand(&mut self, times: u64) -> bool {
        self.next() % 1000 < times
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let count = u64::try_from(from.len()).unwrap_or(u64::MAX).max(1);
        let nth = usize::try_from(self.next() % count).unwrap_or(0);
        from.get(nth).copied()
    }
}
