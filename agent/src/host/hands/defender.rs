//! Turns Microsoft Defender Antivirus on. Nothing else is touched: not what others set, and never the start values of its
//! services and drivers, which Microsoft says may cost the machine (Troubleshoot Microsoft Defender Antivirus while migrating).

use std::time::Duration;

use cutover_proto::{
    policy::{Policy, PolicyState},
    rule::KnownFolder,
};

use super::seam::{HandsError, Run, ToolRun};
use crate::{
    facts::{Answer, EntryKind, Question, Reply},
    host::{HostPath, HostView, Links, policies},
};

/// Its own tool, below the folder of programs, where only administrators and Windows itself write.
const TOOL: &str = r"Windows Defender\MpCmdRun.exe";
const UPDATE: &[&str] = &["-SignatureUpdate"];
/// One try. Where it finds none of its sources it is asked again while the step's time lasts.
const UPDATE_TIME: Duration = Duration::from_secs(5 * 60);

/// What of a Windows is changed, and by what. A closed set.
pub(super) trait Machine {
    /// How it is looked at.
    fn view(&self) -> &dyn HostView;
    /// Takes the value of this policy away; one that is not there is taken away already.
    fn unset(&mut self, policy: Policy) -> Result<(), HandsError>;
    /// Runs its tool, by its whole path.
    fn run_tool(&mut self, program: &str, arguments: &[&str], run: &mut Run<'_>) -> Result<ToolRun, HandsError>;
}

/// Takes away what on this machine alone has it stand back, and has it fetch signatures where it does not say that it has
/// today's. Twice does nothing more. Where the other product is gone, the rest comes by itself; a look says when.
pub(super) fn turn_on(machine: &mut dyn Machine, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
    let passive = policies::seen(machine.view(), Policy::DefenderPassive);
    let told = match passive.state {
        PolicyState::Unset => String::new(),
        PolicyState::Local => {
            machine.unset(Policy::DefenderPassive)?;
            format!("taken away: {}\n", passive.detail)
        }
        // Whoever set it takes it away; it may also be without effect, so that the look decides.
        PolicyState::Foreign | PolicyState::Unknown => format!("left as it is: {}\n", passive.detail),
    };
    let ran = if has_todays_signatures(machine.view()) {
        ToolRun {
            exit_code: Some(0),
            ..ToolRun::default()
        }
    } else {
        let program = tool(machine.view())?;
        run.time_limit = run.time_limit.min(UPDATE_TIME);
        machine.run_tool(&program, UPDATE, run)?
    };
    Ok(ToolRun {
        log_tail: told + &ran.log_tail,
        ..ran
    })
}

/// By its own word. One that does not work yet has none to say.
fn has_todays_signatures(view: &dyn HostView) -> bool {
    let status = view.ask(&Question::DefenderStatus).parsed(Reply::defender_status);
    matches!(status, Answer::Found(status) if status.signature_age_days == 0)
}

fn tool(view: &dyn HostView) -> Result<String, HandsError> {
    let folder = Question::Folder(KnownFolder::ProgramFiles);
    let Answer::Found(folder) = view.ask(&folder).parsed(Reply::folder) else {
        return Err(HandsError::Unsupported(
            "Windows does not tell its folder of programs".to_owned(),
        ));
    };
    let program = format!(r"{folder}\{TOOL}");
    match view.stat(&HostPath::windows(&program), Links::AsTheyAre) {
        Answer::Found(stat) if stat.kind == EntryKind::File => Ok(program),
        Answer::Found(_) | Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => {
            Err(HandsError::Unsupported(format!(
                "{program} is not there, or no file of its own; see whether the Windows feature is installed"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{facts::RegistryValue, host::Fixture};

    const PROGRAM: &str = r"C:\Program Files\Windows Defender\MpCmdRun.exe";

    /// Writes down what was asked of it.
    struct Double {
        host: Fixture,
        asked: Vec<String>,
        ends: i32,
    }

    impl Machine for Double {
        fn view(&self) -> &dyn HostView {
            &self.host
        }
        fn unset(&mut self, policy: Policy) -> Result<(), HandsError> {
            self.asked.push(format!("unset {policy}"));
            self.host = std::mem::replace(&mut self.host, Fixture::windows("in between"))
                .with_no_reply(&question(policy), Answer::Absent);
            Ok(())
        }
        fn run_tool(&mut self, program: &str, arguments: &[&str], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
            let limit = run.time_limit.as_secs();
            self.asked
                .push(format!("{program} {} within {limit} s", arguments.join(" ")));
            Ok(ToolRun {
                exit_code: Some(self.ends),
                log_tail: "what it says".to_owned(),
                timed_out: false,
            })
        }
    }

    fn question(policy: Policy) -> Question {
        let (key, value) = policies::place(policy);
        Question::Registry {
            is_32: false,
            key: key.to_owned(),
            values: vec![value.to_owned()],
        }
    }

    fn host() -> Fixture {
        Fixture::windows("a server")
            .with_reply(&Question::DomainJoin, Reply::DomainJoin(false))
            .with_windows_path(PROGRAM, EntryKind::File)
    }

    fn with(host: Fixture, policy: Policy) -> Fixture {
        let (key, value) = policies::place(policy);
        host.with_registry(key, &[(value, RegistryValue::Number(1))])
    }

    fn turned_on(machine: &mut Double) -> Result<ToolRun, HandsError> {
        let mut started = |_| {};
        let mut run = Run {
            label: "order-1-step-1".to_owned(),
            time_limit: Duration::from_secs(1200),
            said: Vec::new(),
            started: &mut started,
        };
        turn_on(machine, &mut run)
    }

    fn double(host: Fixture) -> Double {
        Double {
            host,
            asked: Vec::new(),
            ends: 0,
        }
    }

    #[test]
    fn a_passive_mode_of_the_machines_own_is_taken_away_and_twice_does_nothing_more() {
        let passive = with(host().with_defender("Passive Mode", false, 0), Policy::DefenderPassive);
        let mut machine = double(passive);
        let ran = turned_on(&mut machine).unwrap();
        assert_eq!(machine.asked, ["unset defender-passive"]);
        assert_eq!(ran.exit_code, Some(0));
        assert!(
            ran.log_tail.starts_with("taken away: HKLM\\") && ran.log_tail.contains("ForceDefenderPassiveMode = 1"),
            "{}",
            ran.log_tail
        );
        turned_on(&mut machine).unwrap();
        assert_eq!(machine.asked.len(), 1);
    }

    #[test]
    fn what_may_be_group_policys_is_left_and_named() {
        let passive = || with(host().with_defender("Passive Mode", false, 0), Policy::DefenderPassive);
        for host in [
            passive().with_reply(&Question::DomainJoin, Reply::DomainJoin(true)),
            passive().with_no_reply(&Question::DomainJoin, Answer::Failed("it hangs".to_owned())),
            passive().with_no_reply(
                &question(Policy::DefenderPassive),
                Answer::Denied("not yours".to_owned()),
            ),
        ] {
            let mut machine = double(host);
            let ran = turned_on(&mut machine).unwrap();
            assert!(machine.asked.is_empty(), "{:?}", machine.asked);
            assert!(ran.log_tail.starts_with("left as it is: "), "{}", ran.log_tail);
        }
    }

    #[test]
    fn a_policy_that_turns_it_off_is_never_taken_away() {
        let mut machine = double(with(host().with_defender("Normal", true, 0), Policy::DefenderOff));
        turned_on(&mut machine).unwrap();
        assert!(machine.asked.is_empty(), "{:?}", machine.asked);
    }

    #[test]
    fn signatures_are_fetched_where_it_does_not_say_that_it_has_todays() {
        let update = format!("{PROGRAM} -SignatureUpdate within 300 s");
        let untold = host().with_no_reply(&Question::DefenderStatus, Answer::Failed("it does not run".to_owned()));
        for host in [host().with_defender("Normal", true, 1), untold] {
            let mut machine = double(host);
            machine.ends = 2;
            let ran = turned_on(&mut machine).unwrap();
            assert_eq!(machine.asked, [update.as_str()]);
            assert_eq!(ran.exit_code, Some(2), "so that it is asked again");
            assert_eq!(ran.log_tail, "what it says");
        }
        let mut machine = double(host().with_defender("Normal", true, 0));
        turned_on(&mut machine).unwrap();
        assert!(machine.asked.is_empty());
    }

    #[test]
    fn its_tool_is_started_from_the_folder_of_programs_and_from_nowhere_else() {
        let missing = Fixture::windows("without").with_defender("Normal", true, 9);
        let mut machine = double(missing);
        let said = turned_on(&mut machine).unwrap_err().to_string();
        assert!(said.contains(PROGRAM) && said.contains("Windows feature"), "{said}");
        let folder = Fixture::windows("odd")
            .with_defender("Normal", true, 9)
            .with_windows_path(PROGRAM, EntryKind::Directory);
        assert!(turned_on(&mut double(folder)).is_err());
        assert!(machine.asked.is_empty());
    }
}
