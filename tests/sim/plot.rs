//! What a seed makes of the campaign: sites, hours, waves with gates, limits. The checks read it as it was drawn, and not what
//! the server made of the file.

use std::fmt::Write as _;

use crate::{
    calendar::{DAY, HOUR, shown},
    case::Tamper,
    dice::Dice,
};

/// A place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) zone: &'static str,
}

/// Hours in which work may start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hours {
    /// Monday first.
    pub(crate) days: [bool; 7],
    /// Minutes of the day; an end at or before the beginning is of the next day.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// In which they are meant; none: the machine's.
    pub(crate) zone: Option<&'static str>,
    /// For which they are; none: all.
    pub(crate) site: Option<&'static str>,
}

/// A time in which no work may start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dark {
    /// The days of these instants, by the calendar on the machine's wall. Both belong to it.
    Days(i64, i64),
    Instants(i64, i64),
}

/// What must hold of a wave before the next opens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub(crate) least: u32,
    /// Per cent that must be shown, at so many per cent of confidence.
    pub(crate) success: Option<(u32, u32)>,
    pub(crate) soak_ms: i64,
    pub(crate) approval: bool,
    pub(crate) outside: bool,
    /// More failures, or more dark hosts, halt the wave.
    most: Option<(i64, i64)>,
}

/// A wave.
#[derive(Debug, Clone)]
pub(crate) struct Wave {
    pub(crate) name: &'static str,
    /// Only hosts with this tag.
    pub(crate) tag: Option<&'static str>,
    /// Only so many per cent.
    pub(crate) share: Option<u32>,
    pub(crate) by_gate: bool,
    pub(crate) gate: Option<Gate>,
    pub(crate) canaries: u32,
    pub(crate) in_flight: Option<u32>,
    pub(crate) an_hour: Option<u32>,
    /// Whether people let each of its hosts start.
    pub(crate) approval: bool,
    /// What else its file says.
    more: String,
}

/// What was drawn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plot {
    pub(crate) sites: Vec<Site>,
    pub(crate) hours: Vec<Hours>,
    /// With the site that they are for; none: all.
    pub(crate) dark: Vec<(Dark, Option<&'static str>)>,
    pub(crate) waves: Vec<Wave>,
    /// Orders that may be out at a time.
    pub(crate) in_flight: u32,
    pub(crate) in_flight_of_site: Option<u32>,
    pub(crate) an_hour: Option<u32>,
    /// What may come over the lines of all sites together, and of each of them; in kbit/s.
    pub(crate) kbit: Option<u32>,
    pub(crate) kbit_of_site: Option<u32>,
}

/// So much is what the packages of the replacement weigh, by the campaign's word; in megabytes.
pub(crate) const DOWNLOAD_MB: u64 = 300;
/// So many kbit/s carry it once within an hour.
const ONCE_AN_HOUR: u32 = 667;

/// Names of sites; their zones are drawn.
const SITES: [&str; 3] = ["a", "b", "c"];
/// With clocks that are changed in the weeks after one of the beginnings, by half an hour too, and without.
pub(crate) const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "UTC",
];
/// The zone of machines of which nobody knows where they are.
pub(crate) const HOME: &str = "UTC";
/// Hosts with it are out of scope.
pub(crate) const LAB: &str = "lab";
pub(crate) const PILOT: &str = "pilot";
const ALL_WEEK: [bool; 7] = [true; 7];
const WORKDAYS: [bool; 7] = [true, true, true, true, true, false, false];

impl Wave {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            tag: None,
            share: None,
            by_gate: false,
            gate: None,
            canaries: 0,
            in_flight: None,
            an_hour: None,
            approval: false,
            more: String::new(),
        }
    }
}

impl Plot {
    /// Of a run. What is broken on purpose is broken in a campaign that has little else.
    pub(crate) fn of(dice: &mut Dice, begins_ms: i64, hosts: usize, tamper: Option<Tamper>) -> Self {
        match tamper {
            Some(tamper) => Self::broken_by(tamper, dice, begins_ms),
            None => Self::drawn(dice, begins_ms, u32::try_from(hosts.div_ceil(40)).unwrap_or(1)),
        }
    }

    fn broken_by(tamper: Tamper, dice: &mut Dice, begins_ms: i64) -> Self {
        let mut plot = Self {
            sites: vec![Site { name: "a", zone: HOME }],
            waves: vec![Wave::new("all")],
            in_flight: u32::try_from(dice.between(2, 12)).unwrap_or(2),
            ..Self::default()
        };
        let gate = Gate {
            least: 1_000,
            success: None,
            soak_ms: 0,
            approval: false,
            outside: false,
            most: None,
        };
        let is_early = tamper == Tamper::EarlyOpening;
        if tamper == Tamper::OrderOutOfHours {
            plot.hours.push(Hours {
                days: ALL_WEEK,
                from: 60,
                to: 120,
                zone: None,
                site: None,
            });
        } else if tamper == Tamper::OrderInBlackout {
            plot.dark.push((Dark::Days(begins_ms, begins_ms + 6 * DAY), Some("a")));
        } else if is_early || tamper == Tamper::ForeignWave {
            plot.waves[0].tag = Some(PILOT);
            plot.waves[0].gate = is_early.then_some(gate);
            plot.waves.push(Wave {
                by_gate: is_early,
                ..Wave::new("rest")
            });
        }
        // As many as may be out may be all that can have an order.
        if tamper == Tamper::TooMany {
            plot.in_flight = 1;
        }
        plot.in_flight_of_site = (tamper == Tamper::TooManyOfSite).then_some(1);
        plot.waves[0].in_flight = (tamper == Tamper::TooManyOfWave).then_some(1);
        plot.an_hour = (tamper == Tamper::TooManyAnHour).then_some(1);
        plot.kbit_of_site = (tamper == Tamper::TooMuchForALine).then_some(ONCE_AN_HOUR);
        plot
    }

    fn drawn(dice: &mut Dice, begins_ms: i64, scale: u32) -> Self {
        let count = |dice: &mut Dice, least, most| u32::try_from(dice.between(least, most)).unwrap_or(1) * scale;
        let sites = SITES.map(|name| Site {
            name,
            zone: dice.pick(&ZONES).unwrap_or(HOME),
        });
        let mut plot = Self {
            sites: sites.to_vec(),
            in_flight: u32::try_from(dice.between(2, 12)).unwrap_or(2) * scale.div_ceil(2),
            in_flight_of_site: dice.once_in_a_thousand(500).then(|| count(dice, 1, 4)),
            an_hour: dice.once_in_a_thousand(400).then(|| count(dice, 2, 8)),
            ..Self::default()
        };
        plot.draw_hours(dice);
        plot.draw_dark(dice, begins_ms);
        plot.draw_waves(dice, scale);
        // Dice of its own: what else is drawn of a seed stays as it is.
        plot.draw_lines(&mut dice.clone(), scale);
        plot
    }

    /// Some carry less than one download within an hour, so that it goes alone.
    fn draw_lines(&mut self, dice: &mut Dice, scale: u32) {
        let halves = |dice: &mut Dice, least, most| u32::try_from(dice.between(least, most)).unwrap_or(1) * scale;
        let kbit = |halves: u32| (halves * ONCE_AN_HOUR).div_ceil(2);
        self.kbit = dice.once_in_a_thousand(250).then(|| kbit(halves(dice, 4, 16)));
        self.kbit_of_site = dice.once_in_a_thousand(300).then(|| kbit(halves(dice, 1, 6)));
    }

    /// Wide ones, so that runs end; beside them narrow ones, where clocks are changed at night.
    fn draw_hours(&mut self, dice: &mut Dice) {
        const WIDE: [(i64, i64); 5] = [(18, 8), (22, 12), (0, 12), (6, 23), (12, 24)];
        const NARROW: [(i64, i64); 3] = [(90, 135), (120, 180), (150, 165)];
        for _ in 0..dice.between(0, 2) {
            let (from, to) = dice.pick(&WIDE).unwrap_or((0, 24));
            let site = dice.once_in_a_thousand(700).then(|| dice.pick(&SITES)).flatten();
            let days = if dice.once_in_a_thousand(250) {
                WORKDAYS
            } else {
                ALL_WEEK
            };
            let zone = dice.once_in_a_thousand(200).then(|| dice.pick(&ZONES)).flatten();
            self.hours.push(Hours {
                days,
                from: from * 60,
                to: to * 60,
                zone,
                site,
            });
            if dice.once_in_a_thousand(500) {
                let (from, to) = dice.pick(&NARROW).unwrap_or((90, 135));
                self.hours.push(Hours {
                    days: ALL_WEEK,
                    from,
                    to,
                    zone: None,
                    site,
                });
            }
        }
    }

    fn draw_dark(&mut self, dice: &mut Dice, begins_ms: i64) {
        for _ in 0..dice.between(0, 2) {
            let from_ms = begins_ms + dice.between(0, 6 * DAY);
            let dark = if dice.once_in_a_thousand(600) {
                Dark::Days(from_ms, from_ms + dice.between(0, 2) * DAY)
            } else {
                Dark::Instants(from_ms, from_ms + dice.between(2, 60) * HOUR)
            };
            let site = dice.once_in_a_thousand(600).then(|| dice.pick(&SITES)).flatten();
            self.dark.push((dark, site));
        }
    }

    fn draw_waves(&mut self, dice: &mut Dice, scale: u32) {
        let shape = dice.between(0, 3);
        if shape == 0 {
            self.waves.push(Wave::new("all"));
        }
        if shape == 1 || shape == 2 {
            self.waves.push(Wave {
                tag: Some(PILOT),
                ..Wave::new("pilot")
            });
        }
        if shape >= 2 {
            let share = u32::try_from(dice.between(20, 50)).ok();
            let by_gate = shape == 2;
            self.waves.push(Wave {
                share,
                by_gate,
                ..Wave::new("early")
            });
        }
        if shape > 0 {
            let by_gate = shape != 1 || dice.once_in_a_thousand(800);
            self.waves.push(Wave {
                by_gate,
                ..Wave::new("rest")
            });
        }
        let asks: Vec<bool> = self.waves.iter().skip(1).map(|wave| wave.by_gate).collect();
        for (nth, wave) in self.waves.iter_mut().enumerate() {
            wave.canaries = u32::try_from(dice.between(0, 3)).unwrap_or(0);
            wave.approval = dice.once_in_a_thousand(100);
            wave.in_flight = dice
                .once_in_a_thousand(350)
                .then(|| scale * u32::try_from(dice.between(1, 4)).unwrap_or(1));
            wave.an_hour = dice
                .once_in_a_thousand(250)
                .then(|| scale * u32::try_from(dice.between(1, 5)).unwrap_or(1));
            if dice.once_in_a_thousand(300) {
                wave.more.push_str("late_joiners = \"approve\"\n");
            }
            let next_asks = asks.get(nth).copied().unwrap_or(false);
            if next_asks || dice.once_in_a_thousand(400) {
                let success = dice.once_in_a_thousand(300).then_some((30, 60));
                let least = u32::try_from(dice.between(1, 3)).unwrap_or(1);
                wave.gate = Some(Gate {
                    // What the file does not say is the least that could show the rate.
                    least: if success.is_some() { 1 } else { least },
                    success,
                    soak_ms: dice.pick(&[0, HOUR, 12 * HOUR]).unwrap_or(0),
                    approval: dice.once_in_a_thousand(200),
                    outside: dice.once_in_a_thousand(150),
                    most: dice
                        .once_in_a_thousand(600)
                        .then(|| (dice.between(0, 5), dice.between(0, 3))),
                });
            }
        }
    }

    /// The site of a machine, and where it says that it is, if it does.
    pub(crate) fn place(&self, dice: &mut Dice) -> (Option<&'static str>, &'static str) {
        let at = usize::try_from(dice.next() % 4).unwrap_or(0);
        let told = if dice.once_in_a_thousand(350) {
            dice.pick(&ZONES).unwrap_or("")
        } else {
            ""
        };
        let told = if self.sites.len() == 1 { "" } else { told };
        (
            self.sites
                .get(at)
                .or(self.sites.first())
                .map(|site| site.name)
                .filter(|_| at < 3),
            told,
        )
    }

    /// What people know of a machine: where it is, and which wave, redundancy set and class it is of.
    pub(crate) fn tags(&self, index: usize, site: Option<&str>, dice: &mut Dice) -> Vec<String> {
        let mut tags: Vec<String> = site.into_iter().map(|site| format!("site={site}")).collect();
        for (once, tag) in [(250, PILOT), (20, LAB), (50, "class=server")] {
            tags.extend(dice.once_in_a_thousand(once).then(|| tag.to_owned()));
        }
        // Two of eight stand in for each other.
        if index % 8 < 2 && self.sites.len() > 1 {
            tags.push(format!("set=pair-{}", index / 8));
        }
        tags
    }

    pub(crate) fn wave(&self, name: &str) -> Option<&Wave> {
        self.waves.iter().find(|wave| wave.name == name)
    }

    /// The waves before it, by whose gates it opens.
    pub(crate) fn before(&self, name: &str) -> Option<&Wave> {
        let at = self.waves.iter().position(|wave| wave.name == name)?;
        self.waves.get(at.checked_sub(1)?)
    }

    /// What is a key of the policy.
    pub(crate) fn policy(&self) -> String {
        let mut text = format!("time_zone = \"{HOME}\"\nmax_in_flight = {}\n", self.in_flight);
        let limits = [
            ("site_in_flight", self.in_flight_of_site),
            ("starts_per_hour", self.an_hour),
        ];
        for (key, limit) in limits {
            if let Some(limit) = limit {
                let _ = writeln!(text, "{key} = {limit}");
            }
        }
        if let Some(kbit) = self.kbit {
            let _ = writeln!(text, "bandwidth = \"{kbit} kbit/s\"");
        }
        text
    }

    /// Tables of a campaign file.
    pub(crate) fn tables(&self) -> String {
        // On every machine: what a test finds is a part of what is simulated.
        let mut text = format!(
            "[detection_tests]\non = \"all\"\n[[out_of_scope]]\nname = \"{LAB}\"\nwhy = \"no duty reaches it\"\nmatch = {{ tag = [\"{LAB}\"] }}\n"
        );
        for site in &self.sites {
            let _ = writeln!(
                text,
                "[[site]]\nname = \"{}\"\ntime_zone = \"{}\"",
                site.name, site.zone
            );
            if let Some(kbit) = self.kbit_of_site {
                let _ = writeln!(text, "bandwidth = \"{kbit} kbit/s\"");
            }
        }
        let at = |site: Option<&str>| site.map_or_else(String::new, |it| format!("match = {{ site = [\"{it}\"] }}\n"));
        for hours in &self.hours {
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let days: Vec<String> = names
                .iter()
                .zip(hours.days)
                .filter(|(_, is)| *is)
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            let clock = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let _ = writeln!(
                text,
                "[[window]]\ndays = [{}]\nfrom = \"{}\"\nto = \"{}\"",
                days.join(", "),
                clock(hours.from),
                clock(hours.to)
            );
            if let Some(zone) = hours.zone {
                let _ = writeln!(text, "zone = \"{zone}\"");
            }
            text.push_str(&at(hours.site));
        }
        for (nth, (dark, site)) in self.dark.iter().enumerate() {
            let [from, to] = match dark {
                Dark::Days(from, to) => [from, to].map(|it| shown(*it).chars().take(10).collect()),
                Dark::Instants(from, to) => [from, to].map(|it| shown(*it)),
            };
            let _ = writeln!(
                text,
                "[[blackout]]\nname = \"dark {nth}\"\nfrom = \"{from}\"\nto = \"{to}\"\n{}",
                at(*site)
            );
        }
        for wave in &self.waves {
            text.push_str(&wave.table());
        }
        text
    }
}

impl Wave {
    fn table(&self) -> String {
        let mut text = format!(
            "[[wave]]\nname = \"{}\"\ncanaries = {}\n{}",
            self.name, self.canaries, self.more
        );
        if let Some(tag) = self.tag {
            let _ = writeln!(text, "match = {{ tag = [\"{tag}\"] }}");
        }
        if let Some(share) = self.share {
            let _ = writeln!(text, "share = \"{share} %\"");
        }
        if self.by_gate {
            text.push_str("opens = \"by-gate\"\n");
        }
        if self.approval {
            text.push_str("approval = true\n");
        }
        for (key, limit) in [("max_in_flight", self.in_flight), ("starts_per_hour", self.an_hour)] {
            if let Some(limit) = limit {
                let _ = writeln!(text, "{key} = {limit}");
            }
        }
        let Some(gate) = self.gate else { return text };
        text.push_str("[wave.gate]\n");
        // Without a least sample of its own a gate takes the smallest that could show its rate.
        let _ = match gate.success {
            Some((rate, confidence)) => writeln!(text, "success = \"{rate} %\"\nconfidence = \"{confidence} %\""),
            None => writeln!(text, "least = {}", gate.least),
        };
        if let Some((failures, dark)) = gate.most {
            let _ = writeln!(text, "most_failures = {failures}\nmost_dark = {dark}");
        }
        if gate.soak_ms > 0 {
            let _ = writeln!(text, "soak = \"{}h\"", gate.soak_ms / HOUR);
        }
        if gate.approval {
            text.push_str("approval = \"operator\"\n");
        }
        if gate.outside {
            text.push_str("[wave.gate.external]\nname = \"change board\"\nwithin = \"20d\"\n");
        }
        text
    }
}
