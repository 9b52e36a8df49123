//! What an agent keeps about releases, and which program runs: pure.
//!
//! The program that a package installed starts first, always, and gives way to the one that a release put in its place.
//! What a package installed later wins over every release before it.

use cutover_proto::{
    artifact::ArtifactDigest,
    release::{AgentUpdate, UpdateState},
};
use serde::{Deserialize, Serialize};

/// A new program that was started so often and never had an answer is given up.
const STARTS_MAX: u32 = 3;

/// A program that runs in place of the installed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// As it says itself.
    pub version: String,
    /// What it hashes to, and where it lies.
    pub sha256: ArtifactDigest,
    /// The installed program in whose place it came.
    pub installed: String,
}

/// A program that has to show that it reaches the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Which.
    pub program: Staged,
    /// How long it may take from its start.
    pub seconds: u32,
    /// How often it was started.
    pub starts: u32,
}

/// What is kept about releases. A program before or after this one may read it, so fields are only added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// The highest that was ever believed.
    pub revision: u64,
    /// What runs in place of the installed program.
    #[serde(default)]
    pub in_force: Option<Staged>,
    /// What is tried in place of either.
    #[serde(default)]
    pub trial: Option<Trial>,
    /// What became of the newest.
    #[serde(default)]
    pub outcome: Option<AgentUpdate>,
}

/// Which program a start goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The one that a package installed.
    Installed,
    /// One that a release put in its place.
    Staged(Staged),
    /// The same, and it has so many seconds.
    Trial(Staged, u32),
}

impl UpdateRecord {
    /// The installed program, of this version, was started: what goes on. To be kept before it does.
    pub fn at_start(&mut self, installed: &str) -> Next {
        let is_of_here = |program: &Staged| program.installed == installed;
        if self.trial.as_ref().is_some_and(|trial| !is_of_here(&trial.program)) {
            let why = format!("{installed} was installed meanwhile");
            self.roll_back(&why);
        }
        self.in_force = self.in_force.take().filter(is_of_here);
        if let Some(trial) = &mut self.trial {
            if trial.starts < STARTS_MAX {
                trial.starts += 1;
                return Next::Trial(trial.program.clone(), trial.seconds);
            }
            let why = format!("it was started {STARTS_MAX} times and no check-in of it was answered");
            self.roll_back(&why);
        }
        self.in_force.clone().map_or(Next::Installed, Next::Staged)
    }

    /// The program of a release is to be tried from the next start on.
    pub fn try_out(&mut self, revision: u64, program: Staged, seconds: u32) {
        self.trial = Some(Trial {
            program,
            seconds,
            starts: 0,
        });
        self.end(revision, UpdateState::Tried, "");
    }

    /// A check-in of the program that is tried was answered. Whether one was tried at all.
    pub fn confirm(&mut self) -> bool {
        let Some(trial) = self.trial.take() else {
            return false;
        };
        self.in_force = Some(trial.program);
        self.end(self.revision, UpdateState::InForce, "");
        true
    }

    /// What is tried is given up: the program before it runs again from the next start on.
    pub fn roll_back(&mut self, why: &str) {
        self.trial = None;
        self.end(self.revision, UpdateState::RolledBack, why);
    }

    /// What is in force cannot be started any more.
    pub fn lose(&mut self, why: &str) {
        self.in_force = None;
        self.roll_back(why);
    }

    /// A release comes to nothing before it was tried.
    pub fn refuse(&mut self, revision: u64, why: &str) {
        self.end(revision, UpdateState::Refused, why);
    }

    fn end(&mut self, revision: u64, state: UpdateState, why: &str) {
        self.revision = self.revision.max(revision);
        self.outcome = Some(AgentUpdate {
            revision,
            state,
            why: why.to_owned(),
        });
    }

    /// The programs that have to stay on disk.
    pub fn programs(&self) -> impl Iterator<Item = &Staged> {
        let tried = self.trial.as_ref().map(|trial| &trial.program);
        self.in_force.iter().chain(tried)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn program(number: u8) -> Staged {
        Staged {
            version: format!("0.{number}.0"),
            sha256: ArtifactDigest::new([number; 32]),
            installed: "0.1.0".to_owned(),
        }
    }

    fn tried(revision: u64, program: Staged) -> UpdateRecord {
        let mut record = UpdateRecord::default();
        record.try_out(revision, program, 60);
        record
    }

    fn state(record: &UpdateRecord) -> UpdateState {
        record.outcome.as_ref().unwrap().state
    }

    #[test]
    fn a_program_that_is_answered_stays_in_force_over_starts() {
        let mut record = tried(3, program(2));
        assert_eq!(record.at_start("0.1.0"), Next::Trial(program(2), 60));
        assert!(record.confirm());
        assert_eq!(state(&record), UpdateState::InForce);
        assert_eq!(record.at_start("0.1.0"), Next::Staged(program(2)));
        assert_eq!(record.at_start("0.1.0"), Next::Staged(program(2)));
        assert!(!record.confirm());
    }

    #[test]
    fn a_program_that_never_gets_an_answer_gives_way_after_three_starts() {
        let mut record = tried(3, program(2));
        for _ in 0..STARTS_MAX {
            assert_eq!(record.at_start("0.1.0"), Next::Trial(program(2), 60));
        }
        assert_eq!(record.at_start("0.1.0"), Next::Installed);
        assert_eq!(state(&record), UpdateState::RolledBack);
        assert!(record.outcome.unwrap().why.contains("3 times"));
    }

    #[test]
    fn what_was_in_force_before_comes_back_and_not_the_installed_program() {
        let mut record = tried(3, program(2));
        record.at_start("0.1.0");
        record.confirm();
        record.try_out(4, program(3), 60);
        record.at_start("0.1.0");
        record.roll_back("it did not check in");
        assert_eq!(record.at_start("0.1.0"), Next::Staged(program(2)));
        assert_eq!(record.outcome.as_ref().unwrap().revision, 4);
    }

    #[test]
    fn a_package_that_came_later_wins_over_releases() {
        let mut record = tried(3, program(2));
        record.at_start("0.1.0");
        record.confirm();
        assert_eq!(record.at_start("0.3.0"), Next::Installed);
        // Also where the former package comes back: what is gone is gone.
        assert_eq!(record.at_start("0.1.0"), Next::Installed);
        let mut record = tried(3, program(2));
        assert_eq!(record.at_start("0.3.0"), Next::Installed);
        assert_eq!(state(&record), UpdateState::RolledBack);
    }

    #[test]
    fn a_refused_release_changes_no_program() {
        let mut record = tried(3, program(2));
        record.at_start("0.1.0");
        record.confirm();
        record.refuse(5, "it has no program for this system");
        assert_eq!((record.revision, state(&record)), (5, UpdateState::Refused));
        assert_eq!(record.at_start("0.1.0"), Next::Staged(program(2)));
    }

    #[test]
    fn a_record_of_a_later_version_is_read_for_what_is_known_here() {
        let text = r#"{"revision":7,"channel":"slow","outcome":{"revision":7,"state":"in-force","why":"","by":"x"}}"#;
        let record: UpdateRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.revision, state(&record)), (7, UpdateState::InForce));
    }

    proptest! {
        #[test]
        fn whatever_happens_a_start_ends_with_a_program_that_was_confirmed_or_is_tried_at_most_so_often(
            steps in proptest::collection::vec(0_u8..6, 0..60)
        ) {
            let mut record = UpdateRecord::default();
            let (mut confirmed, mut revision, mut starts) = (None, 0_u64, 0);
            for step in steps {
                match step {
                    0 => {
                        revision += 1;
                        record.try_out(revision, program(u8::try_from(revision).unwrap()), 60);
                        starts = 0;
                    }
                    1 => {
                        if record.confirm() {
                            confirmed.clone_from(&record.in_force);
                        }
                    }
                    2 => record.roll_back("x"),
                    3 => {
                        revision += 1;
                        record.refuse(revision, "x");
                    }
                    _ => match record.at_start("0.1.0") {
                        Next::Installed => prop_assert!(confirmed.is_none()),
                        Next::Staged(staged) => prop_assert_eq!(Some(staged), confirmed.clone()),
                        Next::Trial(..) => {
                            starts += 1;
                            prop_assert!(starts <= STARTS_MAX);
                        }
                    },
                }
                prop_assert_eq!(record.revision, revision);
            }
        }
    }
}
