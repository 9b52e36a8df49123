use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::TempDir;

use super::{Places, leave};
use crate::{
    config::Config,
    osservice::leaving::{Leaving, Stays},
};

/// An installation in a directory, with tools that stand for macOS's and note how they were called.
struct Installed {
    dir: TempDir,
    config: Config,
    places: Places,
}

const LAUNCHCTL: &str = r#"
case $1 in
print) [ -e "$here/loaded" ] ;;
bootout) if [ -e "$here/stubborn" ]; then rm "$here/stubborn"; else rm "$here/loaded"; fi ;;
bootstrap) : >"$here/loaded" ;;
esac"#;
const PKGUTIL: &str = r#"
case $1 in
--pkg-info) [ -e "$here/receipt" ] ;;
--forget) rm "$here/receipt" ;;
esac"#;

impl Installed {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |path: &str| dir.path().join(path);
        let support = at("Application Support/Cutover");
        let mut config = Config::load(&at("none"), false, Vec::new()).expect("defaults");
        config.keep_state_in(support.join("agent"));
        config.user_socket = at("run/cutover-agent/user.sock");
        let places = Places {
            program: at("bin/cutover-agent"),
            daemon: at("LaunchDaemons/org.cutover.agent.plist"),
            settings: support.join("agent.toml"),
            logs: at("Logs/Cutover"),
            launchctl: at("launchctl"),
            pkgutil: at("pkgutil"),
        };
        for (tool, script) in [(&places.launchctl, LAUNCHCTL), (&places.pkgutil, PKGUTIL)] {
            let here = dir.path().display();
            let name = tool.file_name().expect("named").to_string_lossy();
            let script = format!("#!/bin/sh\nhere='{here}'\necho {name} \"$@\" >>\"$here/calls\"\n{script}\n");
            fs::write(tool, script).expect("written");
            fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).expect("executable");
        }
        let files = [
            config.user_socket.clone(),
            config.state_dir.join("identity/identity.json"),
            config.state_dir.join("enrolment"),
            support.join("agent.toml.default"),
            support.join("agent.toml.d/here.toml"),
            places.settings.clone(),
            places.logs.join("agent.log.1"),
            places.daemon.clone(),
            places.program.clone(),
            at("loaded"),
            at("receipt"),
        ];
        for file in files {
            fs::create_dir_all(file.parent().expect("below")).expect("made");
            fs::write(file, "x").expect("written");
        }
        Self { dir, config, places }
    }

    fn has(&self, path: &str) -> bool {
        self.dir.path().join(path).exists()
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default()
    }

    /// Every file and directory that is left, but for the stand-ins' own.
    fn left(&self) -> Vec<String> {
        fn walk(dir: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(dir).expect("listed") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    walk(&path, found);
                }
                found.push(path.file_name().expect("named").to_string_lossy().into_owned());
            }
        }
        let mut found = Vec::new();
        walk(self.dir.path(), &mut found);
        // The system's own directories, and the stand-ins.
        let own = [
            "Application Support",
            "run",
            "bin",
            "LaunchDaemons",
            "Logs",
            "launchctl",
            "pkgutil",
            "calls",
        ];
        found.retain(|name| !own.contains(&name.as_str()));
        found
    }

    async fn leave(&self, leaving: Leaving) -> Result<Vec<String>, Stays> {
        leave(&self.config, leaving, &self.places).await
    }
}

#[tokio::test]
async fn an_agent_that_leaves_a_mac_leaves_nothing() {
    let installed = Installed::new();
    let told = installed.leave(Leaving::default()).await.expect("leaves");
    assert_eq!(installed.left(), Vec::<String>::new());
    let told = told.join("\n");
    assert!(
        told.contains("ended the daemon") && told.contains("forgot the receipt"),
        "{told}"
    );
    // Again: nothing is there, and nothing is wrong with that.
    assert_eq!(
        installed.leave(Leaving::default()).await.expect("nothing left"),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn what_somebody_else_put_beside_it_stays() {
    let installed = Installed::new();
    let other = installed.dir.path().join("Application Support/Cutover/notes.txt");
    fs::write(&other, "x").expect("written");
    let told = installed.leave(Leaving::default()).await.expect("leaves").join("\n");
    assert!(told.contains("something else is in it"), "{told}");
    assert_eq!(installed.left(), ["notes.txt", "Cutover"]);
}

#[tokio::test]
async fn a_daemon_that_takes_its_time_is_waited_for() {
    let installed = Installed::new();
    fs::write(installed.dir.path().join("stubborn"), "x").expect("written");
    // It is gone a little later than launchd answers.
    let loaded = installed.dir.path().join("loaded");
    let ends = async {
        while installed.has("stubborn") {
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(installed.places.program.exists(), "nothing goes while it runs");
        fs::remove_file(&loaded).expect("ends");
    };
    let (left, ()) = tokio::join!(installed.leave(Leaving::default()), ends);
    left.expect("leaves");
    assert_eq!(installed.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_dry_run_names_everything_and_changes_nothing() {
    let installed = Installed::new();
    let dry = Leaving {
        dry: true,
        ..Leaving::default()
    };
    let told = installed.leave(dry).await.expect("tells").join("\n");
    for part in [
        "would end the daemon",
        "identity",
        "agent.toml.d",
        "Logs",
        "bin/cutover-agent",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(installed.has("loaded") && installed.has("bin/cutover-agent") && installed.has("receipt"));
    assert!(!installed.calls().contains("bootout") && !installed.calls().contains("forget"));
}

#[tokio::test]
async fn a_journal_that_cannot_be_trusted_keeps_the_agent_and_it_is_started_again() {
    let installed = Installed::new();
    for (name, text) in [("journal", "no journal\nand no entry\n"), ("journal.made", "")] {
        fs::write(installed.config.state_dir.join(name), text).expect("written");
    }
    let refused = installed.leave(Leaving::default()).await.expect_err("stays");
    assert!(matches!(refused, Stays::CannotTell(_)), "{refused}");
    assert!(installed.has("loaded") && installed.has("bin/cutover-agent"));
    let calls = installed.calls();
    let daemon = installed.places.daemon.display().to_string();
    assert!(
        calls.contains(&format!("launchctl bootstrap system {daemon}")),
        "{calls}"
    );

    let forced = Leaving {
        force: true,
        ..Leaving::default()
    };
    installed.leave(forced).await.expect("leaves");
    assert!(!installed.has("bin/cutover-agent"));
}
