//! The loop's sign of life: kept up beside a long step, gone when the loop hangs.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use cutover_agent::{
    app::{Agent, AgentStatus, Parts, Pulse},
    host::sandbox::Behaviour,
    session::Ticks,
};
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::{
    agents::{has_looked, removal},
    host::Host,
    server::{LONG, Server, quiet},
};

/// Sends on what it gets.
struct Beats(Sender<AgentStatus>);

impl Pulse for Beats {
    fn every(&self) -> Duration {
        Duration::from_millis(20)
    }

    fn beat(&mut self, status: &AgentStatus, _now: Ticks) {
        // The test may be over.
        let _ = self.0.send(status.clone());
    }
}

fn beating(parts: Parts) -> (Parts, Receiver<AgentStatus>) {
    let (sender, beats) = channel();
    let pulse: Box<dyn Pulse> = Box::new(Beats(sender));
    (
        Parts {
            pulse: Some(pulse),
            ..parts
        },
        beats,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_step_does_not_stop_the_signs_of_life() {
    let host = Host::behaving(Behaviour {
        remove_ms: 3000,
        ..Behaviour::default()
    });
    let server = Server::start().await;
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let mut order = Some(removal(&host_id).sign(&server.shared.signing).unwrap());
    server.answers(move |request| {
        let mut reply = quiet(request);
        if !request.inventory_digest.is_empty() {
            reply.work_order = order.take();
        }
        Ok(reply)
    });
    let (parts, beats) = beating(host.parts());
    let agent = Agent::start(parts).unwrap();
    let within_the_step = tokio::task::spawn_blocking(move || {
        let mut beats_within = 0;
        while beats_within < 20 {
            let status = beats.recv_timeout(LONG).unwrap();
            // All of them in the first of the two removals.
            beats_within += u32::from(
                status
                    .order
                    .is_some_and(|order| order.destructive_begun && order.step == 0),
            );
        }
        beats
    });
    let beats = within_the_step.await.unwrap();
    let ended = tokio::task::spawn_blocking(move || while beats.recv_timeout(LONG).unwrap().order.is_some() {});
    ended.await.unwrap();
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_loop_that_hangs_falls_silent() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let (parts, beats) = beating(host.parts());
    // The loop keeps each new inventory in a file; a pipe in its place lets it wait for a reader that does not come.
    let pipe = host.state().path().join("inventory.new");
    mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
    let agent = Agent::start(parts).unwrap();
    let silent = tokio::task::spawn_blocking(move || {
        // Fifty times the time within which a beat is due, and as often as the machine was merely slow, again.
        while beats.recv_timeout(Duration::from_secs(1)).is_ok() {}
        beats
    });
    let beats = tokio::time::timeout(LONG, silent).await.unwrap().unwrap();
    // A reader comes: the loop goes on, and so do the signs of life.
    let reader = tokio::task::spawn_blocking(move || std::fs::read(pipe));
    let again = tokio::task::spawn_blocking(move || beats.recv_timeout(LONG));
    again.await.unwrap().unwrap();
    reader.await.unwrap().unwrap();
    server.check_ins(has_looked).await;
    agent.shutdown().await;
}
