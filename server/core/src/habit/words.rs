//! The habit of a machine in a sentence.

use std::fmt::Write as _;

use super::Heard;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// In more weeks than not.
const USUAL: u8 = 50;

/// A sentence holds so many groups of days; what is more scattered is told in hours a week.
const GROUPS: usize = 3;

/// The same of stretches in a day.
const STRETCHES: usize = 3;

impl Heard {
    /// When it is usually heard of, by its own clock, or that this is not known yet.
    #[must_use]
    pub fn in_words(&self) -> String {
        if !self.is_known() {
            return format!("its hours are not known yet: {} of 14 days are counted", self.days());
        }
        let usual = self.percents().map(|percent| percent >= USUAL);
        let count = usual.iter().filter(|is| **is).count();
        if count == usual.len() {
            return "usually heard of at any hour".to_owned();
        }
        if count == 0 {
            return "heard of at no usual hour".to_owned();
        }
        let days: Vec<&[bool]> = usual.chunks(24).collect();
        let mut groups: Vec<(usize, usize)> = Vec::new();
        for (day, hours) in days.iter().enumerate() {
            match groups.last_mut() {
                Some((first, last)) if days[*first] == *hours => *last = day,
                _ => groups.push((day, day)),
            }
        }
        groups.retain(|(first, _)| days[*first].contains(&true));
        let told: Vec<String> = groups.iter().filter_map(|group| told(*group, &days)).collect();
        if told.len() < groups.len() || told.len() > GROUPS {
            return format!("usually heard of in {count} of the 168 hours of a week");
        }
        format!("usually heard of {}, its own time", told.join(", "))
    }
}

/// `None` where the hours of a day are too scattered for a sentence.
fn told((first, last): (usize, usize), days: &[&[bool]]) -> Option<String> {
    let mut text = match (first, last) {
        (0, 6) => "daily".to_owned(),
        (first, last) if first == last => DAYS[first].to_owned(),
        (first, last) => format!("{} to {}", DAYS[first], DAYS[last]),
    };
    let hours = days[first];
    let begins = |hour: &usize| hours[*hour] && (*hour == 0 || !hours[*hour - 1]);
    let from: Vec<usize> = (0..hours.len()).filter(begins).collect();
    if from.len() > STRETCHES {
        return None;
    }
    for (nth, from) in from.into_iter().enumerate() {
        let to = (from..hours.len()).find(|hour| !hours[*hour]).unwrap_or(hours.len());
        let and = if nth == 0 { "" } else { " and" };
        let _ = write!(text, "{and} {from} to {to}");
    }
    Some(text)
}
