//! A pretended server: real TLS, real certificates and signatures, and replies that the test decides on.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    body::Body,
    http::{self, HeaderMap},
    routing::get,
};
use cutover_agent::link::{Address, EnrollParts, Fingerprint, Identity, IdentityDir, LinkError, Proxies, enroll};
use cutover_proto::{
    envelope::{self, Context, PublicKey, SigningKey},
    v1::{
        self,
        agent_server::{Agent, AgentServer},
        enrollment_server::{Enrollment, EnrollmentServer},
    },
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    task::JoinHandle,
};
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, TcpListenerStream},
};
use tonic::{
    Request, Response, Status,
    service::Routes,
    transport::{Certificate, Identity as TlsIdentity, Server as TonicServer, ServerTlsConfig},
};

/// Longer than anything here takes; a test that waits for it fails.
pub(crate) const LONG: Duration = Duration::from_secs(30);
pub(crate) const TOKEN: &str = "a good token";

type Ca = CertifiedIssuer<'static, KeyPair>;
pub(crate) type Answer = Result<v1::CheckInReply, Status>;
type LeaveAnswer = Result<v1::LeaveReply, Status>;
/// What a question for an artifact is answered, by its headers.
type Give = Box<dyn FnMut(&HeaderMap) -> http::Response<Body> + Send>;

pub(crate) struct Server {
    pub(crate) address: Address,
    pub(crate) ca_fingerprint: Fingerprint,
    pub(crate) own_fingerprint: Fingerprint,
    pub(crate) shared: Arc<Shared>,
    task: JoinHandle<()>,
}

pub(crate) struct Shared {
    ca: Ca,
    pub(crate) signing: SigningKey,
    script: Mutex<Script>,
    /// Every check-in so far.
    requests: watch::Sender<Vec<v1::CheckInRequest>>,
    /// Every last statement that came.
    pub(crate) statements: watch::Sender<Vec<v1::Envelope>>,
    nudges: broadcast::Sender<v1::NudgeReason>,
    pub(crate) watchers: watch::Sender<usize>,
}

pub(crate) struct Script {
    /// Host ids by key.
    hosts: BTreeMap<String, String>,
    pub(crate) token_uses: u32,
    pub(crate) renewals: u32,
    /// Enrolments and renewals that are done and whose answer is lost.
    pub(crate) lose_answers: u32,
    /// What `GET /artifacts/...` gives.
    pub(crate) artifact: Give,
    pub(crate) answer: Box<dyn FnMut(&v1::CheckInRequest) -> Answer + Send>,
    /// What a last statement is answered; those that came are in `statements`.
    pub(crate) leave: Box<dyn FnMut(&v1::Envelope) -> LeaveAnswer + Send>,
}

impl Script {
    /// How many hosts were ever granted.
    pub(crate) fn hosts_known(&self) -> usize {
        self.hosts.values().collect::<std::collections::BTreeSet<_>>().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), &["127.0.0.1"]).await
    }

    pub(crate) async fn at(listen: SocketAddr, names: &[&str]) -> Self {
        Self::presenting(listen, names, "").await
    }

    /// Shows more certificates (PEM) than its own and its authority's.
    pub(crate) async fn presenting(listen: SocketAddr, names: &[&str], more: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = authority();
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
        let chain = leaf.pem() + &ca.pem() + more;
        let tls = ServerTlsConfig::new()
            .identity(TlsIdentity::from_pem(chain, key.serialize_pem()))
            .client_ca_root(Certificate::from_pem(ca.pem()))
            .client_auth_optional(true);
        let tcp = TcpListener::bind(listen).await.unwrap();
        let address = tcp.local_addr().unwrap().to_string().parse().unwrap();
        let ca_fingerprint = Fingerprint::of(ca.der());
        let shared = Arc::new(Shared {
            ca,
            signing: server_key(),
            script: Mutex::new(Script {
                hosts: BTreeMap::new(),
                token_uses: 0,
                renewals: 0,
                lose_answers: 0,
                artifact: Box::new(|_| panic!("no artifact was to be asked for")),
                answer: Box::new(|request| Ok(quiet(request))),
                leave: Box::new(|_| Err(Status::unavailable("nobody was asked to leave"))),
            }),
            requests: watch::Sender::new(Vec::new()),
            statements: watch::Sender::new(Vec::new()),
            nudges: broadcast::Sender::new(16),
            watchers: watch::Sender::new(0),
        });
        let serving = TonicServer::builder()
            .tls_config(tls)
            .unwrap()
            .add_routes(routes(&shared))
            .serve_with_incoming(TcpListenerStream::new(tcp));
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self {
            address,
            ca_fingerprint,
            own_fingerprint: Fingerprint::of(leaf.der()),
            shared,
            task,
        }
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.shared.ca.pem()
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.shared.script.lock().unwrap()
    }

    /// From here on check-ins are answered so.
    pub(crate) fn answers(&self, answer: impl FnMut(&v1::CheckInRequest) -> Answer + Send + 'static) {
        self.script().answer = Box::new(answer);
    }

    /// From here on an artifact is given so.
    pub(crate) fn gives(&self, artifact: impl FnMut(&HeaderMap) -> http::Response<Body> + Send + 'static) {
        self.script().artifact = Box::new(artifact);
    }

    pub(crate) async fn until_an_answer_was_lost(&self) {
        let lost = async {
            while self.script().lose_answers > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONG, lost).await.expect("an answer is lost");
    }

    pub(crate) fn nudge(&self, reason: v1::NudgeReason) {
        self.shared.nudges.send(reason).unwrap();
    }

    /// Waits until the check-ins so far are as wanted, and gives them.
    pub(crate) async fn check_ins(
        &self,
        mut wanted: impl FnMut(&[v1::CheckInRequest]) -> bool,
    ) -> Vec<v1::CheckInRequest> {
        let mut requests = self.shared.requests.subscribe();
        let found = tokio::time::timeout(LONG, requests.wait_for(|requests| wanted(requests))).await;
        match found {
            Ok(found) => found.unwrap().clone(),
            Err(_) => panic!("never came; so far: {:#?}", self.shared.requests.borrow()),
        }
    }

    /// Waits until so many Watch streams were opened so far.
    pub(crate) async fn watchers(&self, opened: usize) {
        let mut watchers = self.shared.watchers.subscribe();
        tokio::time::timeout(LONG, watchers.wait_for(|now| *now >= opened))
            .await
            .unwrap()
            .unwrap();
    }

    pub(crate) async fn enroll_with(
        &self,
        dir: &IdentityDir,
        token: &str,
        ca: Fingerprint,
    ) -> Result<Identity, LinkError> {
        let parts = EnrollParts {
            dir,
            servers: std::slice::from_ref(&self.address),
            proxies: Proxies::none(),
            ca_fingerprint: ca,
            token,
            facts: v1::HostFacts::default(),
            agent_version: "0.1.0",
        };
        enroll(parts).await
    }

    pub(crate) async fn enroll(&self, dir: &IdentityDir) -> Identity {
        self.enroll_with(dir, TOKEN, self.ca_fingerprint).await.unwrap()
    }
}

/// The calls, and artifacts beside them.
fn routes(shared: &Arc<Shared>) -> Routes {
    let calls =
        Routes::new(EnrollmentServer::new(Calls(shared.clone()))).add_service(AgentServer::new(Calls(shared.clone())));
    let scripted = shared.clone();
    let artifact = move |headers: HeaderMap| async move { (scripted.script.lock().unwrap().artifact)(&headers) };
    let router = calls.prepare().into_axum_router();
    Routes::from(router.route("/artifacts/{sha256}", get(artifact)))
}

/// What a server says that has everything and wants nothing.
pub(crate) fn quiet(request: &v1::CheckInRequest) -> v1::CheckInReply {
    v1::CheckInReply {
        store_epoch: "e1".into(),
        server_time_ms: 1_727_582_400_000,
        durable_inventory: request.inventory_digest.clone(),
        next_in_seconds: 3600,
        ..Default::default()
    }
}

fn authority() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, "Test authority");
    Ca::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn server_key() -> SigningKey {
    let random = ring::rand::SystemRandom::new();
    let pkcs8 = ring::signature::Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    SigningKey::server(pkcs8.as_ref()).unwrap()
}

struct Calls(Arc<Shared>);

struct Granted {
    spki: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl Calls {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.script.lock().unwrap()
    }

    fn grant(&self, csr_der: &[u8], sealing_key: Option<&v1::Envelope>) -> Granted {
        let mut csr = CertificateSigningRequestParams::from_der(&csr_der.into()).unwrap();
        let (_, read) = x509_parser::certification_request::X509CertificationRequest::from_der(csr_der).unwrap();
        let spki = read.certification_request_info.subject_pki.raw.to_vec();
        let key = PublicKey::host(&spki).unwrap();
        let sealing = envelope::open(sealing_key.unwrap(), Context::SealingKey, &[key]).unwrap();
        assert_eq!(sealing.len(), 32);
        csr.params = CertificateParams::default();
        let certificate = csr.signed_by(&self.0.ca).unwrap();
        Granted {
            spki,
            chain: vec![certificate.der().to_vec()],
        }
    }

    fn signing_keys(&self) -> Vec<v1::ServerKey> {
        let public = self.0.signing.public();
        vec![v1::ServerKey {
            key_id: public.key_id().to_owned(),
            public_key: public.bytes().to_vec(),
        }]
    }

    fn lose<T>(&self, answer: T) -> Result<Response<T>, Status> {
        let mut script = self.script();
        if script.lose_answers > 0 {
            script.lose_answers -= 1;
            return Err(Status::unavailable("the answer was lost"));
        }
        Ok(Response::new(answer))
    }

    /// The key that speaks, if a host has it.
    fn peer<T>(&self, request: &Request<T>) -> Result<PublicKey, Status> {
        let certificates = request.peer_certs().ok_or(Status::unauthenticated("no certificate"))?;
        let (_, read) = x509_parser::parse_x509_certificate(&certificates[0]).unwrap();
        let key = PublicKey::host(read.public_key().raw).unwrap();
        if self.script().hosts.contains_key(key.key_id()) {
            Ok(key)
        } else {
            Err(Status::unauthenticated("this key belongs to no host"))
        }
    }
}

use x509_parser::prelude::FromDer;

#[tonic::async_trait]
impl Enrollment for Calls {
    async fn enroll(&self, request: Request<v1::EnrollRequest>) -> Result<Response<v1::EnrollReply>, Status> {
        let request = request.into_inner();
        if request.token != TOKEN {
            return Err(Status::permission_denied("the token was used up"));
        }
        let granted = self.grant(&request.csr_der, request.sealing_key.as_ref());
        let key_id = envelope::key_id(&granted.spki);
        let host_id = {
            let mut script = self.script();
            if !script.hosts.contains_key(&key_id) {
                script.token_uses += 1;
            }
            let next = uuid::Uuid::from_u128(u128::try_from(script.hosts.len()).unwrap() + 1).to_string();
            script.hosts.entry(key_id).or_insert(next).clone()
        };
        self.lose(v1::EnrollReply {
            host_id,
            certificate_chain: granted.chain,
            trust_anchors: vec![self.0.ca.der().to_vec()],
            signing_keys: self.signing_keys(),
            store_epoch: "e1".into(),
            server_time_ms: 1,
        })
    }

    async fn split(&self, request: Request<v1::SplitRequest>) -> Result<Response<v1::EnrollReply>, Status> {
        let shared = self.peer(&request)?;
        let request = request.into_inner();
        let proof = request.proof.unwrap();
        let proven = envelope::open(&proof, Context::Split, std::slice::from_ref(&shared)).unwrap();
        let (csr, session) = proven.split_at(32);
        assert_eq!(
            hex::encode(csr),
            envelope::key_id(&request.csr_der),
            "SHA-256 of the request"
        );
        assert_eq!(session, request.boot_id.as_bytes());
        let granted = self.grant(&request.csr_der, request.sealing_key.as_ref());
        let host_id = {
            let mut script = self.script();
            let next = uuid::Uuid::from_u128(u128::try_from(script.hosts.len()).unwrap() + 1).to_string();
            let key_id = envelope::key_id(&granted.spki);
            script.hosts.entry(key_id).or_insert(next).clone()
        };
        self.lose(v1::EnrollReply {
            host_id,
            certificate_chain: granted.chain,
            trust_anchors: vec![self.0.ca.der().to_vec()],
            signing_keys: self.signing_keys(),
            store_epoch: "e1".into(),
            server_time_ms: 1,
        })
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::RenewReply>, Status> {
        let old = self.peer(&request)?;
        let request = request.into_inner();
        let proof = request.proof.unwrap();
        let proven = envelope::open(&proof, Context::Renewal, std::slice::from_ref(&old)).unwrap();
        assert_eq!(
            hex::encode(proven),
            envelope::key_id(&request.csr_der),
            "SHA-256 of the request"
        );
        let granted = self.grant(&request.csr_der, request.sealing_key.as_ref());
        {
            let mut script = self.script();
            let host = script.hosts[old.key_id()].clone();
            script.hosts.insert(envelope::key_id(&granted.spki), host);
            script.renewals += 1;
        }
        self.lose(v1::RenewReply {
            certificate_chain: granted.chain,
            trust_anchors: vec![self.0.ca.der().to_vec()],
            signing_keys: self.signing_keys(),
        })
    }
}

#[tonic::async_trait]
impl Agent for Calls {
    async fn check_in(&self, request: Request<v1::CheckInRequest>) -> Result<Response<v1::CheckInReply>, Status> {
        let key = self.peer(&request)?;
        let header = request.metadata().get("cutover-request-id").cloned();
        let request = request.into_inner();
        assert_eq!(header.unwrap().to_str().unwrap(), request.request_id);
        for (envelope, context) in request
            .inventory
            .iter()
            .map(|inventory| (inventory, Context::Inventory))
            .chain(request.step_records.iter().map(|record| (record, Context::StepRecord)))
        {
            envelope::open(envelope, context, std::slice::from_ref(&key))
                .map_err(|error| Status::invalid_argument(error.to_string()))?;
        }
        let answer = (self.script().answer)(&request);
        self.0.requests.send_modify(|requests| requests.push(request));
        answer.map(Response::new)
    }

    async fn leave(&self, request: Request<v1::LeaveRequest>) -> Result<Response<v1::LeaveReply>, Status> {
        let key = self.peer(&request)?;
        let statement = request.into_inner().statement.unwrap();
        envelope::open(&statement, Context::LastStatement, &[key]).unwrap();
        let answer = (self.script().leave)(&statement);
        self.0.statements.send_modify(|statements| statements.push(statement));
        answer.map(Response::new)
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::Nudge, Status>> + Send>>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        self.peer(&request)?;
        let nudges = BroadcastStream::new(self.0.nudges.subscribe());
        self.0.watchers.send_modify(|watchers| *watchers += 1);
        let stream = nudges.map(|reason| {
            let reason = reason.map_err(|_| Status::data_loss("nudges were lost"))?;
            Ok(v1::Nudge { reason: reason.into() })
        });
        Ok(Response::new(Box::pin(stream)))
    }
}
