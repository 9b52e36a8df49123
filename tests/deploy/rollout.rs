//! The roll-out helpers, as far as they can be tried without the systems that they are for.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use anyhow::{Context, Result};
use cutover_tests::harness::{
    process::{find, run, tool},
    requirement,
};

use crate::shipped::{path, shipped};

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn the_ansible_role_is_what_ansible_can_read() -> Result<()> {
    let found = find("ansible-playbook").context("ansible-playbook is missing: apt-get install ansible-core");
    if !requirement::met(found.map(drop))? {
        return Ok(());
    }
    let check = |playbook: &Path| {
        let home = tempfile::tempdir()?;
        let mut command = tool("ansible-playbook");
        command
            .args(["--syntax-check", "--inventory", "localhost,"])
            .arg(playbook)
            .env("ANSIBLE_HOME", home.path())
            .env("ANSIBLE_LOCAL_TEMP", home.path())
            .env("ANSIBLE_ROLES_PATH", path("ansible/roles"))
            .env("LC_ALL", "C.UTF-8");
        run(command, LIMIT)
    };
    let said = check(&path("ansible/agents.yml"))?;
    assert_eq!(said.code(), Some(0), "{}{}", said.stdout, said.stderr);

    // It would notice: a task of a module that is none.
    let copy = tempfile::tempdir()?;
    let broken = copy.path().join("broken.yml");
    fs::write(
        &broken,
        "- hosts: all\n  tasks:\n    - ansible.builtin.no_such_module:\n        a: 1\n",
    )?;
    assert_ne!(check(&broken)?.code(), Some(0));
    Ok(())
}

#[test]
fn the_ansible_role_shows_its_token_to_nobody() {
    let tasks = shipped("ansible/roles/cutover_agent/tasks/main.yml");
    let task = tasks
        .split("\n- name: ")
        .find(|task| task.contains("cutover_agent_token }}"));
    let task = task.expect("a task uses the token");
    assert!(task.contains("no_log: true"), "{task}");
    assert!(task.contains("CUTOVER_AGENT_TOKEN: "), "in the environment: {task}");
    assert_eq!(tasks.matches("cutover_agent_token").count(), 1, "nowhere else");
}

#[test]
fn the_profile_for_macos_is_a_property_list_that_gives_full_disk_access_to_the_agent() -> Result<()> {
    let found = find("python3").context("python3 is missing: apt-get install python3-minimal");
    if !requirement::met(found.map(drop))? {
        return Ok(());
    }
    let program = "import plistlib, json, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let mut command = tool("python3");
    command
        .args(["-c", program])
        .arg(path("macos/jamf/privacy.mobileconfig"));
    let said = run(command, LIMIT)?.succeeded()?;
    let profile: serde_json::Value = serde_json::from_str(&said.stdout)?;
    assert_eq!(profile["PayloadType"], "Configuration");
    assert_eq!(profile["PayloadScope"], "System");
    let payload = &profile["PayloadContent"][0];
    assert_eq!(payload["PayloadType"], "com.apple.TCC.configuration-profile-policy");
    let access = &payload["Services"]["SystemPolicyAllFiles"][0];
    assert_eq!(access["Allowed"], true);
    assert_eq!(access["IdentifierType"], "path");
    // The same program that the policy's script starts.
    let program = access["Identifier"].as_str().context("a path")?;
    assert!(shipped("macos/jamf/install.sh").contains(&format!("agent={program}\n")));
    Ok(())
}

#[test]
fn the_policys_script_hands_the_token_over_by_the_environment() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let stand_in = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        anyhow::Ok(file)
    };
    let agent = stand_in("cutover-agent", "#!/bin/sh\necho \"agent $* [$CUTOVER_AGENT_TOKEN]\"\n")?;
    stand_in("launchctl", "#!/bin/sh\necho \"launchctl $*\"\n")?;
    let text = shipped("macos/jamf/install.sh").replace("/usr/local/bin/cutover-agent", &agent.display().to_string());
    let script = stand_in("install.sh", &text)?;
    let with = |parameters: &[&str]| {
        let mut command = tool("/bin/sh");
        command
            .arg(&script)
            // Jamf's own three come first.
            .args(["/", "mac-7", "ann"])
            .args(parameters)
            .env("PATH", directory.path());
        run(command, LIMIT)
    };
    let said = with(&["cutover.example.org:7443", "ab", "sesame"])?.succeeded()?;
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "agent enroll --later --server cutover.example.org:7443 --ca-fingerprint ab [sesame]",
            "launchctl kickstart -k system/org.cutover.agent",
        ]
    );
    let refused = with(&["cutover.example.org:7443", "ab"])?;
    assert_ne!(refused.code(), Some(0));
    assert!(refused.stderr.contains("parameter 6: the token"), "{}", refused.stderr);
    Ok(())
}
