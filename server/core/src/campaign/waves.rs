//! Waves: which hosts open together, in which order, and how carefully.

use std::collections::BTreeSet;

use cutover_proto::{ids::HostId, words};
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::{
    Campaign,
    selector::{Selector, Traits},
};
use crate::{
    mix::{mix, of_bytes},
    rollout::{Gate, GateInFile, Rate},
};

/// The wave of hosts that fit no other. Nothing opens it but a person.
pub const UNMATCHED: &str = "unmatched";

words! {
    /// What opens a wave.
    pub enum Opens("what opens a wave") {
        /// A person.
        ByHand = "by-hand",
        /// The gates of the waves that it comes after.
        ByGate = "by-gate",
    }
}

words! {
    /// What becomes of a host that falls into a wave which is open already.
    pub enum LateJoiners("late joiners") {
        /// It goes on with the others; its own grace holds all the same.
        Join = "join",
        /// A person lets each of them start.
        Approve = "approve",
    }
}

/// A part of the hosts that fit. Each host's place is drawn from its id and the wave's name, so it stays where it is when others
/// come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(Rate);

impl Share {
    /// Reads `5 %` or `0.5%`.
    ///
    /// # Errors
    /// When it is no part of a hundred, nothing, or everything.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rate = Rate::parse(text)?;
        if rate.parts() == 0 || rate.rest().parts() == 0 {
            return Err(format!(
                "a share of {rate} is no part; write more than 0 % and less than 100 %, or leave it out"
            ));
        }
        Ok(Self(rate))
    }

    /// Whether it takes this host.
    #[must_use]
    pub fn takes(self, wave: &str, host: HostId) -> bool {
        let hash = of_bytes(wave.bytes().chain([0]).chain(host.uuid().into_bytes()));
        (u128::from(mix(hash)) * u128::from(Rate::WHOLE)) >> 64 < u128::from(self.0.parts())
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A group of hosts that opens together. Whether it is open stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// Its name.
    pub name: String,
    /// Which hosts it is for.
    pub hosts: Selector,
    /// Which part of them; of those that no wave before it has.
    pub share: Option<Share>,
    /// Waves that must have come through their gates before it opens.
    pub after: Vec<String>,
    /// What opens it.
    pub opens: Opens,
    /// So many hosts that are heard of go first, and must have succeeded before any other starts.
    pub canaries: u32,
    /// How many of its hosts may have an order out at a time, besides the campaign's limit.
    pub max_in_flight: Option<u32>,
    /// How many of its hosts may start within an hour, besides the campaign's limit.
    pub starts_per_hour: Option<u32>,
    /// Whether a person lets each of its hosts start; the policy says it for classes of hosts where this does not.
    pub approval: Option<bool>,
    /// See [`LateJoiners`].
    pub late_joiners: LateJoiners,
    /// What must hold of it before the waves after it open, and what halts it.
    pub gate: Option<Gate>,
}

impl Wave {
    /// A wave that takes every host and opens by hand.
    #[must_use]
    pub fn everybody(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hosts: Selector::default(),
            share: None,
            after: Vec::new(),
            opens: Opens::ByHand,
            canaries: 0,
            max_in_flight: None,
            starts_per_hour: None,
            approval: None,
            late_joiners: LateJoiners::Join,
            gate: None,
        }
    }

    fn takes(&self, host: &Traits<'_>) -> bool {
        self.hosts.fits(host) && self.share.is_none_or(|share| share.takes(&self.name, host.host))
    }
}

impl Campaign {
    /// The wave of a host: the first that takes it, else [`UNMATCHED`].
    #[must_use]
    pub fn wave_of(&self, host: &Traits<'_>) -> &str {
        let wave = self.waves.iter().find(|wave| wave.takes(host));
        wave.map_or(UNMATCHED, |wave| &wave.name)
    }

    /// The wave of that name; `None` for [`UNMATCHED`] and for one that this version does not have.
    #[must_use]
    pub fn wave(&self, name: &str) -> Option<&Wave> {
        self.waves.iter().find(|wave| wave.name == name)
    }

    /// All names of waves, in order, [`UNMATCHED`] last.
    pub fn wave_names(&self) -> impl Iterator<Item = &str> {
        let names = self.waves.iter().map(|wave| wave.name.as_str());
        names.chain([UNMATCHED])
    }
}

/// A wave in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaveInFile {
    name: Spanned<String>,
    #[serde(default, rename = "match")]
    hosts: Selector,
    #[serde(default)]
    share: Option<Share>,
    #[serde(default)]
    after: Option<Vec<String>>,
    #[serde(default = "by_hand")]
    opens: Opens,
    #[serde(default)]
    canaries: u32,
    #[serde(default)]
    max_in_flight: Option<u32>,
    #[serde(default)]
    starts_per_hour: Option<u32>,
    #[serde(default)]
    approval: Option<bool>,
    #[serde(default = "join")]
    late_joiners: LateJoiners,
    #[serde(default)]
    gate: Option<GateInFile>,
}

const fn by_hand() -> Opens {
    Opens::ByHand
}

const fn join() -> LateJoiners {
    LateJoiners::Join
}

/// One table, or several: `[wave]` or `[[wave]]`.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<WaveInFile>, D::Error> {
    struct Waves;
    impl<'de> de::Visitor<'de> for Waves {
        type Value = Vec<WaveInFile>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("[wave] or [[wave]]")
        }
        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            WaveInFile::deserialize(de::value::MapAccessDeserializer::new(map)).map(|wave| vec![wave])
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut waves: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(wave) = waves.next_element()? {
                all.push(wave);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Waves)
}

/// What makes no sense, and where it stands in the file: an offset in bytes.
pub(super) struct Flaw {
    pub(super) at: usize,
    pub(super) why: String,
}

/// The waves of a file.
pub(super) fn read(file: Vec<WaveInFile>) -> Result<Vec<Wave>, Flaw> {
    let mut waves: Vec<Wave> = Vec::new();
    let offsets: Vec<usize> = file.iter().map(|wave| wave.name.span().start).collect();
    for (it, at) in file.into_iter().zip(&offsets) {
        let before = waves.last().map(|wave| wave.name.clone());
        let gate = it.gate.map(Gate::from_file).transpose().map_err(|why| Flaw {
            at: *at,
            why: format!("wave `{}`: {why}", it.name.get_ref()),
        })?;
        let wave = Wave {
            after: match (it.after, it.opens) {
                (Some(after), _) => after,
                (None, Opens::ByGate) => before.into_iter().collect(),
                (None, Opens::ByHand) => Vec::new(),
            },
            name: it.name.into_inner(),
            hosts: it.hosts,
            share: it.share,
            opens: it.opens,
            canaries: it.canaries,
            max_in_flight: it.max_in_flight,
            starts_per_hour: it.starts_per_hour,
            approval: it.approval,
            late_joiners: it.late_joiners,
            gate,
        };
        check(&wave, &waves).map_err(|why| Flaw { at: *at, why })?;
        waves.push(wave);
    }
    for (wave, at) in waves.iter().zip(&offsets) {
        check_order(wave, &waves).map_err(|why| Flaw { at: *at, why })?;
    }
    Ok(waves)
}

fn check(wave: &Wave, before: &[Wave]) -> Result<(), String> {
    let name = &wave.name;
    if !super::parse::is_plain(name) {
        return Err(format!(
            "wave `{name}`: its name is not made of lower-case letters, digits and `-`, at most 64"
        ));
    }
    if name == UNMATCHED {
        return Err(format!(
            "wave `{name}` is the wave of hosts that fit no other, and is always there; choose another name"
        ));
    }
    if before.iter().any(|other| other.name == *name) {
        return Err(format!("two waves are named `{name}`; rename one"));
    }
    let shadow = before
        .iter()
        .find(|other| other.share.is_none() && other.hosts.covers(&wave.hosts));
    if let Some(other) = shadow {
        return Err(format!(
            "wave `{name}` can have no host: wave `{}` before it takes them all; move `{name}` before it, or let the other \
             match fewer",
            other.name
        ));
    }
    for (key, limit) in [
        ("max_in_flight", wave.max_in_flight),
        ("starts_per_hour", wave.starts_per_hour),
    ] {
        if limit == Some(0) {
            return Err(format!(
                "wave `{name}`: {key} is 0, so none of its hosts would ever start; write at least 1, leave it out, or leave \
                 the wave closed"
            ));
        }
    }
    wave.hosts.check(&format!("wave `{name}`: match"))
}

fn check_order(wave: &Wave, waves: &[Wave]) -> Result<(), String> {
    let name = &wave.name;
    for other in &wave.after {
        if !waves.iter().any(|it| it.name == *other) {
            return Err(format!(
                "wave `{name}` comes after `{other}`, and there is no such wave; write the name of one, or leave it out"
            ));
        }
    }
    if wave.opens == Opens::ByGate && wave.after.is_empty() {
        return Err(format!(
            "wave `{name}` opens by gate and comes after no wave; name one in `after`, or let a person open it"
        ));
    }
    if wave.opens == Opens::ByGate
        && let Some(other) = waves
            .iter()
            .find(|it| wave.after.contains(&it.name) && it.gate.is_none())
    {
        return Err(format!(
            "wave `{name}` opens by the gate of `{}`, which has none; write [wave.gate] under that wave, or let a person open \
             `{name}`",
            other.name
        ));
    }
    if is_before_itself(wave, waves) {
        return Err(format!(
            "wave `{name}` comes after itself, by way of `after`, so it would never open; break the circle"
        ));
    }
    Ok(())
}

fn is_before_itself(wave: &Wave, waves: &[Wave]) -> bool {
    let mut met = BTreeSet::new();
    let mut open: Vec<&str> = wave.after.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        if name == wave.name {
            return true;
        }
        if met.insert(name) {
            let next = waves.iter().find(|it| it.name == name);
            open.extend(next.into_iter().flat_map(|it| &it.after).map(String::as_str));
        }
    }
    false
}
