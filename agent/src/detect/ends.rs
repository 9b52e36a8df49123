//! Small words for the ends of looks.

use cutover_proto::verdict::Showing;

use super::trail::End;

/// Something is there, of no version that it tells.
pub(crate) fn seen(shows: Showing, detail: String) -> End {
    End::Seen {
        shows,
        detail,
        version: None,
    }
}

/// What was looked for and is not there leaves one end that says so.
pub(crate) fn or_nothing(mut ends: Vec<End>, nothing: impl FnOnce() -> String) -> Vec<End> {
    if ends.is_empty() {
        ends.push(End::Nothing(nothing()));
    }
    ends
}
