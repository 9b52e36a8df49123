//! What an agent keeps on disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use cutover_proto::{
    envelope::{self, Context, PublicKey},
    ids::HostId,
    inventory::Inventory,
    v1,
};
use prost::Message;

use super::{addresses::Kept, announced::Announced};
use crate::{
    act::{Journal, JournalError},
    detect::RuleSet,
    disk::{self, make_private_dir, write_private},
    link::{IdentityDir, IdentityError},
};

/// Files that belong to one identity, beside the identity itself.
const OF_ONE_HOST: [&str; 8] = [
    "journal",
    "journal.made",
    "begun-once",
    "inventory",
    "addresses",
    "announced",
    "last-statement",
    "left",
];

/// Why an identity that waits cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum IdentityChangeError {
    /// It cannot be read or written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The journal is in use or cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal of the identity before cannot be laid aside.
    #[error("the former journal cannot be laid aside: {0}; see that the state directory is writable and has room")]
    Aside(#[from] io::Error),
}

/// A directory of one agent.
///
/// | entry | holds |
/// |---|---|
/// | `addresses` | where the server said that it is to be reached |
/// | `announced` | what was told of the work ahead, and to when its user put it off |
/// | `identity/` | keys, certificate, trust anchors |
/// | `journal`, `journal.made`, `begun-once` | what orders did |
/// | `journal.damaged` | the journal that could not be trusted last, for people |
/// | `inventory` | the newest inventory, as it was signed |
/// | `last-statement`, `left` | what this host said last, and that it was acknowledged |
/// | `rules` | the newest rules, as the server signed them |
/// | `enrolment` | what is needed to enrol, until that is done |
/// | `first-start.json` | the same, in images that earlier versions sealed |
/// | `artifacts/` | fetched package files, by their hash; deleting them costs a download |
/// | `update`, `programs/` | what became of releases, and the programs that run in place of the installed one |
/// | `former/ID/` | the journal and inventory of an identity that was given up |
#[derive(Debug, Clone)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Every file that an agent makes in it, with those that a crash may leave. Uninstalling goes by this list and the
    /// next, and by nothing else: what somebody else put there stays.
    pub const FILES: &'static [&'static str] = &[
        "addresses",
        "addresses.new",
        "agent.sock",
        "announced",
        "announced.new",
        "begun-once",
        "begun-once.new",
        "enrolment",
        "enrolment.new",
        "first-start.json",
        "first-start.new",
        "hold",
        "inventory",
        "inventory.new",
        "journal",
        "journal.damaged",
        "journal.made",
        "journal.new",
        "last-statement",
        "last-statement.new",
        "left",
        "left.new",
        "metered",
        "rules",
        "rules.new",
        "update",
        "update.new",
        "user.sock",
    ];
    /// Every directory.
    pub const TREES: &'static [&'static str] = &[
        "archives",
        "artifacts",
        "detection-test",
        "former",
        "identity",
        "kept-config",
        "programs",
        "tool-logs",
    ];

    /// A directory; made by enrolment.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether a journal was ever made here.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        // What cannot be told is looked into.
        self.0.join("journal.made").try_exists().unwrap_or(true)
    }

    /// What is needed to enrol, until that is done.
    #[must_use]
    pub fn enrolment(&self) -> PathBuf {
        self.0.join("enrolment")
    }

    /// Whether this host is enrolled, or is to enrol by itself: a service has something to do.
    #[must_use]
    pub fn knows_a_way_in(&self) -> bool {
        [self.identity().file(), self.enrolment(), self.first_start_file()]
            .iter()
            .any(|path| path.exists())
    }

    /// Where images that earlier versions sealed have it.
    #[must_use]
    pub fn first_start_file(&self) -> PathBuf {
        self.0.join("first-start.json")
    }

    /// Where fetched artifacts lie.
    pub(super) fn artifacts(&self) -> PathBuf {
        self.0.join("artifacts")
    }

    /// Where the identity lies.
    #[must_use]
    pub fn identity(&self) -> IdentityDir {
        IdentityDir::new(self.0.join("identity"))
    }

    /// The inventory that was signed last for this host; none when it cannot be had, which costs one new one.
    pub(super) fn inventory(&self, host_id: HostId) -> Option<(Inventory, v1::Envelope)> {
        let envelope = self.envelope("inventory")?;
        let wire = v1::Inventory::decode(envelope.body.as_slice()).ok()?;
        let inventory = Inventory::try_from(wire).ok()?;
        (inventory.host_id == host_id).then_some((inventory, envelope))
    }

    /// What was told of the work ahead; nothing when it cannot be had: the server says it again.
    pub(super) fn announced(&self) -> Announced {
        let text = match fs::read(self.0.join("announced")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Announced::default(),
            Err(error) => {
                tracing::warn!(%error, "what was told of the work ahead cannot be read");
                return Announced::default();
            }
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "what was told of the work ahead cannot be read");
            Announced::default()
        })
    }

    /// On return it is on disk.
    ///
    /// # Errors
    /// What the system says; then what was there before is.
    pub(super) fn keep_announced(&self, announced: &Announced) -> io::Result<()> {
        let json = serde_json::to_vec(announced).map_err(io::Error::other)?;
        write_private(&self.0.join("announced"), &json)
    }

    /// Where the server said that it is; nothing when it cannot be had: the enrolment's addresses are left.
    pub(super) fn addresses(&self) -> Kept {
        let text = match fs::read(self.0.join("addresses")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Kept::default(),
            Err(error) => {
                tracing::warn!(%error, "the addresses that the server handed out cannot be read");
                return Kept::default();
            }
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "the addresses that the server handed out cannot be read");
            Kept::default()
        })
    }

    pub(super) fn keep_addresses(&self, kept: &Kept) {
        let written = serde_json::to_vec(kept)
            .map_err(io::Error::other)
            .and_then(|json| write_private(&self.0.join("addresses"), &json));
        if let Err(error) = written {
            tracing::warn!(%error, "the addresses that the server handed out are not kept beyond this start");
        }
    }

    pub(super) fn keep_inventory(&self, envelope: &v1::Envelope) {
        self.keep("inventory", envelope);
    }

    /// The newest rules: those that the server signed, unless the program brings later ones.
    pub(super) fn rules(&self, server_keys: &[PublicKey]) -> RuleSet {
        let built_in = RuleSet::built_in();
        let Some(envelope) = self.envelope("rules") else {
            return built_in;
        };
        match envelope::open_message::<v1::Rules>(&envelope, Context::Rules, server_keys) {
            Ok(rules) if rules.revision > built_in.revision() => rule_set(rules.revision, &rules.files),
            Ok(_) => built_in,
            Err(error) => {
                tracing::warn!(%error, "kept rules are not believed; those of the program are used");
                built_in
            }
        }
    }

    pub(super) fn keep_rules(&self, envelope: &v1::Envelope) {
        self.keep("rules", envelope);
    }

    /// Puts the identity in force that waits, where one does, and lays aside what belongs to the one before: another host
    /// begins anew. Safe to repeat after an end in the middle. True where one waited.
    ///
    /// # Errors
    /// When an agent is at work there, or what the system says.
    pub fn settle_identity(&self) -> Result<bool, IdentityChangeError> {
        let dir = self.identity();
        let Some(next) = dir.next()? else {
            return Ok(false);
        };
        // Holds the journal's lock: no agent may be at work under the identity that goes.
        let lock = self.has_journal().then(|| Journal::open(&self.0)).transpose()?;
        match dir.load() {
            // An end in the middle, after the last step but one.
            Ok(Some(present)) if present.host_id() == next.host_id() => {}
            Ok(Some(former)) => self.lay_aside(&former.host_id().to_string())?,
            Ok(None) => self.lay_aside_of_nobody(next.host_id())?,
            Err(error @ IdentityError::Damaged { .. }) => {
                tracing::warn!(%error, "the present identity is given up unread");
                self.lay_aside_of_nobody(next.host_id())?;
            }
            Err(error) => return Err(error.into()),
        }
        dir.take_next(&next)?;
        drop(lock);
        tracing::info!(host = %next.host_id(), "this machine has this identity from here on");
        Ok(true)
    }

    /// The same where it cannot be told whose they are. Named by who comes after, so that it goes on where it was ended.
    fn lay_aside_of_nobody(&self, next: HostId) -> io::Result<()> {
        if OF_ONE_HOST.iter().any(|name| self.0.join(name).exists()) {
            self.lay_aside(&format!("before-{next}"))?;
        }
        Ok(())
    }

    /// Lays the journal and the inventory of an identity that was given up aside. What lies there already is not replaced:
    /// after an end in the middle it is what counts, and what is here was made since.
    ///
    /// # Errors
    /// What the system says.
    pub fn lay_aside(&self, former: &str) -> io::Result<()> {
        let aside = self.0.join("former").join(former);
        make_private_dir(&aside)?;
        for name in OF_ONE_HOST {
            let (from, to) = (self.0.join(name), aside.join(name));
            let moved = match to.try_exists()? {
                true => fs::remove_file(&from),
                // Durable before the new identity is: a power cut does not bring the former journal back beside it.
                false => disk::replace(&from, &to),
            };
            match moved {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn envelope(&self, name: &str) -> Option<v1::Envelope> {
        let bytes = match fs::read(self.0.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, file = name, "cannot be read; it is made anew");
                return None;
            }
        };
        v1::Envelope::decode(bytes.as_slice()).ok()
    }

    /// Nothing depends on it but a repetition, so a full disk only warns.
    fn keep(&self, name: &str, envelope: &v1::Envelope) {
        if let Err(error) = write_private(&self.0.join(name), &envelope.encode_to_vec()) {
            tracing::warn!(%error, file = name, "cannot be kept");
        }
    }
}

pub(super) fn rule_set(revision: u64, files: &[v1::RuleFile]) -> RuleSet {
    let files = files.iter().map(|file| (file.name.as_str(), file.toml.as_str()));
    RuleSet::from_files(revision, files)
}

pub(super) fn refused(rules: &RuleSet) -> Vec<v1::RefusedRule> {
    let told = |refused: &crate::detect::RefusedRule| v1::RefusedRule {
        product: refused.product.to_string(),
        why: refused.why.clone(),
    };
    rules.refused().iter().map(told).collect()
}
