use cutover_proto::{
    inventory::OsFamily,
    rule::{BUILT_IN, Pattern, Rule, WindowsPath},
};

const GOOD: &str = r#"
schema = 1
product = "kesl"
name = "Kaspersky Endpoint Security for Linux"
role = "target"
scope = "banned"
protection = "real-time"
sources = ["written for this test"]

[[look]]
os = "linux"
kind = "package"
need = "required"
shows = "installed"
names = ["kesl"]

[[look]]
os = "linux"
kind = "path"
need = "supplementary"
shows = "remnant"
sweep = true
paths = ["/var/opt/kaspersky/kesl"]
"#;

fn refused(old: &str, new: &str) -> String {
    let text = GOOD.replace(old, new);
    assert_ne!(text, GOOD, "the test changes nothing");
    Rule::parse("kesl.toml", &text).unwrap_err().to_string()
}

#[test]
fn every_built_in_rule_file_is_readable_and_named_after_its_product() {
    for (file, text) in BUILT_IN {
        let rule = Rule::parse(file, text).unwrap();
        assert_eq!(format!("{}.toml", rule.product), *file);
    }
}

#[test]
fn only_paths_marked_for_it_may_be_swept() {
    let rule = Rule::parse("kesl.toml", GOOD).unwrap();
    let paths: Vec<&str> = rule.sweepable(OsFamily::Linux).collect();
    assert_eq!(paths, ["/var/opt/kaspersky/kesl"]);
    assert_eq!(rule.sweepable(OsFamily::Windows).count(), 0);
    let kept = GOOD.replace("sweep = true", "sweep = false");
    assert_eq!(
        Rule::parse("kesl.toml", &kept)
            .unwrap()
            .sweepable(OsFamily::Linux)
            .count(),
        0
    );
}

#[test]
fn a_refused_rule_names_the_file_and_what_to_change() {
    let cases = [
        ("schema = 1", "schema = 2", "reads schema 1"),
        ("name = \"K", "nam = \"K", "unknown field `nam`"),
        (
            "kind = \"package\"",
            "kind = \"registry\"",
            "`registry` is not a evidence kind",
        ),
        (
            "shows = \"installed\"",
            "shows = \"there\"",
            "expected one of: installed",
        ),
        ("names = [\"kesl\"]", "names = []", "names no package name"),
        (
            "names = [\"kesl\"]",
            "paths = [\"/opt/x\"]",
            "takes `names` and nothing else",
        ),
        ("sweep = true", "names = [\"x\"]", "takes `paths`"),
        ("[\"written for this test\"]", "[]", "`sources` is empty"),
        (
            "need = \"required\"",
            "need = \"supplementary\"",
            "no look on linux is required",
        ),
        ("role = \"target\"", "role = \"replacement\"", "needs a [health] part"),
        (
            "names = [\"kesl\"]",
            "names = [\"../kesl\"]",
            "is not a plain package name",
        ),
    ];
    for (old, new, part) in cases {
        let text = refused(old, new);
        assert!(text.contains("kesl.toml") && text.contains(part), "{new}: {text}");
    }
}

#[test]
fn a_rule_cannot_reach_a_whole_tree_or_climb_out_of_one() {
    for bad in [
        "/",
        "/var",
        "var/opt/x",
        "/var/../etc/passwd",
        "/var/./x",
        "/var//x",
        "/var/opt/*",
    ] {
        let text = refused("/var/opt/kaspersky/kesl", bad);
        assert!(text.contains("is not a plain path"), "{bad}: {text}");
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let text = Rule::parse("x.toml", "schema = \n").unwrap_err().to_string();
    assert!(text.contains("x.toml") && text.contains("line 1"), "{text}");
}

/// The rule with a look of another kind in place of the one at a package.
fn looking(keys: &str) -> Result<Rule, String> {
    let text = format!("{GOOD}\n[[look]]\nos = \"linux\"\nneed = \"supplementary\"\nshows = \"remnant\"\n{keys}\n");
    Rule::parse("kesl.toml", &text).map_err(|error| error.to_string())
}

#[test]
fn groups_and_certificates_are_offered_for_sweeping_only_where_the_rule_says_so() {
    let subject = "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab";
    for (sweep, count) in [("true", 1), ("false", 0)] {
        let rule = looking(&format!("kind = \"group\"\nnames = [\"kesluser\"]\nsweep = {sweep}")).unwrap();
        assert_eq!(rule.sweepable_groups(OsFamily::Linux).count(), count);
        let rule = looking(&format!(
            "kind = \"certificate\"\nsubjects = [\"{subject}\"]\nsweep = {sweep}"
        ))
        .unwrap();
        assert_eq!(rule.sweepable_certificates(OsFamily::Linux).count(), count);
        // And each only as what it is.
        assert_eq!(rule.sweepable_groups(OsFamily::Linux).count(), 0);
        assert_eq!(rule.sweepable(OsFamily::Linux).count(), 1);
    }
}

#[test]
fn a_look_asks_for_what_its_kind_has_and_for_nothing_broad() {
    assert!(looking("kind = \"module\"\nprefixes = [\"kav4fs\"]").is_ok());
    assert!(looking("kind = \"listener\"\nnames = [\"kesl\"]").is_ok());
    let cases = [
        ("kind = \"module\"\nnames = [\"a-b\"]", "is not a plain module name"),
        ("kind = \"module\"\nprefixes = [\"kav\"]", "at least four"),
        ("kind = \"module\"", "names no module name"),
        ("kind = \"module\"\nnames = [\"x\"]\nsweep = true", "and nothing else"),
        (
            "kind = \"listener\"\nnames = [\"kesl\"]\nsweep = true",
            "`names` and nothing else",
        ),
        ("kind = \"group\"\nnames = [\"-r\"]", "is not a plain group name"),
        ("kind = \"group\"\nnames = [\"kesl:x\"]", "is not a plain group name"),
        ("kind = \"group\"\npaths = [\"/etc/group\"]", "may take `sweep`"),
        ("kind = \"certificate\"\nsubjects = []", "names no subject"),
        (
            "kind = \"certificate\"\nsubjects = [\"O=AO Kaspersky Lab\"]",
            "is no subject",
        ),
        (
            "kind = \"certificate\"\nsubjects = [\"CN=, O=AO Kaspersky Lab\"]",
            "is no subject",
        ),
        ("kind = \"certificate\"\nnames = [\"x\"]", "takes `subjects`"),
    ];
    for (keys, part) in cases {
        let text = looking(keys).unwrap_err();
        assert!(text.contains(part), "{keys}: {text}");
    }
}

#[test]
fn a_subject_is_meant_only_by_both_its_parts_whole() {
    let subject = cutover_proto::subject::Subject::parse("CN=A Root, O=B Ltd").unwrap();
    assert!(subject.is("A Root", "B Ltd"));
    assert!(!subject.is("A Root 2", "B Ltd") && !subject.is("A Root", "B") && !subject.is("a root", "B Ltd"));
    assert_eq!(subject.to_string(), "CN=A Root, O=B Ltd");
}

#[test]
fn a_pattern_is_a_whole_name_with_gaps_and_no_regard_to_case() {
    let is = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches(text);
    assert!(is("Kaspersky", "KASPERSKY") && !is("Kaspersky", "Kaspersky VPN"));
    assert!(is(
        "Kaspersky Endpoint Security*Windows*",
        "Kaspersky  Endpoint\u{a0}Security 12.4 для Windows (x64)"
    ));
    assert!(is("*Касперск*", "АО \"ЛАБОРАТОРИЯ КАСПЕРСКОГО\""));
    assert!(is("AVP#", "avp21.1") && is("AVP.KES.#", "AVP.KES.21.19"));
    assert!(!is("AVP#", "AVP") && !is("AVP#", "AVPhone") && !is("AVP#", "AVP21.") && !is("AVP#", "AVP.21"));
    assert!(is("KLIF.KES-#-#.sys", "klif.KES-21-9.sys") && !is("KLIF.KES-#-#.sys", "klif.KES-21.sys"));
    assert!(is("*agent*Security Center*", "Agent d'administration de Security Center") && !is("*agent*", "agnet"));
    // A text of any length takes no time.
    assert!(!is("*a*b*c*d*e#", &"abcd".repeat(100_000)));
}

#[test]
fn a_pattern_that_takes_almost_everything_is_refused() {
    for bad in [
        "*",
        "",
        "k*",
        "**Kaspersky",
        " Kaspersky",
        "a\nbcd",
        "#.#",
        &"x".repeat(200),
    ] {
        assert!(Pattern::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_windows_path_stays_below_a_known_folder() {
    let path = WindowsPath::parse(r"%ProgramFiles(x86)%\Kaspersky Lab\KES*\*\avp.exe").unwrap();
    assert_eq!(path.to_string(), r"%ProgramFiles(x86)%\Kaspersky Lab\KES*\*\avp.exe");
    for bad in [
        r"C:\Windows\x",
        r"%ProgramFiles%",
        r"%ProgramFiles%\",
        r"%ProgramFiles%\*",
        r"%ProgramFiles%\*\avp.exe",
        r"%ProgramFiles%\Kaspersky Lab\..\x",
        r"%ProgramFiles%\Kaspersky Lab\*",
        r"%TEMP%\Kaspersky Lab",
        r"%ProgramFiles%\a/b",
        r"%ProgramFiles%\a*",
    ] {
        assert!(WindowsPath::parse(bad).is_err(), "{bad}");
    }
}

/// The rule with a look of another system beside its own.
fn looking_on(os: &str, keys: &str) -> Result<Rule, String> {
    let text = format!("{GOOD}\n[[look]]\nos = \"{os}\"\nneed = \"required\"\n{keys}\n");
    Rule::parse("kesl.toml", &text).map_err(|error| error.to_string())
}

#[test]
fn each_system_has_its_own_kinds_of_looks() {
    let good = [
        (
            "windows",
            "kind = \"uninstall-key\"\nshows = \"installed\"\npublishers = [\"*Kaspersky*\"]",
        ),
        (
            "windows",
            "kind = \"service\"\nshows = \"installed\"\nnames = [\"AVP#\"]\nimages = ['*\\Kaspersky Lab\\*']",
        ),
        (
            "windows",
            "kind = \"driver\"\nshows = \"remnant\"\nnames = [\"klif*\"]\nsigners = [\"*Kaspersky*\"]",
        ),
        (
            "windows",
            "kind = \"path\"\nshows = \"remnant\"\npaths = ['%ProgramData%\\Kaspersky Lab']",
        ),
        (
            "windows",
            "kind = \"registry-key\"\nshows = \"remnant\"\nkeys = ['SOFTWARE\\KasperskyLab']",
        ),
        (
            "macos",
            "kind = \"receipt\"\nshows = \"installed\"\nnames = [\"com.kaspersky.kav.*\"]",
        ),
        (
            "macos",
            "kind = \"system-extension\"\nshows = \"installed\"\nteams = [\"2Y8XE5CQ94\"]",
        ),
    ];
    for (os, keys) in good {
        assert!(looking_on(os, keys).is_ok(), "{keys}: {:?}", looking_on(os, keys));
    }
    let bad = [
        (
            "linux",
            "kind = \"uninstall-key\"\nshows = \"installed\"\nnames = [\"abc\"]",
            "no look of kind uninstall-key on linux",
        ),
        (
            "macos",
            "kind = \"package\"\nshows = \"installed\"\nnames = [\"abc\"]",
            "no look of kind package on macos",
        ),
        (
            "windows",
            "kind = \"path\"\nshows = \"remnant\"\npaths = [\"/opt/x/y\"]",
            "is not a plain path on Windows",
        ),
        (
            "windows",
            "kind = \"path\"\nshows = \"remnant\"\nsweep = true\npaths = ['%ProgramData%\\x']",
            "takes `paths` and nothing else",
        ),
        (
            "windows",
            "kind = \"uninstall-key\"\nshows = \"installed\"",
            "names no name or publisher",
        ),
        (
            "windows",
            "kind = \"driver\"\nshows = \"remnant\"\nsigners = [\"*Kaspersky*\"]",
            "names no name or image",
        ),
        (
            "windows",
            "kind = \"registry-key\"\nshows = \"remnant\"\nkeys = ['SOFTWARE']",
            "is not a plain key",
        ),
        (
            "windows",
            "kind = \"browser-extension\"\nshows = \"remnant\"\nids = [\"../x\"]",
            "is not a plain extension id",
        ),
        (
            "macos",
            "kind = \"system-extension\"\nshows = \"installed\"",
            "names no identifier or team",
        ),
        (
            "windows",
            "kind = \"process\"\nshows = \"embedded\"\nnames = [\"x.exe\"]",
            "no other kind does",
        ),
    ];
    for (os, keys, part) in bad {
        let text = looking_on(os, keys).unwrap_err();
        assert!(text.contains(part), "{keys}: {text}");
    }
}

#[test]
fn what_is_not_confirmed_says_why_and_what_is_needs_no_excuse() {
    let look = "kind = \"process\"\nshows = \"running\"\nnames = [\"x.exe\"]\n";
    let with = |more: &str| looking_on("windows", &format!("{look}{more}"));
    assert!(with("certainty = \"indirect\"\nnote = \"one list has it\"").is_ok());
    for bad in [
        "certainty = \"indirect\"",
        "note = \"one list has it\"",
        "certainty = \"confirmed\"\nnote = \"x\"",
    ] {
        let text = with(bad).unwrap_err();
        assert!(text.contains("needs a `note`"), "{text}");
    }
}
