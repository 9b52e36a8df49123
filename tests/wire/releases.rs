//! Releases of the agent: how they go out, and what hosts make of them.

use cutover_core::rollout::ReleasePace;
use cutover_proto::{
    envelope::{self, Context},
    release::{AgentRelease, AgentUpdate, Platform, UpdateState},
    v1,
};
use cutover_server::service::{
    AgentReleaseView, ArtifactAdded, AskRelease, Caller, NewAgentRelease, NewProgram, Role, ServiceError,
};

use crate::{
    artifacts::{digest_of, upload},
    machine::Machine,
    server::Server,
};

/// Gives a file to the server.
pub(crate) async fn add(server: &Server, bytes: Vec<u8>) -> String {
    let giver = format!("gives {}", digest_of(&bytes));
    let token = server
        .service()
        .create_access_token(giver, Role::Operator)
        .await
        .unwrap();
    let given = upload(server, &token, "file_name=cutover-agent", bytes)
        .send()
        .await
        .unwrap();
    let added: ArtifactAdded = given.json().await.unwrap();
    added.sha256.unwrap()
}

/// An executable file for this system, as far as its first bytes say it.
fn program() -> Vec<u8> {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    own[..8192].to_vec()
}

pub(crate) fn administrator() -> Caller {
    Caller::server()
}

pub(crate) async fn make(
    server: &Server,
    sha256: String,
    version: &str,
    canaries: u32,
) -> Result<String, ServiceError> {
    let new = NewAgentRelease {
        version: version.to_owned(),
        programs: vec![NewProgram {
            sha256,
            platform: Platform::here(),
        }],
        trial_seconds: 5,
        pace: ReleasePace { canaries, at_once: 2 },
        dry_run: false,
    };
    server.service().make_agent_release(administrator(), new).await
}

pub(crate) async fn newest(server: &Server) -> AgentReleaseView {
    server.service().agent_releases().await.unwrap().remove(0)
}

/// What a host is offered when it says this of its program.
async fn offered(machine: &mut Machine, update: Option<AgentUpdate>) -> Option<AgentRelease> {
    let request = v1::CheckInRequest {
        condition: Some(v1::AgentCondition {
            platform: Platform::here().to_string(),
            update: update.map(Into::into),
            ..v1::AgentCondition::default()
        }),
        ..machine.hello()
    };
    let envelope = machine.check_in(request).await.unwrap().agent_release?;
    let wire: v1::AgentRelease =
        envelope::open_message(&envelope, Context::AgentRelease, &machine.server_keys).unwrap();
    Some(wire.try_into().unwrap())
}

fn said(state: UpdateState, why: &str) -> Option<AgentUpdate> {
    Some(AgentUpdate {
        revision: 1,
        state,
        why: why.to_owned(),
    })
}

async fn machines<const N: usize>(server: &Server) -> [Machine; N] {
    let mut all = Vec::new();
    for number in 0..N {
        all.push(Machine::enrol(server, &format!("pc-{number}")).await);
    }
    all.try_into().ok().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_to_canaries_first_and_to_others_once_they_go_on_well() {
    let server = Server::start().await;
    let [mut first, mut second, mut third, mut fourth] = machines(&server).await;
    assert_eq!(offered(&mut first, None).await, None, "there is none yet");
    let sha256 = add(&server, program()).await;
    let done = make(&server, sha256.clone(), "0.2.0", 1).await.unwrap();
    assert!(done.contains("release 1") && done.contains("one host first"), "{done}");

    let release = offered(&mut first, None).await.unwrap();
    assert_eq!((release.revision, release.version.as_str()), (1, "0.2.0"));
    assert_eq!(release.program(&Platform::here()).unwrap().sha256.to_string(), sha256);
    // The canary has not shown anything yet, so it gets it again and nobody else does.
    assert!(offered(&mut first, None).await.is_some());
    assert_eq!(offered(&mut second, None).await, None);
    assert_eq!(
        offered(&mut first, said(UpdateState::Tried, "")).await,
        None,
        "it has it"
    );
    assert_eq!(offered(&mut second, None).await, None);

    offered(&mut first, said(UpdateState::InForce, "")).await;
    assert!(offered(&mut second, None).await.is_some());
    assert!(offered(&mut third, None).await.is_some());
    assert_eq!(offered(&mut fourth, None).await, None, "two at once, and no more");
    offered(&mut third, said(UpdateState::InForce, "")).await;
    assert!(offered(&mut fourth, None).await.is_some());
    let shown = newest(&server).await;
    assert_eq!((shown.on_their_way, shown.in_force, shown.failed), (2, 2, 0));
    server
        .holds_together(&[first.host, second.host, third.host, fourth.host])
        .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_goes_back_halts_the_release_for_all_others_until_somebody_says_why_it_may_go_on() {
    let server = Server::start().await;
    let [mut first, mut second] = machines(&server).await;
    let sha256 = add(&server, program()).await;
    make(&server, sha256, "0.2.0", 2).await.unwrap();
    assert!(offered(&mut first, None).await.is_some());
    let why = "no check-in of it was answered within 600 s";
    assert_eq!(offered(&mut first, said(UpdateState::RolledBack, why)).await, None);

    let shown = newest(&server).await;
    assert_eq!((shown.state.as_str(), shown.failed), ("halted", 1));
    assert!(
        shown.why.contains("pc-0 went back from it: no check-in"),
        "{}",
        shown.why
    );
    assert_eq!(shown.hosts[0].why, why);
    assert_eq!(offered(&mut second, None).await, None);

    let ask = |why: &str| AskRelease {
        why: why.to_owned(),
        dry_run: false,
    };
    let resume = |ask| {
        server
            .service()
            .resume_agent_release(administrator(), "1".to_owned(), ask)
    };
    assert!(resume(ask(" ")).await.unwrap_err().to_string().contains("reason"));
    let done = resume(ask("its disk was full")).await.unwrap();
    assert!(done.contains("offered again: agent release 1"), "{done}");
    assert!(offered(&mut second, None).await.is_some());
    // The host that went back said so before: nothing new, so nothing is halted by it again.
    assert_eq!(offered(&mut first, said(UpdateState::RolledBack, why)).await, None);
    assert_eq!(newest(&server).await.state, "offered");

    let halted = server
        .service()
        .halt_agent_release(administrator(), "1".to_owned(), ask("no more"));
    assert!(halted.await.unwrap().contains("halted agent release 1"));
    assert_eq!(newest(&server).await.why, "no more");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_with_an_order_one_that_has_it_and_one_of_another_kind_get_no_release() {
    let server = Server::start().await;
    let [mut busy, upgraded, other] = machines(&server).await;
    let sha256 = add(&server, program()).await;
    make(&server, sha256, "0.2.0", 3).await.unwrap();

    let request = busy.carrying();
    busy.check_in(request).await.unwrap();
    server.open_wave().await;
    busy.fetch_order().await;
    assert_eq!(offered(&mut busy, None).await, None);

    let condition = |platform: &str| {
        Some(v1::AgentCondition {
            platform: platform.to_owned(),
            ..v1::AgentCondition::default()
        })
    };
    let request = v1::CheckInRequest {
        agent_version: "0.2.0".to_owned(),
        condition: condition(&Platform::here().to_string()),
        ..upgraded.hello()
    };
    assert_eq!(upgraded.check_in(request).await.unwrap().agent_release, None);
    for platform in ["", "plan9-mips"] {
        let request = v1::CheckInRequest {
            condition: condition(platform),
            ..other.hello()
        };
        assert_eq!(
            other.check_in(request).await.unwrap().agent_release,
            None,
            "{platform:?}"
        );
    }
    assert_eq!(newest(&server).await.on_their_way, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_made_of_programs_by_administrators() {
    let server = Server::start().await;
    let sha256 = add(&server, program()).await;
    let text = add(&server, b"#!/bin/sh\n".to_vec()).await;
    let refused = make(&server, text, "0.2.0", 1).await.unwrap_err().to_string();
    assert!(refused.contains("not its package"), "{refused}");
    let refused = make(&server, "ab".repeat(32), "0.2.0", 1)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("cutover artifact add"), "{refused}");
    let refused = make(&server, sha256.clone(), "0.2.0", 0).await.unwrap_err().to_string();
    assert!(refused.contains("1 to"), "{refused}");
    let refused = make(&server, sha256.clone(), "0 2", 1).await.unwrap_err().to_string();
    assert!(refused.contains("no version"), "{refused}");
    let new = NewAgentRelease {
        version: "0.2.0".to_owned(),
        programs: Vec::new(),
        trial_seconds: 600,
        pace: ReleasePace {
            canaries: 1,
            at_once: 1,
        },
        dry_run: false,
    };
    let token = server.access(Role::Operator).await;
    let operator = server.service().caller_by_token(&token).await.unwrap().unwrap();
    assert!(server.service().make_agent_release(operator, new).await.is_err());
    assert!(server.service().agent_releases().await.unwrap().is_empty());
    // A later release takes the place of the one before.
    make(&server, sha256.clone(), "0.2.0", 1).await.unwrap();
    make(&server, sha256, "0.3.0", 1).await.unwrap();
    let states: Vec<_> = server.service().agent_releases().await.unwrap();
    let states: Vec<_> = states
        .iter()
        .map(|shown| (shown.revision, shown.state.as_str()))
        .collect();
    assert_eq!(states, [(2, "offered"), (1, "superseded")]);
    server.stop().await;
}
