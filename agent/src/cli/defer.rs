//! `cutover-agent defer`: puts a restart that is due off, or else the start of the work that is announced.

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, bail};

use crate::{
    config::Config,
    osservice::{self, UserAnswer, UserQuestion},
    parse::locale,
    words::Language,
};

/// Put the restart that is due off, or, where none is, the start of the work that is announced; or ask when they come. For
/// whoever is logged in at this machine, within what the campaign allows.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DeferArgs {
    /// By how long, for example 30m, 2h or 1h30m: a restart from now, a start from when it would come. Without it the agent
    /// only says when they come.
    #[arg(value_name = "DURATION", value_parser = length)]
    length: Option<Duration>,
}

pub(super) fn run(arguments: &DeferArgs, config: &Config) -> Result<ExitCode> {
    let question = arguments.length.map_or(UserQuestion::Due, UserQuestion::Defer);
    // Whoever asks reads the answer in this session; where it says nothing the agent speaks its machine's language.
    let session = locale::of_messages(|name| std::env::var(name).ok());
    let language = session.map(|locale| Language::of_locale(&locale));
    match super::runtime()?.block_on(osservice::ask_as_user(&config.user_socket, question, language))? {
        UserAnswer::PutOff { text, .. } | UserAnswer::Told { text } => super::print(&format!("{text}\n"))?,
        UserAnswer::Refused { text } => bail!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Whole numbers of days, hours, minutes and seconds, the larger first.
fn length(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time; write for example 30m, 2h or 1h30m");
    let mut seconds = 0_u64;
    let mut units = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.chars().take_while(char::is_ascii_digit).count();
        let number: u64 = rest
            .get(..digits)
            .and_then(|number| number.parse().ok())
            .ok_or_else(wrong)?;
        let unit = rest
            .get(digits..)
            .and_then(|rest| rest.chars().next())
            .ok_or_else(wrong)?;
        let (_, worth) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        seconds = number
            .checked_mul(worth)
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(wrong)?;
        rest = rest.get(digits + 1..).unwrap_or_default();
    }
    if seconds == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        let seconds = |text| length(text).map(|length| length.as_secs());
        assert_eq!(seconds("2h"), Ok(7200));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(seconds("1d2h3m4s"), Ok(93_784));
        for bad in [
            "",
            "0h",
            "2",
            "h",
            "-1h",
            "1.5h",
            "30m1h",
            "2h2h",
            "2 h",
            "99999999999999999999d",
            "9999999999999999999d",
            "1ü",
        ] {
            assert!(seconds(bad).unwrap_err().contains("for example"), "{bad}");
        }
    }
}
