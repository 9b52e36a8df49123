//! Another certificate and other authorities, taken up by a server that goes on serving.

use cutover_server::clock::Clock;
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use crate::{channel::trusting, machine::Machine, server::Server, wait::until};

/// What an operator does after a change of the keys: `kill -HUP`, here to this process.
fn hang_up() {
    kill_process(getpid(), Signal::HUP).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_takes_up_another_certificate_and_other_authorities() {
    // Should the server not hear it yet, the signal must not end this process.
    let _heard = signal(SignalKind::hangup()).unwrap();
    let server = Server::start().await;
    let old = Machine::enrol(&server, "pc-1").await;

    // As another process would do it, on the disk.
    let mut pki = server.pki();
    let former = pki.fingerprint().to_owned();
    let next = pki.add_ca(Clock::system().now_ms()).unwrap();
    pki.activate_ca(&next).unwrap();
    let next_alone = [pki.roots()[0].clone()];
    assert!(
        trusting(&server, &next_alone, None).await.is_err(),
        "it is not told yet"
    );
    until(
        "new connections are shown a certificate of the new authority",
        || async {
            hang_up();
            trusting(&server, &next_alone, None).await.ok()
        },
    )
    .await;
    let new = Machine::enrol(&server, "pc-2").await;
    old.check_in(old.hello()).await.unwrap();
    assert!(old.is_admitted(&server).await && new.is_admitted(&server).await);

    pki.retire_ca(&former).unwrap();
    until("certificates of the retired authority are refused", || async {
        hang_up();
        (!old.is_admitted(&server).await).then_some(())
    })
    .await;
    assert!(new.is_admitted(&server).await);
    old.check_in(old.hello())
        .await
        .expect("a connection that was open stays so");
    server.stop().await;
}
