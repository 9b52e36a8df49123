//! Tells whoever is logged in: by wall(1), and on the console.
//!
//! wall knows who is logged in by the register of its own distribution (utmp, or logind where that is gone), reaches
//! terminals of the console and of the network, keeps control characters out and gives up on a terminal that hangs. Letters
//! beyond ASCII it passes on in a locale of UTF-8 alone, which every program that is run here gets. A graphical session sees it only where a terminal is open in it. `shutdown -r +5` would give notices too, but then the
//! service manager holds the time of the restart, and neither a deferral nor the end of the agent would take it back.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use rustix::fs::OFlags;

use super::{super::seam::HandsError, process::Runner};

const WALL: &str = "/usr/bin/wall";
const CONSOLE: &str = "/dev/console";
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn to_everybody(runner: &Runner, text: &str) -> Result<(), HandsError> {
    let text = plain(text);
    let on_console = to_console(Path::new(CONSOLE), &text);
    if !Path::new(WALL).exists() {
        return Err(HandsError::Unsupported(format!(
            "there is no {WALL}, so sessions cannot be told; install util-linux or bsdutils"
        )));
    }
    let (code, output) = runner.ask(WALL, &[&text], LIMIT)?;
    if code != Some(0) {
        let said = std::io::Error::other(output.trim().to_owned());
        return Err(HandsError::io("tell sessions by wall", said));
    }
    if let Err(error) = on_console {
        tracing::debug!(%error, "no console to tell");
    }
    Ok(())
}

/// Neither opened as a terminal of this process nor waited for: a console may be stopped, or not be there.
fn to_console(path: &Path, text: &str) -> std::io::Result<()> {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let mut console = OpenOptions::new().write(true).custom_flags(flags).open(path)?;
    let lines: String = text.lines().map(|line| format!("{line}\r\n")).collect();
    console.write_all(format!("\r\n{lines}").as_bytes())
}

/// Nothing in it moves a cursor or sets a colour, and nothing is taken for an option.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    text.trim_start_matches(|c: char| c == '-' || c.is_whitespace())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_told_cannot_write_over_a_terminal() {
        assert_eq!(plain("Restart\x1b[2J at 5\r\nnow\u{9b}"), "Restart[2J at 5\nnow");
        assert_eq!(plain("--version"), "version");
        for text in ["spätestens à 5 h, ¿sí?", "再起動します。\n理由: ドライバー"] {
            assert_eq!(plain(text), text, "letters of every language pass");
        }
    }

    #[test]
    fn the_console_gets_whole_lines() {
        let directory = tempfile::tempdir().unwrap();
        let console = directory.path().join("console");
        fs::write(&console, "").unwrap();
        to_console(&console, "one\nzwölf").unwrap();
        assert_eq!(fs::read(&console).unwrap(), "\r\none\r\nzwölf\r\n".as_bytes());
        assert!(to_console(&directory.path().join("none/console"), "x").is_err());
    }
}
