//! A server that cannot listen as asked, or must not, does not start, and says which key to change.

use std::net::{SocketAddr, TcpListener};

use cutover_core::catalog::Catalog;
use cutover_server::{app::App, clock::Clock, config::Config, pki::Pki};

use crate::server::{Server, config_in, prepare};

/// Why a server with these settings does not start.
async fn refusal(change: impl FnOnce(&mut Config)) -> String {
    prepare();
    let dir = tempfile::tempdir().unwrap();
    Pki::create(&dir.path().join("pki"), Clock::system().now_ms()).unwrap();
    let mut config = config_in(&dir);
    change(&mut config);
    let refused = App::start(&config, Clock::system(), Catalog::built_in().unwrap())
        .await
        .unwrap_err();
    format!("{refused:#}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_people_listener_beyond_loopback_without_tls_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = refusal(|config| config.people.listen = address.parse().unwrap()).await;
        assert!(refused.contains("people.listen"), "{refused}");
        assert!(refused.contains("people.tls_certificate"), "no remedy: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_refused_by_the_name_of_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = taken.local_addr().unwrap();
    let agents = refusal(|config| config.agents.listen = address).await;
    assert!(
        agents.contains("agents.listen") && agents.contains(&address.to_string()),
        "{agents}"
    );
    let people = refusal(|config| config.people.listen = address).await;
    assert!(
        people.contains("people.listen") && people.contains(&address.to_string()),
        "{people}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_database_file_is_refused_until_the_first_has_ended() {
    let mut first = Server::start().await;
    let data_dir = first.path().to_owned();
    let refused = refusal(|config| config.data_dir.clone_from(&data_dir)).await;
    assert!(refused.contains("another `cutover serve`"), "{refused}");
    assert!(refused.contains("data_dir"), "no remedy: {refused}");
    first.restart().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_without_keys_is_refused_and_names_init() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_owned();
    let refused = refusal(|config| config.data_dir = path).await;
    assert!(refused.contains("cutover init"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_file_that_is_none_is_refused_by_the_name_of_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("people.pem");
    std::fs::write(&file, "nothing of that kind").unwrap();
    let refused = refusal(|config| {
        config.people.tls_certificate.clone_from(&file);
        config.people.tls_key.clone_from(&file);
    })
    .await;
    assert!(
        refused.contains("people.tls_certificate") && refused.contains("people.pem"),
        "{refused}"
    );
}
