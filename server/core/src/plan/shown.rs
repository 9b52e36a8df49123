//! How far the recipes were shown to work that migrated a host.

use cutover_proto::words;

use super::{Origin, Phase, Plan};
use crate::catalog::Proven;

words! {
    /// What a migrated host's work rests on.
    pub enum ShownBy("grade of the work") {
        /// Recipes that ran on machines of an organisation.
        Field = "field",
        /// Recipes that ran on a machine of the tests that boots.
        Machine = "machine",
        /// Recipes that ran in a root directory.
        Chroot = "chroot",
        /// Recipes that ran under Wine.
        Wine = "wine",
        /// Recipes that ran nowhere.
        Fixture = "fixture",
        /// No recipe: others did it.
        Others = "others",
        /// Not recorded, or who did it is not known.
        Untold = "untold",
    }
}

impl From<Proven> for ShownBy {
    fn from(grade: Proven) -> Self {
        match grade {
            Proven::Field => Self::Field,
            Proven::Machine => Self::Machine,
            Proven::Chroot => Self::Chroot,
            Proven::Wine => Self::Wine,
            Proven::Fixture => Self::Fixture,
        }
    }
}

impl Plan {
    /// What the work on a migrated host rests on; `None` where it is not migrated.
    #[must_use]
    pub fn shown_by(&self) -> Option<ShownBy> {
        if self.phase != Phase::Migrated {
            return None;
        }
        Some(match (self.origin, self.grade) {
            (Some(Origin::Order), Some(grade)) => grade.into(),
            (Some(Origin::External | Origin::Handwork), _) => ShownBy::Others,
            (Some(Origin::Order), None) | (Some(Origin::Unclear) | None, _) => ShownBy::Untold,
        })
    }
}
