use cutover_proto::{
    envelope::{self, Context},
    release::UpdateState,
    v1,
};

use super::world::{World, key_of, server_key};
use crate::session::Effect;

fn wire() -> v1::AgentRelease {
    v1::AgentRelease {
        revision: 3,
        version: "0.2.0".to_owned(),
        programs: vec![v1::AgentProgram {
            os: "linux".to_owned(),
            architecture: "x86_64".to_owned(),
            file: Some(v1::ArtifactRef {
                sha256: vec![7; 32],
                size: 5,
                file_name: "cutover-agent".to_owned(),
                urls: Vec::new(),
            }),
        }],
        trial_seconds: 600,
    }
}

/// What follows from a release in a reply.
fn followed(sent: v1::Envelope) -> Vec<Effect> {
    let mut world = World::settled();
    world.pass_seconds(300);
    let effects = world.answered_with(|reply| reply.agent_release = Some(sent));
    let of_release = |effect: &Effect| matches!(effect, Effect::TakeRelease(_) | Effect::RefuseRelease(_));
    effects.into_iter().filter(of_release).collect()
}

fn refused_with(sent: v1::Envelope) -> String {
    match followed(sent).as_slice() {
        [Effect::RefuseRelease(update)] => {
            assert_eq!((update.revision, update.state), (3, UpdateState::Refused));
            update.why.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_release_that_this_hosts_server_signed_is_gone_on_with() {
    let sent = envelope::seal_message(Context::AgentRelease, &wire(), &server_key()).unwrap();
    let followed = followed(sent);
    let [Effect::TakeRelease(release)] = followed.as_slice() else {
        panic!("{followed:?}");
    };
    assert_eq!((release.revision, release.version.as_str()), (3, "0.2.0"));
}

#[test]
fn a_release_by_another_signer_is_refused_and_the_server_is_told() {
    let sent = envelope::seal_message(Context::AgentRelease, &wire(), &key_of(9)).unwrap();
    let why = refused_with(sent);
    assert!(why.contains("not signed by a known key"), "{why}");
}

#[test]
fn a_release_whose_bytes_were_changed_or_that_was_signed_as_something_else_is_refused() {
    let mut changed = envelope::seal_message(Context::AgentRelease, &wire(), &server_key()).unwrap();
    // The last byte is the trial's; the revision stays readable.
    *changed.body.last_mut().unwrap() ^= 1;
    assert!(refused_with(changed).contains("does not fit"));
    let as_rules = envelope::seal_message(Context::Rules, &wire(), &server_key()).unwrap();
    assert!(refused_with(as_rules).contains("was expected"));
}

#[test]
fn a_signed_release_that_this_version_cannot_carry_out_is_refused() {
    let endless = v1::AgentRelease {
        trial_seconds: u32::MAX,
        ..wire()
    };
    let sent = envelope::seal_message(Context::AgentRelease, &endless, &server_key()).unwrap();
    assert!(refused_with(sent).contains("trial_seconds"));
}
