//! The program under a service manager: what that is told, and when.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tonic::Status;

use crate::{
    notified::Manager,
    program::{configured, enrolled, output, program},
    server::{LONG, Server, quiet},
};

pub(crate) struct Service(Child);

impl Service {
    pub(crate) fn start(mut run: Command) -> Self {
        Self(run.arg("run").stderr(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
    }

    /// Its exit code. Bounded.
    pub(crate) async fn ended(mut self) -> Option<i32> {
        let ended = tokio::task::spawn_blocking(move || self.0.wait().unwrap().code());
        tokio::time::timeout(LONG, ended).await.unwrap().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_status(message: &str) -> bool {
    message.starts_with("STATUS=")
}

async fn ready_asked_alive_and_told_to_end(manager: Manager) {
    let server = Server::start().await;
    let directory = enrolled(&server).await;
    server.answers(|request| Ok(quiet(request)));
    let mut run = program(directory.path());
    // A sign of life is due every third of it.
    run.env("NOTIFY_SOCKET", manager.address())
        .env("WATCHDOG_USEC", "300000");
    let service = Service::start(run);
    let told = tokio::task::spawn_blocking(move || {
        let until_ready = manager.until(|message| message == "READY=1");
        (manager, until_ready)
    });
    let (manager, until_ready) = told.await.unwrap();
    assert!(!until_ready.contains(&"STOPPING=1".to_owned()), "{until_ready:?}");
    // Ready means that whoever asks is answered, without another try.
    let mut status = program(directory.path());
    status.args(["status", "--output", "json"]);
    let (code, _, err) = output(status).await;
    assert_eq!(code, 0, "{err}");
    // The status may have been said before anybody was asked for signs of life.
    let told = tokio::task::spawn_blocking(move || {
        let mut told = until_ready;
        let signs = |told: &[String]| told.iter().filter(|message| *message == "WATCHDOG=1").count();
        let checked_in = |message: &String| is_status(message) && message.contains("last check-in 2024");
        while signs(&told) < 3 || !told.iter().any(checked_in) {
            told.extend(manager.until(|_| true));
            assert!(told.len() < 500, "{told:?}");
        }
        manager
    });
    let manager = told.await.unwrap();
    service.terminate();
    assert_eq!(service.ended().await, Some(0));
    let told = tokio::task::spawn_blocking(move || manager.until(|message| message == "STOPPING=1"));
    told.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_at_a_path_hears_ready_status_signs_of_life_and_the_end() {
    ready_asked_alive_and_told_to_end(Manager::at_a_path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_in_the_abstract_namespace_hears_the_same() {
    ready_asked_alive_and_told_to_end(Manager::in_the_abstract_namespace()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_not_enrolled_is_never_ready() {
    let manager = Manager::at_a_path();
    let directory = configured("");
    let mut run = program(directory.path());
    run.env("NOTIFY_SOCKET", manager.address()).arg("run");
    let (code, _, err) = output(run).await;
    assert_eq!(code, 1, "{err}");
    assert!(!manager.has_heard_something());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_agent_on_the_same_state_is_never_ready() {
    let (first, second) = (Manager::at_a_path(), Manager::at_a_path());
    let server = Server::start().await;
    let directory = enrolled(&server).await;
    let mut run = program(directory.path());
    run.env("NOTIFY_SOCKET", first.address());
    let service = Service::start(run);
    let (told, _) = tokio::task::spawn_blocking(move || (first.until(|message| message == "READY=1"), first))
        .await
        .unwrap();
    assert!(!told.is_empty());
    let mut again = program(directory.path());
    again.env("NOTIFY_SOCKET", second.address()).arg("run");
    let (code, _, err) = output(again).await;
    assert_eq!(code, 1);
    assert!(err.contains("in use by another agent"), "{err}");
    assert!(!second.has_heard_something());
    drop(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_says_why_the_server_is_not_reached() {
    let manager = Manager::at_a_path();
    let server = Server::start().await;
    let directory = enrolled(&server).await;
    server.answers(|_| Err(Status::unauthenticated("this key was revoked; enrol anew")));
    let mut run = program(directory.path());
    run.env("NOTIFY_SOCKET", manager.address());
    let service = Service::start(run);
    let why = |message: &str| is_status(message) && message.contains("this key was revoked");
    let told = tokio::task::spawn_blocking(move || manager.until(why)).await.unwrap();
    // Nobody asked for signs of life.
    assert!(!told.contains(&"WATCHDOG=1".to_owned()), "{told:?}");
    let last = told.last().unwrap();
    assert!(
        last.contains("never since the start") && last.contains("next 20"),
        "{last}"
    );
    drop(service);
}
