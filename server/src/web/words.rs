//! Figures in the words of a page.

pub(crate) use cutover_core::report::{instant, percent};

/// Seconds as a person says them.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Milestone, when it was, what was true.
pub(super) fn proofs(proofs: Vec<crate::service::ProofView>) -> Vec<(String, String, String)> {
    proofs
        .into_iter()
        .map(|it| (it.milestone, instant(it.at_ms), it.proof))
        .collect()
}
