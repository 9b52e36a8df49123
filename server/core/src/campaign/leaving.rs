//! `[policy] retire`: whether agents leave once their hosts are done, and when.

use std::time::Duration;

use super::{Campaign, Mode, Warning, parse::Fault, place::Step, policy::fault, span};

/// How a file says that they stay.
const NEVER: &str = "never";

/// Reads the key; `None` where agents stay.
pub(super) fn parse(text: Option<&str>) -> Result<Option<Duration>, Fault> {
    let Some(text) = text.filter(|text| text.trim() != NEVER) else {
        return Ok(None);
    };
    let length = span::parse(text).map_err(|why| {
        let why = format!("policy.retire: {why}; or \"{NEVER}\", which is also what holds where nothing is written");
        fault("retire", why)
    })?;
    if length.is_zero() {
        let why = format!(
            "policy.retire is zero: a host would be watched no longer in the moment in which it is migrated; write for how long \
             it is watched after that, for example 30d, or \"{NEVER}\""
        );
        return Err(fault("retire", why));
    }
    Ok(Some(length))
}

impl Campaign {
    pub(super) fn warn_of_leaving(&self) -> Option<Warning> {
        let after = span::words(span::ms(self.policy.retire?));
        let text = if self.mode == Mode::Observe {
            format!(
                "policy.retire: no agent leaves while the mode is observe; in another, each does {after} after its host is migrated"
            )
        } else {
            format!(
                "policy.retire: {after} after its host is migrated, an agent makes its last statement and takes itself off the \
                 machine. From then on nobody watches that host: a target that comes back, or a replacement that stops, is not \
                 seen unless the host enrols again. To go on watching, write retire = \"{NEVER}\""
            )
        };
        Some(self.warning(&[Step::Key("policy"), Step::Key("retire")], text))
    }
}
