//! `cutover campaign apply FILE --dry-run`, as somebody sees it who wrote a file that makes no sense.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cutover_server::service::Role;
use cutover_tests::harness::{
    binaries,
    process::{Finished, run, tool},
};

use crate::{machine::Machine, server::Server};

/// What the command says to a file with these waves and this policy in place of the one wave.
async fn applying(server: &Server, waves: &str) -> (PathBuf, Finished) {
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let changed = text.replace("[wave]\nname = \"all\"\n", waves);
    assert_ne!(changed, text);
    let file = server.path().join("bad.toml");
    std::fs::write(&file, changed).unwrap();
    let token_file = server.path().join("administrator.token");
    let mut command = tool(binaries::server().unwrap());
    command.env_clear().args(["campaign", "apply", "--dry-run"]).arg(&file);
    command
        .arg("--url")
        .arg(server.url(""))
        .arg("--token-file")
        .arg(token_file);
    let finished = tokio::task::spawn_blocking(move || run(command, Duration::from_secs(30)).unwrap());
    (file, finished.await.unwrap())
}

/// The line of the file that begins so.
fn line(file: &Path, beginning: &str) -> usize {
    let text = std::fs::read_to_string(file).unwrap();
    1 + text.lines().position(|line| line.starts_with(beginning)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_applies_a_file_reads_which_line_of_it_is_wrong_and_what_to_write() {
    let server = Server::start().await;
    let token = server.access(Role::Administrator).await;
    std::fs::write(server.path().join("administrator.token"), token).unwrap();
    for name in ["pc-1", "pc-2"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
    }
    let refused = "[[wave]]\nname = \"all\"\n[[wave]]\nname = \"rest\"\n";
    let (file, said) = applying(&server, refused).await;
    let expected = format!(
        "{}, line {}: wave `rest` can have no host: wave `all` before it takes them all; move `rest` before it",
        file.display(),
        line(&file, "name = \"rest\"")
    );
    assert!(said.stderr.contains(&expected), "{expected}: {}", said.stderr);
    assert_eq!(said.status.code(), Some(1));
    server.stop().await;
}
