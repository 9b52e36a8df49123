use proptest::prelude::*;

use super::*;

fn refused(days: &str, from: &str, to: &str) -> String {
    in_file(days, from, to).read().unwrap_err()
}

fn blackout_of(text: &str) -> Result<Blackout, String> {
    toml::from_str::<BlackoutInFile>(text).unwrap().read()
}

fn days_of(from: &str, to: &str) -> Result<Blackout, String> {
    blackout_of(&format!("name = \"year-end close\"\nfrom = {from}\nto = {to}"))
}

#[test]
fn a_window_is_read_from_toml_and_shown_as_it_was_meant() {
    let read = |text: &str| {
        toml::from_str::<WindowInFile>(text)
            .unwrap()
            .read()
            .unwrap()
            .to_string()
    };
    assert_eq!(
        read("days = [\"mon-fri\"]\nfrom = \"22:00\"\nto = \"05:00\""),
        "mon-fri 22:00 to 05:00"
    );
    assert_eq!(
        read("days = [\"sat\", \"mon\"]\nfrom = \"00:00\"\nto = \"24:00\"\nzone = \"America/New_York\""),
        "mon, sat 00:00 to 24:00 America/New_York"
    );
    assert_eq!(
        read("days = [\"sat-sun\"]\nfrom = \"08:00\"\nto = \"20:00\""),
        "sat, sun 08:00 to 20:00"
    );
    assert_eq!(
        read("days = [\"fri - mon\", \"wed\"]\nfrom = \"22:00\"\nto = \"00:00\""),
        "mon, wed, fri-sun 22:00 to 24:00"
    );
}

#[test]
fn a_window_that_makes_no_sense_is_refused_with_key_and_remedy() {
    for (days, from, to, key, remedy) in [
        ("monday", "22:00", "05:00", "days: `monday`", "write mon"),
        ("mon-", "22:00", "05:00", "days: `mon-`", "a range such as"),
        ("mon", "25:00", "05:00", "from: `25:00`", "05:00 or 22:30"),
        ("mon", "22:60", "05:00", "from: `22:60`", "05:00 or 22:30"),
        ("mon", "2:00", "05:00", "from: `2:00`", "05:00 or 22:30"),
        ("mon", "+2:00", "05:00", "from: `+2:00`", "05:00 or 22:30"),
        ("mon", "22:00", "24:01", "to: `24:01`", "05:00 or 22:30"),
        ("mon", "22:00", "5pm", "to: `5pm`", "05:00 or 22:30"),
        ("mon", "24:00", "05:00", "from: `24:00`", "write 00:00"),
        ("mon", "22:00", "22:00", "from and to are both 22:00", "to = \"24:00\""),
        ("mon", "00:00", "00:00", "from and to are both 00:00", "to = \"24:00\""),
    ] {
        let why = refused(days, from, to);
        assert!(why.contains(key) && why.contains(remedy), "{why}");
    }
    let none = WindowInFile {
        days: Vec::new(),
        ..in_file("mon", "22:00", "05:00")
    };
    assert!(none.read().unwrap_err().contains("days: there is none"));
    let nowhere = WindowInFile {
        zone: Some("Mars/Olympus".to_owned()),
        ..in_file("mon", "22:00", "05:00")
    };
    assert!(nowhere.read().unwrap_err().contains("zone: `Mars/Olympus`"));
    let misspelt = "days = [\"mon\"]\nfrom = \"22:00\"\nuntil = \"05:00\"";
    assert!(
        toml::from_str::<WindowInFile>(misspelt)
            .unwrap_err()
            .to_string()
            .contains("until")
    );
}

#[test]
fn a_blackout_of_bare_dates_is_of_whole_days_and_one_with_offsets_of_instants() {
    let days = days_of("2024-12-20", "\"2025-01-03\"").unwrap();
    assert!(matches!(days.span, Span::Days { .. }));
    assert_eq!(days.span.to_string(), "2024-12-20 to 2025-01-03");
    assert_eq!(
        days_of("2024-02-29", "2024-02-29").unwrap().span.to_string(),
        "2024-02-29"
    );
    let instants = days_of("2024-12-20T18:00:00-05:00", "\"2024-12-21T12:00+01:00[Europe/Berlin]\"").unwrap();
    assert_eq!(
        instants.span.to_string(),
        "2024-12-20T23:00:00Z to 2024-12-21T11:00:00Z"
    );
}

#[test]
fn a_blackout_that_makes_no_sense_is_refused_with_key_and_remedy() {
    for (from, to, key, remedy) in [
        (
            "2024-12-20",
            "2024-12-21T06:00:00-05:00",
            "are a day and an instant",
            "two days",
        ),
        (
            "2024-12-20T06:00:00Z",
            "2024-12-21",
            "are a day and an instant",
            "two days",
        ),
        ("2024-12-20", "2024-12-19", "to = 2024-12-19 is before", "swap"),
        (
            "2024-12-20T06:00:00Z",
            "2024-12-20T06:00:00Z",
            "to = 2024-12-20T06:00:00Z is not after",
            "a later end",
        ),
        (
            "2024-12-20T06:00:00",
            "2024-12-21",
            "from = 2024-12-20T06:00:00 has a time and no offset",
            "2024-12-20 for the whole day",
        ),
        (
            "2024-12-20",
            "2024-12-21T06:00:00",
            "to = 2024-12-21T06:00:00 has a time and no offset",
            "-05:00",
        ),
        (
            "\"2023-02-29\"",
            "2024-12-21",
            "from = \"2023-02-29\" is neither",
            "2024-12-20",
        ),
        ("20", "2024-12-21", "from = 20 is neither", "2024-12-20"),
        ("06:00:00", "2024-12-21", "from = 06:00:00 is neither", "2024-12-20"),
    ] {
        let why = days_of(from, to).unwrap_err();
        assert!(why.contains(key) && why.contains(remedy), "{why}");
    }
    let nameless = blackout_of("name = \" \"\nfrom = 2024-12-20\nto = 2024-12-20").unwrap_err();
    assert!(nameless.contains("name is empty"), "{nameless}");
}

proptest! {
    #[test]
    fn what_a_window_is_shown_as_reads_back_to_it(days in any::<[bool; 7]>(), from in 0_u16..1440, to in 1_u16..=1440) {
        prop_assume!(days.contains(&true) && from != to);
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let names = super::super::window::DAYS.iter().zip(days).filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned());
        let file = WindowInFile { days: names.collect(), from: clock(from), to: clock(to), zone: None, hosts: Selector::default() };
        let window = file.read().unwrap();
        let shown = window.to_string();
        let (days, times) = shown.rsplit_once(" to ").and_then(|(head, to)| {
            let (days, from) = head.rsplit_once(' ')?;
            Some((days, (from, to)))
        }).unwrap();
        let again = WindowInFile {
            days: days.split(", ").map(str::to_owned).collect(),
            from: times.0.to_owned(),
            to: times.1.to_owned(),
            zone: None,
            hosts: Selector::default(),
        };
        prop_assert_eq!(again.read(), Ok(window));
    }

    #[test]
    fn no_text_makes_the_reading_panic(day in ".{0,8}", from in ".{0,6}", to in "[0-9:]{0,6}", date in "[-0-9T:+Z]{0,25}") {
        let file = WindowInFile { days: vec![day.clone()], from: from.clone(), to, zone: Some(day.clone()), hosts: Selector::default() };
        let _ = file.read();
        let end = toml::Value::String(date);
        let _ = BlackoutInFile { from: end.clone(), to: end, name: day, why: from, hosts: Selector::default() }.read();
    }
}
