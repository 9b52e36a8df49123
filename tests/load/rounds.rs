//! From measured windows to figures: pairs of rounds, medians of their ratios.

use std::time::Duration;

/// A round whose server was busy for less than this share of the time says more about waiting than about work.
pub(crate) const LEAST_BUSY: f64 = 0.25;

/// One window of one server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    /// Calls that ended in it.
    pub(crate) calls: u64,
    /// The server's own CPU time.
    pub(crate) cpu: Duration,
    /// Its length.
    pub(crate) length: Duration,
}

impl Window {
    /// Microseconds of the server's CPU for each call.
    pub(crate) fn cpu_per_call_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / as_f64(self.calls)
    }

    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        as_f64(self.calls) / self.length.as_secs_f64()
    }

    /// Share of the window in which the server worked; it has one core.
    pub(crate) fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / self.length.as_secs_f64()
    }

    /// Whether it says something about work: there were calls, and the server was busy enough.
    pub(crate) fn counts(&self) -> bool {
        self.calls > 0 && self.busy() >= LEAST_BUSY
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (cpu, rate, busy) = (self.cpu_per_call_us(), self.rate(), self.busy() * 100.0);
        write!(f, "{cpu:.1} µs a call, {rate:.0} calls a second, {busy:.0} % busy")
    }
}

/// What alternating rounds of ours and bare come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// Pairs in which both sides were busy enough.
    pub(crate) kept: usize,
    /// Medians of CPU per call, in microseconds.
    pub(crate) ours_us: f64,
    /// The same for the bare server.
    pub(crate) bare_us: f64,
    /// Median of the pairs' ratios, ours to bare.
    pub(crate) ratio: f64,
    /// Medians of calls a second on one core.
    pub(crate) ours_rate: f64,
    /// Median share of the time in which our server worked.
    pub(crate) ours_busy: f64,
    /// Median share of the time in which the bare server worked.
    pub(crate) bare_busy: f64,
}

/// Sums up pairs of (ours, bare); nothing where no pair counts.
pub(crate) fn summary(pairs: &[(Window, Window)]) -> Option<Summary> {
    let kept: Vec<(Window, Window)> = pairs
        .iter()
        .copied()
        .filter(|(ours, bare)| ours.counts() && bare.counts())
        .collect();
    let over = |figure: &dyn Fn(&(Window, Window)) -> f64| median(kept.iter().map(figure).collect());
    Some(Summary {
        kept: kept.len(),
        ours_us: over(&|(ours, _)| ours.cpu_per_call_us())?,
        bare_us: over(&|(_, bare)| bare.cpu_per_call_us())?,
        ratio: over(&|(ours, bare)| ours.cpu_per_call_us() / bare.cpu_per_call_us())?,
        ours_rate: over(&|(ours, _)| ours.rate())?,
        ours_busy: over(&|(ours, _)| ours.busy())?,
        bare_busy: over(&|(_, bare)| bare.busy())?,
    })
}

/// The middle value, or the mean of the two in the middle; nothing of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(values[middle - 1], upper)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a loss beyond 2^53 calls")]
fn as_f64(calls: u64) -> f64 {
    calls as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(calls: u64, cpu_ms: u64) -> Window {
        Window {
            calls,
            cpu: Duration::from_millis(cpu_ms),
            length: Duration::from_secs(1),
        }
    }

    #[test]
    fn the_median_of_ratios_is_no_ratio_of_medians() {
        let pairs = [
            (window(10_000, 600), window(10_000, 300)),
            (window(10_000, 400), window(10_000, 400)),
            (window(10_000, 300), window(10_000, 250)),
        ];
        let summary = summary(&pairs).expect("three rounds count");
        assert_eq!(summary.kept, 3);
        assert!((summary.ours_us - 40.0).abs() < 1e-9, "{summary:?}");
        assert!((summary.bare_us - 30.0).abs() < 1e-9, "{summary:?}");
        assert!((summary.ratio - 1.2).abs() < 1e-9, "{summary:?}");
        assert!((summary.ours_rate - 10_000.0).abs() < 1e-9 && (summary.ours_busy - 0.4).abs() < 1e-9);
    }

    #[test]
    fn a_round_with_an_idle_server_is_dropped() {
        assert_eq!(summary(&[(window(100, 249), window(100, 900))]), None);
        assert_eq!(summary(&[(window(100, 900), window(100, 249))]), None);
        assert_eq!(summary(&[(window(0, 900), window(100, 900))]), None);
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn the_middle_of_an_even_number_is_a_mean() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
