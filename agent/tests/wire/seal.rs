//! An image, and what a machine made from it does when its agent first starts.

use std::{fs, path::Path};

use cutover_agent::app::StateDir;
use tempfile::TempDir;

use crate::{
    program::{configured, enrolled, output, program},
    server::{LONG, Server, TOKEN, quiet},
    service::Service,
};

fn state(directory: &Path) -> StateDir {
    StateDir::new(directory.join("state"))
}

async fn seal(directory: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = program(directory);
    command.arg("seal").args(more);
    output(command).await
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join("state")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A machine made from the image: a copy of its files.
fn made_from(image: &Path) -> TempDir {
    let machine = configured("");
    fs::create_dir(machine.path().join("state")).unwrap();
    for name in entries(image) {
        let (from, to) = (
            image.join("state").join(&name),
            machine.path().join("state").join(&name),
        );
        fs::copy(from, to).unwrap();
    }
    machine
}

/// Its agent runs until it has checked in.
async fn runs(server: &Server, directory: &Path) {
    let before = server.check_ins(|_| true).await.len();
    let service = Service::start(program(directory));
    server.check_ins(|requests| requests.len() > before).await;
    service.terminate();
    assert_eq!(tokio::time::timeout(LONG, service.ended()).await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_machine_made_from_a_sealed_one_enrols_as_itself() {
    let server = Server::start().await;
    let image = enrolled(&server).await;
    server.answers(|request| Ok(quiet(request)));
    runs(&server, image.path()).await;
    fs::write(image.path().join("state/hold"), "not yet").unwrap();

    let (code, out, err) = seal(image.path(), &["--token", TOKEN]).await;
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("hosts retire 0000"), "whom to end on the server: {out}");
    assert_eq!(entries(image.path()), ["enrolment", "hold"]);
    let kept = fs::read(state(image.path()).enrolment()).unwrap();
    let (code, _, err) = seal(image.path(), &[]).await;
    assert_eq!(code, 0, "again, and without the token: {err}");
    assert_eq!(fs::read(state(image.path()).enrolment()).unwrap(), kept);

    let uses = server.script().token_uses;
    let mut hosts = Vec::new();
    for _ in 0..2 {
        let machine = made_from(image.path());
        runs(&server, machine.path()).await;
        let identity = state(machine.path()).identity().load().unwrap().unwrap();
        assert_eq!(identity.servers(), std::slice::from_ref(&server.address));
        hosts.push(identity.host_id());
        assert!(
            !state(machine.path()).enrolment().exists(),
            "the token goes once it was used"
        );
        runs(&server, machine.path()).await;
        assert_eq!(
            state(machine.path()).identity().load().unwrap().unwrap().host_id(),
            hosts[hosts.len() - 1]
        );
    }
    assert_ne!(hosts[0], hosts[1]);
    assert_eq!(server.script().token_uses, uses + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_whose_answer_was_lost_goes_on_by_itself_also_with_an_image_of_an_earlier_version() {
    let server = Server::start().await;
    server.answers(|request| Ok(quiet(request)));
    let image = enrolled(&server).await;
    let (code, _, err) = seal(image.path(), &["--token", TOKEN]).await;
    assert_eq!(code, 0, "{err}");
    let (now, before) = (made_from(image.path()), made_from(image.path()));
    let former = state(before.path());
    fs::rename(former.enrolment(), former.first_start_file()).unwrap();
    let uses = server.script().token_uses;
    for (nth, machine) in [now, before].iter().enumerate() {
        server.script().lose_answers = 1;
        runs(&server, machine.path()).await;
        let state = state(machine.path());
        assert!(!state.enrolment().exists() && !state.first_start_file().exists());
        assert_eq!(server.script().token_uses, uses + 1 + u32::try_from(nth).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_at_work_is_not_sealed_and_one_that_knows_no_token_is_told() {
    let server = Server::start().await;
    let image = enrolled(&server).await;
    let (code, _, err) = seal(image.path(), &[]).await;
    assert_eq!(code, 1);
    assert!(err.contains("cutover token create"), "{err}");

    server.answers(|request| Ok(quiet(request)));
    let service = Service::start(program(image.path()));
    server.check_ins(|requests| !requests.is_empty()).await;
    let (code, _, err) = seal(image.path(), &["--token", TOKEN]).await;
    assert_eq!(code, 1);
    assert!(err.contains("stop the agent"), "{err}");
    assert!(
        state(image.path()).identity().load().unwrap().is_some(),
        "nothing was taken away"
    );
    service.terminate();
    service.ended().await;
}

/// A seal that was cut off: whatever is left, a machine never has one host's identity and another's journal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_identity_goes_last() {
    let server = Server::start().await;
    let image = enrolled(&server).await;
    server.answers(|request| Ok(quiet(request)));
    runs(&server, image.path()).await;
    // Something that cannot be removed as a file stops it half-way.
    let in_the_way = image.path().join("state/rules");
    fs::create_dir_all(&in_the_way).unwrap();
    let (code, _, err) = seal(image.path(), &["--token", TOKEN]).await;
    assert_eq!(code, 1);
    assert!(err.contains("seal again"), "{err}");
    assert!(state(image.path()).identity().load().unwrap().is_some());
    fs::remove_dir(&in_the_way).unwrap();
    let (code, _, err) = seal(image.path(), &["--token", TOKEN]).await;
    assert_eq!(code, 0, "{err}");
    assert_eq!(entries(image.path()), ["enrolment"]);
}
