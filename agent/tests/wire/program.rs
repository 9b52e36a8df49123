//! The program itself, as people and service managers run it.

use std::{
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolled_again_a_host_begins_anew_and_keeps_its_former_journal() {
    let server = Server::start().await;
    let directory = configured("");
    let state = directory.path().join("state");
    for arguments in [vec!["--token", TOKEN], vec!["--token", TOKEN, "--again"]] {
        let mut command = enroll(&directory, &server);
        command.args(arguments);
        let (code, _, err) = output(command).await;
        assert_eq!(code, 0, "{err}");
    }
    let former = state.join("former/00000000-0000-0000-0000-000000000001");
    assert!(former.join("journal").exists() && !state.join("journal").exists());
    assert_eq!(server.script().token_uses, 2);
}
