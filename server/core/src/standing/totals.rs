//! Counts per bucket, and their arithmetic.

use std::collections::BTreeMap;

use super::{Bucket, Standing, standing};
use crate::{
    campaign::Campaign,
    coverage::{AssetBucket, AssetTotals},
    plan::Phase,
};

/// How many plans are in each bucket, and how many assets without agent beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    counts: BTreeMap<Bucket, i64>,
    assets: AssetTotals,
}

impl Totals {
    /// The changes that a plan's move makes: at most one bucket down and one up; none when it stays.
    #[must_use]
    pub fn changes(from: Option<&Bucket>, to: Option<&Bucket>) -> Vec<(Bucket, i64)> {
        if from == to {
            return Vec::new();
        }
        let down = from.map(|bucket| (bucket.clone(), -1));
        let up = to.map(|bucket| (bucket.clone(), 1));
        down.into_iter().chain(up).collect()
    }

    /// Takes a change in. Buckets that fall to nothing are dropped.
    pub fn add(&mut self, bucket: Bucket, hosts: i64) {
        let count = self.counts.entry(bucket.clone()).or_default();
        *count += hosts;
        if *count == 0 {
            self.counts.remove(&bucket);
        }
    }

    /// Takes assets in that are no host.
    pub fn add_assets(&mut self, bucket: AssetBucket, assets: i64) {
        let count = self.assets.entry(bucket).or_default();
        *count += assets;
        if *count == 0 {
            self.assets.remove(&bucket);
        }
    }

    /// Assets that are no host; buckets with nothing in them are left out.
    #[must_use]
    pub const fn assets(&self) -> &AssetTotals {
        &self.assets
    }

    /// All that is enrolled or expected: hosts, and assets that are none.
    #[must_use]
    pub fn expected(&self) -> i64 {
        self.hosts() + self.assets.values().sum::<i64>()
    }

    /// Every bucket with something in it.
    pub fn iter(&self) -> impl Iterator<Item = (&Bucket, i64)> {
        self.counts.iter().map(|(bucket, hosts)| (bucket, *hosts))
    }

    /// All plans.
    #[must_use]
    pub fn hosts(&self) -> i64 {
        self.counts.values().sum()
    }

    /// By phase; phases with nothing in them are left out.
    #[must_use]
    pub fn by_phase(&self) -> BTreeMap<Phase, i64> {
        let mut counts = BTreeMap::new();
        for (bucket, hosts) in self.iter() {
            *counts.entry(bucket.phase).or_default() += hosts;
        }
        counts
    }

    /// By standing; `None` is what lies outside the duty. The parts add up to [`Totals::expected`].
    #[must_use]
    pub fn by_standing(&self, now_ms: i64, campaign: &Campaign) -> BTreeMap<Option<Standing>, i64> {
        let mut counts = BTreeMap::new();
        for (bucket, hosts) in self.iter() {
            *counts.entry(standing(bucket, now_ms, campaign)).or_default() += hosts;
        }
        for (bucket, assets) in &self.assets {
            *counts.entry(bucket.standing(now_ms, campaign)).or_default() += assets;
        }
        counts
    }
}

impl FromIterator<(Bucket, i64)> for Totals {
    fn from_iter<T: IntoIterator<Item = (Bucket, i64)>>(counts: T) -> Self {
        let mut totals = Self::default();
        for (bucket, hosts) in counts {
            totals.add(bucket, hosts);
        }
        totals
    }
}
