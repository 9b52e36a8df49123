//! What the rpm tool says of its database. Its files are in several formats, none of which is read here.

use std::collections::BTreeSet;

use super::Packages;
use crate::{
    facts::{Answer, PackageDatabase, Tool},
    host::HostView,
    parse::rpm,
};

/// Every rpm system has rpm as a package of its own. A database without it was lost, or is not the system's: rpm makes a
/// new, empty one where it finds none, and ends with zero.
const ITSELF: &str = "rpm";
const CHECK: &str = "check rpm's database with `rpmdb --verifydb` and repair it with `rpmdb --rebuilddb`";

/// Asks for the whole list; only wanted packages are kept. `Absent` and `Unsupported` as the tool's answer is.
pub(super) fn load(view: &dyn HostView, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let said = match view.tool(Tool::RpmQueryAll) {
        Answer::Found(said) => said,
        Answer::Absent => return Answer::Absent,
        Answer::Unsupported => return Answer::Unsupported,
        Answer::Denied(why) => return Answer::Denied(why),
        Answer::Failed(why) => return Answer::Failed(format!("{why}; {CHECK}")),
    };
    let entries = match rpm::packages(&said.stdout, &said.stderr) {
        Ok(entries) => entries,
        Err(error) => return Answer::Failed(format!("rpm {error}; {CHECK}")),
    };
    let mut packages = Packages::of(PackageDatabase::Rpm);
    for entry in entries {
        if entry.name == ITSELF {
            packages.has_itself = true;
            entry.architecture.clone_into(&mut packages.native);
        }
        if wanted.contains(entry.name) {
            let known = packages.by_name.entry(entry.name.to_owned()).or_default();
            known.push(entry.to_package());
        }
    }
    Answer::Found(packages)
}

/// Why no absence follows from what it said, or did not say, on a system whose packages it keeps.
pub(super) fn expected(answer: Answer<Packages>, system: &str) -> Answer<Packages> {
    match answer {
        Answer::Found(packages) if packages.has_itself => Answer::Found(packages),
        Answer::Found(_) => Answer::Failed(format!(
            "rpm's list lacks rpm itself, so entries of {system} were lost; {CHECK}"
        )),
        Answer::Absent => Answer::Failed(format!(
            "{system} keeps its packages with rpm, and the rpm program is missing; install it and look again"
        )),
        Answer::Unsupported => Answer::Failed(format!(
            "{system} keeps its packages with rpm, and only its own rpm program reads them; look at the running system, \
             or from inside its root (chroot)"
        )),
        other @ (Answer::Denied(_) | Answer::Failed(_)) => other,
    }
}
