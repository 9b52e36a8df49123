//! What the collector gathered on a Windows that no agent runs on, judged by the agent's own rules.
//!
//! The one place of the packaged server that knows the agent's library, and only its pure part: bytes to facts, facts to
//! verdicts (docs/decisions/0018).

use cutover_agent::{
    detect::{RuleSet, ScanCx, scan},
    host::Collected,
    parse::collection,
};
use cutover_proto::{ids::HostId, inventory::Inventory};

/// A collection in the words of a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// As an agent would have seen it. Its host id is nil.
    pub inventory: Inventory,
    /// When it was gathered, by the machine's clock; `None` where the file does not tell.
    pub taken_ms: Option<i64>,
}

/// Reads a file of the collector and judges it by the rules that are built in.
///
/// # Errors
/// When it is none, was cut, or tells a time that is none.
pub fn judge(bytes: &[u8]) -> Result<Judged, String> {
    let collection = collection::parse(bytes)?;
    let taken_ms = taken(&collection.taken)?;
    let cx = ScanCx {
        host_id: HostId::new(uuid::Uuid::nil()),
        now_ms: taken_ms.unwrap_or_default(),
    };
    let inventory = scan(&Collected::new(collection), &RuleSet::built_in(), &cx);
    Ok(Judged { inventory, taken_ms })
}

fn taken(text: &str) -> Result<Option<i64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let at: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("says that it was gathered at `{text}`, which is no instant; collect it again"))?;
    Ok(Some(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "cutover-collection 1\n#fact computer OLD-7\n#fact architecture x86\n";

    #[test]
    fn a_collection_says_when_it_was_gathered_or_that_it_does_not_know() {
        let judged = judge(format!("{HEAD}#fact taken 2026-11-20T10:00:00Z\n#done\n").as_bytes()).expect("sound");
        assert_eq!(judged.taken_ms, Some(1_795_168_800_000));
        assert_eq!(judged.inventory.taken_at_ms, 1_795_168_800_000);
        assert_eq!(judged.inventory.facts.hostname, "OLD-7");
        let silent = judge(format!("{HEAD}#done\n").as_bytes()).expect("sound");
        assert_eq!(silent.taken_ms, None);
        let wrong = judge(format!("{HEAD}#fact taken yesterday\n#done\n").as_bytes());
        assert!(wrong.is_err_and(|why| why.contains("`yesterday`")));
    }

    #[test]
    fn a_collection_that_was_cut_is_none() {
        assert!(judge(HEAD.as_bytes()).is_err_and(|why| why.contains("#done")));
    }
}
