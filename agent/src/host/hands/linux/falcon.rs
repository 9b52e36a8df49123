//! CrowdStrike Falcon by its own tool. The commands are those of the vendor's public script for Linux
//! (falcon-scripts, `falcon-linux-install.sh`), which with `PREP_GOLDEN_IMAGE` also takes the id of the cloud away (`-d -f --aid`).

use std::{path::Path, time::Duration};

use cutover_proto::{
    secret::{CUSTOMER, PROVISIONING},
    step::SetUpState,
    verdict::is_same_tenant,
};
use zeroize::Zeroizing;

use super::{
    super::seam::{HandsError, Run, Said, ToolRun},
    process::Runner,
    services,
};
use crate::parse::{self, falcon::FalconState};

const FALCONCTL: &str = "/opt/CrowdStrike/falconctl";
const UNIT: &str = "falcon-sensor.service";
/// Takes the id of its cloud away, by which it would go on as who it was.
const FORGET: [&str; 3] = ["-d", "-f", "--aid"];
/// It prints a line; systemd answers at once.
const ASK: Duration = Duration::from_secs(60);

/// The tools by which a sensor is set up.
pub(super) struct Falcon<'r> {
    runner: &'r Runner,
    falconctl: &'r str,
    systemctl: &'r str,
}

impl<'r> Falcon<'r> {
    /// On this machine.
    pub(super) fn here(runner: &'r Runner) -> Result<Self, HandsError> {
        if !Path::new(FALCONCTL).exists() {
            return Err(HandsError::Unsupported(format!("{FALCONCTL} is not there")));
        }
        services::must_run(UNIT)?;
        Ok(Self {
            runner,
            falconctl: FALCONCTL,
            systemctl: services::SYSTEMCTL,
        })
    }

    /// Brings the sensor into a state. Of its modes none leaves the work to another product while it is ready, so it cannot stand back.
    pub(super) fn set_up(&self, state: SetUpState, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        match state {
            SetUpState::StandingBack => Err(HandsError::Unsupported(
                "the sensor knows no way to stand back for another product".to_owned(),
            )),
            SetUpState::Onboarded => self.register(run),
            SetUpState::Active => self.keep_at_work(run),
        }
    }

    /// Tells it whose it is, and starts it anew. What is so already is left as it is: a start anew would be a moment without it.
    fn register(&self, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let Some(said) = arguments(&run.said)? else {
            // Whoever else deploys it tells it.
            return self.keep_at_work(run);
        };
        let known = self.known()?;
        let (has, wanted) = (known.customer.as_deref(), value(&run.said, CUSTOMER));
        let is_ours = has.zip(wanted).is_some_and(|(has, wanted)| is_same_tenant(has, wanted));
        if known.agent.is_some() && is_ours {
            // Its cloud took it: what it was told then needs not be told again.
            return self.keep_at_work(run);
        }
        let words: Vec<&str> = said.iter().map(|word| word.as_str()).collect();
        let mut session = self.runner.session(run)?;
        // An id that another customer's cloud gave would be taken for a sign that ours took it.
        let is_anothers = known.agent.is_some() && has.is_some();
        if is_anothers && !session.tool(self.falconctl, &FORGET)? {
            let ended = session.finish()?;
            if ended.timed_out {
                return Ok(ended);
            }
            return Err(HandsError::Unsupported(format!(
                "the sensor belongs to another customer and does not give its id of that cloud up (falconctl -d -f --aid ended with \
                 {}); take it off with its owner's maintenance token, then try again",
                ended
                    .exit_code
                    .map_or_else(|| "a signal".to_owned(), |code| code.to_string())
            )));
        }
        if session.tool(self.falconctl, &words)? {
            services::enable_in(&mut session, self.systemctl, UNIT)?;
        }
        session.finish()
    }

    /// Whose it says that it is, and what id it has of that cloud; nothing where it does not tell.
    fn known(&self) -> Result<FalconState, HandsError> {
        let (code, told) = self.runner.ask(self.falconctl, &["-g", "--cid", "--aid"], ASK)?;
        let told = (code == Some(0)).then(|| parse::falcon::state(told.as_bytes()).ok());
        Ok(told.flatten().unwrap_or_default())
    }

    fn keep_at_work(&self, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
        let says = |word: &str| self.runner.ask(self.systemctl, &[word, "--quiet", "--", UNIT], ASK);
        if says("is-enabled")?.0 == Some(0) && says("is-active")?.0 == Some(0) {
            return Ok(ToolRun {
                exit_code: Some(0),
                ..ToolRun::default()
            });
        }
        let mut session = self.runner.session(run)?;
        services::enable_in(&mut session, self.systemctl, UNIT)?;
        session.finish()
    }
}

fn value<'s>(said: &'s [Said], property: &str) -> Option<&'s str> {
    let said = said.iter().find(|said| said.property == property)?;
    Some(said.value.trim())
}

/// What its tool is told; nothing where no customer was said.
fn arguments(said: &[Said]) -> Result<Option<Vec<Zeroizing<String>>>, HandsError> {
    let Some(id) = value(said, CUSTOMER) else {
        return Ok(None);
    };
    // Of a wrong one the tool may say less, and nothing of either is repeated here.
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(HandsError::Unsupported(
            "what came as the id of the customer (cid) is none: hexadecimal digits, a hyphen and two more; set it as the vendor's \
             console shows it"
                .to_owned(),
        ));
    }
    let mut words = vec![
        Zeroizing::new("-s".to_owned()),
        Zeroizing::new("-f".to_owned()),
        Zeroizing::new(format!("--cid={id}")),
    ];
    let token = value(said, PROVISIONING).filter(|token| !token.is_empty());
    words.extend(token.map(|token| Zeroizing::new(format!("--provisioning-token={token}"))));
    Ok(Some(words))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

    use super::*;

    const CID: &str = "79391C24113773B01D8181C38C3E111A-5B";
    const TOKEN: &str = "T0ken-1f";

    /// Tools that note what they were told, and answer by files that lie beside them.
    struct Tools {
        dir: tempfile::TempDir,
        falconctl: PathBuf,
        systemctl: PathBuf,
        runner: Runner,
    }

    impl Tools {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let script = |name: &str, text: &str| {
                let path = dir.path().join(name);
                let here = dir.path().display();
                fs::write(&path, format!("#!/bin/sh\ncd {here} || exit 9\n{text}")).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                path
            };
            let falconctl = script(
                "falconctl",
                "echo \"$*\" >>told\ncase \"$1\" in\n-g) cat state ;;\n-s) [ ! -e fails ] || exit 255 ;;\n-d) [ ! -e keeps ] || exit 255 ;;\nesac\n",
            );
            let systemctl = script(
                "systemctl",
                "echo \"systemctl $*\" >>told\ncase \"$1\" in is-enabled | is-active) [ -e running ] ;; esac\n",
            );
            let runner = Runner::new(dir.path().join("tool-logs"), Arc::new(|| 0));
            let tools = Self {
                dir,
                falconctl,
                systemctl,
                runner,
            };
            tools.says("cid is not set, aid is not set.\n");
            tools
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(self.dir.path().join(name), text).unwrap();
        }

        fn says(&self, state: &str) {
            self.put("state", state);
        }

        fn set_up(&self, state: SetUpState, said: &[(&str, &str)]) -> Result<ToolRun, HandsError> {
            let mut started = |_| ();
            let said = said.iter().map(|(property, value)| Said {
                property: (*property).to_owned(),
                value: Zeroizing::new((*value).to_owned()),
            });
            let mut run = Run {
                label: "order-1-step-5".to_owned(),
                time_limit: Duration::from_secs(3600),
                said: said.collect(),
                started: &mut started,
            };
            let falcon = Falcon {
                runner: &self.runner,
                falconctl: self.falconctl.to_str().unwrap(),
                systemctl: self.systemctl.to_str().unwrap(),
            };
            falcon.set_up(state, &mut run)
        }

        /// What the tools were told since this was asked last, a run a line; not what they were only asked.
        fn told(&self) -> Vec<String> {
            let told = fs::read_to_string(self.dir.path().join("told")).unwrap_or_default();
            self.put("told", "");
            let asks = ["-g ", "systemctl is-"];
            let changes = told
                .lines()
                .filter(|line| !asks.iter().any(|ask| line.starts_with(ask)));
            changes.map(str::to_owned).collect()
        }
    }

    const STARTED_ANEW: [&str; 4] = [
        "systemctl --no-ask-password daemon-reload",
        "systemctl --no-ask-password enable -- falcon-sensor.service",
        "systemctl --no-ask-password restart -- falcon-sensor.service",
        "systemctl --no-pager --lines=0 status -- falcon-sensor.service",
    ];

    #[test]
    fn it_is_told_whose_it_is_and_then_started_anew_and_a_second_time_changes_nothing() {
        let tools = Tools::new();
        let said = [(CUSTOMER, CID), (PROVISIONING, TOKEN)];
        let run = tools.set_up(SetUpState::Onboarded, &said).unwrap();
        assert_eq!(run.exit_code, Some(0));
        let registered = format!("-s -f --cid={CID} --provisioning-token={TOKEN}");
        let mut expected = vec![registered.as_str()];
        expected.extend(STARTED_ANEW);
        assert_eq!(tools.told(), expected);

        // Its cloud took it, and it runs. It tells the customer without the checksum.
        tools.says("cid=\"79391c24113773b01d8181c38c3e111a\", aid=\"f3edc954d286243b\".\n");
        tools.put("running", "");
        for state in [SetUpState::Onboarded, SetUpState::Active] {
            let again = tools.set_up(state, &said).unwrap();
            assert_eq!((again.exit_code, tools.told()), (Some(0), Vec::new()), "{state}");
        }
    }

    #[test]
    fn without_a_token_none_is_said_and_a_newline_of_a_file_is_no_part_of_an_id() {
        let tools = Tools::new();
        let id = format!("{CID}\n");
        tools.set_up(SetUpState::Onboarded, &[(CUSTOMER, &id)]).unwrap();
        assert_eq!(tools.told()[0], format!("-s -f --cid={CID}"));
    }

    #[test]
    fn what_its_cloud_did_not_take_or_does_not_tell_whose_it_is_is_told_again() {
        let tools = Tools::new();
        tools.put("running", "");
        for state in [
            "cid=\"79391c24113773b01d8181c38c3e111a\", aid is not set.\n",
            "cid=\"00000000000000000000000000000000\", aid is not set.\n",
            "cid is not set, aid=\"f3edc954d286243b\".\n",
            "ERROR: something else\n",
        ] {
            tools.says(state);
            tools.set_up(SetUpState::Onboarded, &[(CUSTOMER, CID)]).unwrap();
            assert_eq!(tools.told()[0], format!("-s -f --cid={CID}"), "{state}");
        }
    }

    #[test]
    fn another_customers_forgets_its_id_before_it_is_told_whose_it_is() {
        let tools = Tools::new();
        tools.put("running", "");
        tools.says("cid=\"00000000000000000000000000000000\", aid=\"f3edc954d286243b\".\n");
        let run = tools.set_up(SetUpState::Onboarded, &[(CUSTOMER, CID)]).unwrap();
        assert_eq!(run.exit_code, Some(0));
        let registered = format!("-s -f --cid={CID}");
        let mut expected = vec!["-d -f --aid", registered.as_str()];
        expected.extend(STARTED_ANEW);
        assert_eq!(tools.told(), expected);

        // One that holds on to it is told nothing more, and a person is told what to do.
        tools.put("keeps", "");
        let error = tools.set_up(SetUpState::Onboarded, &[(CUSTOMER, CID)]).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("another customer") && error.contains("maintenance token"),
            "{error}"
        );
        assert_eq!(tools.told(), ["-d -f --aid"]);
    }

    #[test]
    fn one_that_does_not_take_what_it_is_told_is_not_started() {
        let tools = Tools::new();
        tools.put("fails", "");
        let run = tools.set_up(SetUpState::Onboarded, &[(CUSTOMER, CID)]).unwrap();
        assert_eq!(run.exit_code, Some(255));
        assert_eq!(tools.told(), [format!("-s -f --cid={CID}")]);
    }

    #[test]
    fn what_is_no_id_of_a_customer_is_said_to_nobody_and_not_repeated() {
        let tools = Tools::new();
        for bad in ["", "hunter2 --aid", "79391C24113773B01D8181C38C3E111A 5B"] {
            let error = tools.set_up(SetUpState::Onboarded, &[(CUSTOMER, bad)]).unwrap_err();
            let error = error.to_string();
            assert!(error.contains("(cid) is none") && !error.contains("hunter2"), "{error}");
        }
        assert_eq!(tools.told(), [""; 0]);
    }

    #[test]
    fn where_nothing_is_said_whose_it_is_is_left_and_it_is_kept_at_work() {
        let tools = Tools::new();
        for state in [SetUpState::Onboarded, SetUpState::Active] {
            tools.set_up(state, &[]).unwrap();
            assert_eq!(tools.told(), STARTED_ANEW, "{state}");
        }
        assert!(tools.set_up(SetUpState::StandingBack, &[]).is_err());
        assert_eq!(tools.told(), [""; 0]);
    }
}
