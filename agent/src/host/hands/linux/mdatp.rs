//! Microsoft Defender for Endpoint by its own tool. The commands are those of Microsoft's resources for Defender for Endpoint on
//! Linux.

use std::{path::Path, thread, time::Duration};

use cutover_proto::{secret::ONBOARDING, step::SetUpState};

use super::{
    super::seam::{Detection, HandsError, Run, ToolRun},
    clamav::{Private, write_test_file},
    config,
    process::Runner,
};

/// By which it knows its organisation; root's alone.
const FILE: &str = "/etc/opt/microsoft/mdatp/mdatp_onboard.json";
const MDATP: &str = "/usr/bin/mdatp";
/// Its history is a short list.
const ASK: Duration = Duration::from_secs(60);
/// What is found comes into the history a moment later.
const TRIES: u32 = 60;
const BETWEEN: Duration = Duration::from_secs(1);

fn must_be_there() -> Result<(), HandsError> {
    if Path::new(MDATP).exists() {
        Ok(())
    } else {
        Err(HandsError::Unsupported(format!("{MDATP} is not there")))
    }
}

/// What the tool is told for each state, in this order.
const fn commands(state: SetUpState) -> &'static [&'static [&'static str]] {
    match state {
        SetUpState::StandingBack => &[&["config", "passive-mode", "--value", "enabled"]],
        SetUpState::Onboarded => &[],
        SetUpState::Active => &[
            &["config", "passive-mode", "--value", "disabled"],
            &["config", "real-time-protection", "--value", "enabled"],
        ],
    }
}

/// Tells it to come into a state. It reads for itself whose it is, from the file of its console.
pub(super) fn set_up(
    runner: &Runner,
    kept: &Path,
    state: SetUpState,
    run: &mut Run<'_>,
) -> Result<ToolRun, HandsError> {
    must_be_there()?;
    if let Some(file) = run.said.iter().find(|said| said.property == ONBOARDING) {
        config::write(Path::new("/"), kept, FILE, file.value.as_bytes(), 0o600)?;
    }
    let commands = commands(state);
    if commands.is_empty() {
        return Ok(ToolRun {
            exit_code: Some(0),
            ..ToolRun::default()
        });
    }
    let mut session = runner.session(run)?;
    for command in commands {
        if !session.tool(MDATP, command)? {
            break;
        }
    }
    session.finish()
}

/// Puts the harmless test file where only root reads, and waits until the product's own history names it.
pub(super) fn detect(runner: &Runner, directory: &Path, run: &mut Run<'_>) -> Result<Detection, HandsError> {
    must_be_there()?;
    let before = history(runner)?;
    let mut session = runner.session(run)?;
    let private = Private::make(directory)?;
    let file = write_test_file(directory)?;
    // It may be gone by now, or be kept from whoever opens it; both are as it should be.
    session.tool("/usr/bin/head", &["-c", "1", "--", &file])?;
    let mut found = None;
    for _ in 0..TRIES {
        found = named_since(&before, &history(runner)?).map(str::to_owned);
        if found.is_some() || session.time_left().is_zero() {
            break;
        }
        thread::sleep(BETWEEN);
    }
    drop(private);
    let run = session.finish()?;
    Ok(Detection { run, named: found })
}

fn history(runner: &Runner) -> Result<String, HandsError> {
    match runner.ask(MDATP, &["threat", "list"], ASK)? {
        (Some(0), history) => Ok(history),
        (_, said) => Err(HandsError::Unsupported(format!(
            "mdatp does not list what it found: {}",
            said.trim()
        ))),
    }
}

/// The name of the test file, where the history has one more of them than before: older finds stay listed.
fn named_since<'a>(before: &str, after: &'a str) -> Option<&'a str> {
    named(after).nth(named(before).count())
}

/// The names of the test file in the history: whatever a vendor calls it, EICAR is in it.
fn named(history: &str) -> impl Iterator<Item = &str> {
    let names = history.lines().filter_map(|line| line.trim().strip_prefix("Name:"));
    names
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| name.to_ascii_lowercase().contains("eicar"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_history_named_before_does_not_count() {
        let one = "Id: \"3ae1\"\nName: Virus:DOS/EICAR_Test_File\nType: \"virus\"\nStatus: \"quarantined\"\n";
        let other = "Id: \"9f20\"\nName: \"Trojan:Linux/Other\"\n";
        let before = format!("{one}{other}");
        assert_eq!(named_since(&before, &before), None);
        assert_eq!(named_since(&before, &format!("{before}{other}")), None);
        let found = Some("Virus:DOS/EICAR_Test_File");
        assert_eq!(named_since(&before, &format!("{before}{one}")), found);
        assert_eq!(named_since("No threats\n", one), found);
    }

    #[test]
    fn it_takes_over_only_by_leaving_the_passive_mode_and_looking_at_files_again() {
        let words: Vec<String> = commands(SetUpState::Active).iter().map(|it| it.join(" ")).collect();
        assert_eq!(
            words,
            [
                "config passive-mode --value disabled",
                "config real-time-protection --value enabled"
            ]
        );
        assert_eq!(
            commands(SetUpState::StandingBack)[0].join(" "),
            "config passive-mode --value enabled"
        );
    }
}
