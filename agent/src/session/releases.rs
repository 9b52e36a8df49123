//! Releases: whether the server that this host knows signed one.

use cutover_proto::{
    envelope::{self, Context},
    release::{AgentRelease, AgentUpdate, UpdateState},
    v1,
};
use prost::Message as _;

use super::{reply::Effect, state::Session};

impl Session {
    /// What follows from a release that came. One that is not believed changes nothing but what is told of it, not even the
    /// highest revision that was seen.
    pub(super) fn read_release(&self, envelope: &v1::Envelope) -> Effect {
        let opened = envelope::open_message::<v1::AgentRelease>(envelope, Context::AgentRelease, &self.server_keys);
        let read = opened
            .map_err(|error| error.to_string())
            .and_then(|wire| AgentRelease::try_from(wire).map_err(|error| error.to_string()));
        match read {
            Ok(release) => Effect::TakeRelease(release),
            Err(why) => {
                // Only a name for people: nothing in it is believed.
                let revision = v1::AgentRelease::decode(envelope.body.as_slice())
                    .unwrap_or_default()
                    .revision;
                tracing::warn!(revision, why, "a release that the server sent is not believed");
                Effect::RefuseRelease(AgentUpdate {
                    revision,
                    state: UpdateState::Refused,
                    why,
                })
            }
        }
    }
}
