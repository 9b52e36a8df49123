//! On which hosts a replacement is shown a test file, and who is told before.

use cutover_proto::words;
use serde::Deserialize;
use toml::Spanned;

use super::waves::Flaw;
use crate::rollout::check_address;

words! {
    /// On which hosts a replacement has to name a test file before it counts as protecting. On the others a look has to find it
    /// protecting. No recipe is asked for more than it can: some products keep no record that could be read.
    pub enum TestedOn("which hosts make detection tests") {
        /// On hosts whose replacement's recipe has not soaked here yet.
        Canaries = "canaries",
        /// On all.
        All = "all",
        /// On none.
        None = "none",
    }
}

/// Detection tests of a campaign. They set off alarms wherever somebody watches the replacement's console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectionTests {
    /// On which hosts. Default: canaries.
    pub on: TestedOn,
    /// Where each one is told before it is made: no order with a test leaves until this has taken it. `None`: nobody but the
    /// server's own events.
    pub tell: Option<String>,
}

impl Default for DetectionTests {
    fn default() -> Self {
        Self {
            on: TestedOn::Canaries,
            tell: None,
        }
    }
}

/// The table in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetectionTestsInFile {
    #[serde(default)]
    on: Option<TestedOn>,
    #[serde(default)]
    tell: Option<Spanned<String>>,
}

pub(super) fn read(file: DetectionTestsInFile) -> Result<DetectionTests, Flaw> {
    let on = file.on.unwrap_or(TestedOn::Canaries);
    if let Some(tell) = &file.tell {
        let flaw = |why: String| Flaw {
            at: tell.span().start,
            why: format!("detection_tests.tell: {why}"),
        };
        if on == TestedOn::None {
            return Err(flaw(
                "there are none to tell of (on = \"none\"); leave one of them out".to_owned(),
            ));
        }
        check_address(tell.get_ref()).map_err(flaw)?;
    }
    Ok(DetectionTests {
        on,
        tell: file.tell.map(Spanned::into_inner),
    })
}

#[cfg(test)]
#[path = "detection_tests_tests.rs"]
mod tests;
