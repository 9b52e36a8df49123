//! From the ends of all looks for one product to its verdict.
//!
//! | the looks | verdict |
//! |---|---|
//! | any shows that it runs | `running` |
//! | else any shows that it is installed | `installed` |
//! | else a required one was denied or failed | `unknown`, with every reason |
//! | else any shows it inside another product | `embedded` |
//! | else any shows something left behind | `remnant` |
//! | else | `absent` |
//!
//! Invariant: no look that was denied or failed turns a verdict into `absent` unless its rule calls it supplementary.

use cutover_proto::verdict::{Showing, Verdict};

use super::trail::{End, Trail};

/// The verdict, and why where it is unknown.
pub(crate) fn judge(trails: &[Trail]) -> (Verdict, String) {
    let shown = |showing: Showing| trails.iter().any(|trail| trail.shows() == Some(showing));
    if shown(Showing::Running) {
        return (Verdict::Running, String::new());
    }
    if shown(Showing::Installed) {
        return (Verdict::Installed, String::new());
    }
    let mut reasons: Vec<&str> = Vec::new();
    for trail in trails.iter().filter(|trail| trail.is_missing()) {
        if let End::NotChecked(why) = &trail.end
            && !reasons.contains(&why.as_str())
        {
            reasons.push(why);
        }
    }
    if !reasons.is_empty() {
        return (Verdict::Unknown, reasons.join("; "));
    }
    if shown(Showing::Embedded) {
        return (Verdict::Embedded, String::new());
    }
    if shown(Showing::Remnant) {
        return (Verdict::Remnant, String::new());
    }
    (Verdict::Absent, String::new())
}

/// The version that the looks told, of what is present first.
pub(crate) fn version(trails: &[Trail]) -> Option<String> {
    let told = |wanted: &[Showing]| {
        trails.iter().find_map(|trail| match &trail.end {
            End::Seen { shows, version, .. } if wanted.contains(shows) => version.clone(),
            End::Seen { .. } | End::Nothing(_) | End::NotHere(_) | End::NotChecked(_) => None,
        })
    };
    told(&[Showing::Running, Showing::Installed]).or_else(|| told(Showing::ALL))
}

#[cfg(test)]
mod tests {
    use cutover_proto::{rule::Need, verdict::EvidenceKind};
    use proptest::prelude::*;

    use super::*;

    fn trail(need: Need, end: End) -> Trail {
        Trail {
            kind: EvidenceKind::Path,
            need,
            would_show: Showing::Remnant,
            end,
        }
    }

    fn seen(shows: Showing) -> End {
        End::Seen {
            shows,
            detail: "x".into(),
            version: None,
        }
    }

    fn any_trail() -> impl Strategy<Value = Trail> {
        let end = prop_oneof![
            prop::sample::select(Showing::ALL).prop_map(seen),
            Just(End::Nothing("x".into())),
            Just(End::NotHere("x".into())),
            Just(End::NotChecked("denied".into())),
        ];
        (prop::sample::select(Need::ALL), end).prop_map(|(need, end)| trail(need, end))
    }

    #[test]
    fn a_failed_supplementary_look_leaves_an_absent_and_a_required_one_does_not() {
        let failed = || End::NotChecked("denied".into());
        assert_eq!(judge(&[trail(Need::Supplementary, failed())]).0, Verdict::Absent);
        let (verdict, why) = judge(&[trail(Need::Required, failed()), trail(Need::Required, failed())]);
        assert_eq!((verdict, why.as_str()), (Verdict::Unknown, "denied"));
    }

    #[test]
    fn what_this_kind_of_host_cannot_have_leaves_an_absent() {
        assert_eq!(
            judge(&[trail(Need::Required, End::NotHere("x".into()))]).0,
            Verdict::Absent
        );
    }

    proptest! {
        #[test]
        fn a_denied_required_look_never_makes_an_absent(trails in prop::collection::vec(any_trail(), 0..6), at in any::<prop::sample::Index>()) {
            prop_assume!(!trails.is_empty());
            let mut denied = trails;
            let at = at.index(denied.len());
            denied[at].need = Need::Required;
            denied[at].end = End::NotChecked("denied".into());
            prop_assert_ne!(judge(&denied).0, Verdict::Absent);
        }

        #[test]
        fn whatever_runs_or_is_installed_wins_over_every_failure(trails in prop::collection::vec(any_trail(), 0..6)) {
            let carried = trails.iter().any(|trail| matches!(trail.shows(), Some(Showing::Running | Showing::Installed)));
            let verdict = judge(&trails).0;
            prop_assert_eq!(carried, matches!(verdict, Verdict::Running | Verdict::Installed));
        }
    }
}
