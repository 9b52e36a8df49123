//! Modules that the running kernel has loaded. One of a product that is gone stays until the machine is started again.

use cutover_proto::verdict::Showing;

use super::trail::End;
use crate::{
    facts::Answer,
    host::{HostPath, HostView},
    parse::kernel_modules,
};

const MODULES: &str = "/proc/modules";
/// Some 300 modules of 60 bytes on a large machine.
const MAX_MODULES: u64 = 4 << 20;

/// The names of loaded modules. `Unsupported` where no kernel runs.
pub(crate) fn loaded(view: &dyn HostView) -> Answer<Vec<String>> {
    // A root that does not run may have another kernel's /proc mounted in it.
    if matches!(view.kernel(), Answer::Unsupported) {
        return Answer::Unsupported;
    }
    match view.read(&HostPath::unix(MODULES), MAX_MODULES) {
        Answer::Absent | Answer::Unsupported => without_list(view),
        answer @ (Answer::Found(_) | Answer::Denied(_) | Answer::Failed(_)) => answer
            .parsed(|bytes| kernel_modules::names(&bytes).map(|names| names.into_iter().map(str::to_owned).collect())),
    }
}

/// A kernel that cannot load modules has no list; nor has a system without /proc, of which nothing follows.
fn without_list(view: &dyn HostView) -> Answer<Vec<String>> {
    match view.processes() {
        Answer::Found(_) => Answer::Found(Vec::new()),
        Answer::Absent | Answer::Unsupported => {
            Answer::Failed("/proc is not there, so kernel modules cannot be seen; mount it".into())
        }
        Answer::Denied(why) => Answer::Denied(why),
        Answer::Failed(why) => Answer::Failed(why),
    }
}

/// What a rule's names and prefixes come to among them.
pub(crate) fn ends(loaded: &Answer<Vec<String>>, names: &[String], prefixes: &[String], shows: Showing) -> Vec<End> {
    let loaded = match loaded {
        Answer::Found(loaded) => loaded,
        Answer::Absent | Answer::Unsupported => {
            return vec![End::NotHere(
                "this host does not run, so it has no kernel modules".into(),
            )];
        }
        Answer::Denied(why) | Answer::Failed(why) => return vec![End::NotChecked(why.clone())],
    };
    let is_meant =
        |module: &&String| names.contains(module) || prefixes.iter().any(|prefix| module.starts_with(prefix.as_str()));
    let mut seen: Vec<&String> = loaded.iter().filter(is_meant).collect();
    seen.sort();
    seen.into_iter()
        .map(|module| End::Seen {
            shows,
            detail: format!("kernel module {module} is loaded"),
            version: None,
        })
        .collect()
}
