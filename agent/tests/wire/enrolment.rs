use cutover_agent::link::{Fingerprint, IdentityDir, IdentityError, LinkError};
use tempfile::TempDir;

use crate::server::{Server, TOKEN};

fn directory() -> (TempDir, IdentityDir) {
    let directory = tempfile::tempdir().unwrap();
    let identity = IdentityDir::new(directory.path().join("identity"));
    (directory, identity)
}

#[tokio::test]
async fn a_host_is_enrolled_once_and_keeps_what_it_was_given() {
    let server = Server::start().await;
    let (_directory, dir) = directory();
    assert!(dir.load().unwrap().is_none());
    let enrolled = server.enroll(&dir).await;
    let kept = dir.load().unwrap().unwrap();
    assert_eq!(kept.host_id(), enrolled.host_id());
    assert_eq!(kept.servers(), std::slice::from_ref(&server.address));
    assert_eq!(kept.server_keys(), [server.shared.signing.public().clone()]);
    assert_eq!(kept.signing().public(), enrolled.signing().public());
    assert_eq!(kept.sealing().public(), enrolled.sealing().public());
    assert_eq!(server.script().token_uses, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn keys_are_readable_for_the_agent_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start().await;
    let (directory, dir) = directory();
    server.enroll(&dir).await;
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.file()), 0o600);
    assert_eq!(mode(directory.path().join("identity")), 0o700);
}

#[tokio::test]
async fn a_lost_answer_costs_no_second_use_of_the_token() {
    let server = Server::start().await;
    let (_directory, dir) = directory();
    server.script().lose_answers = 1;
    let lost = server.enroll_with(&dir, TOKEN, server.ca_fingerprint).await;
    assert!(matches!(lost, Err(LinkError::Unreachable(_))), "{lost:?}");
    assert!(dir.load().unwrap().is_none());
    server.enroll(&dir).await;
    assert_eq!(server.script().token_uses, 1);
}

#[tokio::test]
async fn a_wrong_fingerprint_names_both_and_sends_nothing() {
    let server = Server::start().await;
    let (_directory, dir) = directory();
    let wrong = Fingerprint::of(b"another authority");
    let refused = server.enroll_with(&dir, TOKEN, wrong).await.unwrap_err().to_string();
    for part in [&wrong.to_string(), &server.ca_fingerprint.to_string(), "cutover init"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert_eq!(server.script().token_uses, 0, "the token was not shown");
}

#[tokio::test]
async fn the_fingerprint_of_the_servers_own_certificate_is_not_enough() {
    let server = Server::start().await;
    let (_directory, dir) = directory();
    let refused = server
        .enroll_with(&dir, TOKEN, server.own_fingerprint)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("presents no authority with the fingerprint"),
        "{refused}"
    );
    assert_eq!(server.script().token_uses, 0);
}

#[tokio::test]
async fn who_only_shows_the_right_authority_is_not_believed() {
    let server = Server::start().await;
    let between = Server::presenting("127.0.0.1:0".parse().unwrap(), &["127.0.0.1"], &server.ca_pem()).await;
    let (_directory, dir) = directory();
    let refused = between
        .enroll_with(&dir, TOKEN, server.ca_fingerprint)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("does not verify"), "{refused}");
    assert_eq!(between.script().token_uses, 0);
}

#[tokio::test]
async fn a_server_with_another_name_is_not_believed() {
    let server = Server::at("127.0.0.1:0".parse().unwrap(), &["cutover.example.org"]).await;
    let (_directory, dir) = directory();
    let refused = server
        .enroll_with(&dir, TOKEN, server.ca_fingerprint)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("is not for `127.0.0.1`"), "{refused}");
    assert_eq!(server.script().token_uses, 0);
}

#[tokio::test]
async fn a_bad_token_is_told_in_the_servers_words_with_the_remedy() {
    let server = Server::start().await;
    let (_directory, dir) = directory();
    let refused = server
        .enroll_with(&dir, "a bad one", server.ca_fingerprint)
        .await
        .unwrap_err();
    assert!(matches!(refused, LinkError::Refused { .. }), "{refused:?}");
    let text = refused.to_string();
    assert!(
        text.contains("the token was used up") && text.contains("new token"),
        "{text}"
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_told_with_the_address() {
    let server = Server::start().await;
    let address = server.address.to_string();
    let (_directory, dir) = directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = taken.local_addr().unwrap().to_string();
    drop(taken);
    let parts = |servers| cutover_agent::link::EnrollParts {
        dir: &dir,
        servers,
        proxies: cutover_agent::link::Proxies::none(),
        ca_fingerprint: server.ca_fingerprint,
        token: TOKEN,
        facts: Default::default(),
        agent_version: "0.1.0",
    };
    let only_dead = [dead.parse().unwrap()];
    let refused = cutover_agent::link::enroll(parts(&only_dead))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(&dead) && refused.contains("check the address"),
        "{refused}"
    );
    // The next address of the list is tried.
    let dead_first = [dead.parse().unwrap(), address.parse().unwrap()];
    assert!(cutover_agent::link::enroll(parts(&dead_first)).await.is_ok());
}

#[tokio::test]
async fn a_damaged_identity_is_never_taken_for_none() {
    let server = Server::start().await;
    let (_directory, dir) = directory();
    server.enroll(&dir).await;
    let text = std::fs::read_to_string(dir.file()).unwrap();
    for damaged in [
        &text[..text.len() / 2],
        "",
        "{}",
        &text.replace("\"version\": 1", "\"version\": 2"),
    ] {
        std::fs::write(dir.file(), damaged).unwrap();
        let refused = dir.load().unwrap_err();
        assert!(matches!(refused, IdentityError::Damaged { .. }), "{refused}");
        assert!(refused.to_string().contains("enrol this host again"), "{refused}");
    }
}

#[test]
fn addresses_and_fingerprints_are_read_as_people_write_them() {
    let address = |text: &str| {
        text.parse::<cutover_agent::link::Address>()
            .map(|address| address.to_string())
    };
    assert_eq!(address("cutover.example.org").unwrap(), "cutover.example.org:7443");
    assert_eq!(address("10.0.0.1:443").unwrap(), "10.0.0.1:443");
    assert_eq!(address("[::1]:7443").unwrap(), "[::1]:7443");
    for bad in [
        "",
        "https://a:1",
        "a:b",
        "a:0",
        "a:70000",
        "::1",
        "[::1",
        "[::1]7443",
        "a b:1",
    ] {
        let refused = address(bad).unwrap_err().to_string();
        assert!(refused.contains("HOST:PORT"), "{bad}: {refused}");
    }
    let fingerprint = Fingerprint::of(b"x");
    let colons: Vec<String> = fingerprint
        .to_string()
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned())
        .collect();
    assert_eq!(colons.join(":").parse::<Fingerprint>().unwrap(), fingerprint);
    assert!(
        "abc"
            .parse::<Fingerprint>()
            .unwrap_err()
            .to_string()
            .contains("64 hexadecimal digits")
    );
}
