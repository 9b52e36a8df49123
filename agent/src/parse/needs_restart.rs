//! What `needs-restarting -r` and `zypper needs-rebooting` print, in English.
//!
//! | said by | a restart is wanted | none is |
//! |---|---|---|
//! | dnf 4 and 5 | `Reboot is required to fully utilize these updates.` | `Reboot should not be necessary.` |
//! | yum-utils, zypper | `Reboot is required to ensure that your system benefits from these updates.` | `Reboot is probably not necessary.` |
//!
//! Above it dnf and yum list what was updated: `  * glibc`, `  kernel -> 3.10.0-1160.el7`.

/// A sentence that says yes begins so.
const WANTED: &str = "Reboot is required";
/// The sentences that say no.
const NOT_WANTED: &[&str] = &["Reboot should not be necessary", "Reboot is probably not necessary"];

/// Whether a restart is wanted, and for which packages where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsRestart {
    /// Whether.
    pub is_wanted: bool,
    /// The updated packages, as they are listed.
    pub packages: Vec<String>,
}

/// Reads what one of them said.
///
/// # Errors
/// When neither sentence is there, or both are: then it cannot be told.
pub fn needs_restart(said: &[u8]) -> Result<NeedsRestart, String> {
    let said = String::from_utf8_lossy(said);
    let has = |words: &str| said.lines().any(|line| line.trim_start().starts_with(words));
    let is_wanted = match (has(WANTED), NOT_WANTED.iter().any(|words| has(words))) {
        (true, false) => true,
        (false, true) => false,
        (true, true) | (false, false) => {
            return Err("it says neither that a restart is required nor that none is".into());
        }
    };
    let listed = said.lines().filter(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| line.trim_start().trim_start_matches("* ").split_whitespace().next());
    Ok(NeedsRestart {
        is_wanted,
        packages: names.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(said: &str) -> Vec<String> {
        let read = needs_restart(said.as_bytes()).unwrap();
        assert!(read.is_wanted);
        read.packages
    }

    #[test]
    fn each_programs_own_words_are_read() {
        let dnf = "Core libraries or services have been updated since boot-up:\n  * glibc\n  * linux-firmware\n\n\
            Reboot is required to fully utilize these updates.\nMore information: https://example.com/27943\n";
        assert_eq!(packages(dnf), ["glibc", "linux-firmware"]);
        let yum = "Core libraries or services have been updated:\n  kernel -> 3.10.0-1160.el7\n\n\
            Reboot is required to ensure that your system benefits from these updates.\n";
        assert_eq!(packages(yum), ["kernel"]);
        let zypper = "Core libraries or services have been updated.\n\
            Reboot is required to ensure that your system benefits from these updates.\n";
        assert_eq!(packages(zypper), Vec::<String>::new());
        for none in [
            "No core libraries or services have been updated since boot-up.\nReboot should not be necessary.\n",
            "No core libraries or services have been updated.\nReboot is probably not necessary.\n",
        ] {
            assert!(!needs_restart(none.as_bytes()).unwrap().is_wanted, "{none}");
        }
    }

    #[test]
    fn what_is_none_of_these_words_is_no_answer() {
        for said in [
            "",
            "No such command: needs-restarting. Please use /usr/bin/dnf --help\n",
            "Reboot is required\nReboot should not be necessary.\n",
            "A Reboot is required\n",
        ] {
            assert!(needs_restart(said.as_bytes()).is_err(), "{said}");
        }
    }
}
