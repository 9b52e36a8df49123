//! A host made of kept answers.

use std::collections::BTreeMap;

use cutover_proto::inventory::OsFamily;
use serde::{Deserialize, Serialize};

use super::{HostPath, HostView, Links};
use crate::facts::{Answer, Entry, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput};

/// The version of the file format.
const SCHEMA: u32 = 1;

/// Why a fixture cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// Not JSON of this format; the text names line and key.
    #[error("is not a recording of a host: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Written by another version.
    #[error("has schema {0}; this version reads schema {SCHEMA}")]
    Schema(u32),
}

/// Every answer of one host, as JSON. What was never asked of the recorded host is answered by `unlisted`: a failure,
/// unless whoever wrote the file knows that nothing else is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    schema: u32,
    /// Where it comes from, for people.
    pub about: String,
    pub(crate) os_family: OsFamily,
    pub(crate) unlisted: Answer<()>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Answer<Content>>,
    #[serde(default)]
    pub(crate) lists: BTreeMap<String, Answer<Vec<Entry>>>,
    /// Links followed.
    #[serde(default)]
    pub(crate) stats: BTreeMap<String, Answer<Stat>>,
    /// Links as they are.
    #[serde(default)]
    pub(crate) link_stats: BTreeMap<String, Answer<Stat>>,
    /// Where links lead, those that were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) links: BTreeMap<String, Answer<String>>,
    #[serde(default)]
    pub(crate) free_disk: BTreeMap<String, Answer<u64>>,
    pub(crate) processes: Option<Answer<Vec<Process>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listeners: Option<Answer<Vec<Listener>>>,
    /// By name, those that were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) groups: BTreeMap<String, Answer<u32>>,
    pub(crate) mounts: Option<Answer<Content>>,
    pub(crate) kernel: Option<Answer<Kernel>>,
    pub(crate) boot_id: Option<Answer<String>>,
    /// By the tool's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tools: BTreeMap<String, Answer<Said>>,
    /// By the question's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) replies: BTreeMap<String, Answer<Reply>>,
}

/// What a tool said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub(crate) stdout: Content,
    pub(crate) stderr: Content,
}

impl Said {
    pub(crate) fn of(output: &ToolOutput) -> Self {
        Self {
            stdout: Content::of(&output.stdout),
            stderr: Content::of(&output.stderr),
        }
    }

    pub(crate) fn output(&self) -> Answer<ToolOutput> {
        let stderr = self.stderr.bytes();
        let stdout = self.stdout.bytes();
        stdout.and_then(|stdout| stderr.map(|stderr| ToolOutput { stdout, stderr }))
    }
}

/// Bytes, spelled so that a person can read and edit them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Content {
    /// UTF-8 text in which every line is ended.
    #[serde(rename = "lines")]
    Lines(Vec<String>),
    /// Other UTF-8 text.
    #[serde(rename = "text")]
    Text(String),
    /// Anything else.
    #[serde(rename = "hex")]
    Hex(String),
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => match text.strip_suffix('\n') {
                Some(lines) => Self::Lines(lines.split('\n').map(str::to_owned).collect()),
                None => Self::Text(text.to_owned()),
            },
            Err(_) => Self::Hex(hex::encode(bytes)),
        }
    }

    fn bytes(&self) -> Answer<Vec<u8>> {
        match self {
            Self::Lines(lines) => Answer::Found(
                lines
                    .iter()
                    .flat_map(|line| [line.as_bytes(), b"\n"])
                    .flatten()
                    .copied()
                    .collect(),
            ),
            Self::Text(text) => Answer::Found(text.clone().into_bytes()),
            Self::Hex(digits) => Answer::Found(digits)
                .parsed(|digits| hex::decode(digits).map_err(|error| format!("recording: {error}"))),
        }
    }
}

impl Fixture {
    /// A host of which nothing is known.
    #[must_use]
    pub fn unasked(os_family: OsFamily, about: &str) -> Self {
        Self {
            schema: SCHEMA,
            about: about.to_owned(),
            os_family,
            unlisted: Answer::Failed("this was not asked when the host was recorded; record it again".into()),
            files: BTreeMap::new(),
            lists: BTreeMap::new(),
            stats: BTreeMap::new(),
            link_stats: BTreeMap::new(),
            links: BTreeMap::new(),
            free_disk: BTreeMap::new(),
            processes: None,
            listeners: None,
            groups: BTreeMap::new(),
            mounts: None,
            kernel: None,
            boot_id: None,
            tools: BTreeMap::new(),
            replies: BTreeMap::new(),
        }
    }

    /// Reads a fixture.
    ///
    /// # Errors
    /// When the text is not of this format or of another version.
    pub fn from_json(text: &str) -> Result<Self, FixtureError> {
        let fixture: Self = serde_json::from_str(text)?;
        if fixture.schema != SCHEMA {
            return Err(FixtureError::Schema(fixture.schema));
        }
        Ok(fixture)
    }

    /// The same answers as text.
    ///
    /// # Errors
    /// Never in practice: every value here has a JSON form.
    pub fn to_json(&self) -> Result<String, FixtureError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Windows takes paths and names without regard to case.
    fn lookup<'f, T>(&self, answers: &'f BTreeMap<String, T>, key: &str) -> Option<&'f T> {
        answers.get(key).or_else(|| {
            let same = |other: &str| {
                other.eq_ignore_ascii_case(key)
                    || (!other.is_ascii() && !key.is_ascii() && other.to_lowercase() == key.to_lowercase())
            };
            let mut others = answers.iter().filter(|_| self.os_family == OsFamily::Windows);
            others.find(|(other, _)| same(other)).map(|(_, answer)| answer)
        })
    }

    fn kept<T: Clone>(&self, answer: Option<&Answer<T>>) -> Answer<T> {
        match answer {
            Some(answer) => answer.clone(),
            None => match &self.unlisted {
                // "Found" says nothing about what; there is nothing to give.
                Answer::Absent | Answer::Found(()) => Answer::Absent,
                Answer::Unsupported => Answer::Unsupported,
                Answer::Denied(why) => Answer::Denied(why.clone()),
                Answer::Failed(why) => Answer::Failed(why.clone()),
            },
        }
    }
}

impl HostView for Fixture {
    fn os_family(&self) -> OsFamily {
        self.os_family
    }

    fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        let bounded = |bytes: Vec<u8>| {
            if bytes.len() as u64 > max {
                Answer::Failed(format!("{file} is longer than {max} bytes, which no sound one is"))
            } else {
                Answer::Found(bytes)
            }
        };
        self.kept(self.lookup(&self.files, file.as_str()))
            .and_then(|content| content.bytes())
            .and_then(bounded)
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.kept(self.lookup(&self.lists, dir.as_str()))
    }

    fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        let stats = match links {
            Links::Followed => &self.stats,
            Links::AsTheyAre => &self.link_stats,
        };
        self.kept(self.lookup(stats, path.as_str()))
    }

    fn link(&self, path: &HostPath) -> Answer<String> {
        self.kept(self.lookup(&self.links, path.as_str()))
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        self.kept(self.processes.as_ref())
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        self.kept(self.listeners.as_ref())
    }

    fn group(&self, name: &str) -> Answer<u32> {
        self.kept(self.groups.get(name))
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        self.kept(self.mounts.as_ref()).and_then(|content| content.bytes())
    }

    fn kernel(&self) -> Answer<Kernel> {
        self.kept(self.kernel.as_ref())
    }

    fn boot_id(&self) -> Answer<String> {
        self.kept(self.boot_id.as_ref())
    }

    fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        self.kept(self.free_disk.get(path.as_str()))
    }

    fn tool(&self, tool: Tool) -> Answer<ToolOutput> {
        self.kept(self.tools.get(tool.as_str())).and_then(|said| said.output())
    }

    fn ask(&self, question: &Question) -> Answer<Reply> {
        self.kept(self.lookup(&self.replies, &question.to_string()))
    }
}
