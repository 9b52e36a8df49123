//! What a sample shows of a rate, at a confidence that holds however often it is asked.
//!
//! A gate is asked at every pass, and opens the first time that it holds. Bounds for one sample of a fixed size (Wilson's,
//! Clopper and Pearson's) promise nothing then: with enough asking a wave that is not good enough gets through several
//! times as often as they say (docs/decisions/0028). This one is a bound for all sizes of the sample together: the wager
//! that the true rate lies anywhere above `rate`, each place as likely as another, against that it is `rate`. If the
//! true rate is `rate` or less, the odds of that wager ever reach 1 / (1 - confidence) with probability 1 - confidence at
//! the most (Ville's inequality).
//!
//! With `good` and `bad` hosts these odds are
//!
//! ```text
//! 1/(bad+1) * (1 + a(0) + a(0) a(1) + ...),  a(i) = (good-i)/(bad+2+i) * (1-rate)/rate,  good+1 terms
//! ```
//!
//! Nothing but additions, multiplications and divisions of positive numbers, which every machine rounds in the same way; no
//! function of a mathematical library. A term has less than `4 good` roundings behind it, so [`CAUTION`] makes the answer
//! for two million hosts err only towards "not shown".

use super::rate::Rate;

/// How much more than asked the odds have to be: more than rounding can add.
const CAUTION: f64 = 1e-9;

/// Whether the sample shows that the true rate of good ones is at least `rate`.
pub(crate) fn shows(good: u32, bad: u32, rate: Rate, confidence: Rate) -> bool {
    if rate.parts() == 0 {
        return true;
    }
    if rate.parts() >= Rate::WHOLE || confidence.parts() >= Rate::WHOLE {
        return false;
    }
    let wanted = wanted(confidence);
    let against = f64::from(rate.rest().parts()) / f64::from(rate.parts());
    let (all, bad) = (f64::from(good), f64::from(bad));
    let (mut term, mut odds) = (1.0 / (bad + 1.0), 0.0);
    for at in (0..=good).map(f64::from) {
        odds += term;
        if odds >= wanted {
            return true;
        }
        let factor = (all - at) / (bad + 2.0 + at) * against;
        term *= factor;
        // Factors only fall: from here on it is less than a geometric series.
        if factor < 1.0 && odds + term / (1.0 - factor) < wanted {
            return false;
        }
    }
    false
}

/// The odds that are asked for.
fn wanted(confidence: Rate) -> f64 {
    f64::from(Rate::WHOLE) / f64::from(confidence.rest().parts()) * (1.0 + CAUTION)
}

/// The greatest rate that the sample shows.
pub(crate) fn lower_bound(good: u32, bad: u32, confidence: Rate) -> Rate {
    let (mut shown, mut beyond) = (0, Rate::WHOLE);
    while beyond - shown > 1 {
        let middle = shown.midpoint(beyond);
        if shows(good, bad, Rate::of_million(middle), confidence) {
            shown = middle;
        } else {
            beyond = middle;
        }
    }
    Rate::of_million(shown)
}

/// The least number of good ones that shows `rate` beside `bad` bad ones; `None` beyond `most`.
pub(crate) fn least_good(bad: u32, rate: Rate, confidence: Rate, most: u32) -> Option<u32> {
    let is_enough = |good| shows(good, bad, rate, confidence);
    if !is_enough(most) {
        return None;
    }
    let (mut few, mut enough) = (0, most);
    while few < enough {
        let middle = few.midpoint(enough);
        if is_enough(middle) {
            enough = middle;
        } else {
            few = middle + 1;
        }
    }
    Some(enough)
}
