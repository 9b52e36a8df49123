//! The calendar against one that looks at every minute. It asks the zone for the civil time and knows no turns.

use proptest::prelude::*;

use super::*;

const MINUTE_MS: i64 = 60_000;
/// How far the slow one looks: past a week, so that every window has its turn.
const REACH_MIN: i64 = 9 * 1440;

const ZONES: &[&str] = &[
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Santiago",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
];

struct Slow<'a> {
    windows: &'a [WindowInFile],
    blackouts: &'a [Blackout],
    host: &'a TimeZone,
}

impl Slow<'_> {
    fn is_open(&self, at_ms: i64) -> bool {
        let civil = |zone: &TimeZone| zone.to_datetime(Timestamp::from_millisecond(at_ms).unwrap());
        let shut = self.blackouts.iter().any(|blackout| match blackout.span {
            Span::Days { from, to } => (from..=to).contains(&civil(self.host).date()),
            Span::Instants { from_ms, to_ms } => from_ms <= at_ms && at_ms < to_ms,
        });
        let open = self.windows.iter().any(|window| {
            let clock = civil(&window.zone.as_ref().map_or(self.host.clone(), |name| in_zone(name)));
            let on = |day: jiff::civil::Date| {
                let name = day.strftime("%a").to_string().to_lowercase();
                window.days.contains(&name)
            };
            let shows = clock.strftime("%H:%M").to_string();
            if window.from < window.to {
                on(clock.date()) && window.from <= shows && shows < window.to
            } else {
                on(clock.date()) && window.from <= shows || on(clock.date().yesterday().unwrap()) && shows < window.to
            }
        });
        !shut && (open || self.windows.is_empty())
    }

    fn next(&self, after_ms: i64, open: bool) -> Option<i64> {
        let minute = after_ms.div_euclid(MINUTE_MS) + 1;
        std::iter::once(after_ms)
            .chain((minute..minute + REACH_MIN).map(|minute| minute * MINUTE_MS))
            .find(|at_ms| self.is_open(*at_ms) == open)
    }

    fn last_open(&self, at_ms: i64) -> Option<i64> {
        let minute = at_ms.div_euclid(MINUTE_MS);
        std::iter::once(at_ms)
            .chain((0..REACH_MIN).map(|back| (minute - back) * MINUTE_MS - 1))
            .find(|at_ms| self.is_open(*at_ms))
    }
}

fn time_of_day() -> impl Strategy<Value = String> {
    // Round times often: that is where clocks are changed.
    let minutes = prop_oneof![
        0_u32..1440,
        (0_u32..24).prop_map(|hour| hour * 60),
        (0_u32..96).prop_map(|it| it * 15)
    ];
    minutes.prop_map(|minutes| format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

fn windows() -> impl Strategy<Value = Vec<WindowInFile>> {
    let to = prop_oneof![4 => time_of_day(), 1 => Just("24:00".to_owned())];
    let days = proptest::sample::subsequence(super::super::window::DAYS.to_vec(), 1..=7);
    let zone = proptest::option::weighted(0.2, proptest::sample::select(ZONES));
    let one = (days, time_of_day(), to, zone)
        .prop_filter("a window has a length", |(_, from, to, _)| from != to)
        .prop_map(|(days, from, to, zone)| WindowInFile {
            days: days.into_iter().map(str::to_owned).collect(),
            from,
            to,
            zone: zone.map(str::to_owned),
            hosts: crate::campaign::Selector::default(),
        });
    proptest::collection::vec(one, 0..3)
}

/// An instant between 1980 and 2036, mostly within three days of a change of that zone's clocks.
fn instant(zone: &TimeZone, far_ms: i64, near_ms: i64) -> i64 {
    let somewhere = Timestamp::from_millisecond(far_ms).unwrap();
    zone.following(somewhere)
        .next()
        .filter(|_| far_ms % 5 != 0)
        .map_or(far_ms, |shift| shift.timestamp().as_millisecond() + near_ms)
}

fn blackouts(at_ms: i64, spans: &[(i64, i64, bool)], host: &TimeZone) -> Vec<Blackout> {
    let date = |at_ms: i64| host.to_datetime(Timestamp::from_millisecond(at_ms).unwrap()).date();
    spans
        .iter()
        .map(|(begins_min, length_min, days)| {
            let from_ms = at_ms.div_euclid(MINUTE_MS) * MINUTE_MS + begins_min * MINUTE_MS;
            let to_ms = from_ms + length_min * MINUTE_MS;
            let span = if *days {
                Span::Days {
                    from: date(from_ms),
                    to: date(to_ms),
                }
            } else {
                Span::Instants { from_ms, to_ms }
            };
            Blackout {
                name: "close".to_owned(),
                why: String::new(),
                span,
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_calendar_says_what_a_look_at_every_minute_says(
        files in windows(),
        name in proptest::sample::select(ZONES),
        far_ms in 315_532_800_000_i64..2_082_758_400_000,
        near_ms in -259_200_000_i64..259_200_000,
        spans in proptest::collection::vec((-4000_i64..4000, 1_i64..3000, any::<bool>()), 0..3),
        needed_ms in prop_oneof![Just(0_i64), 0_i64..86_400_000],
    ) {
        let host = in_zone(name);
        let at_ms = instant(&host, far_ms, near_ms);
        let blackouts = blackouts(at_ms, &spans, &host);
        let slow = Slow { windows: &files, blackouts: &blackouts, host: &host };
        let calendar = Calendar {
            windows: files.iter().map(|file| file.read().unwrap()).collect(),
            blackouts: blackouts.clone(),
            needs_window: false,
        };
        prop_assert_eq!(calendar.is_open(at_ms, &host), slow.is_open(at_ms));

        let next = calendar.next_open_ms(at_ms, &host);
        let reach_ms = REACH_MIN * MINUTE_MS;
        match slow.next(at_ms, true) {
            Some(expected) => prop_assert_eq!(next, Some(expected)),
            None => prop_assert!(next.is_none_or(|open_ms| open_ms > at_ms + reach_ms)),
        }
        if let Some(open_ms) = next {
            prop_assert!(calendar.is_open(open_ms, &host) && slow.is_open(open_ms));
        }

        let closes = calendar.closes_ms(at_ms, &host);
        match slow.next(at_ms, false) {
            _ if !slow.is_open(at_ms) => prop_assert_eq!(closes, None),
            Some(expected) => prop_assert_eq!(closes, Some(expected)),
            None => prop_assert!(closes.is_none_or(|close_ms| close_ms > at_ms + reach_ms)),
        }

        let latest = calendar.latest_start_ms(at_ms, needed_ms, &host);
        match slow.last_open(at_ms - needed_ms) {
            Some(expected) => prop_assert_eq!(latest, Some(expected)),
            None => prop_assert!(latest.is_none_or(|start_ms| start_ms < at_ms - needed_ms - reach_ms + MINUTE_MS)),
        }
    }
}
