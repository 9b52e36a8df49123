//! The order by which agents replace their own program, and what an agent says became of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{WireError, artifact::ArtifactRef, spelling::on_wire, v1, words};

/// More programs than this are none: three systems on a few processors.
const PROGRAMS_MAX: usize = 16;
/// Nobody's program is longer in words.
const VERSION_MAX: usize = 64;
/// The shortest time in which a new program may show that it reaches the server, seconds.
pub const TRIAL_LEAST: u32 = 5;
/// The longest: an hour without an agent that is known to work is enough.
pub const TRIAL_MOST: u32 = 3600;

words! {
    /// What became of a release on a host.
    pub enum UpdateState("update state") {
        /// Its program runs; no check-in of it was answered yet.
        Tried = "tried",
        /// Its program is the one that runs from here on.
        InForce = "in-force",
        /// It was tried, and the one before came back.
        RolledBack = "rolled-back",
        /// It was never started.
        Refused = "refused",
    }
}
on_wire!(
    UpdateState,
    "condition.update.state",
    v1::UpdateState {
        Tried,
        InForce,
        RolledBack,
        Refused,
    }
);

/// What became of a release on a host, as its agent says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUpdate {
    /// Of the release.
    pub revision: u64,
    /// How it stands.
    pub state: UpdateState,
    /// Why, where it is not in force.
    pub why: String,
}

impl From<AgentUpdate> for v1::AgentUpdate {
    fn from(update: AgentUpdate) -> Self {
        Self {
            revision: update.revision,
            state: update.state.number(),
            why: update.why,
        }
    }
}

impl TryFrom<v1::AgentUpdate> for AgentUpdate {
    type Error = WireError;

    fn try_from(wire: v1::AgentUpdate) -> Result<Self, WireError> {
        Ok(Self {
            revision: wire.revision,
            state: wire.state.try_into()?,
            why: wire.why,
        })
    }
}

/// What a program was built for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// `linux`, `windows`, `macos`.
    pub os: String,
    /// `x86_64`, `aarch64`, `x86`.
    pub architecture: String,
}

impl Platform {
    /// Of this program.
    #[must_use]
    pub fn here() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
        }
    }

    /// What an executable file was built for, by its first bytes (ELF, PE, Mach-O); none where it is no program of a system
    /// and processor that agents run on. 4096 bytes are enough of any.
    #[must_use]
    pub fn of_program(bytes: &[u8]) -> Option<Self> {
        let (os, architecture) = elf(bytes).or_else(|| pe(bytes)).or_else(|| mach_o(bytes))?;
        Some(Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
        })
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}-{}", self.os, self.architecture))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

/// System V ABI: `e_machine` is at 18; little-endian, 32 or 64 bits.
fn elf(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if !bytes.starts_with(b"\x7fELF") || bytes.get(5) != Some(&1) {
        return None;
    }
    match u16_at(bytes, 18)? {
        3 => Some(("linux", "x86")),
        62 => Some(("linux", "x86_64")),
        183 => Some(("linux", "aarch64")),
        _ => None,
    }
}

/// PE/COFF: the offset of the signature is at 0x3c, the machine comes after it.
fn pe(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let header = usize::try_from(u32_at(bytes, 0x3c)?).ok()?;
    if !bytes.starts_with(b"MZ") || bytes.get(header..header.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    match u16_at(bytes, header + 4)? {
        0x14c => Some(("windows", "x86")),
        0x8664 => Some(("windows", "x86_64")),
        0xaa64 => Some(("windows", "aarch64")),
        _ => None,
    }
}

/// `mach-o/loader.h`: 64 bits, little-endian; the CPU type follows the magic number. Universal files hold several and are
/// none of these.
fn mach_o(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if u32_at(bytes, 0)? != 0xfeed_facf {
        return None;
    }
    match u32_at(bytes, 4)? {
        0x0100_0007 => Some(("macos", "x86_64")),
        0x0100_000c => Some(("macos", "aarch64")),
        _ => None,
    }
}

/// A program for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentProgram {
    /// What it runs on.
    pub platform: Platform,
    /// Its bytes.
    pub file: ArtifactRef,
}

/// The program that agents are to go on with; the same order for every host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentRelease {
    /// Only rises: an agent goes by none that is not above all that it has seen.
    pub revision: u64,
    /// As the new program says it of itself.
    pub version: String,
    /// At most one for a platform.
    pub programs: Vec<AgentProgram>,
    /// For so long from its start the new program may wait for an answer to a check-in.
    pub trial_seconds: u32,
}

impl AgentRelease {
    /// What it has for a platform.
    #[must_use]
    pub fn program(&self, platform: &Platform) -> Option<&ArtifactRef> {
        let mut programs = self.programs.iter();
        programs
            .find(|program| program.platform == *platform)
            .map(|program| &program.file)
    }

    /// Checks what a release has to hold.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn check(&self) -> Result<(), WireError> {
        let invalid = |field, why: String| Err(WireError::Invalid { field, why });
        if self.revision == 0 {
            return Err(WireError::Missing("agent_release.revision"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_');
        if self.version.is_empty() || self.version.len() > VERSION_MAX || !self.version.chars().all(plain) {
            return invalid("agent_release.version", format!("`{}` is no version", self.version));
        }
        if self.programs.is_empty() || self.programs.len() > PROGRAMS_MAX {
            return invalid(
                "agent_release.programs",
                format!("it names none, or more than {PROGRAMS_MAX}"),
            );
        }
        let platforms: BTreeSet<&Platform> = self.programs.iter().map(|program| &program.platform).collect();
        if platforms.len() < self.programs.len() {
            return invalid("agent_release.programs", "two are for one platform".to_owned());
        }
        if !(TRIAL_LEAST..=TRIAL_MOST).contains(&self.trial_seconds) {
            let why = format!("{} is not from {TRIAL_LEAST} to {TRIAL_MOST}", self.trial_seconds);
            return invalid("agent_release.trial_seconds", why);
        }
        self.programs.iter().try_for_each(|program| program.file.check())
    }
}

impl From<AgentRelease> for v1::AgentRelease {
    fn from(release: AgentRelease) -> Self {
        let program = |program: AgentProgram| v1::AgentProgram {
            os: program.platform.os,
            architecture: program.platform.architecture,
            file: Some(program.file.into()),
        };
        Self {
            revision: release.revision,
            version: release.version,
            programs: release.programs.into_iter().map(program).collect(),
            trial_seconds: release.trial_seconds,
        }
    }
}

impl TryFrom<v1::AgentRelease> for AgentRelease {
    type Error = WireError;

    fn try_from(wire: v1::AgentRelease) -> Result<Self, WireError> {
        let program = |program: v1::AgentProgram| -> Result<AgentProgram, WireError> {
            Ok(AgentProgram {
                platform: Platform {
                    os: program.os,
                    architecture: program.architecture,
                },
                file: program
                    .file
                    .ok_or(WireError::Missing("agent_program.file"))?
                    .try_into()?,
            })
        };
        let release = Self {
            revision: wire.revision,
            version: wire.version,
            programs: wire.programs.into_iter().map(program).collect::<Result<_, _>>()?,
            trial_seconds: wire.trial_seconds,
        };
        release.check()?;
        Ok(release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::ArtifactDigest;

    fn release() -> AgentRelease {
        AgentRelease {
            revision: 3,
            version: "0.2.0".to_owned(),
            programs: vec![AgentProgram {
                platform: Platform::here(),
                file: ArtifactRef {
                    sha256: ArtifactDigest::new([7; 32]),
                    size: 5,
                    file_name: "cutover-agent".to_owned(),
                    urls: Vec::new(),
                },
            }],
            trial_seconds: 600,
        }
    }

    #[test]
    fn a_release_comes_back_from_the_wire_as_it_was() {
        let wire = v1::AgentRelease::from(release());
        assert_eq!(AgentRelease::try_from(wire), Ok(release()));
    }

    #[test]
    fn a_release_that_says_less_or_more_than_it_may_is_refused() {
        let mut twice = release();
        twice.programs.push(twice.programs[0].clone());
        let mut none = release();
        none.programs.clear();
        let mut unsized_file = release();
        unsized_file.programs[0].file.size = 0;
        for bad in [
            AgentRelease {
                revision: 0,
                ..release()
            },
            AgentRelease {
                version: String::new(),
                ..release()
            },
            AgentRelease {
                version: "1\n2".to_owned(),
                ..release()
            },
            AgentRelease {
                trial_seconds: TRIAL_LEAST - 1,
                ..release()
            },
            AgentRelease {
                trial_seconds: TRIAL_MOST + 1,
                ..release()
            },
            twice,
            none,
            unsized_file,
        ] {
            assert!(
                AgentRelease::try_from(v1::AgentRelease::from(bad.clone())).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn this_test_is_a_program_for_what_it_runs_on() {
        let here = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(Platform::of_program(&here[..4096]), Some(Platform::here()));
    }

    #[test]
    fn programs_of_every_system_are_told_apart_by_their_first_bytes() {
        let elf = |machine: u8| [&b"\x7fELF\x02\x01\x01"[..], &[0; 11], &[machine, 0]].concat();
        let pe = |machine: [u8; 2]| [&b"MZ"[..], &[0; 0x3a], &[0x40, 0, 0, 0], b"PE\0\0", &machine].concat();
        let mach = |cpu: u8| vec![0xcf, 0xfa, 0xed, 0xfe, cpu, 0, 0, 1];
        for (bytes, expected) in [
            (elf(62), Some("linux-x86_64")),
            (elf(183), Some("linux-aarch64")),
            (elf(8), None),
            (pe([0x64, 0x86]), Some("windows-x86_64")),
            (pe([0x4c, 0x01]), Some("windows-x86")),
            (mach(7), Some("macos-x86_64")),
            (mach(12), Some("macos-aarch64")),
            (b"#!/bin/sh\n".to_vec(), None),
            (Vec::new(), None),
        ] {
            let found = Platform::of_program(&bytes).map(|platform| platform.to_string());
            assert_eq!(found.as_deref(), expected, "{bytes:?}");
            // Cut anywhere, it is never anything else.
            for end in 0..bytes.len() {
                let cut = Platform::of_program(&bytes[..end]).map(|platform| platform.to_string());
                assert!(cut.is_none() || cut.as_deref() == expected, "{end} of {bytes:?}");
            }
        }
    }
}
