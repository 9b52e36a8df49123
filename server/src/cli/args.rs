//! The words of the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cutover_core::catalog::System;
use cutover_proto::artifact::ArtifactDigest;

use super::Format;
use crate::service::CloneDecision;

/// Replaces a product that must go on every machine before its cutoff, and proves it.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, propagate_version = true)]
pub struct Args {
    /// The server's configuration file [default: /etc/cutover/server.toml, if it is there].
    #[arg(long, global = true, env = "CUTOVER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the server is, and who asks.
    #[command(flatten)]
    pub connection: Connection,
    /// How listings are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the server is, and who asks.
#[derive(Debug, clap::Args)]
pub struct Connection {
    /// Address of the people's listener [default: the configuration's].
    #[arg(long, global = true, env = "CUTOVER_URL")]
    pub url: Option<String>,
    /// File that holds the access token [default: admin.token in the data directory].
    #[arg(long, global = true, env = "CUTOVER_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes the data directory, the certificate authority, the administrator's token and a first enrolment token.
    Init(Init),
    /// Runs the server until it is told to stop.
    Serve,
    /// Shows the whole way on this machine: a server, the real agent looking here, and sandboxed hosts that migrate.
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Reads the configuration and says what is wrong with it.
    CheckConfig,
    /// The rules and recipes that are built in.
    #[command(subcommand)]
    Catalog(Catalog),
    /// What goes to a running server.
    #[command(flatten)]
    Operator(Operator),
}

/// Options of the demo.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, clap::Args)]
pub struct Demo {
    /// How many sandboxed hosts take part.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub hosts: u32,
    /// Where the dashboard listens [default: 127.0.0.1:7080, or a free port when that is taken].
    #[arg(long)]
    pub listen: Option<std::net::SocketAddr>,
    /// How many times faster than the real one the campaign's clock runs.
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    pub speed: f64,
    /// Ends when no host can move without a person, instead of serving the dashboard until Ctrl-C.
    #[arg(long)]
    pub exit_when_done: bool,
}

#[cfg(feature = "demo")]
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=3600.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err(format!("`{text}` is no speed; give a number from 1 to 3600")),
    }
}

/// What `init` makes.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Where state is kept [default: the configuration's data_dir].
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Another name or address under which agents reach the server; may be given more than once.
    #[arg(long = "name")]
    pub names: Vec<String>,
}

/// The catalog.
#[derive(Debug, Subcommand)]
pub enum Catalog {
    /// Every product with its role, who removes or installs it, and on what that was shown to work.
    List {
        /// What ran where instead: product, system, replacement, case, and the test that shows it.
        #[arg(long)]
        matrix: bool,
    },
    /// Reads every rule and recipe, says what is wrong, and prints what is unconfirmed, who removes what Cutover does not, and
    /// which secrets a vendor takes on a command line alone.
    Check,
}

/// What goes to a running server.
#[derive(Debug, Subcommand)]
pub enum Operator {
    /// Where the fleet stands.
    Status {
        #[command(flatten)]
        then: Then,
    },
    /// Hosts.
    #[command(subcommand)]
    Hosts(Hosts),
    /// Why a host is where it is, and what happens next.
    Why {
        /// Host id or name.
        host: String,
        #[command(flatten)]
        then: Then,
    },
    /// What holds hosts up and can be mended, by how many hosts that is.
    Blockers,
    /// Identities that were on several machines.
    #[command(subcommand)]
    Clones(Clones),
    /// What other systems know of machines, also of those without agent.
    #[command(subcommand)]
    Assets(super::assets::Assets),
    /// Duties to report, and where machines' own looks and what other systems say of them do not fit together.
    Findings {
        /// What to do; left out: lists them.
        #[command(subcommand)]
        action: Option<super::findings::Findings>,
    },
    /// Takes in a look that was carried here: of a machine without a network, or of a Windows that no agent runs on.
    ImportScan(super::import_scan::ImportScan),
    /// What people must do at machines by hand: who, by when, and what ends it.
    #[command(subcommand)]
    Handwork(super::handwork::Handwork),
    /// Hosts that are let off, with a reason, somebody who answers, and an end.
    #[command(subcommand)]
    Exemption(super::exemptions::Exemption),
    /// Campaigns: what must go, by when, and how carefully.
    #[command(subcommand)]
    Campaign(super::campaign::Campaign),
    /// Waves.
    #[command(subcommand)]
    Wave(super::campaign::Wave),
    /// What must be so around the machines before hosts start without a person.
    #[command(subcommand)]
    Readiness(super::readiness::Readiness),
    /// When the campaign is likely done, how likely its target is met, and who will miss it.
    Forecast(super::forecast::Forecast),
    /// What would become of the fleet from here on; nothing is changed.
    Simulate(super::simulate::Simulate),
    /// Package files that hosts fetch from the server.
    #[command(subcommand)]
    Artifact(Artifact),
    /// The programs that agents go on with.
    #[command(subcommand)]
    AgentRelease(super::agent_releases::AgentRelease),
    /// Enrolment tokens.
    #[command(subcommand)]
    Token(Token),
    /// Passwords, tokens and onboarding files that products ask for. They go in, and come out nowhere.
    #[command(subcommand)]
    Secret(super::secrets::Secret),
    /// Deadline reports.
    #[command(subcommand)]
    Report(Report),
}

/// As of which instant a question is asked.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Then {
    /// As it was at this instant, with its zone: 2024-09-29T04:00:00Z. Without it: now.
    #[arg(long, value_name = "INSTANT")]
    pub as_of: Option<String>,
}

impl Then {
    /// The query that asks so.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        self.as_of.iter().map(|instant| ("as_of", instant.clone())).collect()
    }
}

/// Hosts.
#[derive(Debug, Subcommand)]
pub enum Hosts {
    /// Every host, or those that match.
    List {
        /// Only this phase.
        #[arg(long)]
        phase: Option<String>,
        /// Only this standing.
        #[arg(long)]
        standing: Option<String>,
        /// Only names that begin so.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        then: Then,
    },
    /// One host with verdicts, steps and timeline.
    Show {
        /// Host id or name.
        host: String,
        #[command(flatten)]
        then: Then,
    },
    /// Says that a host is gone: its plan ends, its keys are revoked.
    Retire {
        /// Host id or name.
        host: String,
        /// What became of the machine, and who says so.
        #[arg(long)]
        why: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Erases what people wrote about a host, and their names there; its events stay and still verify.
    ErasePersonal {
        /// Host id or name.
        host: String,
        /// Only says how much there is.
        #[arg(long)]
        dry_run: bool,
    },
    /// Changes a host's tags. `ownership=corporate`, `ownership=contractor` and `ownership=personal` say whose the machine is.
    Tag {
        /// Host id or name.
        host: String,
        /// It gets this tag.
        #[arg(long, value_name = "TAG")]
        add: Vec<String>,
        /// It loses this tag.
        #[arg(long, value_name = "TAG")]
        remove: Vec<String>,
        /// Only says which tags it would have.
        #[arg(long)]
        dry_run: bool,
    },
    /// Says who encrypts hosts' disks, where no look can tell. Two different people have to.
    AttestEncryption(super::encryption::Attest),
    /// Takes back what was attested of a host's disks.
    WithdrawEncryption(super::encryption::Withdraw),
    /// What is attested of hosts' disks, the one that ends first before the others.
    Encryption {
        #[command(flatten)]
        then: Then,
    },
    /// Lets nothing start on a host, until an end.
    Hold(super::handwork::Hold),
    /// Lifts a hold that a person set.
    Release(super::handwork::Release),
    /// Says that a host is drained, for which its work order waits.
    Drained(super::drains::Drained),
    /// Says that a host was released that had been drained.
    Released(super::drains::Released),
    /// Lets a failed host try again.
    Retry {
        /// Host id or name.
        host: String,
        /// Only says whether it could.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Identities that were on several machines.
#[derive(Debug, Subcommand)]
pub enum Clones {
    /// Every one, with the machines that came of it.
    List,
    /// Decides about all machines of one identity that wait: until then no work begins on them.
    Settle {
        /// The identity, or one of its machines: host id or name.
        host: String,
        /// Whether they are ours.
        #[arg(value_enum)]
        decision: CloneDecision,
        /// What they are, and who says so.
        #[arg(long)]
        why: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Package files that hosts fetch from the server.
#[derive(Debug, Subcommand)]
pub enum Artifact {
    /// Gives files to the server; what it has already is not sent again.
    #[command(disable_version_flag = true)]
    Add {
        /// The files. With --product they are all bound to it at once, when the last of them is there.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What the file must hash to, as its vendor says: SHA-256, hex. Goes with one file.
        #[arg(long)]
        sha256: Option<ArtifactDigest>,
        /// The product that the files make, as the catalog calls it.
        #[arg(long, requires = "version")]
        product: Option<String>,
        /// Which version of the product; files of one product and version go together.
        #[arg(long, requires = "product")]
        version: Option<String>,
        /// A system that the files are for: an os-release ID, or with its version, such as `debian:12`. May be given several
        /// times; without it they are for every one whose package manager and architecture fit.
        #[arg(long = "for", value_name = "SYSTEM", requires = "product")]
        systems: Vec<System>,
        /// The address of a directory that has the files under their names; hosts ask it before the server. May be given
        /// several times.
        #[arg(long = "mirror", value_name = "URL", requires = "product")]
        mirrors: Vec<String>,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Every file that the server has.
    List,
}

/// Enrolment tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Makes one and prints it once.
    Create {
        /// How many hosts may enrol with it.
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// For how many hours it is good.
        #[arg(long, default_value_t = 24)]
        hours: u32,
        /// The machines that enrol with it come and go from one image (VDI): they count once, as this pool, and get no work
        /// orders. What the image carries is to be settled in the image.
        #[arg(long, value_name = "NAME", requires_all = ["image", "owner"])]
        pool: Option<String>,
        /// What the pool's image is called; another image gets another token.
        #[arg(long, value_name = "NAME", requires = "pool")]
        image: Option<String>,
        /// Who answers for the pool's image.
        #[arg(long, value_name = "WHO", requires = "pool")]
        owner: Option<String>,
        /// How many days another image may take.
        #[arg(long, value_name = "DAYS", requires = "pool", default_value_t = 14)]
        within_days: u32,
    },
}

/// Deadline reports.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// What was made, for which period, and whether it was delivered.
    List,
    /// Makes one now, outside the schedule.
    Run {
        #[command(flatten)]
        then: Then,
    },
}
