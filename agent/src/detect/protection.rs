//! How a host is protected, from what its products give it.

use cutover_proto::{
    rule::{Need, Role, Rule},
    verdict::{Health, Protection, Showing, Verdict},
};

use super::trail::{End, Trail};

/// What one product gives: for certain, and what it may give besides, where that could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Given {
    certain: Protection,
    possible: Protection,
}

impl Given {
    const NOTHING: Self = Self::certainly(Protection::None);

    const fn certainly(grade: Protection) -> Self {
        Self {
            certain: grade,
            possible: grade,
        }
    }

    pub(crate) const fn possibly(grade: Protection) -> Self {
        Self {
            certain: Protection::None,
            possible: grade,
        }
    }
}

/// What a product gives, by its verdict, its health, and whether it could be seen at work.
pub(crate) fn given(rule: &Rule, verdict: Verdict, health: Option<&Health>, trails: &[Trail]) -> Given {
    match (verdict, health) {
        (Verdict::Unknown, _) => Given::possibly(rule.protection),
        (Verdict::Installed | Verdict::Running, Some(health)) => match health.grade {
            Protection::Unobserved => Given::possibly(rule.protection),
            Protection::RealTime | Protection::OnDemand | Protection::Passive | Protection::None => {
                Given::certainly(health.grade)
            }
        },
        (Verdict::Running, None) => match rule.role {
            Role::Target | Role::Unapproved => Given::certainly(rule.protection),
            Role::Replacement => Given::possibly(rule.protection),
        },
        (Verdict::Installed, None) if could_see_it_run(trails) => Given::NOTHING,
        (Verdict::Installed, None) => Given::possibly(rule.protection),
        (Verdict::Remnant | Verdict::Embedded | Verdict::Absent, _) => Given::NOTHING,
    }
}

/// Whether a look that would have shown it at work was made and saw nothing at work.
fn could_see_it_run(trails: &[Trail]) -> bool {
    let mut looks = trails
        .iter()
        // One that is only supplementary cannot take away what a required one has seen.
        .filter(|trail| trail.would_show == Showing::Running && trail.need == Need::Required)
        .peekable();
    let saw_it_rest = |trail: &Trail| match &trail.end {
        End::Nothing(_) => true,
        End::Seen { shows, .. } => *shows != Showing::Running,
        End::NotHere(_) | End::NotChecked(_) => false,
    };
    looks.peek().is_some() && looks.all(saw_it_rest)
}

/// The host's protection: the strongest that is certain; but where none is certain and some is possible, nobody knows.
pub(crate) fn combine(given: &[Given]) -> Protection {
    // Declared from strongest to weakest.
    let strongest = |grades: &mut dyn Iterator<Item = Protection>| grades.min().unwrap_or(Protection::Unobserved);
    let certain = strongest(&mut given.iter().map(|given| given.certain));
    let possible = strongest(&mut given.iter().map(|given| given.possible));
    match certain {
        Protection::RealTime | Protection::OnDemand => certain,
        Protection::Passive | Protection::None if possible < certain => Protection::Unobserved,
        Protection::Passive | Protection::None | Protection::Unobserved => certain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_counts_and_what_is_only_possible_is_unobserved() {
        let real_time = Given::certainly(Protection::RealTime);
        let on_demand = Given::certainly(Protection::OnDemand);
        let maybe = Given::possibly(Protection::RealTime);
        assert_eq!(combine(&[on_demand, real_time]), Protection::RealTime);
        assert_eq!(combine(&[on_demand, maybe]), Protection::OnDemand);
        assert_eq!(combine(&[Given::NOTHING, maybe]), Protection::Unobserved);
        assert_eq!(
            combine(&[Given::NOTHING, Given::possibly(Protection::None)]),
            Protection::None
        );
        assert_eq!(combine(&[]), Protection::Unobserved);
    }
}
