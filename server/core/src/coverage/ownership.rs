//! Whose a machine is: what sources say of it, and what a person says.

use cutover_proto::words;

words! {
    /// Whose a machine is. Where nobody says it, it is unknown, which is none of these.
    pub enum Ownership("ownership") {
        /// The organisation's.
        Corporate = "corporate",
        /// Of somebody who works with another organisation's machine.
        Contractor = "contractor",
        /// Somebody's own.
        Personal = "personal",
    }
}

impl Ownership {
    /// Whether it is the organisation's to change: no work order ever goes to any other.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        match self {
            Self::Corporate => true,
            Self::Contractor | Self::Personal => false,
        }
    }
}

/// Whose a machine is, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owned {
    /// `None` where nobody says it.
    pub ownership: Option<Ownership>,
    /// Who says it, in the order in which they were asked.
    pub by: Vec<String>,
}

/// What follows from what is said: by a person of the host itself, which goes before all else; and by sources. Where sources
/// differ, the machine is somebody's own rather than the organisation's: who takes it for ours by mistake changes a machine
/// that is not.
#[must_use]
pub fn ownership<'s>(
    by_person: Option<Ownership>,
    sources: impl Iterator<Item = (&'s str, Option<Ownership>)>,
) -> Owned {
    if by_person.is_some() {
        return Owned {
            ownership: by_person,
            by: vec!["an operator".to_owned()],
        };
    }
    let said: Vec<(&str, Ownership)> = sources
        .filter_map(|(source, ownership)| Some((source, ownership?)))
        .collect();
    let ownership = said.iter().map(|(_, ownership)| *ownership).max();
    let by = said.iter().filter(|(_, said)| Some(*said) == ownership);
    Owned {
        ownership,
        by: by.map(|(source, _)| (*source).to_owned()).collect(),
    }
}

impl Owned {
    /// For people.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.ownership {
            None => "unknown: no record and no operator says whose it is".to_owned(),
            Some(ownership) => format!("{ownership}, says {}", self.by.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(by_person: Option<Ownership>, said: &[(&str, Option<Ownership>)]) -> Owned {
        ownership(by_person, said.iter().copied())
    }

    #[test]
    fn nobodys_word_is_unknown_and_no_ownership() {
        assert_eq!(of(None, &[]).ownership, None);
        let silent = of(None, &[("ad", None)]);
        assert_eq!(silent, Owned::default());
        assert!(silent.in_words().starts_with("unknown"));
    }

    #[test]
    fn sources_that_differ_leave_the_machine_somebodys_own_in_any_order() {
        use Ownership::{Contractor, Corporate, Personal};
        let said = [("a", Some(Corporate)), ("b", Some(Personal)), ("c", None)];
        let back = [said[1], said[2], said[0]];
        for said in [said, back] {
            let owned = of(None, &said);
            assert_eq!(
                (owned.ownership, owned.by.as_slice()),
                (Some(Personal), &["b".to_owned()][..])
            );
        }
        assert_eq!(
            of(None, &[("a", Some(Contractor)), ("b", Some(Corporate))]).ownership,
            Some(Contractor)
        );
        assert_eq!(of(None, &said[..1]).in_words(), "corporate, says a");
    }

    #[test]
    fn a_persons_word_goes_before_all_else() {
        let owned = of(Some(Ownership::Corporate), &[("b", Some(Ownership::Personal))]);
        assert_eq!(owned.ownership, Some(Ownership::Corporate));
        assert!(owned.in_words().contains("operator"), "{}", owned.in_words());
    }

    #[test]
    fn only_the_organisations_own_are_its_to_change() {
        let ours: Vec<Ownership> = Ownership::ALL.iter().copied().filter(|it| it.is_ours()).collect();
        assert_eq!(ours, [Ownership::Corporate]);
    }
}
