//! Machines that say what a test tells them to say, through the real service; and its loop.

use std::collections::BTreeSet;

use cutover_proto::{
    envelope::{self, Context},
    ids::HostId,
    record::StepRecord,
    v1,
};
use cutover_server::service::{Passed, Service};
use prost::Message as _;

use crate::{
    keys::Keys,
    truth::{Replacement, Truth},
};

/// A machine that says what it is told to say.
pub(crate) struct Puppet {
    keys: Keys,
    pub(crate) truth: Truth,
    pub(crate) host: HostId,
    digest: Vec<u8>,
    running: Option<u64>,
    highest: u64,
}

impl Puppet {
    pub(crate) async fn enrol(service: &Service, token: &str, index: usize) -> Self {
        let truth = Truth {
            hostname: format!("pc-{index}"),
            targets: BTreeSet::from(["kesl", "klnagent64"]),
            replacement: Replacement::Absent,
            unapproved: false,
            fetched: false,
            encryption: cutover_proto::inventory::DiskEncryption::None,
            // Some are restarted first, so that restarts are in it.
            restart_pending: index.is_multiple_of(3),
            free_mib: 16_384,
            look_fails: false,
            zone: "",
        };
        let keys = Keys::new().unwrap();
        let reply = service
            .enroll(keys.enrolment(token, truth.facts()).unwrap())
            .await
            .unwrap();
        Self {
            host: reply.host_id.parse().unwrap(),
            keys,
            truth,
            digest: Vec::new(),
            running: None,
            highest: 0,
        }
    }

    pub(crate) async fn check_in(&mut self, service: &Service, now_ms: i64, said: &Said) -> v1::CheckInReply {
        let mut request = v1::CheckInRequest {
            agent_version: crate::AGENT_VERSION.to_owned(),
            rules_revision: cutover_proto::rule::BUILT_IN_REVISION,
            boot_id: said.boot_id.clone(),
            looked_at_ms: said.looked_at_ms,
            ..v1::CheckInRequest::default()
        };
        if said.is_news {
            if said.is_done {
                self.truth.targets.clear();
                self.truth.replacement = Replacement::Healthy;
            }
            self.truth.restart_pending = false;
        }
        if said.is_news || self.digest.is_empty() {
            let inventory = self.truth.look(self.host, &said.boot_id, now_ms);
            let bytes = v1::Inventory::from(inventory).encode_to_vec();
            let sealed = envelope::seal(Context::Inventory, bytes, &self.keys.signing).unwrap();
            self.digest = envelope::digest(&sealed).to_vec();
            request.inventory = Some(sealed);
        }
        request.inventory_digest.clone_from(&self.digest);
        for record in &said.records {
            let wire = v1::StepRecord::from(record.clone()).encode_to_vec();
            let sealed = envelope::seal(Context::StepRecord, wire, &self.keys.signing).unwrap();
            request.step_records.push(sealed);
            self.running = Some(record.order_number).filter(|_| !record.event.ends_order());
        }
        request.running = self.running.map(|order_number| v1::RunningOrder {
            order_number,
            ..v1::RunningOrder::default()
        });
        request.highest_order_begun = self.highest;
        let reply = service
            .check_in(self.host, self.keys.signing.spki_der(), request)
            .await
            .unwrap();
        if reply.work_order.is_some() {
            self.highest += 1;
            self.running = Some(self.highest);
        }
        reply
    }
}

/// The server's loop, until nothing more follows.
pub(crate) async fn pass(service: &Service) {
    loop {
        service.flush_seen().await.unwrap();
        let passed = service.pass().await.unwrap();
        if passed == Passed::default() && service.make_due_reports().await.unwrap() == 0 {
            return;
        }
    }
}

/// What a host says at an instant.
#[derive(Debug, Default, Clone)]
pub(crate) struct Said {
    pub(crate) records: Vec<StepRecord>,
    pub(crate) boot_id: String,
    pub(crate) looked_at_ms: i64,
    pub(crate) is_news: bool,
    pub(crate) is_done: bool,
}

impl Said {
    /// Nothing but that it looked then.
    pub(crate) fn looked(at_ms: i64) -> Self {
        Self {
            boot_id: "boot-1".to_owned(),
            looked_at_ms: at_ms,
            ..Self::default()
        }
    }
}
