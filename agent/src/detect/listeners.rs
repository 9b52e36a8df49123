//! Who decides whether files may be opened.

use cutover_proto::verdict::Showing;

use super::trail::End;
use crate::{
    facts::{Answer, Listener, Process},
    parse::fanotify,
};

/// The processes that hold a fanotify group with permission events.
pub(crate) fn blocking(listeners: Answer<Vec<Listener>>) -> Answer<Vec<Process>> {
    listeners.and_then(|listeners| {
        let mut blocking = Vec::new();
        for listener in listeners {
            for group in &listener.groups {
                match fanotify::asks_permission(group) {
                    Ok(true) => {
                        blocking.push(listener.process);
                        break;
                    }
                    Ok(false) => {}
                    Err(error) => return Answer::Failed(error.to_string()),
                }
            }
        }
        Answer::Found(blocking)
    })
}

/// What a rule's names come to among them.
pub(crate) fn ends(blocking: &Answer<Vec<Process>>, names: &[String], shows: Showing) -> Vec<End> {
    let blocking = match blocking {
        Answer::Found(blocking) => blocking,
        Answer::Absent | Answer::Unsupported => {
            return vec![End::NotHere(
                "this host does not run, so nothing intercepts its files".into(),
            )];
        }
        Answer::Denied(why) | Answer::Failed(why) => return vec![End::NotChecked(why.clone())],
    };
    names
        .iter()
        .filter(|name| blocking.iter().any(|process| process.runs_as(name)))
        .map(|name| End::Seen {
            shows,
            detail: format!("process {name} decides whether files may be opened (fanotify)"),
            version: None,
        })
        .collect()
}
