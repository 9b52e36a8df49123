//! Starting and stopping.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    announced::{StartDeferral, StartRefused, StartState},
    life::{Input, Life},
    parts::{Parts, StartError},
    status::AgentStatus,
};
use crate::{
    act::{DeferRefused, Deferral, RestartState},
    link::Link,
    words::Language,
};

/// One enrolled host's agent.
#[derive(Debug, Clone, Copy)]
pub struct Agent;

/// A running agent. Dropping it stops the agent.
#[derive(Debug)]
pub struct Handle {
    inputs: mpsc::UnboundedSender<Input>,
    link: Arc<Link>,
    task: Option<JoinHandle<LoopEnd>>,
}

/// How the loop of an agent ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoopEnd {
    /// It was told to.
    Told,
    /// By itself, between two orders: it uses more memory than it may, and a fresh start is wanted.
    TooMuchMemory(String),
    /// By itself: this machine has another identity, which the next start takes.
    NewIdentity,
    /// By itself: its last statement was acknowledged, and the agent is to be taken off this machine.
    Left,
    /// By itself: the next start goes on as a release, of this version.
    NewProgram(String),
}

impl Agent {
    /// Starts an agent within a tokio runtime of either kind. An order that was open goes on.
    ///
    /// # Errors
    /// When its journal is in use or cannot be opened, or no server is named.
    pub fn start(parts: Parts) -> Result<Handle, StartError> {
        let (inputs, receiver) = mpsc::unbounded_channel();
        let life = Life::new(parts, inputs.clone())?;
        let link = life.link();
        Ok(Handle {
            inputs,
            link,
            task: Some(tokio::spawn(life.run(receiver))),
        })
    }
}

impl Handle {
    /// How it stands; none when it has ended.
    pub async fn status(&self) -> Option<AgentStatus> {
        let (answer, receiver) = oneshot::channel();
        self.inputs.send(Input::Status(answer)).ok()?;
        receiver.await.ok()
    }

    /// The restart that is due; none where none is, or the agent has ended.
    pub async fn restart(&self) -> Option<RestartState> {
        let (answer, receiver) = oneshot::channel();
        self.inputs.send(Input::Restart(answer)).ok()?;
        receiver.await.ok().flatten()
    }

    /// Puts the restart that is due off by this long from now; none when the agent has ended. Whoever calls has checked
    /// that it is for its user to ask.
    pub async fn defer(&self, length: Duration) -> Option<Result<Deferral, DeferRefused>> {
        let (answer, receiver) = oneshot::channel();
        self.inputs.send(Input::Defer(length, answer)).ok()?;
        receiver.await.ok()
    }

    /// The work that is announced; none where none is, or the agent has ended.
    pub async fn start_state(&self) -> Option<StartState> {
        let (answer, receiver) = oneshot::channel();
        self.inputs.send(Input::Start(answer)).ok()?;
        receiver.await.ok().flatten()
    }

    /// The language of this machine; none when the agent has ended.
    pub async fn language(&self) -> Option<Language> {
        let (answer, receiver) = oneshot::channel();
        self.inputs.send(Input::Language(answer)).ok()?;
        receiver.await.ok()
    }

    /// Puts the start of the work that is announced off by this long from when it would begin; none when the agent has ended.
    /// Whoever calls has checked that it is for its user to ask.
    pub async fn put_off(&self, length: Duration) -> Option<Result<StartDeferral, StartRefused>> {
        let (answer, receiver) = oneshot::channel();
        self.inputs.send(Input::PutOff(length, answer)).ok()?;
        receiver.await.ok()
    }

    /// Takes the host off the network, or puts it back, while everything on it goes on. For rehearsals and the demo.
    pub fn set_online(&self, online: bool) {
        self.link.set_online(online);
        if online {
            // A machine that comes back does not wait out what it waited for while it was away.
            self.check_in();
        }
    }

    /// Checks in at once, unless the server asked to be left alone.
    pub fn check_in(&self) {
        // An agent that has ended has nothing to say.
        let _ = self.inputs.send(Input::Nudge);
    }

    /// Stops checking in and looking, and waits for that. An order at work is not interrupted here: it goes on until the
    /// process ends, and the journal tells the next start.
    /// Says how the loop ended; none where that was by a fault of the program.
    pub async fn shutdown(mut self) -> Option<LoopEnd> {
        let _ = self.inputs.send(Input::Stop);
        match self.task.take()?.await {
            Ok(end) => Some(end),
            Err(error) => {
                tracing::error!(%error, "the agent's loop did not end well");
                None
            }
        }
    }

    /// Waits until the loop has ended by itself; [`Self::shutdown`] says how.
    pub async fn ended(&self) {
        self.inputs.closed().await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.inputs.send(Input::Stop);
    }
}
