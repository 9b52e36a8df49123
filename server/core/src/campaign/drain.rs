//! Hosts that another system drains before their work order, and is told to release after it.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Campaign,
    selector::{Selector, Traits},
    span,
    waves::Flaw,
};
use crate::rollout::check_address;

/// Another system takes its work off a host before an order goes there, and gives it back after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrainRule {
    /// Which system, as people call it.
    pub name: String,
    /// Which hosts.
    pub hosts: Selector,
    /// Where it is asked and told; without one a person drains and says so.
    pub url: Option<String>,
    /// It is to answer within this time after it was asked; then it is asked again, and people are told.
    pub within: Duration,
    /// A host that is drained for longer is an alarm.
    pub at_most: Duration,
}

impl DrainRule {
    /// What holds where the file names none.
    const AT_MOST: Duration = Duration::from_secs(24 * 3600);

    /// Nobody is asked more often.
    const LEAST_WITHIN: Duration = Duration::from_secs(60);
}

impl Campaign {
    /// Who drains a host before its order: the first that fits it.
    #[must_use]
    pub fn drain_for(&self, host: &Traits<'_>) -> Option<&DrainRule> {
        self.drains.iter().find(|it| it.hosts.fits(host))
    }

    /// Who drains under this name.
    #[must_use]
    pub fn drain_named(&self, name: &str) -> Option<&DrainRule> {
        self.drains.iter().find(|it| it.name == name)
    }
}

/// `[[drain]]` in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DrainInFile {
    name: Spanned<String>,
    #[serde(rename = "match")]
    hosts: Selector,
    #[serde(default)]
    url: Option<String>,
    within: String,
    #[serde(default)]
    at_most: Option<String>,
}

/// Those of a file.
pub(super) fn read(file: Vec<DrainInFile>) -> Result<Vec<DrainRule>, Flaw> {
    let mut all: Vec<DrainRule> = Vec::new();
    for it in file {
        let at = it.name.span().start;
        let name = it.name.into_inner();
        let flaw = |why: String| Flaw {
            at,
            why: format!("drain `{name}`: {why}"),
        };
        if name.trim().is_empty() || name.len() > 100 || all.iter().any(|other| other.name == name) {
            return Err(flaw(
                "its name is empty, longer than 100 bytes, or another drain has it; say which system it is".to_owned(),
            ));
        }
        it.hosts.check("match").map_err(flaw)?;
        let length = |key: &str, text: &str| span::parse(text).map_err(|why| flaw(format!("{key}: {why}")));
        let within = length("within", &it.within)?;
        if within < DrainRule::LEAST_WITHIN {
            return Err(flaw(
                "within is less than a minute, and it would be asked again as often; write for example \"30m\""
                    .to_owned(),
            ));
        }
        let at_most = match &it.at_most {
            Some(text) => length("at_most", text)?,
            None => DrainRule::AT_MOST,
        };
        if at_most.is_zero() {
            return Err(flaw(
                "at_most is nothing, so every host would be an alarm as soon as it is drained; write for example \"8h\""
                    .to_owned(),
            ));
        }
        if let Some(url) = &it.url {
            check_address(url).map_err(|why| flaw(format!("url: {why}")))?;
        }
        all.push(DrainRule {
            hosts: it.hosts,
            url: it.url,
            within,
            at_most,
            name,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::{campaign::Campaign, samples};

    fn refused(entry: &str) -> String {
        let text = format!("{}\n{entry}\n[policy]\ngrace = \"0s\"\n", samples::preset());
        Campaign::parse("c.toml", &text, 1).unwrap_err().to_string()
    }

    #[test]
    fn who_drains_a_host_is_the_first_that_fits_it() {
        let campaign = samples::campaign(
            "[[drain]]\nname = \"balancer\"\nmatch = { tag = [\"web\"] }\nwithin = \"30m\"\nurl = \"https://lb.example.org/\"\n\
             [[drain]]\nname = \"cluster\"\nmatch = { tag = [\"web\", \"db\"] }\nwithin = \"2h\"\nat_most = \"8h\"\n",
        );
        let of = |tag: &str| {
            let known = samples::tagged(tag);
            let traits = crate::campaign::Traits {
                host: samples::host(),
                known: &known,
                looked: None,
            };
            campaign.drain_for(&traits).map(|it| it.name.clone())
        };
        assert_eq!(of("web").as_deref(), Some("balancer"));
        assert_eq!(of("db").as_deref(), Some("cluster"));
        assert_eq!(of("desk"), None);
        assert_eq!(campaign.drains[0].at_most.as_secs(), 24 * 3600);
        assert_eq!(campaign.drains[1].at_most.as_secs(), 8 * 3600);
    }

    #[test]
    fn a_drain_that_makes_no_sense_is_refused_with_what_to_write() {
        let good = "name = \"lb\"\nmatch = { tag = [\"web\"] }\nwithin = \"30m\"\n";
        for (entry, why) in [
            (good.replace("30m", "30s"), "less than a minute"),
            (good.replace("30m", "soon"), "within"),
            (good.replace("\"lb\"", "\" \""), "say which system"),
            (good.replace("within", "inside"), "inside"),
            (format!("{good}at_most = \"0s\"\n"), "at_most is nothing"),
            (
                format!("{good}url = \"http://lb.example.org/\"\n"),
                "is http to another machine",
            ),
            (format!("{good}url = \"https://me@lb.example.org/\"\n"), "names a user"),
            (format!("{good}[[drain]]\n{good}"), "another drain has it"),
            (good.replace("within = \"30m\"\n", ""), "within"),
        ] {
            let said = refused(&format!("[[drain]]\n{entry}"));
            assert!(said.contains(why), "{entry}: {said}");
        }
    }
}
