//! Releases of the agent, as operators make and follow them.

use std::collections::BTreeMap;

use cutover_core::rollout::ReleasePace;
use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    release::{AgentProgram, AgentRelease, Platform, UpdateState},
};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

use super::{
    Caller, Service, ServiceError,
    access::Role,
    check_in::{OFFERED, pace, read_release},
    personal::all_revealed,
    plan_edit::unsigned,
};
use crate::store::{
    Reader,
    agent_releases::{self, AgentReleaseRow, AgentUpdateRow},
    hosts,
};

/// Subject of the audit.
const RELEASES: &str = "agent-releases";
/// As many as a listing shows.
const SHOWN: i64 = 20;
/// Hosts that a listing names of a release.
const NAMED: i64 = 20;
/// A count stops there.
const COUNTED: i64 = 1_000_000;
/// The first bytes of a program say what it was built for.
const HEADER: usize = 4096;
/// So many hosts at once are a mistake rather than a pace.
const AT_ONCE_MAX: u32 = 100_000;

/// A program of a release that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewProgram {
    /// Which artifact; hex.
    pub sha256: String,
    /// What it was built for. The artifact itself has the last word.
    pub platform: Platform,
}

/// A release that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAgentRelease {
    /// As its programs say it of themselves.
    pub version: String,
    /// The programs, artifacts of this server.
    pub programs: Vec<NewProgram>,
    /// Seconds that a new program has for an answer to a check-in; then the one before comes back.
    pub trial_seconds: u32,
    /// How fast it goes out.
    pub pace: ReleasePace,
    /// Only say what would be done; the artifacts need not be there yet.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is asked about a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskRelease {
    /// Why.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A host that a release did not come to its end on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatedHost {
    /// Its id.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// `offered`, `tried`, `rolled-back` or `refused`.
    pub state: String,
    /// In its own words.
    pub why: String,
    /// Server time, in milliseconds since the epoch.
    pub offered_ms: i64,
}

/// A release as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReleaseView {
    /// Rises.
    pub revision: u64,
    /// As its programs say it of themselves.
    pub version: String,
    /// What they were built for.
    pub platforms: Vec<String>,
    /// `offered`, `halted`, or `superseded` by a later one.
    pub state: String,
    /// Why it is halted.
    pub why: String,
    /// How fast it goes out.
    pub pace: ReleasePace,
    /// Hosts that it was offered to and that do not go on with it yet.
    pub on_their_way: u64,
    /// Hosts that go on with it.
    pub in_force: u64,
    /// Hosts that refused it, or went back from it.
    pub failed: u64,
    /// The first of those on their way and of those that failed.
    pub hosts: Vec<UpdatedHost>,
    /// Who made it.
    pub made_by: String,
    /// Server time, in milliseconds since the epoch.
    pub made_ms: i64,
}

impl Service {
    /// Makes a release: from here on agents get it, a few first. Says what was done, or would be.
    ///
    /// # Errors
    /// When the caller may not, a program is not there or is none, or two are for one platform.
    pub async fn make_agent_release(&self, caller: Caller, new: NewAgentRelease) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        check_pace(new.pace)?;
        let mut programs = BTreeMap::new();
        for program in &new.programs {
            let digest: ArtifactDigest = program.sha256.parse().map_err(invalid)?;
            let (platform, file) = match self.agent_program(&digest).await? {
                Some(found) => found,
                None if new.dry_run => (program.platform.clone(), not_yet(digest)),
                None => {
                    let why = format!("the server has no artifact {digest}; add it first (`cutover artifact add`)");
                    return Err(ServiceError::Invalid { why });
                }
            };
            if programs.insert(platform.clone(), file).is_some() {
                let why = format!("two programs are for {platform}; give one");
                return Err(ServiceError::Invalid { why });
            }
        }
        let programs: Vec<AgentProgram> = programs
            .into_iter()
            .map(|(platform, file)| AgentProgram { platform, file })
            .collect();
        let release = AgentRelease {
            revision: 1,
            version: new.version,
            programs,
            trial_seconds: new.trial_seconds,
        };
        release.check().map_err(invalid)?;
        let by = self.personal_user(caller.name())?;
        let broken = |error: serde_json::Error| ServiceError::Broken { why: error.to_string() };
        let row = AgentReleaseRow {
            revision: 1,
            version: release.version.clone(),
            programs: serde_json::to_string(&release.programs).map_err(broken)?,
            trial_seconds: release.trial_seconds.into(),
            pace: serde_json::to_string(&new.pace).map_err(broken)?,
            is_halted: false,
            why: String::new(),
            offers: 0,
            made_by: by.mention().to_string(),
            made_ms: self.now_ms(),
        };
        let platforms: Vec<String> = release
            .programs
            .iter()
            .map(|program| program.platform.to_string())
            .collect();
        let (service, dry_run, pace) = (self.clone(), new.dry_run, new.pace);
        self.0
            .store
            .write(move |tx| {
                let revision = agent_releases::newest(tx)?.map_or(1, |newest| newest.revision + 1);
                let row = AgentReleaseRow {
                    revision,
                    ..row.clone()
                };
                let what = format!(
                    "agent {} for {} as release {revision}: to {} first, then to {} at once",
                    row.version,
                    platforms.join(", "),
                    hosts_in_words(pace.canaries),
                    hosts_in_words(pace.at_once),
                );
                if dry_run {
                    return Ok(format!("would offer {what}"));
                }
                agent_releases::insert(tx, &row)?;
                let detail =
                    serde_json::json!({ "revision": revision, "version": row.version, "programs": row.programs });
                service.audit(tx, RELEASES, &by, "agent-release-made", detail)?;
                Ok::<_, ServiceError>(format!("offered {what}"))
            })
            .await
    }

    /// What an artifact was built for, by its own first bytes; none where it is not there.
    async fn agent_program(&self, digest: &ArtifactDigest) -> Result<Option<(Platform, ArtifactRef)>, ServiceError> {
        let Some(row) = self.artifact_row(digest).await? else {
            return Ok(None);
        };
        let Some(opened) = self.open_artifact(digest).await? else {
            return Ok(None);
        };
        let mut header = Vec::with_capacity(HEADER);
        opened
            .file
            .take(HEADER as u64)
            .read_to_end(&mut header)
            .await
            .map_err(|error| ServiceError::Broken {
                why: format!("artifact {digest} cannot be read: {error}"),
            })?;
        let platform = Platform::of_program(&header).ok_or_else(|| ServiceError::Invalid {
            why: format!(
                "{} is no program for a system and processor that agents run on; give the agent's program itself, not its \
                 package",
                row.file_name
            ),
        })?;
        let file = ArtifactRef {
            sha256: *digest,
            size: unsigned(row.size),
            file_name: row.file_name,
            urls: Vec::new(),
        };
        Ok(Some((platform, file)))
    }

    /// The newest releases, with what became of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn agent_releases(&self) -> Result<Vec<AgentReleaseView>, ServiceError> {
        self.0
            .store
            .read(move |tx| {
                let rows = agent_releases::list(tx, SHOWN)?;
                let names = all_revealed(tx, rows.iter().map(|row| row.made_by.clone()).collect())?;
                let views = rows.iter().zip(names).enumerate();
                views
                    .map(|(index, (row, made_by))| view(tx, row, made_by, index == 0))
                    .collect()
            })
            .await
    }

    /// Halts a release: no further host gets it. Those that have it keep it.
    ///
    /// # Errors
    /// When the caller may not, there is no reason, or no such release.
    pub async fn halt_agent_release(
        &self,
        caller: Caller,
        revision: String,
        ask: AskRelease,
    ) -> Result<String, ServiceError> {
        self.change_release(caller, revision, ask, true).await
    }

    /// Lets a halted release go on.
    ///
    /// # Errors
    /// As [`Self::halt_agent_release`].
    pub async fn resume_agent_release(
        &self,
        caller: Caller,
        revision: String,
        ask: AskRelease,
    ) -> Result<String, ServiceError> {
        self.change_release(caller, revision, ask, false).await
    }

    async fn change_release(
        &self,
        caller: Caller,
        revision: String,
        ask: AskRelease,
        halt: bool,
    ) -> Result<String, ServiceError> {
        caller.must_be(if halt { Role::Operator } else { Role::Administrator })?;
        if ask.why.trim().is_empty() {
            let why = "a release is halted, or goes on, for a reason; say it".to_owned();
            return Err(ServiceError::Invalid { why });
        }
        let by = self.personal_user(caller.name())?;
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let newest = agent_releases::newest(tx)?.filter(|newest| newest.revision.to_string() == revision);
                let Some(row) = newest else {
                    return Err(ServiceError::NotFound {
                        what: format!("agent release {revision} that is the newest (`cutover agent-release list`)"),
                    });
                };
                let (done, would) = if halt {
                    ("halted", "would halt")
                } else {
                    ("offered again:", "would offer again:")
                };
                let what = format!("agent release {revision} ({})", row.version);
                if row.is_halted == halt {
                    let state = if halt { "is halted already" } else { "is not halted" };
                    return Ok(format!("{what} {state}; nothing to do"));
                }
                if ask.dry_run {
                    return Ok(format!("{would} {what}"));
                }
                agent_releases::halt(tx, row.revision, halt.then_some(ask.why.as_str()))?;
                let kind = if halt {
                    "agent-release-halted"
                } else {
                    "agent-release-resumed"
                };
                let detail = serde_json::json!({ "revision": row.revision, "why": ask.why });
                service.audit(tx, RELEASES, &by, kind, detail)?;
                Ok(format!("{done} {what}"))
            })
            .await
    }
}

fn view(
    db: &mut impl Reader,
    row: &AgentReleaseRow,
    made_by: String,
    is_newest: bool,
) -> Result<AgentReleaseView, ServiceError> {
    let release = read_release(row)?;
    let on_their_way = [OFFERED, UpdateState::Tried.as_str()];
    let in_force = [UpdateState::InForce.as_str(); 2];
    let failed = [UpdateState::RolledBack.as_str(), UpdateState::Refused.as_str()];
    let mut hosts = Vec::new();
    for states in [failed, on_their_way] {
        for update in agent_releases::updates(db, row.revision, states, NAMED)? {
            hosts.push(updated_host(db, update)?);
        }
    }
    let mut counted = |states| agent_releases::count(db, row.revision, states, COUNTED).map(unsigned);
    Ok(AgentReleaseView {
        revision: release.revision,
        platforms: release
            .programs
            .iter()
            .map(|program| program.platform.to_string())
            .collect(),
        version: release.version,
        state: match (row.is_halted, is_newest) {
            (true, _) => "halted",
            (false, true) => "offered",
            (false, false) => "superseded",
        }
        .to_owned(),
        why: row.why.clone(),
        pace: pace(row)?,
        on_their_way: counted(on_their_way)?,
        in_force: counted(in_force)?,
        failed: counted(failed)?,
        hosts,
        made_by,
        made_ms: row.made_ms,
    })
}

fn updated_host(db: &mut impl Reader, update: AgentUpdateRow) -> Result<UpdatedHost, ServiceError> {
    let host = hosts::load(db, &update.host_id)?;
    Ok(UpdatedHost {
        name: host.map(|host| host.name).unwrap_or_default(),
        host_id: update.host_id,
        state: update.state,
        why: update.why,
        offered_ms: update.offered_ms,
    })
}

/// A program that a dry run names and the server does not have yet.
fn not_yet(sha256: ArtifactDigest) -> ArtifactRef {
    ArtifactRef {
        sha256,
        size: 1,
        file_name: "cutover-agent".to_owned(),
        urls: Vec::new(),
    }
}

fn check_pace(pace: ReleasePace) -> Result<(), ServiceError> {
    let good = 1..=AT_ONCE_MAX;
    if good.contains(&pace.canaries) && good.contains(&pace.at_once) {
        return Ok(());
    }
    Err(ServiceError::Invalid {
        why: format!("a release goes to 1 to {AT_ONCE_MAX} hosts, first and at once"),
    })
}

fn hosts_in_words(count: u32) -> String {
    if count == 1 {
        "one host".to_owned()
    } else {
        format!("{count} hosts")
    }
}

fn invalid(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Invalid { why: error.to_string() }
}
