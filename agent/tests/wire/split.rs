//! A machine whose identity others have too.

use std::fs;

use cutover_agent::app::{Handle, LoopEnd};

use crate::{
    host::Host,
    server::{Server, quiet},
};

fn told_to_split(server: &Server) {
    server.answers(|request| {
        let mut reply = quiet(request);
        reply.split = true;
        Ok(reply)
    });
}

async fn end_of(agent: Handle) -> Option<LoopEnd> {
    agent.ended().await;
    agent.shutdown().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_gets_one_of_its_own_and_begins_a_journal_of_its_own() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let shared = host.state().identity().load().unwrap().unwrap().host_id();
    told_to_split(&server);
    assert_eq!(end_of(host.start()).await, Some(LoopEnd::NewIdentity));

    // Until it starts anew it is what it was: whatever ends in between changes nothing.
    assert_eq!(host.state().identity().load().unwrap().unwrap().host_id(), shared);
    host.state().settle_identity().unwrap();
    let own = host.state().identity().load().unwrap().unwrap().host_id();
    assert_ne!(own, shared);
    assert!(!host.state().has_journal(), "a former journal counts for another host");
    let aside = host.state().path().join("former").join(shared.to_string());
    assert!(aside.join("journal.made").exists());
    host.state().settle_identity().unwrap();
    assert_eq!(host.state().identity().load().unwrap().unwrap().host_id(), own);

    server.answers(|request| Ok(quiet(request)));
    let agent = host.start();
    assert_eq!(agent.status().await.unwrap().host_id, own.to_string());
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_asked_for_again_with_the_same_keys() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    told_to_split(&server);
    server.script().lose_answers = 1;
    let agent = host.start();
    server.until_an_answer_was_lost().await;
    let asked_with = fs::read(host.state().path().join("identity/split.json")).unwrap();
    // Killed here, and started again in the same kernel session.
    agent.shutdown().await;
    assert_eq!(
        fs::read(host.state().path().join("identity/split.json")).unwrap(),
        asked_with
    );
    assert_eq!(end_of(host.start()).await, Some(LoopEnd::NewIdentity));
    host.state().settle_identity().unwrap();
    let hosts = server.script().hosts_known();
    assert_eq!(hosts, 2, "the shared identity and its own, and no third");
    assert!(!host.state().path().join("identity/split.json").exists());
}

/// Every place at which the agent or the machine may end while the new identity is put in force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_in_the_middle_of_the_change_loses_neither_identity_nor_journal() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    told_to_split(&server);
    assert_eq!(end_of(host.start()).await, Some(LoopEnd::NewIdentity));
    let (state, next) = (host.state(), host.state().identity().next().unwrap().unwrap());
    let former = state.identity().load().unwrap().unwrap().host_id();
    // After the journal was laid aside, before the identity was replaced. Whoever opened a journal meanwhile made one.
    let journal = fs::read(state.path().join("journal")).unwrap();
    state.lay_aside(&former.to_string()).unwrap();
    fs::write(state.path().join("journal"), "made since").unwrap();
    assert!(state.settle_identity().unwrap());
    let aside = state.path().join("former").join(former.to_string());
    assert_eq!(fs::read(aside.join("journal")).unwrap(), journal);
    assert!(!state.path().join("journal").exists());
    assert_eq!(state.identity().load().unwrap().unwrap().host_id(), next.host_id());
    // After it was replaced, before the note of it was removed.
    let kept = fs::read(state.identity().file()).unwrap();
    fs::write(state.path().join("identity/next.json"), kept).unwrap();
    state.settle_identity().unwrap();
    assert_eq!(state.identity().load().unwrap().unwrap().host_id(), next.host_id());
    assert!(state.path().join("former").join(former.to_string()).exists());
    assert!(!state.path().join("former").join(next.host_id().to_string()).exists());
}
