//! A host made by hand: real keys, a real certificate, and a mouth that says whatever a test wants.

use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    inventory::Inventory,
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    rule::BUILT_IN_REVISION,
    v1::{self, agent_client::AgentClient, enrollment_client::EnrollmentClient},
};
use cutover_server::{
    clock::Clock,
    pki::HOST_LIFE,
    store::{StoreError, host_keys},
};
use prost::Message as _;
use sha2::{Digest, Sha256};
use tonic::{Status, transport::Channel};

use crate::{
    channel::{channel, trusting},
    inventories,
    keys::Keys,
    server::Server,
    wait::until,
};

/// A good enrolment of a machine of this name.
pub(crate) fn enrolment(keys: &Keys, token: &str, hostname: &str) -> v1::EnrollRequest {
    v1::EnrollRequest {
        token: token.to_owned(),
        csr_der: keys.request(),
        sealing_key: Some(keys.sealing_statement()),
        facts: Some(inventories::facts(hostname).into()),
        agent_version: "0.1.0".to_owned(),
    }
}

/// Asks to enrol, over a connection without a certificate.
pub(crate) async fn enroll(server: &Server, request: v1::EnrollRequest) -> Result<v1::EnrollReply, Status> {
    let mut client = EnrollmentClient::new(channel(server, None).await);
    client.enroll(request).await.map(tonic::Response::into_inner)
}

/// An enrolled host.
pub(crate) struct Machine {
    pub(crate) host: HostId,
    pub(crate) name: String,
    pub(crate) keys: Keys,
    pub(crate) server_keys: Vec<PublicKey>,
    certificate: Vec<u8>,
    channel: Channel,
    /// The kernel session.
    pub(crate) boot_id: String,
    /// Its own clock, which a server must not trust: it only rises.
    clock_ms: i64,
}

impl Machine {
    /// Enrols with a new token.
    pub(crate) async fn enrol(server: &Server, name: &str) -> Self {
        let token = server.token(1).await;
        Self::enrol_by(server, name, &token).await
    }

    /// Enrols with this token.
    pub(crate) async fn enrol_by(server: &Server, name: &str, token: &str) -> Self {
        let keys = Keys::new();
        let reply = enroll(server, enrolment(&keys, token, name)).await.unwrap();
        let certificate = reply.certificate_chain[0].clone();
        let server_keys = reply
            .signing_keys
            .iter()
            .map(|key| PublicKey::server(&key.public_key).unwrap());
        Self {
            host: reply.host_id.parse().unwrap(),
            name: name.to_owned(),
            server_keys: server_keys.collect(),
            channel: channel(server, Some((certificate.as_slice(), &keys))).await,
            certificate,
            keys,
            boot_id: "boot-1".to_owned(),
            clock_ms: 1_000,
        }
    }

    /// Another machine made from a copy of this one's disk: the same keys and identity, a kernel session of its own.
    pub(crate) async fn copied(&self, server: &Server, name: &str, boot_id: &str) -> Self {
        Self {
            host: self.host,
            name: name.to_owned(),
            keys: self.keys.copied(),
            server_keys: self.server_keys.clone(),
            channel: channel(server, Some((self.certificate.as_slice(), &self.keys))).await,
            certificate: self.certificate.clone(),
            boot_id: boot_id.to_owned(),
            clock_ms: self.clock_ms,
        }
    }

    /// A good request for an identity of its own: for new keys, proven by the ones that several machines have.
    pub(crate) fn splitting(&self, new: &Keys) -> v1::SplitRequest {
        let csr_der = new.request();
        let mut proven = Sha256::digest(&csr_der).to_vec();
        proven.extend(self.boot_id.as_bytes());
        v1::SplitRequest {
            proof: Some(envelope::seal(Context::Split, proven, &self.keys.signing).unwrap()),
            sealing_key: Some(new.sealing_statement()),
            facts: Some(inventories::facts(&self.name).into()),
            agent_version: "0.1.0".to_owned(),
            boot_id: self.boot_id.clone(),
            csr_der,
        }
    }

    pub(crate) async fn split(&self, request: v1::SplitRequest) -> Result<v1::EnrollReply, Status> {
        self.enrollment().split(request).await.map(tonic::Response::into_inner)
    }

    /// Gets an identity of its own and goes on as it.
    pub(crate) async fn split_off(&mut self, server: &Server) {
        let new = Keys::new();
        let reply = self.split(self.splitting(&new)).await.unwrap();
        self.host = reply.host_id.parse().unwrap();
        self.take_over(server, new, reply.certificate_chain[0].clone()).await;
    }

    /// A host whose certificate was issued so long ago; its first key is revoked.
    pub(crate) async fn enrolled_ago(server: &Server, name: &str, ago_ms: i64) -> Self {
        let mut machine = Self::enrol(server, name).await;
        let (keys, host) = (Keys::new(), machine.host);
        let issued_ms = Clock::system().now_ms() - ago_ms;
        let issued = server
            .pki()
            .issue_host(&keys.request(), host.uuid(), issued_ms, HOST_LIFE)
            .unwrap();
        let row = host_keys::HostKeyRow {
            spki_hash: issued.spki_hash.clone(),
            host_id: host.to_string(),
            from_ms: issued.not_before_ms,
            to_ms: issued.not_after_ms,
            revoked_ms: None,
            certificate: issued.der.clone(),
        };
        let first = machine.keys.spki_hash();
        server
            .write(move |tx| {
                host_keys::revoke(tx, &first, 1)?;
                host_keys::insert(tx, &row)?;
                Ok::<_, StoreError>(())
            })
            .await;
        machine.take_over(server, keys, issued.der).await;
        machine
    }

    /// Goes on with another key and certificate, and gives the former ones.
    pub(crate) async fn take_over(&mut self, server: &Server, keys: Keys, certificate: Vec<u8>) -> (Keys, Vec<u8>) {
        let former = (
            std::mem::replace(&mut self.keys, keys),
            std::mem::replace(&mut self.certificate, certificate),
        );
        self.reconnect(server).await;
        former
    }

    /// A new connection: after a restart, or to be judged from the handshake on.
    pub(crate) async fn reconnect(&mut self, server: &Server) {
        self.channel = channel(server, Some((self.certificate.as_slice(), &self.keys))).await;
    }

    /// Whether a new connection of its own is taken, from the handshake to the answer.
    pub(crate) async fn is_admitted(&self, server: &Server) -> bool {
        let shown = Some((self.certificate.as_slice(), &self.keys));
        match trusting(server, &server.pki().roots(), shown).await {
            Ok(channel) => AgentClient::new(channel).check_in(self.hello()).await.is_ok(),
            Err(_) => false,
        }
    }

    /// What it shows, DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(crate) fn agent(&self) -> AgentClient<Channel> {
        AgentClient::new(self.channel.clone())
    }

    pub(crate) fn enrollment(&self) -> EnrollmentClient<Channel> {
        EnrollmentClient::new(self.channel.clone())
    }

    /// The next instant of its own clock.
    pub(crate) fn tick(&mut self) -> i64 {
        self.clock_ms += 1_000;
        self.clock_ms
    }

    /// Goes by the server's time from here on, as agents do.
    pub(crate) fn take_time(&mut self, server_ms: i64) {
        self.clock_ms = server_ms;
    }

    /// What every check-in says.
    pub(crate) fn hello(&self) -> v1::CheckInRequest {
        v1::CheckInRequest {
            agent_version: "0.1.0".to_owned(),
            boot_id: self.boot_id.clone(),
            rules_revision: BUILT_IN_REVISION,
            journal: v1::JournalState::Sound as i32,
            ..v1::CheckInRequest::default()
        }
    }

    /// A check-in with this inventory, taken now and signed.
    pub(crate) fn showing(&mut self, inventory: Inventory) -> v1::CheckInRequest {
        let taken_at_ms = self.tick();
        self.showing_as_it_is(Inventory {
            taken_at_ms,
            ..inventory
        })
    }

    /// The same, taken when it says.
    pub(crate) fn showing_as_it_is(&mut self, inventory: Inventory) -> v1::CheckInRequest {
        let taken_at_ms = inventory.taken_at_ms;
        let inventory = Inventory {
            boot_id: self.boot_id.clone(),
            ..inventory
        };
        let wire = v1::Inventory::from(inventory);
        let signed = envelope::seal_message(Context::Inventory, &wire, &self.keys.signing).unwrap();
        v1::CheckInRequest {
            inventory_digest: envelope::digest(&signed).to_vec(),
            inventory: Some(signed),
            looked_at_ms: taken_at_ms,
            ..self.hello()
        }
    }

    pub(crate) fn carrying(&mut self) -> v1::CheckInRequest {
        let inventory = inventories::carrying(self.host, &self.name);
        self.showing(inventory)
    }

    pub(crate) fn replaced(&mut self) -> v1::CheckInRequest {
        let inventory = inventories::replaced(self.host, &self.name);
        self.showing(inventory)
    }

    /// A signed record of an order.
    pub(crate) fn record(&mut self, order: u64, sequence: u32, event: RecordEvent, step: u32) -> v1::Envelope {
        let record = self.plain_record(order, sequence, event, step);
        self.signed_record(record)
    }

    /// The same, of a tool that failed with this exit code.
    pub(crate) fn failure(
        &mut self,
        order: u64,
        sequence: u32,
        event: RecordEvent,
        step: u32,
        exit_code: i32,
    ) -> v1::Envelope {
        let record = StepRecord {
            cause: Some(FailureCause::ToolFailed),
            exit_code: Some(exit_code),
            ..self.plain_record(order, sequence, event, step)
        };
        self.signed_record(record)
    }

    fn signed_record(&self, record: StepRecord) -> v1::Envelope {
        envelope::seal_message(Context::StepRecord, &v1::StepRecord::from(record), &self.keys.signing).unwrap()
    }

    fn plain_record(&mut self, order: u64, sequence: u32, event: RecordEvent, step: u32) -> StepRecord {
        StepRecord {
            host_id: self.host,
            order_number: order,
            sequence,
            event,
            step,
            at_ms: self.tick(),
            boot_id: self.boot_id.clone(),
            cause: None,
            detail: String::new(),
            exit_code: None,
            log_tail: String::new(),
            until_ms: None,
        }
    }

    /// Every record of an order that goes well: accepted, each step begun and done, completed.
    pub(crate) fn records_of(&mut self, order: &WorkOrder) -> Vec<v1::Envelope> {
        let mut told = vec![(RecordEvent::OrderAccepted, 0)];
        for step in 0..u32::try_from(order.steps.len()).unwrap() {
            told.extend([(RecordEvent::StepBegun, step), (RecordEvent::StepDone, step)]);
        }
        told.push((RecordEvent::OrderCompleted, 0));
        let numbered = (1..).zip(told);
        numbered
            .map(|(sequence, (event, step))| self.record(order.number, sequence, event, step))
            .collect()
    }

    pub(crate) async fn check_in(&self, request: v1::CheckInRequest) -> Result<v1::CheckInReply, Status> {
        self.agent().check_in(request).await.map(tonic::Response::into_inner)
    }

    /// Checks in until an order comes, and reads it by the server's keys.
    pub(crate) async fn fetch_order(&self) -> (v1::Envelope, WorkOrder) {
        let fetched = until("a work order comes", || async {
            self.check_in(self.hello()).await.unwrap().work_order
        })
        .await;
        let order = WorkOrder::open(&fetched, &self.server_keys).unwrap();
        (fetched, order)
    }

    /// A good renewal: for new keys, proven by the ones in use.
    pub(crate) fn renewal(&self, new: &Keys) -> v1::RenewRequest {
        let csr_der = new.request();
        let digest = Sha256::digest(&csr_der).to_vec();
        v1::RenewRequest {
            proof: Some(envelope::seal(Context::Renewal, digest, &self.keys.signing).unwrap()),
            sealing_key: Some(new.sealing_statement()),
            csr_der,
        }
    }

    pub(crate) async fn renew(&self, request: v1::RenewRequest) -> Result<v1::RenewReply, Status> {
        self.enrollment().renew(request).await.map(tonic::Response::into_inner)
    }
}

/// The bytes of an envelope as they go over the wire.
pub(crate) fn bytes(envelope: &v1::Envelope) -> Vec<u8> {
    envelope.encode_to_vec()
}
