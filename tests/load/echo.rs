//! The bare server: the least that answers the same call over the same TLS. It decodes the message, sends back its
//! digest and epoch, and knows neither hosts nor a store.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result};
use cutover_proto::v1::{
    self,
    agent_server::{Agent, AgentServer},
};
use cutover_tests::harness::{clock::wait_for, process::Running};
use tonic::{
    Request, Response, Status,
    transport::{Certificate, Identity, Server, ServerTlsConfig},
};

use crate::{
    identity::Authority,
    program::{free_address, must_run, pid, pinned},
};

/// How long it may take to answer for the first time.
const SOON: Duration = Duration::from_secs(30);

/// What the bare server is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where it listens.
    #[arg(long)]
    listen: SocketAddr,
    /// Directory with ca.pem, server.pem and server.key.
    #[arg(long)]
    keys: PathBuf,
}

/// Runs until it is killed.
///
/// # Errors
/// When the keys cannot be read or the address is taken.
pub(crate) fn run(options: &Options) -> Result<()> {
    let read = |name| fs::read(options.keys.join(name)).with_context(|| format!("cannot read {name}"));
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(read("server.pem")?, read("server.key")?))
        .client_ca_root(Certificate::from_pem(read("ca.pem")?));
    // The runtime that the real server has; on one core it makes one worker of it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let serving = Server::builder()
        .tls_config(tls)?
        .add_service(AgentServer::new(Echo))
        .serve(options.listen);
    Ok(runtime.block_on(serving)?)
}

struct Echo;

#[tonic::async_trait]
impl Agent for Echo {
    async fn check_in(&self, request: Request<v1::CheckInRequest>) -> Result<Response<v1::CheckInReply>, Status> {
        let message = request.into_inner();
        Ok(Response::new(v1::CheckInReply {
            store_epoch: message.store_epoch,
            durable_inventory: message.inventory_digest,
            ..v1::CheckInReply::default()
        }))
    }

    async fn leave(&self, _: Request<v1::LeaveRequest>) -> Result<Response<v1::LeaveReply>, Status> {
        Err(Status::unimplemented("the bare server answers check-ins only"))
    }

    type WatchStream = tonic::Streaming<v1::Nudge>;

    async fn watch(&self, _: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("the bare server answers check-ins only"))
    }
}

/// The bare server as a process of its own. It ends with this value.
pub(crate) struct BareServer {
    process: Running,
    authority: Authority,
    address: SocketAddr,
    _keys: tempfile::TempDir,
}

impl BareServer {
    /// Starts it on one core.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start(core: usize) -> Result<Self> {
        let authority = Authority::generate()?;
        let keys = tempfile::Builder::new().prefix("cutover-load-echo.").tempdir()?;
        let (certificate, key) = authority.server()?;
        for (name, text) in [
            ("ca.pem", authority.pem()),
            ("server.pem", certificate),
            ("server.key", key),
        ] {
            fs::write(keys.path().join(name), text)?;
        }
        let address = free_address()?;
        let mut command = pinned(core, &std::env::current_exe().context("where is this program?")?);
        command
            .args(["echo-server", "--listen", &address.to_string(), "--keys"])
            .arg(keys.path());
        let process = Running::spawn("the bare server", command, &keys.path().join("log"))?;
        let mut server = Self {
            process,
            authority,
            address,
            _keys: keys,
        };
        wait_for("the bare server answers", SOON, || {
            server.must_run()?;
            Ok(TcpStream::connect(address).ok())
        })?;
        Ok(server)
    }

    /// Fails when it has ended, with all it said.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        must_run(&mut self.process).context("the bare server")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        pid(&self.process)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who signs its clients' certificates.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }
}
