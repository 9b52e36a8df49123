//! What makes no sense is refused, and what is probably not meant is warned of: with the file, the line, and what to do.

use super::*;
use crate::{catalog::Catalog, samples};

const BASE: &str = r#"schema = 1
id = "bad-input"
title = "A ban"
kind = "use-ban"
targets = ["kesl"]
recovery_target = "2027-06-30T00:00:00Z"

[[milestone]]
name = "cutoff"
regime = "legal"
at = "2024-09-29T04:00:00Z"
cutoff = true

[[replacement]]
product = "clamav"

[policy]
grace = "1d"

[[wave]]
name = "pilot"
match = { tag = ["pilot", "early"] }

[[wave]]
name = "all"
"#;

/// What is changed in the file, what begins the line that must be named, and what must be said.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

const REFUSED: &[Case] = &[
    // Waves that overlap: the same selector, a narrower one, one after a wave of all.
    (
        "name = \"all\"\n",
        "name = \"all\"\nmatch = { tag = [\"early\", \"pilot\"] }\n",
        "name = \"all\"",
        &["takes them all", "move `all`"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\nmatch = { tag = [\"early\"], site = [\"kiel\"] }\n",
        "name = \"all\"",
        &["takes them all", "move `all`"],
    ),
    (
        "match = { tag = [\"pilot\", \"early\"] }\n",
        "",
        "name = \"all\"",
        &["takes them all", "match fewer"],
    ),
    (
        "name = \"all\"\n",
        "name = \"pilot\"\n",
        "name = \"pilot\"",
        &["two waves are named", "rename one"],
    ),
    // Waves that cannot be.
    (
        "name = \"all\"\n",
        "name = \"all\"\nafter = [\"all\"]\n",
        "name = \"all\"",
        &["comes after itself", "break the circle"],
    ),
    (
        "match = { tag = [\"pilot\", \"early\"] }\n\n[[wave]]\nname = \"all\"\n",
        "match = { tag = [\"pilot\", \"early\"] }\nafter = [\"all\"]\n\n[[wave]]\nname = \"all\"\nafter = [\"pilot\"]\n",
        "name = \"pilot\"",
        &["comes after itself", "break the circle"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\nafter = [\"pilots\"]\n",
        "name = \"all\"",
        &["there is no such wave", "write the name"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\nopens = \"by-gate\"\n",
        "name = \"all\"",
        &["which has none", "write [wave.gate]"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\nshare = \"100 %\"\n",
        "share",
        &["write more than 0 %"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\n[wave.gate]\n",
        "name = \"all\"",
        &["asks for nothing", "write for example"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\n[wave.gate]\nleast = 0\n",
        "name = \"all\"",
        &["a sample of no host", "write at least 1"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\n[wave.gate]\nleast = 2\nsuccess = \"95 %\"\n",
        "name = \"all\"",
        &["never show 95 %", "write least ="],
    ),
    // Dates and times.
    (
        "\"2024-09-29T04:00:00Z\"",
        "2024-09-29",
        "at = ",
        &["names no instant", "2024-09-29T00:00:00-04:00"],
    ),
    (
        "\"2027-06-30T00:00:00Z\"",
        "2027-06-30",
        "recovery_target",
        &["names no instant", "with a time and an offset"],
    ),
    (
        "\"2027-06-30T00:00:00Z\"",
        "\"2024-06-30T00:00:00Z\"",
        "recovery_target",
        &["not after the cutoff", "set a later one"],
    ),
    (
        "[policy]",
        "[[blackout]]\nname = \"b\"\nwhy = \"w\"\nfrom = 2027-01-03\nto = 2027-01-01\n[policy]",
        "[[blackout]]",
        &["is before from"],
    ),
    (
        "cutoff = true\n",
        "",
        "[[milestone]]",
        &["no [[milestone]] has cutoff = true", "no_cutoff ="],
    ),
    (
        "[[replacement]]",
        "[[milestone]]\nname = \"cutoff\"\nregime = \"vendor\"\nat = \"2024-09-10T04:00:00Z\"\n[[replacement]]",
        "",
        &["two milestones are named", "rename one"],
    ),
    (
        "grace = \"1d\"",
        "time_zone = \"Berlin\"",
        "time_zone",
        &["no zone of the IANA database", "write for example"],
    ),
    // Limits of zero, and lengths that are none.
    (
        "grace = \"1d\"",
        "max_in_flight = 0",
        "max_in_flight",
        &["nothing would ever start", "write at least 1"],
    ),
    (
        "grace = \"1d\"",
        "site_in_flight = 0",
        "site_in_flight",
        &["nothing would ever start", "write at least 1"],
    ),
    (
        "grace = \"1d\"",
        "starts_per_hour = 0",
        "starts_per_hour",
        &["nothing would ever start", "write at least 1"],
    ),
    (
        "grace = \"1d\"",
        "bandwidth = \"0 Mbit/s\"",
        "bandwidth",
        &["policy.bandwidth", "nothing would ever start", "such as 20 Mbit/s"],
    ),
    (
        "[policy]",
        "[[site]]\nname = \"kiel\"\nbandwidth = \"0 kbit/s\"\n[policy]",
        "name = \"kiel\"",
        &["site `kiel`: bandwidth", "nothing would ever start", "or leave it out"],
    ),
    (
        "[policy]",
        "[[site]]\nname = \"kiel\"\n[policy]",
        "name = \"kiel\"",
        &["says nothing of the site", "write its time_zone"],
    ),
    // What nobody knows the size of cannot be kept within a limit.
    (
        "[policy]",
        "[[site]]\nname = \"kiel\"\nbandwidth = \"2 Mbit/s\"\n[policy]",
        "product",
        &["nothing tells how many bytes", "download = \"350 MB\""],
    ),
    (
        "grace = \"1d\"",
        "bandwidth = \"2 Mbit/s\"",
        "product",
        &["nothing tells how many bytes", "download = \"350 MB\""],
    ),
    (
        "grace = \"1d\"",
        "attempts = 0",
        "attempts",
        &["nothing would ever start", "write at least 1"],
    ),
    (
        "grace = \"1d\"",
        "silence = \"0h\"",
        "silence",
        &["is zero; give it a length"],
    ),
    (
        "grace = \"1d\"",
        "retry_base = \"2h\"\nretry_cap = \"1h\"",
        "retry_cap",
        &["raise the cap"],
    ),
    (
        "grace = \"1d\"",
        "grace = \"soon\"",
        "grace",
        &["policy.grace", "working days"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\nmax_in_flight = 0\n",
        "name = \"all\"",
        &["would ever start", "write at least 1"],
    ),
    (
        "name = \"all\"\n",
        "name = \"all\"\nstarts_per_hour = 0\n",
        "name = \"all\"",
        &["would ever start", "write at least 1"],
    ),
    // Prerequisites in a circle.
    (
        "[policy]",
        "[[readiness]]\nname = \"a\"\ntitle = \"t\"\nwhy = \"w\"\nproof = \"p\"\nafter = [\"b\"]\n[[readiness]]\nname = \"b\"\ntitle = \"t\"\nwhy = \"w\"\nproof = \"p\"\nafter = [\"a\"]\n[policy]",
        "name = \"a\"",
        &["after"],
    ),
    // Products.
    ("[\"kesl\"]", "[]", "targets", &["name the products that must go"]),
    (
        "[\"kesl\"]",
        "[\"kesl\", \"kesl\"]",
        "targets",
        &["named twice; name it once"],
    ),
    (
        "\"clamav\"",
        "\"kesl\"",
        "product",
        &["a target and a replacement", "take it out"],
    ),
    (
        "\"clamav\"",
        "\"clamav\"\ntenant = \" \"",
        "tenant",
        &["is empty; write"],
    ),
    (
        "[\"kesl\"]",
        "[\"nonesuch\"]",
        "targets",
        &["no rule of the catalog sees target", "add one or drop it"],
    ),
    (
        "\"clamav\"",
        "\"nonesuch\"",
        "product",
        &["no rule of the catalog sees replacement", "add one or drop it"],
    ),
    (
        "\"clamav\"",
        "\"clamav\"\nsettings = { nonesuch = [\"x\"] }",
        "settings",
        &["settings"],
    ),
];

/// The line that begins so, from 1; of an empty beginning, the second line that is a name of `cutoff`.
fn line_that_begins(text: &str, beginning: &str) -> usize {
    let is_it = |line: &&str| {
        if beginning.is_empty() {
            *line == "name = \"cutoff\""
        } else {
            line.starts_with(beginning)
        }
    };
    let mut found = text.lines().enumerate().filter(|(_, line)| is_it(line));
    let nth = if beginning.is_empty() || text.matches("name = \"pilot\"").count() == 2 {
        1
    } else {
        0
    };
    1 + found
        .nth(nth)
        .unwrap_or_else(|| panic!("{beginning} is not in {text}"))
        .0
}

fn changed(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from}");
    BASE.replacen(from, to, 1)
}

#[test]
fn what_makes_no_sense_is_refused_with_file_line_and_remedy() {
    let catalog = Catalog::built_in().unwrap();
    assert!(
        Campaign::parse("base.toml", BASE, 1)
            .unwrap()
            .check_against(&catalog)
            .is_ok()
    );
    for (from, to, beginning, needles) in REFUSED {
        let text = changed(from, to);
        let said = match Campaign::parse("bad.toml", &text, 1) {
            Err(error) => error.to_string(),
            Ok(campaign) => {
                let fault = campaign.check_against(&catalog).expect_err(to);
                let Fault { way, why } = fault;
                campaign.warning(&way, why).of_file("bad.toml")
            }
        };
        let line = format!("line {}", line_that_begins(&text, beginning));
        assert!(said.starts_with("bad.toml"), "{said}");
        let is_named = [format!("{line}:"), format!("{line},")]
            .iter()
            .any(|line| said.contains(line));
        assert!(is_named, "{line} is not in: {said}");
        for needle in *needles {
            assert!(said.contains(needle), "{needle:?} is not in: {said}");
        }
    }
}

/// As above, with the counts of wave `all` by which it is warned of.
const WARNED: &[(Case, WaveCount)] = &[
    (
        (
            "recovery_target = \"2027-06-30T00:00:00Z\"\n",
            "",
            "at = ",
            &["recovery_target"],
        ),
        WaveCount {
            hosts: 9,
            to_start: 0,
            fitting: 9,
        },
    ),
    (
        (
            "[policy]",
            "[[window]]\ndays = [\"sat\"]\nfrom = \"22:00\"\nto = \"23:00\"\n[[blackout]]\nname = \"b\"\nwhy = \"w\"\nfrom = 2027-01-01\nto = 2027-08-01\n[policy]",
            "[[window]]",
            &["never opens before 2027-06-30", "widen it"],
        ),
        WaveCount {
            hosts: 9,
            to_start: 0,
            fitting: 9,
        },
    ),
    (
        (
            "name = \"all\"\n",
            "name = \"all\"\nmatch = { tag = [\"late\"] }\n",
            "match = { tag = [\"late\"",
            &["fits 3 hosts, and would have none", "move it before"],
        ),
        WaveCount {
            hosts: 0,
            to_start: 0,
            fitting: 3,
        },
    ),
    (
        (
            "name = \"all\"\n",
            "name = \"all\"\ncanaries = 5\n",
            "canaries",
            &["canaries is 5, and it would have 3 hosts", "write fewer"],
        ),
        WaveCount {
            hosts: 3,
            to_start: 3,
            fitting: 9,
        },
    ),
    (
        (
            "name = \"all\"\n",
            "name = \"all\"\n[wave.gate]\nleast = 4\n",
            "least",
            &["a sample of 4, and it would have 3 hosts", "ask for less"],
        ),
        WaveCount {
            hosts: 3,
            to_start: 3,
            fitting: 9,
        },
    ),
    (
        (
            "name = \"all\"\n",
            "name = \"all\"\n[wave.gate]\nsuccess = \"95 %\"\n",
            "[wave.gate]",
            &["and it would have 3 hosts", "success and confidence"],
        ),
        WaveCount {
            hosts: 3,
            to_start: 3,
            fitting: 9,
        },
    ),
    (
        (
            "name = \"all\"\n",
            "name = \"all\"\nstarts_per_hour = 1\n",
            "starts_per_hour",
            &[
                "at most 4240 hosts start before 2027-06-30",
                "4241 have yet to",
                "raise it",
            ],
        ),
        WaveCount {
            hosts: 9000,
            to_start: 4241,
            fitting: 9000,
        },
    ),
    (
        (
            "grace = \"1d\"",
            "starts_per_hour = 1",
            "starts_per_hour",
            &["policy.starts_per_hour is 1", "4241 have yet to"],
        ),
        WaveCount {
            hosts: 9000,
            to_start: 4241,
            fitting: 9000,
        },
    ),
];

#[test]
fn what_is_probably_not_meant_is_warned_of_with_file_line_and_remedy() {
    let now_ms = samples::instant("2027-01-04T08:30:00Z");
    let warned = |text: &str, count: WaveCount| {
        let campaign = Campaign::parse("bad.toml", text, 1).unwrap();
        let of = |wave: &str| if wave == "all" { count } else { WaveCount::default() };
        let mut warnings = campaign.warnings(now_ms);
        warnings.extend(campaign.count_warnings(of, now_ms));
        warnings
            .iter()
            .map(|it| it.of_file("bad.toml"))
            .collect::<Vec<String>>()
    };
    for ((from, to, beginning, needles), count) in WARNED {
        let text = changed(from, to);
        let said = warned(&text, *count);
        assert_eq!(said.len(), 1, "{to}: {said:?}");
        let at = format!("bad.toml, line {}: ", line_that_begins(&text, beginning));
        assert!(said[0].starts_with(&at), "{at}: {said:?}");
        for needle in *needles {
            assert!(said[0].contains(needle), "{needle:?} is not in: {said:?}");
        }
        // What is enough is not warned of.
        let plenty = WaveCount {
            hosts: 10_000,
            to_start: 0,
            fitting: 10_000,
        };
        if *count
            != (WaveCount {
                hosts: 9,
                to_start: 0,
                fitting: 9,
            })
        {
            assert_eq!(warned(&text, plenty), [""; 0], "{to}");
        }
    }
}
