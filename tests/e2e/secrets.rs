//! Secrets are looked for in everything that a whole migration leaves and shows: logs, journal, state, store, answers, pages,
//! command lines and environments. None is found, also not the password that an order brought sealed and that an installer
//! printed.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cutover_proto::seal;
use cutover_tests::harness::{debian_root::readiness, packages, requirement};

use crate::{
    http, orders,
    server::Server,
    workstation::{AGENT, Workstation},
};

const LIMIT: Duration = Duration::from_secs(240);

const STATE: &str = "/var/lib/cutover/agent";

/// What an order brings, sealed. It is printed by the removal script as it is, and as Network Agent's installer takes it.
const PASSWORD: &str = "Un1nstall-me$please";

/// Where the administrator puts the token, and what reads it: the only places where it may be.
const TOKEN_FILE: &str = "/root/token";

/// A secret in every form in which it could slip out.
struct Secret {
    name: &'static str,
    forms: Vec<Vec<u8>>,
}

impl Secret {
    fn of_text(name: &'static str, text: &str) -> Self {
        let text = text.trim();
        Self {
            name,
            forms: vec![text.into(), hex::encode(text).into(), base64(text.as_bytes()).into()],
        }
    }

    /// A password of a vendor's, which is also written in hex of UTF-16LE.
    fn of_password(name: &'static str, text: &str) -> Self {
        let mut secret = Self::of_text(name, text);
        secret.forms.push(wide(text).into());
        secret.forms.push(wide(text).to_uppercase().into());
        secret
    }

    /// Kept in hex.
    fn of_hex(name: &'static str, digits: &str) -> Result<Self> {
        let bytes = hex::decode(digits).with_context(|| format!("{name} is no hex"))?;
        // PKCS#8 holds the public key too, which is in every certificate. Its secret part follows version and tag of the
        // inner structure (RFC 5915, section 3).
        let inner = [2, 1, 1, 4, 32];
        let begin = bytes.windows(inner.len()).position(|window| window == inner);
        let begin = begin.map_or(0, |at| at + inner.len());
        let core = bytes[begin..]
            .get(..32)
            .with_context(|| format!("{name} is too short"))?
            .to_vec();
        Ok(Self {
            name,
            forms: vec![
                digits.to_lowercase().into(),
                base64(&bytes).into(),
                core.clone(),
                hex::encode(&core).into(),
                listed(&core).into(),
            ],
        })
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let within =
            |form: &Vec<u8>| form.len() >= 8 && bytes.windows(form.len()).any(|window| window == form.as_slice());
        self.forms.iter().any(within)
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}

/// Hex of UTF-16LE.
fn wide(text: &str) -> String {
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    hex::encode(bytes)
}

/// As `{:?}` shows bytes.
fn listed(bytes: &[u8]) -> String {
    bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

/// Everything that must stay where it is.
struct Secrets {
    all: Vec<Secret>,
    found: BTreeSet<String>,
}

impl Secrets {
    fn look_at(&mut self, place: &str, bytes: &[u8]) {
        for secret in self.all.iter().filter(|secret| secret.is_in(bytes)) {
            self.found.insert(format!("{} in {place}", secret.name));
        }
    }

    /// Every file below, but for those that are meant to hold a secret.
    fn look_below(&mut self, directory: &Path, meant: &[PathBuf]) -> Result<()> {
        let mut open = vec![directory.to_owned()];
        while let Some(path) = open.pop() {
            if meant.contains(&path) || !path.try_exists()? {
                continue;
            }
            let meta = path.symlink_metadata()?;
            if meta.is_dir() {
                for entry in fs::read_dir(&path)? {
                    open.push(entry?.path());
                }
            } else if meta.is_file() {
                self.look_at(&path.display().to_string(), &fs::read(&path)?);
            }
        }
        Ok(())
    }

    /// Command lines and environments of every process inside the root, and of the server.
    fn look_at_processes(&mut self, root: &Path, server: i32) -> Result<usize> {
        let mut seen = 0;
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse::<i32>().ok()) else {
                continue;
            };
            let inside = fs::read_link(path.join("root")).is_ok_and(|at| at == root);
            if !inside && pid != server {
                continue;
            }
            for part in ["cmdline", "environ"] {
                // It may have ended since the listing.
                let Ok(bytes) = fs::read(path.join(part)) else {
                    continue;
                };
                seen += 1;
                let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
                self.look_at(&format!("{part} of {}", name.trim()), &bytes);
            }
        }
        Ok(seen)
    }
}

#[test]
fn no_secret_is_found_in_logs_state_answers_or_the_process_list() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("discreet")?;
    let server = Server::start()?;
    let outcome = migrated_discreetly(&mut station, &server);
    outcome.with_context(|| format!("server:\n{}", server.log()))
}

fn migrated_discreetly(station: &mut Workstation, server: &Server) -> Result<()> {
    let token = server.token()?;
    let token_file = station.root.outside(TOKEN_FILE);
    fs::write(&token_file, &token)?;
    fs::set_permissions(&token_file, fs::Permissions::from_mode(0o600))?;
    station.enroll_by_file(server, TOKEN_FILE)?;
    let identity = station.root.outside(&format!("{STATE}/identity/identity.json"));
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&identity)?)?;
    let key = |name: &str| kept["keys"][name].as_str().with_context(|| format!("no key {name}"));
    let mut secrets = Secrets {
        all: vec![
            Secret::of_text("the enrolment token", &token),
            Secret::of_text("the administrator's token", &server.admin_token()?),
            Secret::of_hex("the host's key", key("tls")?)?,
            Secret::of_hex("the host's sealing key", key("sealing")?)?,
            Secret::of_password("the uninstall password", PASSWORD),
        ],
        found: BTreeSet::new(),
    };
    let said = format!(
        "kesl: --password={PASSWORD} KLUNINSTPASSWD={}\n",
        wide(PASSWORD).to_uppercase()
    );
    packages::let_removal_say(&station.root, &said)?;
    // What is meant to hold them does: the search finds what is there.
    let files = [
        fs::read(&identity)?,
        fs::read(&token_file)?,
        server.admin_token()?.into_bytes(),
        said.into_bytes(),
    ]
    .concat();
    secrets.look_at("where they belong", &files);
    ensure!(secrets.found.len() == 5, "the search is blind: {:?}", secrets.found);
    secrets.found.clear();

    with_a_sealed_password(station, server)?;
    station.start_agent_saying_all()?;
    let (root, pid) = (station.root.path().to_owned(), server.pid().context("it runs")?);
    let mut seen = 0;
    server.wait_for_host("discreet", "migrated", LIMIT, |host| {
        // Each look at the process list is one at whatever tool runs just then.
        seen += secrets.look_at_processes(&root, pid).unwrap_or(0);
        host.phase == "migrated"
    })?;
    ensure!(seen > 100, "only {seen} command lines and environments were seen");

    let asked = station
        .root
        .run(&[AGENT, "status", "--output", "json"], LIMIT)?
        .succeeded()?;
    secrets.look_at("status", asked.stdout.as_bytes());
    let id = server
        .cutover(&["hosts", "show", "discreet", "--output", "json"])?
        .succeeded()?;
    let id: serde_json::Value = serde_json::from_str(&id.stdout)?;
    let own = format!("/hosts/{}", id["host_id"].as_str().context("a host has an id")?);
    for path in ["/", "/hosts", own.as_str()] {
        let page = http::page(server.people_port(), &server.admin_token()?, path)?;
        secrets.look_at(&format!("page {path}"), page.as_bytes());
        ensure!(
            path != own || page.contains("kesl: --password=[secret] KLUNINSTPASSWD=[secret]"),
            "the page shows what the script said, without the password"
        );
    }
    secrets.look_at("the agent's log", station.agent_log().as_bytes());
    secrets.look_at("the server's log", server.log().as_bytes());
    let questions: [&[&str]; 2] = [&["hosts", "show", "discreet"], &["hosts", "list"]];
    for arguments in questions {
        let arguments = [arguments, &["--output", "json"]].concat();
        let shown = server.cutover(&arguments)?.succeeded()?;
        secrets.look_at("an operator's answer", shown.stdout.as_bytes());
    }
    let identities = station.root.outside(&format!("{STATE}/identity"));
    secrets.look_below(&station.root.outside(STATE), &[identities])?;
    for place in ["/var/log", "/var/tmp", "/tmp", "/run", "/etc", "/root"] {
        secrets.look_below(&station.root.outside(place), std::slice::from_ref(&token_file))?;
    }
    secrets.look_below(
        &server.data_dir(),
        &[server.admin_token_file(), server.data_dir().join("pki")],
    )?;
    assert_eq!(secrets.found, BTreeSet::new());
    let logs = station.root.outside(&format!("{STATE}/tool-logs"));
    let mut kept = fs::read_dir(logs)?.map(|log| Ok(fs::read_to_string(log?.path())?));
    let scrubbed = |log: &Result<String>| {
        log.as_ref()
            .is_ok_and(|log| log.contains("--password=[secret] KLUNINSTPASSWD=[secret]"))
    };
    ensure!(
        kept.any(|log| scrubbed(&log)),
        "the script's words are kept on the host"
    );
    let log = station.agent_log();
    ensure!(
        log.contains("TRACE") && log.contains("order"),
        "the agent was to say all that it can"
    );
    Ok(())
}

/// Lets the server make its order while the agent is away, and puts a secret into it as the server will once recipes ask for
/// one: sealed to the host for this order.
fn with_a_sealed_password(station: &mut Workstation, server: &Server) -> Result<()> {
    station.start_agent()?;
    server.wait_for_host("discreet", "planned", LIMIT, |host| host.phase == "planned")?;
    station.kill_agent()?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    orders::change_unsigned(&server.store(), LIMIT, |order, sealing_key| {
        let sealed = seal::seal(
            sealing_key,
            order.host_id,
            order.number,
            "uninstall",
            PASSWORD.as_bytes(),
        )?;
        order.secrets.push(sealed);
        Ok(())
    })
}
