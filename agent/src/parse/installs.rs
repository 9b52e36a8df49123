//! What package managers write down of their work: by whose call a package came. Each reader takes the newest line that names
//! a wanted package and nothing else: no other package, and no person.
//!
//! Formats: apt's `history.log` (stanzas of `Key: value`; `Requested-By` where apt finds the user of sudo, pkexec or
//! PackageKit), dpkg's `dpkg.log`, `dnf.rpm.log` and `yum.log` (`... Installed: NAME-VERSION-RELEASE.ARCH`), libzypp's
//! `history` (fields between `|`), as public parsers of them and public machines have them.

use super::instant::days;

/// Logs are rotated; one that is longer than this is not read.
pub const MAX_LOG: u64 = 4 << 20;
/// The longest name of a program that is told.
const MAX_PROGRAM: usize = 40;
/// What package managers are asked to do. Other words of a call are not told: they may be anything.
const VERBS: &[&str] = &[
    "install",
    "reinstall",
    "in",
    "localinstall",
    "upgrade",
    "full-upgrade",
    "dist-upgrade",
    "dselect-upgrade",
    "update",
    "up",
    "dup",
    "patch",
    "satisfy",
    "build-dep",
    "swap",
    "distro-sync",
];
/// Programs that only carry out another, which is named behind them.
const INTERPRETERS: &[&str] = &["sh", "bash", "dash", "perl", "python", "python2", "python3"];

/// How a package came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The day, since the epoch, by the machine's own calendar; `None` where the line names none.
    pub day: Option<i32>,
    /// What was called, shortened; empty where nothing told it.
    pub called: String,
    /// Whether somebody asked for it, who is not read out; `None` where the log does not tell.
    pub by_person: Option<bool>,
}

impl Install {
    /// Of a line that begins with its day and tells nothing of whose call it was.
    fn of(line: &str) -> Self {
        Self {
            day: date(line),
            called: String::new(),
            by_person: None,
        }
    }
}

/// The newest installation of one of these packages in apt's history.
#[must_use]
pub fn apt(log: &[u8], packages: &[&str]) -> Option<Install> {
    let text = String::from_utf8_lossy(log);
    let mut newest = None;
    let (mut day, mut called, mut by_person, mut is_meant) = (None, String::new(), false, false);
    // An end of the log without an empty line ends the last stanza too.
    for line in text.lines().chain([""]) {
        let Some((key, value)) = line.split_once(": ") else {
            if line.trim().is_empty() {
                if std::mem::take(&mut is_meant) {
                    newest = Some(Install {
                        day,
                        called: std::mem::take(&mut called),
                        by_person: Some(by_person),
                    });
                }
                (day, called, by_person) = (None, String::new(), false);
            }
            continue;
        };
        match key {
            "Start-Date" => day = date(value),
            "Commandline" => called = call(value, packages),
            "Requested-By" => by_person = true,
            "Install" | "Reinstall" => is_meant |= value.split_whitespace().any(|word| is_package(word, packages)),
            _ => {}
        }
    }
    newest
}

/// The newest installation of one of these packages by dpkg: `2024-08-01 10:11:12 install kesl:amd64 <none> 12.1.0-1297`.
#[must_use]
pub fn dpkg(log: &[u8], packages: &[&str]) -> Option<Install> {
    let text = String::from_utf8_lossy(log);
    let meant = |line: &&str| {
        let mut words = line.split_whitespace().skip(2);
        words.next() == Some("install") && words.next().is_some_and(|word| is_package(word, packages))
    };
    let line = text.lines().rev().find(meant)?;
    Some(Install::of(line))
}

/// The newest installation of one of these packages by dnf or yum; only dnf names the year.
#[must_use]
pub fn rpm(log: &[u8], packages: &[&str]) -> Option<Install> {
    let text = String::from_utf8_lossy(log);
    let meant = |line: &&str| {
        let Some((_, package)) = line.rsplit_once(" Installed: ") else {
            return false;
        };
        // `1:kesl-...`, as yum writes an epoch.
        let package = package.split_once(':').map_or(package, |(epoch, rest)| {
            let is_epoch = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
            if is_epoch { rest } else { package }
        });
        packages.iter().any(|name| {
            let version = package.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    let line = text.lines().rev().find(meant)?;
    Some(Install::of(line))
}

/// The newest installation of one of these packages by libzypp, and what was called before it.
#[must_use]
pub fn zypp(log: &[u8], packages: &[&str]) -> Option<Install> {
    let text = String::from_utf8_lossy(log);
    let mut command: Option<&str> = None;
    let mut newest = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('|');
        let (Some(at), Some(what)) = (fields.next(), fields.next()) else {
            continue;
        };
        match what.trim() {
            "command" => command = fields.nth(1),
            "install" if fields.next().is_some_and(|name| packages.contains(&name.trim())) => {
                newest = Some(Install {
                    day: date(at),
                    called: command.map_or_else(String::new, |command| call(command, packages)),
                    by_person: None,
                });
            }
            _ => {}
        }
    }
    newest
}

/// `kesl`, `kesl:amd64`.
fn is_package(word: &str, packages: &[&str]) -> bool {
    let name = word.split_once(':').map_or(word, |(name, _)| name);
    packages.contains(&name)
}

/// `2024-08-01` at the beginning of a text.
pub(super) fn date(text: &str) -> Option<i32> {
    let mut parts = text.trim().get(..10)?.split('-').map(|part| part.parse::<i64>().ok());
    let (Some(Some(year)), Some(Some(month)), Some(Some(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    i32::try_from(days(year, month, day)?).ok().filter(|day| *day > 0)
}

/// A call, shortened to what tells who called: the program, what it was asked to do, and the wanted packages. Options may hold
/// passwords, paths may hold names of persons: neither is told.
fn call(line: &str, packages: &[&str]) -> String {
    let plain = |word: &str| word.trim_matches(['\'', '"']).to_owned();
    let words: Vec<String> = line.split_whitespace().take(256).map(plain).collect();
    let is_interpreter = |word: &str| INTERPRETERS.contains(&word);
    let mut rest = words.iter();
    let Some(mut program) = rest.next().and_then(|word| program_name(word)) else {
        return String::new();
    };
    if is_interpreter(&program) {
        let script = rest.by_ref().find(|word| !word.starts_with('-'));
        if let Some(name) = script.and_then(|word| program_name(word)) {
            program = name;
        }
    }
    let mut told = program;
    if let Some(verb) = words.iter().find(|word| VERBS.contains(&word.as_str())) {
        told.push_str(&format!(" {verb}"));
    }
    for package in packages {
        let names =
            |word: &String| word == package || is_package(word.split('=').next().unwrap_or_default(), &[package]);
        let is_file = |word: &String| {
            let file = word.rsplit('/').next().unwrap_or_default();
            let rest = file.strip_prefix(package);
            rest.is_some_and(|rest| rest.starts_with(['_', '-'])) && (file.ends_with(".deb") || file.ends_with(".rpm"))
        };
        if words.iter().any(names) {
            told.push_str(&format!(" {package}"));
        } else if words.iter().any(is_file) {
            told.push_str(&format!(" {package} (from a file)"));
        }
    }
    told
}

/// The last part of a program's path, where it is a plain name.
fn program_name(word: &str) -> Option<String> {
    let name = word.rsplit('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    let fits = !name.is_empty() && name.len() <= MAX_PROGRAM && name.chars().all(is_plain);
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KESL: &[&str] = &["kesl"];

    #[test]
    fn apts_history_tells_the_call_the_day_and_whether_somebody_asked() {
        let log = b"\nStart-Date: 2024-07-30  09:00:00\nCommandline: apt-get install -y kesl\n\
            Install: kesl:amd64 (12.0.0-1)\nEnd-Date: 2024-07-30  09:00:09\n\
            \nStart-Date: 2024-08-01  10:11:12\n\
            Commandline: /usr/bin/apt-get -q -y -o Acquire::http::Proxy=http://bob:hunter2@proxy install ./home/bob/kesl_12_amd64.deb\n\
            Requested-By: bob (1000)\n\
            Install: libfoo:amd64 (1.0, automatic), kesl:amd64 (12.1.0-1297)\nEnd-Date: 2024-08-01  10:11:15\n\
            \nStart-Date: 2024-08-02  10:11:12\nCommandline: apt-get install vim\nInstall: vim:amd64 (9)\n";
        let found = apt(log, KESL).unwrap();
        // date -u -d 2024-08-01 +%s / 86400
        assert_eq!(found.day, Some(19_936));
        assert_eq!(found.called, "apt-get install kesl (from a file)");
        assert_eq!(found.by_person, Some(true));
        let unasked = apt(&log[..log.len() / 4], KESL).unwrap();
        assert_eq!(unasked.by_person, Some(false));
        assert_eq!(unasked.called, "apt-get install kesl");
        assert_eq!(apt(log, &["klnagent64"]), None);
    }

    #[test]
    fn an_upgrade_is_no_installation_and_a_package_whose_name_only_begins_so_is_another() {
        let log = b"Start-Date: 2024-08-01  10:11:12\nCommandline: apt upgrade\nUpgrade: kesl:amd64 (1, 2)\n\n\
            Start-Date: 2024-08-01  10:11:12\nInstall: kesl-gui:amd64 (1)\n";
        assert_eq!(apt(log, KESL), None);
        let interpreted = b"Start-Date: 2024-08-01  1:1:1\nCommandline: /usr/bin/python3 -u /opt/tool/deploy.py kesl=12.1\nInstall: kesl:amd64 (1)";
        assert_eq!(apt(interpreted, KESL).unwrap().called, "deploy.py kesl");
    }

    #[test]
    fn dpkg_dnf_yum_and_zypper_tell_the_day_or_the_call() {
        let log = b"2024-07-31 10:11:12 install kesl:amd64 <none> 12.1.0-1297\n2024-08-01 10:11:12 status installed kesl:amd64 12\n\
            2024-08-01 10:11:12 install kesl:amd64 12.0 12.1.0-1297\n2024-08-02 10:11:12 remove kesl:amd64 12 <none>\n";
        assert_eq!(dpkg(log, KESL).unwrap().day, Some(19_936));
        let dnf = b"2024-08-01T08:32:46-0500 SUBDEBUG Installed: kesl-12.1.0-1297.x86_64\n\
            2024-08-09T08:32:46-0500 SUBDEBUG Installed: kesl-gui-12.1.0-1297.x86_64\n";
        assert_eq!(rpm(dnf, KESL).unwrap().day, Some(19_936));
        let yum = rpm(b"Aug 01 08:32:46 Installed: 1:kesl-12.1.0-1297.x86_64\n", KESL).unwrap();
        assert_eq!(yum.day, None);
        assert_eq!(rpm(b"Aug 01 08:32:46 Erased: kesl-12\n", KESL), None);
        let history = b"# 2024-08-01 12:38:20 kesl-12.rpm installed ok\n2024-08-01 12:38:20|command|root@pc1|'zypper' 'install' 'kesl'|\n\
            2024-08-01 12:38:21|install|kesl|12.1.0-1297|x86_64|root@pc1|repo|a28b|\n\
            2024-08-02 12:38:20|command|root@pc1|'zypper' 'remove' 'kesl'|\n2024-08-02 12:38:20|remove |kesl|12|x86_64|root@pc1|\n";
        let found = zypp(history, KESL).unwrap();
        assert_eq!(
            (found.day, found.called.as_str()),
            (Some(19_936), "zypper install kesl")
        );
    }

    #[test]
    fn damaged_and_hostile_logs_tell_nothing_and_do_no_harm() {
        type Reader = fn(&[u8], &[&str]) -> Option<Install>;
        let readers: [Reader; 4] = [apt, dpkg, rpm, zypp];
        let odd: [&[u8]; 6] = [
            b"",
            b"\xff\xfe\x00Start-Date: \xff",
            b"Start-Date: 9999-99-99\nCommandline: \nInstall: ",
            b"2024 install kesl",
            b"|||||||install|kesl",
            b"Installed: ",
        ];
        for reader in readers {
            for log in odd {
                assert_eq!(reader(log, KESL), None, "{}", String::from_utf8_lossy(log));
            }
        }
        let long = format!(
            "Start-Date: x\nCommandline: {}\nInstall: kesl:amd64 (1)\n",
            "../\u{1b}[2J".repeat(10_000)
        );
        let found = apt(long.as_bytes(), KESL).unwrap();
        assert_eq!((found.called.as_str(), found.day), ("", None));
    }
}
