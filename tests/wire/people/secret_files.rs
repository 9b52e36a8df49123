//! `cutover secret`, as administrators run it.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::Duration,
};

use cutover_server::service::Role;
use cutover_tests::harness::{
    binaries,
    process::{Finished, run, tool},
};

use super::secrets::{VALUES, none_of_them_in};
use crate::server::Server;

const SOON: Duration = Duration::from_secs(30);

/// Runs `cutover secret` with this as standard input.
async fn cutover(server: &Server, token: &Path, arguments: &[&str], input: Option<&Path>) -> Finished {
    let mut command: Command = tool(binaries::server().unwrap());
    command
        .env_clear()
        .arg("secret")
        .args(arguments)
        .args(["--url", &server.url("")])
        .arg("--token-file")
        .arg(token);
    if let Some(file) = input {
        command.stdin(File::open(file).unwrap());
    }
    tokio::task::spawn_blocking(move || run(command, SOON).unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_takes_values_from_a_file_or_standard_input_and_prints_none() {
    let server = Server::start().await;
    let apart = tempfile::tempdir().unwrap();
    let [token, file] = ["token", "values"].map(|name| apart.path().join(name));
    fs::write(&token, server.access(Role::Administrator).await).unwrap();
    let write = |text: &str| {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let path = file.to_str().unwrap();
    let set = |from| ["set", "uninstall-password", "--product", "kesl", "--value-file", from];

    write(&format!("\u{feff}{}\r\n{}", VALUES[0], VALUES[1]));
    let done = cutover(&server, &token, &set(path), None).await.succeeded().unwrap();
    assert!(
        done.stdout.contains("revision 1, 2 values, tried in this order"),
        "{}",
        done.stdout
    );
    assert_eq!(done.stderr, "");
    let piped = cutover(&server, &token, &set("-"), Some(&file)).await;
    assert!(piped.succeeded().unwrap().stdout.contains("revision 2, 2 values"));
    let mut whole = set(path).to_vec();
    whole.extend(["--whole", "--dry-run"]);
    write("{\r\n  \"onboarding\": \"x\"\r\n}\r\n");
    let would = cutover(&server, &token, &whole, None).await.succeeded().unwrap().stdout;
    assert!(
        would.contains("would set uninstall-password of kesl, revision 3, one value"),
        "{would}"
    );

    for output in ["table", "json", "csv"] {
        let listed = cutover(&server, &token, &["list", "--output", output], None).await;
        let listed = listed.succeeded().unwrap().stdout;
        assert!(
            listed.contains("uninstall-password") && listed.contains("a-administrator"),
            "{listed}"
        );
        none_of_them_in(listed.as_bytes(), output);
    }

    write(&format!("{}\n\n", VALUES[2]));
    let empty = cutover(&server, &token, &set(path), None).await;
    assert_eq!(empty.code(), Some(1));
    assert!(empty.stderr.contains("line 2 is empty"), "{}", empty.stderr);
    write("one\ntwo\nthree\nfour\n");
    let many = cutover(&server, &token, &set(path), None).await;
    assert!(many.stderr.contains("from one to 3 values"), "{}", many.stderr);
    let as_argument = ["set", "uninstall-password", "--product", "kesl", "--value", VALUES[2]];
    assert_eq!(cutover(&server, &token, &as_argument, None).await.code(), Some(2));

    write(&format!("{} \n", VALUES[2]));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let told = cutover(&server, &token, &set(path), None)
        .await
        .succeeded()
        .unwrap()
        .stderr;
    assert!(told.contains("others on this machine can read"), "{told}");
    assert!(told.contains("value 1 begins or ends with a blank"), "{told}");
    none_of_them_in(told.as_bytes(), "a message");

    let remove = ["remove", "uninstall-password", "--product", "kesl"];
    let done = cutover(&server, &token, &remove, None)
        .await
        .succeeded()
        .unwrap()
        .stdout;
    assert!(
        done.contains("removed uninstall-password of kesl, revision 3"),
        "{done}"
    );
    let listed = cutover(&server, &token, &["list", "--output", "json"], None).await;
    assert_eq!(listed.succeeded().unwrap().stdout.trim(), "[]");
    server.stop().await;
}
