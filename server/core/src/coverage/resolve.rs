//! Which record is which host. What is not certain is left to a person.

use std::collections::{BTreeMap, BTreeSet};

use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{Identifier, IdentifierKind, Identity};

/// A record of a source: a line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The asset's id; ids sort by when they were made.
    pub asset_id: String,
    /// Who says it. One source names a machine once.
    pub source: String,
    /// By what it can be recognised.
    pub identity: Identity,
    /// What a person decided.
    pub pin: Option<Pin>,
}

/// An enrolled machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub host_id: HostId,
    /// What it says of itself.
    pub identity: Identity,
}

/// What a person decided of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// It is this host.
    Host(HostId),
    /// It is none of the hosts.
    NoHost,
}

/// What a record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Place {
    /// An enrolled host, by this identifier; `None` where a person said so.
    Host {
        /// Which.
        host_id: HostId,
        /// By what.
        by: Option<IdentifierKind>,
    },
    /// The machine of another source's record, which counts for both.
    Same {
        /// The other.
        asset_id: String,
        /// By what.
        by: IdentifierKind,
    },
    /// No host, and nobody else's record: a machine without agent.
    Alone,
    /// It could be one of these hosts, or another machine; a person decides.
    Ambiguous {
        /// In the order of their ids.
        hosts: Vec<HostId>,
        /// Why it is not certain.
        why: Why,
    },
}

/// Why a match is not certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Why {
    /// Several hosts share it.
    Several {
        /// What they share.
        by: IdentifierKind,
    },
    /// One says it is the same, a stronger one says it is not.
    Contradicted {
        /// What is shared.
        by: IdentifierKind,
        /// What differs.
        against: IdentifierKind,
    },
    /// Another record of the same source is this host, too.
    Shared {
        /// What is shared.
        by: IdentifierKind,
    },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Several { by } => write!(f, "several hosts have this {by}"),
            Self::Contradicted { by, against } => write!(f, "the {by} is the same and the {against} is another"),
            Self::Shared { by } => write!(
                f,
                "another record of this source has the same host by its {by} or a stronger one"
            ),
        }
    }
}

/// Places in an index.
enum Found {
    None,
    One(usize, IdentifierKind),
    Several(Vec<usize>, Why),
}

/// Descriptions that are looked through by what they are recognised by.
struct Index<K> {
    all: Vec<(K, Identity)>,
    by: BTreeMap<Identifier, BTreeSet<usize>>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            by: BTreeMap::new(),
        }
    }
}

impl<K> Index<K> {
    fn add(&mut self, key: K, identity: Identity) {
        let at = self.all.len();
        self.all.push((key, Identity::default()));
        self.put(at, identity);
    }

    /// Says more of the one at this place.
    fn put(&mut self, at: usize, identity: Identity) {
        for identifier in identity.iter() {
            self.by.entry(identifier.clone()).or_default().insert(at);
        }
        self.all[at].1 = identity;
    }

    /// Looks for a machine by the strongest identifier that any has. One whose stronger identifier differs is another
    /// machine, whatever weaker ones say.
    fn find(&self, identity: &Identity, may: impl Fn(&K) -> bool) -> Found {
        let mut doubtful = Found::None;
        for shared in identity.iter() {
            let (mut agreeing, mut differing) = (Vec::new(), Vec::new());
            for at in self.by.get(shared).into_iter().flatten().copied() {
                let (key, other) = &self.all[at];
                if !may(key) {
                    continue;
                }
                match contradiction(identity, other, shared.kind) {
                    None => agreeing.push(at),
                    Some(against) => differing.push((at, against)),
                }
            }
            match (agreeing.as_slice(), differing.as_slice()) {
                ([one], _) => return Found::One(*one, shared.kind),
                ([], []) => {}
                ([], [(_, against), ..]) => {
                    if matches!(doubtful, Found::None) {
                        let why = Why::Contradicted {
                            by: shared.kind,
                            against: *against,
                        };
                        doubtful = Found::Several(differing.iter().map(|(at, _)| *at).collect(), why);
                    }
                }
                _ => return Found::Several(agreeing, Why::Several { by: shared.kind }),
            }
        }
        doubtful
    }
}

/// The strongest identifier before `kind` that both have and that differs.
fn contradiction(one: &Identity, other: &Identity, kind: IdentifierKind) -> Option<IdentifierKind> {
    IdentifierKind::ALL
        .iter()
        .copied()
        .take_while(|it| *it < kind)
        .find(|it| {
            one.get(*it)
                .zip(other.get(*it))
                .is_some_and(|(one, other)| one != other)
        })
}

/// What each record is, in the order given. What a record is depends only on the records and machines that share an
/// identifier or a person's word with it, directly or through others; so a part of the fleet can be resolved alone.
#[must_use]
pub fn resolve(records: &[Record], machines: &[Machine]) -> Vec<Place> {
    let mut sorted: Vec<&Machine> = machines.iter().collect();
    sorted.sort_by_key(|machine| machine.host_id);
    let mut hosts = Index::default();
    for machine in sorted {
        hosts.add(machine.host_id, machine.identity.clone());
    }
    let mut places: Vec<Place> = records.iter().map(|record| first_place(record, &hosts)).collect();
    settle_shared(records, &mut places);
    join_alone(records, &mut places);
    places
}

fn first_place(record: &Record, hosts: &Index<HostId>) -> Place {
    match record.pin {
        Some(Pin::Host(host_id)) => return Place::Host { host_id, by: None },
        Some(Pin::NoHost) => return Place::Alone,
        None => {}
    }
    match hosts.find(&record.identity, |_| true) {
        Found::None => Place::Alone,
        Found::One(at, by) => Place::Host {
            host_id: hosts.all[at].0,
            by: Some(by),
        },
        Found::Several(found, why) => Place::Ambiguous {
            hosts: found.into_iter().map(|at| hosts.all[at].0).collect(),
            why,
        },
    }
}

/// Where several records of one source are one host, the one with the strongest reason is, and if several have it, none.
fn settle_shared(records: &[Record], places: &mut [Place]) {
    /// Which record claims the host, and by what.
    type Claims = Vec<(usize, Option<IdentifierKind>)>;
    let mut claims: BTreeMap<(&str, HostId), Claims> = BTreeMap::new();
    for (at, (record, place)) in records.iter().zip(places.iter()).enumerate() {
        if let Place::Host { host_id, by } = place {
            claims
                .entry((record.source.as_str(), *host_id))
                .or_default()
                .push((at, *by));
        }
    }
    for ((_, host_id), claims) in claims {
        // A person's word is `None`, which is least: the strongest.
        let strongest = claims.iter().map(|(_, by)| *by).min().flatten();
        let holders = claims.iter().filter(|(_, by)| *by == strongest).count();
        for (at, by) in claims {
            let Some(by) = by else { continue };
            if Some(by) != strongest || holders > 1 {
                places[at] = Place::Ambiguous {
                    hosts: vec![host_id],
                    why: Why::Shared { by },
                };
            }
        }
    }
}

/// Records of several sources that are no host may be one machine: the oldest counts for all.
fn join_alone(records: &[Record], places: &mut [Place]) {
    let mut alone: Vec<usize> = (0..records.len()).filter(|at| places[*at] == Place::Alone).collect();
    alone.sort_by(|one, other| records[*one].asset_id.cmp(&records[*other].asset_id));
    // By the oldest record: its id, and the sources that name the machine.
    let mut groups: Index<(String, BTreeSet<String>)> = Index::default();
    for at in alone {
        let record = &records[at];
        let found = groups.find(&record.identity, |(_, sources)| !sources.contains(&record.source));
        if let Found::One(group, by) = found {
            let ((leader, sources), identity) = &mut groups.all[group];
            places[at] = Place::Same {
                asset_id: leader.clone(),
                by,
            };
            sources.insert(record.source.clone());
            let identity = merged(identity, &record.identity);
            groups.put(group, identity);
        } else {
            let sources = BTreeSet::from([record.source.clone()]);
            groups.add((record.asset_id.clone(), sources), record.identity.clone());
        }
    }
}

/// What the first says, and what only the other says.
fn merged(first: &Identity, other: &Identity) -> Identity {
    let more = other.iter().filter(|it| first.get(it.kind).is_none());
    first.iter().chain(more).cloned().collect()
}
