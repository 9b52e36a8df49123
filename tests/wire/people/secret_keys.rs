//! The key under which secrets lie in the store: what another one, a damaged one and none at all do.

use std::{fs, os::unix::fs::PermissionsExt as _};

use cutover_core::catalog::Catalog;
use cutover_server::{app::App, service::Role, store::secrets};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    browser::problem,
    secrets::{Administrator, VALUES},
};
use crate::{log, server::Server};

#[tokio::test(flavor = "multi_thread")]
async fn another_key_file_is_said_at_the_start_and_at_each_use_and_loses_nothing() {
    let mut server = Server::start().await;
    let name = "password-of-the-case-with-another-key";
    let token = server.access(Role::Administrator).await;
    Administrator::with(&server, &token).set(name, &VALUES[..1]).await;
    let file = server.config.secret_key_file();
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode, file.starts_with(server.path().join("pki"))), (0o600, true));
    let kept = server.path().join("kept.key");

    // Gone: the server makes another one and goes on serving.
    server.halt().await;
    fs::rename(&file, &kept).unwrap();
    server.resume().await;
    let said = log::lines_with(&["ERROR", name, "put that key file back"]);
    assert_eq!(said.len(), 1, "{said:?}");
    let admin = Administrator::with(&server, &token);
    let listed = admin.listed().await;
    let fault = listed[0]["fault"].as_str().unwrap();
    assert!(
        fault.contains("was sealed with key") && fault.contains("secrets.key"),
        "{fault}"
    );
    let pos = server.last_pos().await;
    for dry_run in [true, false] {
        let other = json!({ "product": "kesl", "values": ["x"], "dry_run": dry_run });
        let told = problem(admin.post("other", other).await, StatusCode::CONFLICT).await;
        assert!(told.contains("Put that key file back") && told.contains(name), "{told}");
    }
    assert_eq!(server.last_pos().await, pos, "nothing was changed");

    // Put back: it is as it was.
    server.halt().await;
    fs::rename(&kept, &file).unwrap();
    server.resume().await;
    let admin = Administrator::with(&server, &token);
    assert_eq!(admin.listed().await[0]["fault"], Value::Null);
    admin.set("other", &["x"]).await;

    // Damaged: no server starts, and the file stays as it is.
    server.halt().await;
    let good = fs::read(&file).unwrap();
    fs::write(&file, "0123").unwrap();
    let refused = App::start(&server.config, server.clock.clone(), Catalog::built_in().unwrap())
        .await
        .unwrap_err();
    let told = format!("{refused:#}");
    assert!(
        told.contains("secrets.key") && told.contains("restore it from a backup"),
        "{told}"
    );
    assert_eq!(fs::read(&file).unwrap(), b"0123");

    // Lost for good: what it sealed is removed, which needs no key, and set anew.
    fs::remove_file(&file).unwrap();
    server.resume().await;
    let admin = Administrator::with(&server, &token);
    let gone = admin.post("other/remove", json!({ "product": "kesl" })).await;
    assert_eq!(gone.status(), StatusCode::OK);
    admin.set(name, &VALUES[1..2]).await;
    let listed = admin.listed().await;
    assert_eq!((&listed[0]["revision"], &listed[0]["fault"]), (&json!(2), &Value::Null));
    assert_ne!(fs::read(&file).unwrap(), good);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_whose_bytes_were_changed_is_said_to_be_so() {
    let server = Server::start().await;
    let admin = Administrator::of(&server).await;
    admin.set("token", &VALUES[..1]).await;
    admin.set("uninstall-password", &VALUES[1..2]).await;
    // One in the place of the other: each opens for its own name alone.
    let rows = server.read(|tx| secrets::list(tx)).await;
    let [token, mut password] = <[_; 2]>::try_from(rows).unwrap();
    password.sealed.clone_from(&token.sealed);
    password.revision = 2;
    server
        .write(move |tx| {
            secrets::end(tx, "kesl", "uninstall-password")?;
            secrets::insert(tx, &password)
        })
        .await;
    let listed = admin.listed().await;
    assert_eq!(listed[0]["fault"], Value::Null);
    let fault = listed[1]["fault"].as_str().unwrap();
    assert!(fault.contains("its bytes were changed"), "{fault}");
    server.stop().await;
}
