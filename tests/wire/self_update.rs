//! The real agent replaces its own program, and comes back where the new one does not reach the server.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use cutover_agent::{
    cli::EXIT_RESTART_ME,
    link::{EnrollParts, Fingerprint, Proxies, enroll},
};
use cutover_server::service::AgentReleaseView;
use cutover_tests::harness::{binaries, process::tool};
use tempfile::TempDir;

use crate::{
    inventories,
    releases::{add, make, newest},
    server::Server,
    wait::until,
};

/// Longer than any start, trial and end.
const LONG: Duration = Duration::from_secs(120);
/// Of the programs under test.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const NEXT: &str = "9.9.9";
const CALL: &str = "/cutover.v1.Agent/CheckIn";
const NO_CALL: &str = "/cutover.v1.Agent/ChickIn";

/// The agent's own program with some of its words changed.
fn with(changes: &[(&str, &str)]) -> Vec<u8> {
    binaries::in_other_words(&binaries::agent().unwrap(), changes).unwrap()
}

/// What a service manager does: it starts the installed program, and again where it asks for that.
struct Station {
    directory: TempDir,
    running: Option<Child>,
}

impl Station {
    async fn enrol(server: &Server) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = cutover_agent::app::StateDir::new(directory.path().join("state"));
        let token = server.token(1).await;
        enroll(EnrollParts {
            dir: &state.identity(),
            servers: &[format!("localhost:{}", server.app().agents.port()).parse().unwrap()],
            proxies: Proxies::none(),
            ca_fingerprint: Fingerprint::of(&server.pki().roots()[0]),
            token: &token,
            facts: inventories::facts("pc-1").into(),
            agent_version: VERSION,
        })
        .await
        .unwrap();
        std::fs::write(directory.path().join("agent.toml"), "log_level = \"info\"").unwrap();
        Self {
            directory,
            running: None,
        }
    }

    fn state(&self) -> std::path::PathBuf {
        self.directory.path().join("state")
    }

    /// The installed program, with what is set for this station.
    fn program(&self) -> Command {
        let mut program = tool(binaries::agent().unwrap());
        program
            .arg("--config")
            .arg(self.directory.path().join("agent.toml"))
            .arg("--state-dir")
            .arg(self.state())
            .stdin(Stdio::null());
        program
    }

    fn start(&mut self) {
        self.running = Some(self.program().arg("run").spawn().unwrap());
    }

    /// Waits until the program has ended, and gives its exit code.
    async fn ended(&mut self) -> Option<i32> {
        let mut child = self.running.take().unwrap();
        let waiting = tokio::task::spawn_blocking(move || child.wait().unwrap().code());
        tokio::time::timeout(LONG, waiting).await.expect("it ends").unwrap()
    }

    async fn stop(&mut self) {
        let id = i32::try_from(self.running.as_ref().unwrap().id()).unwrap();
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(id).unwrap(),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        assert_eq!(self.ended().await, Some(0));
    }

    /// Whether a program of a release runs and not the installed one, once it answers. The kernel says which; the words that
    /// were changed may be anywhere in the program.
    async fn runs_release(&self) -> bool {
        until("the service answers", || async {
            let mut ask = self.program();
            ask.args(["status", "--output", "json"]);
            let asked = tokio::task::spawn_blocking(move || ask.output().unwrap())
                .await
                .unwrap();
            asked.status.success().then_some(())
        })
        .await;
        let id = self.running.as_ref().unwrap().id();
        let program = std::fs::read_link(format!("/proc/{id}/exe")).unwrap();
        program.starts_with(self.state().join("programs"))
    }

    fn programs(&self) -> usize {
        let programs = std::fs::read_dir(self.state().join("programs"));
        programs.map_or(0, |entries| entries.count())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The release, once a host has halted it.
async fn halted(server: &Server) -> AgentReleaseView {
    until("the release is halted", || async {
        Some(newest(server).await).filter(|shown| shown.state == "halted")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_goes_on_as_a_release_and_stays_it_over_starts() {
    let server = Server::start().await;
    let sha256 = add(&server, with(&[(VERSION, NEXT)])).await;
    make(&server, sha256, NEXT, 1).await.unwrap();
    let mut station = Station::enrol(&server).await;
    station.start();
    assert_eq!(station.ended().await, Some(EXIT_RESTART_ME.into()));
    station.start();
    until("the release is in force", || async {
        (newest(&server).await.in_force == 1).then_some(())
    })
    .await;
    station.stop().await;
    // The installed program was not touched, starts first, and gives way again.
    station.start();
    assert!(station.runs_release().await);
    assert_eq!(station.programs(), 1);
    station.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_never_reaches_the_server_gives_way_to_the_program_before_it() {
    let server = Server::start().await;
    let sha256 = add(&server, with(&[(VERSION, NEXT), (CALL, NO_CALL)])).await;
    make(&server, sha256, NEXT, 1).await.unwrap();
    let mut station = Station::enrol(&server).await;
    station.start();
    assert_eq!(station.ended().await, Some(EXIT_RESTART_ME.into()));
    // It runs, asks for what no server has, and ends itself when its time is over.
    station.start();
    assert_eq!(station.ended().await, Some(EXIT_RESTART_ME.into()));
    station.start();
    let shown = halted(&server).await;
    assert_eq!((shown.in_force, shown.failed), (0, 1));
    assert!(
        shown.why.contains("no check-in of it was answered within 5 s"),
        "{}",
        shown.why
    );
    assert!(!station.runs_release().await);
    station.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_dies_at_each_start_gives_way_after_three() {
    let server = Server::start().await;
    let sha256 = add(&server, with(&[(VERSION, NEXT), (CALL, NO_CALL)])).await;
    make(&server, sha256, NEXT, 1).await.unwrap();
    let mut station = Station::enrol(&server).await;
    station.start();
    assert_eq!(station.ended().await, Some(EXIT_RESTART_ME.into()));
    let started = |state: &Path| {
        let record = std::fs::read_to_string(state.join("update")).unwrap_or_default();
        let record: serde_json::Value = serde_json::from_str(&record).unwrap_or_default();
        record["trial"]["starts"].as_u64().unwrap_or_default()
    };
    for start in 1..=3 {
        station.start();
        let state = station.state();
        until("the trial has begun", || async {
            (started(&state) == start).then_some(())
        })
        .await;
        station.running.as_mut().unwrap().kill().unwrap();
        assert_eq!(station.ended().await, None, "killed");
    }
    station.start();
    assert!(halted(&server).await.why.contains("started 3 times"));
    assert!(!station.runs_release().await);
    station.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_another_version_than_the_release_says_is_never_started() {
    let server = Server::start().await;
    let sha256 = add(&server, with(&[(VERSION, "8.8.8")])).await;
    make(&server, sha256, NEXT, 1).await.unwrap();
    let mut station = Station::enrol(&server).await;
    station.start();
    let shown = halted(&server).await;
    assert!(
        shown
            .why
            .contains("refused it: it says that it is `cutover-agent 8.8.8`"),
        "{}",
        shown.why
    );
    station.stop().await;
    server.stop().await;
}
