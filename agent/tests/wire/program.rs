//! The program itself, as people and service managers run it.

use std::{
    path::Path,
    process::{Command, Output},
};

use cutover_agent::{act::Journal, app::StateDir};
use tempfile::TempDir;

use crate::{
    notified::Manager,
    server::{LONG, Server, TOKEN, quiet},
    service::Service,
};

pub(crate) fn program(state: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this test is about the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_cutover-agent"));
    command
        .env_clear()
        .arg("--config")
        .arg(state.join("agent.toml"))
        .arg("--state-dir")
        .arg(state.join("state"));
    command
}

pub(crate) fn configured(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("agent.toml"), text).unwrap();
    directory
}

pub(crate) async fn output(mut command: Command) -> (i32, String, String) {
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = tokio::time::timeout(LONG, run).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn enroll(directory: &TempDir, server: &Server) -> Command {
    let mut command = program(directory.path());
    command.arg("enroll").arg("--server").arg(server.address.to_string());
    command.arg("--ca-fingerprint").arg(server.ca_fingerprint.to_string());
    command
}

/// A configured directory of a host that this server enrolled.
pub(crate) async fn enrolled(server: &Server) -> TempDir {
    let directory = configured("");
    let mut command = enroll(&directory, server);
    command.args(["--token", TOKEN]);
    let (code, _, err) = output(command).await;
    assert_eq!(code, 0, "{err}");
    directory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolled_run_asked_and_told_to_end() {
    let server = Server::start().await;
    let directory = configured("log_level = \"info\"");
    let token_file = directory.path().join("token");
    std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
    let mut command = enroll(&directory, &server);
    command.arg("--token-file").arg(&token_file);
    let (code, out, err) = output(command).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("enrolled as 0000"), "{out}");

    let mut again = enroll(&directory, &server);
    again.env("CUTOVER_AGENT_TOKEN", TOKEN);
    let (code, _, err) = output(again).await;
    assert_eq!(code, 1);
    assert!(err.contains("is enrolled as") && err.contains("--again"), "{err}");

    server.answers(|request| Ok(quiet(request)));
    let service = Service::start(program(directory.path()));
    server.check_ins(|requests| requests.len() > 1).await;

    let mut status = program(directory.path());
    status.args(["status", "--output", "json"]);
    let (code, out, err) = output(status).await;
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["journal"]["state"], "sound");
    assert_eq!(told["servers"][0], server.address.to_string());
    let mut status = program(directory.path());
    status.arg("status");
    let (_, out, _) = output(status).await;
    assert!(out.contains("last check-in") && out.contains("certificate"), "{out}");

    service.terminate();
    assert_eq!(service.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_to_enrol_later_does_so_once_the_server_answers_and_forgets_the_token() {
    let server = Server::start().await;
    server.answers(|request| Ok(quiet(request)));
    let directory = configured("log_level = \"info\"");
    let state = directory.path().join("state");
    let mut later = enroll(&directory, &server);
    later.args(["--later", "--token", TOKEN]);
    let (code, out, err) = output(later).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("the service enrols this host"), "{out}");
    assert_eq!(server.script().token_uses, 0, "nothing was sent");

    // The first answer is lost on its way: it is tried again, and costs no second use of the token.
    server.script().lose_answers = 1;
    let service = Service::start(program(directory.path()));
    server.check_ins(|requests| !requests.is_empty()).await;
    assert_eq!(server.script().token_uses, 1);
    assert!(state.join("identity/identity.json").exists());
    assert!(!state.join("enrolment").exists(), "the token is still there");
    service.terminate();
    assert_eq!(service.ended().await, Some(0));

    // Whoever installs again with the same words changes nothing.
    let mut again = enroll(&directory, &server);
    again.args(["--later", "--token", "another"]);
    let (code, out, _) = output(again).await;
    assert_eq!((code, out.as_str()), (0, "this host is enrolled; nothing is changed\n"));
    assert!(!state.join("enrolment").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_server_is_not_there_waits_to_enrol_until_it_is_told_to_end() {
    let directory = configured("log_level = \"info\"");
    let mut later = program(directory.path());
    later.args(["enroll", "--later", "--server", "127.0.0.1:1", "--token", TOKEN]);
    later.args(["--ca-fingerprint", &"ab".repeat(32)]);
    assert_eq!(output(later).await.0, 0);
    let manager = Manager::at_a_path();
    let mut run = program(directory.path());
    run.env("NOTIFY_SOCKET", manager.address());
    let service = Service::start(run);
    let told = tokio::task::spawn_blocking(move || manager.until(|message| message == "READY=1"));
    told.await.unwrap();
    service.terminate();
    assert_eq!(service.ended().await, Some(0));
    assert!(
        directory.path().join("state/enrolment").exists(),
        "it goes on next time"
    );
}

#[tokio::test]
async fn a_host_that_is_not_enrolled_is_told_how() {
    let directory = configured("");
    let mut run = program(directory.path());
    run.arg("run");
    let (code, _, err) = output(run).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("not enrolled") && err.contains("cutover-agent enroll"),
        "{err}"
    );
}

#[tokio::test]
async fn without_a_service_status_says_what_to_start() {
    let directory = configured("");
    let mut status = program(directory.path());
    status.arg("status");
    let (code, out, err) = output(status).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("start the service"), "{err}");
}

#[tokio::test]
async fn an_unknown_key_stops_every_command_but_a_look() {
    let directory = configured("sever = [\"a:1\"]");
    let mut run = program(directory.path());
    run.arg("run");
    let (code, _, err) = output(run).await;
    assert_eq!(code, 1);
    assert!(
        err.contains("agent.toml") && err.contains("`sever`") && err.contains("servers"),
        "{err}"
    );
}

#[tokio::test]
async fn bad_arguments_end_with_2_and_a_refused_token_with_1() {
    let server = Server::start().await;
    let directory = configured("");
    let mut bad = program(directory.path());
    bad.args([
        "enroll",
        "--server",
        "https://a",
        "--ca-fingerprint",
        "00",
        "--token",
        "x",
    ]);
    let (code, _, err) = output(bad).await;
    assert_eq!(code, 2);
    assert!(err.contains("HOST:PORT"), "{err}");

    let mut refused = enroll(&directory, &server);
    refused.args(["--token", "a bad one"]);
    let (code, _, err) = output(refused).await;
    assert_eq!(code, 1);
    assert!(err.contains("the token was used up"), "{err}");

    let (code, _, err) = output(enroll(&directory, &server)).await;
    assert_eq!(code, 1);
    assert!(err.contains("a token is needed"), "{err}");
}

/// A journal as an agent that ran leaves it.
fn journal_in(state: &Path) -> Vec<u8> {
    drop(Journal::open(state).unwrap());
    std::fs::read(state.join("journal")).unwrap()
}

async fn enrol_again(directory: &TempDir, server: &Server) -> (i32, String, String) {
    let mut command = enroll(directory, server);
    command.args(["--token", TOKEN, "--again"]);
    output(command).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolled_again_a_host_begins_anew_and_keeps_its_former_journal() {
    let server = Server::start().await;
    let directory = enrolled(&server).await;
    let state = directory.path().join("state");
    let journal = journal_in(&state);
    let (code, _, err) = enrol_again(&directory, &server).await;
    assert_eq!(code, 0, "{err}");
    let former = state.join("former/00000000-0000-0000-0000-000000000001");
    assert_eq!(std::fs::read(former.join("journal")).unwrap(), journal);
    assert!(!state.join("journal").exists());
    assert_eq!(server.script().token_uses, 2);
}

/// Ended after the server answered and before the former journal is laid aside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_that_ends_in_the_middle_gives_no_host_the_journal_of_another() {
    let server = Server::start().await;
    server.answers(|request| Ok(quiet(request)));
    let directory = enrolled(&server).await;
    let (state, dir) = (
        directory.path().join("state"),
        StateDir::new(directory.path().join("state")),
    );
    let journal = journal_in(&state);
    std::fs::write(state.join("former"), "in the way").unwrap();
    let (code, _, err) = enrol_again(&directory, &server).await;
    assert_eq!(code, 1);
    assert!(err.contains("nothing is lost"), "{err}");
    let host = |nth: u8| format!("00000000-0000-0000-0000-00000000000{nth}");
    let present = || dir.identity().load().unwrap().unwrap().host_id().to_string();
    assert_eq!((present(), journal_in(&state)), (host(1), journal.clone()));

    // The next start goes on where it ended.
    std::fs::remove_file(state.join("former")).unwrap();
    let service = Service::start(program(directory.path()));
    server.check_ins(|requests| !requests.is_empty()).await;
    service.terminate();
    assert_eq!(service.ended().await, Some(0));
    assert_eq!(present(), host(2));
    let former = state.join("former").join(host(1));
    assert_eq!(std::fs::read(former.join("journal")).unwrap(), journal);
    assert_eq!(server.script().token_uses, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_beside_an_identity_that_cannot_be_read_is_laid_aside_too() {
    let server = Server::start().await;
    let directory = enrolled(&server).await;
    let state = directory.path().join("state");
    let journal = journal_in(&state);
    std::fs::write(state.join("identity/identity.json"), "{").unwrap();
    let (code, out, err) = enrol_again(&directory, &server).await;
    assert_eq!(code, 0, "{err}");
    let id = out.trim().strip_prefix("enrolled as ").unwrap();
    let former = state.join("former").join(format!("before-{id}"));
    assert_eq!(std::fs::read(former.join("journal")).unwrap(), journal);
    assert!(!state.join("journal").exists() && !state.join("journal.made").exists());
}
