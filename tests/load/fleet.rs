//! Hosts that check in as fast as a server answers: one connection and one call under way for each.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cutover_proto::{
    envelope::{Context, SigningKey, digest, seal_message},
    ids::HostId,
    rule::BUILT_IN_REVISION,
    step::StepKind,
    v1::{self, agent_client::AgentClient, enrollment_client::EnrollmentClient},
};
use prost::Message as _;
use tonic::{Code, transport::Channel};
use uuid::Uuid;

use crate::{
    clock::now_ms,
    echo::BareServer,
    identity::{Keys, endpoint},
    installation::{Installation, Token},
    look,
};

/// Version that the load gives itself: the workspace's.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How often an enrolment that the server puts off is tried, a second apart.
const PATIENCE: u32 = 120;

/// What a check-in says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The digest of an inventory that the server has.
    Unchanged,
    /// A new signed inventory, in which a product has another version.
    Changed,
}

/// One host on its own connection.
pub(crate) struct Host {
    n: usize,
    client: AgentClient<Channel>,
    signing: SigningKey,
    inventory: v1::Inventory,
    request: v1::CheckInRequest,
    counter: u64,
}

impl Host {
    fn new(n: usize, host_id: HostId, signing: SigningKey, channel: Channel) -> Result<Self> {
        let boot_id = made_id(n, 0).to_string();
        let inventory = look::inventory(n, host_id, &boot_id, now_ms())?.into();
        let request = v1::CheckInRequest {
            agent_version: VERSION.to_owned(),
            boot_id,
            rules_revision: BUILT_IN_REVISION,
            known_steps: StepKind::ALL.iter().map(|kind| kind.number()).collect(),
            journal: v1::JournalState::Sound as i32,
            ..v1::CheckInRequest::default()
        };
        Ok(Self {
            n,
            client: AgentClient::new(channel),
            signing,
            inventory,
            request,
            counter: 0,
        })
    }

    /// One check-in. A changed inventory counts only when the reply says that it is durable.
    ///
    /// # Errors
    /// When the server refuses, or answers something else than expected.
    pub(crate) async fn check_in(&mut self, shape: Shape) -> Result<()> {
        let message = self.message(shape)?;
        let sent = message.inventory_digest.clone();
        let reply = self.client.check_in(message).await.context("check-in")?.into_inner();
        ensure!(
            reply.durable_inventory == sent,
            "the reply does not say that the inventory is durable"
        );
        ensure!(!reply.want_inventory, "the server wants an inventory that it was given");
        self.request.store_epoch = reply.store_epoch;
        Ok(())
    }

    /// Bytes on the wire of a check-in of this shape.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(crate) fn bytes(&mut self, shape: Shape) -> Result<usize> {
        Ok(self.message(shape)?.encoded_len())
    }

    fn message(&mut self, shape: Shape) -> Result<v1::CheckInRequest> {
        self.counter += 1;
        let mut message = self.request.clone();
        message.request_id = made_id(self.n, self.counter).to_string();
        if shape == Shape::Changed {
            self.change();
            let envelope = seal_message(Context::Inventory, &self.inventory, &self.signing)?;
            self.request.inventory_digest = digest(&envelope).to_vec();
            self.request.looked_at_ms = self.inventory.taken_at_ms;
            message.inventory_digest.clone_from(&self.request.inventory_digest);
            message.looked_at_ms = self.request.looked_at_ms;
            message.inventory = Some(envelope);
        }
        Ok(message)
    }

    /// A later look, which finds the other version of what is there.
    fn change(&mut self) {
        self.inventory.taken_at_ms = now_ms().max(self.inventory.taken_at_ms + 1);
        let next = look::VERSIONS[usize::from(self.counter.is_multiple_of(2))];
        for sighting in self
            .inventory
            .sightings
            .iter_mut()
            .filter(|sighting| !sighting.version.is_empty())
        {
            next.clone_into(&mut sighting.version);
        }
    }
}

/// Enrols hosts by the real call, each with keys of its own.
///
/// # Errors
/// When an enrolment is refused.
pub(crate) async fn enrolled(installation: &Installation, token: &Token, count: usize) -> Result<Vec<Host>> {
    let authority = installation.authority()?;
    let stranger = endpoint(installation.agents(), &authority, None)?
        .connect()
        .await
        .context("cannot reach the server")?;
    let mut enrollment = EnrollmentClient::new(stranger);
    let mut hosts = Vec::new();
    for n in 0..count {
        let keys = Keys::generate()?;
        let request = v1::EnrollRequest {
            token: token.token.clone(),
            csr_der: keys.request()?,
            sealing_key: Some(keys.sealing_key()?),
            facts: Some(look::facts(n).into()),
            agent_version: VERSION.to_owned(),
        };
        let reply = enroll(&mut enrollment, request).await?;
        let identity = keys.identity(&reply.certificate_chain);
        let channel = endpoint(installation.agents(), &authority, Some(identity))?
            .connect()
            .await?;
        hosts.push(Host::new(n, reply.host_id.parse()?, keys.into_signing(), channel)?);
    }
    introduced(hosts).await
}

/// Hosts of the bare server: the same messages, certificates of its authority.
///
/// # Errors
/// When it cannot be reached.
pub(crate) async fn bare(server: &BareServer, count: usize) -> Result<Vec<Host>> {
    let authority = server.authority();
    let mut hosts = Vec::new();
    for n in 0..count {
        let keys = Keys::generate()?;
        let identity = keys.identity(&[authority.client(&keys)?]);
        let channel = endpoint(server.address(), &authority.pem(), Some(identity))?
            .connect()
            .await?;
        hosts.push(Host::new(n, HostId::new(made_id(n, 0)), keys.into_signing(), channel)?);
    }
    introduced(hosts).await
}

/// A first look and a check-in without change, so that rounds begin at rest.
async fn introduced(mut hosts: Vec<Host>) -> Result<Vec<Host>> {
    for host in &mut hosts {
        host.check_in(Shape::Changed).await?;
        host.check_in(Shape::Unchanged).await?;
    }
    Ok(hosts)
}

/// The server limits strangers; the load waits its turn as an agent does.
async fn enroll(client: &mut EnrollmentClient<Channel>, request: v1::EnrollRequest) -> Result<v1::EnrollReply> {
    for _ in 0..PATIENCE {
        match client.enroll(request.clone()).await {
            Ok(reply) => return Ok(reply.into_inner()),
            Err(status) if status.code() == Code::ResourceExhausted => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(status) => return Err(status).context("enrolment"),
        }
    }
    bail!("the server put an enrolment off {PATIENCE} times")
}

/// A UUIDv7 of this moment that repeats nowhere in a run: number of the host and a counter of its own.
fn made_id(n: usize, counter: u64) -> Uuid {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&((n as u64) << 40 | counter).to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(now_ms().unsigned_abs(), &random).into_uuid()
}
