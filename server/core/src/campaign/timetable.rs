//! When and where: the hours of a campaign for each host, and the zone that they are meant in.

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Campaign,
    rate::Rate,
    selector::{HostUse, Selector, Traits},
    waves::Flaw,
    zone::zone,
};
use crate::hours::{Blackout, BlackoutInFile, Calendar, Window, WindowInFile};

/// Something that holds for the hosts of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For<T> {
    /// Which hosts.
    pub hosts: Selector,
    /// What holds for them.
    pub it: T,
}

/// A place where machines stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// As tags and imports name it.
    pub name: String,
    /// IANA name of the zone of machines there that do not tell theirs; `None`: the campaign's.
    pub time_zone: Option<String>,
    /// What its line may carry for this work; `None`: no limit.
    pub bandwidth: Option<Rate>,
}

/// A site in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteInFile {
    name: Spanned<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    bandwidth: Option<String>,
}

impl Campaign {
    /// When work may start on a host: in the windows that are for it, at any hour where none is, and in no blackout that is
    /// for it. A kiosk for which no window is never starts.
    #[must_use]
    pub fn calendar_for(&self, host: &Traits<'_>) -> Calendar {
        fn of<T: Clone>(all: &[For<T>], host: &Traits<'_>) -> Vec<T> {
            let fitting = all.iter().filter(|rule| rule.hosts.fits(host));
            fitting.map(|rule| rule.it.clone()).collect()
        }
        Calendar {
            windows: of(&self.windows, host),
            blackouts: of(&self.blackouts, host),
            needs_window: host.usage() == Some(HostUse::Kiosk),
        }
    }

    /// The zone that a host's hours are meant in: its own where it tells it, its site's, else the campaign's.
    #[must_use]
    pub fn zone_for(&self, host: &Traits<'_>) -> TimeZone {
        let told = host.looked.and_then(|it| zone(&it.time_zone));
        let site = || {
            let site = self.sites.iter().find(|site| site.name == host.known.site);
            zone(site?.time_zone.as_deref()?)
        };
        told.or_else(site)
            .or_else(|| zone(&self.policy.time_zone))
            .unwrap_or(TimeZone::UTC)
    }
}

pub(super) fn windows(file: Vec<Spanned<WindowInFile>>) -> Result<Vec<For<Window>>, Flaw> {
    read(file, "window", |it| (it.read(), &it.hosts))
}

pub(super) fn blackouts(file: Vec<Spanned<BlackoutInFile>>) -> Result<Vec<For<Blackout>>, Flaw> {
    read(file, "blackout", |it| (it.read(), &it.hosts))
}

fn read<F, T>(
    file: Vec<Spanned<F>>,
    key: &str,
    of: impl Fn(&F) -> (Result<T, String>, &Selector),
) -> Result<Vec<For<T>>, Flaw> {
    let mut all = Vec::new();
    for spanned in file {
        let at = spanned.span().start;
        let (it, hosts) = of(spanned.get_ref());
        let flaw = |why: String| Flaw {
            at,
            why: format!("[[{key}]]: {why}"),
        };
        let it = it.map_err(flaw)?;
        hosts.check("match").map_err(flaw)?;
        let hosts = hosts.clone();
        all.push(For { hosts, it });
    }
    Ok(all)
}

pub(super) fn sites(file: Vec<SiteInFile>) -> Result<Vec<Site>, Flaw> {
    let mut sites: Vec<Site> = Vec::new();
    for it in file {
        let at = it.name.span().start;
        let name = it.name.into_inner();
        let flaw = |why: String| Flaw {
            at,
            why: format!("site `{name}`: {why}"),
        };
        if name.trim().is_empty() || sites.iter().any(|site| site.name == name) {
            return Err(flaw(
                "its name is empty, or another site has it; give each its own".to_owned(),
            ));
        }
        if let Some(unknown) = it.time_zone.as_ref().filter(|it| zone(it).is_none()) {
            return Err(flaw(format!(
                "time_zone `{unknown}` is no zone of the IANA database; write for example America/New_York or UTC"
            )));
        }
        if it.time_zone.is_none() && it.bandwidth.is_none() {
            return Err(flaw(
                "it says nothing of the site; write its time_zone, its bandwidth, or both".to_owned(),
            ));
        }
        let bandwidth = it.bandwidth.as_deref().map(Rate::parse).transpose();
        let bandwidth = bandwidth.map_err(|why| flaw(format!("bandwidth: {why}")))?;
        sites.push(Site {
            name,
            time_zone: it.time_zone,
            bandwidth,
        });
    }
    Ok(sites)
}

#[cfg(test)]
mod tests {
    use crate::{
        campaign::Traits,
        judge::assess,
        plan::Known,
        samples::{campaign, catalog, host, inventory},
    };

    #[test]
    fn the_hours_of_a_host_are_its_own_zones_else_its_sites_else_the_campaigns() {
        let campaign = campaign(
            "[policy]\ntime_zone = \"America/New_York\"\n[[site]]\nname = \"kiel\"\ntime_zone = \"Europe/Berlin\"\n\
             [[site]]\nname = \"tokyo\"\ntime_zone = \"Asia/Tokyo\"\n[[site]]\nname = \"line\"\nbandwidth = \"1 Mbit/s\"\n",
        );
        let zone = |told: &str, site: &str| {
            let known = Known {
                site: site.to_owned(),
                ..Known::default()
            };
            let mut inventory = inventory();
            told.clone_into(&mut inventory.facts.time_zone);
            let looked = assess(&inventory, &known, &campaign, &catalog());
            let traits = Traits {
                host: host(),
                known: &known,
                looked: Some(&looked),
            };
            campaign.zone_for(&traits).iana_name().unwrap_or_default().to_owned()
        };
        assert_eq!(zone("Australia/Perth", "kiel"), "Australia/Perth");
        assert_eq!(zone("", "kiel"), "Europe/Berlin");
        assert_eq!(zone("", "tokyo"), "Asia/Tokyo");
        for elsewhere in ["", "line", "ulm"] {
            assert_eq!(zone("", elsewhere), "America/New_York", "`{elsewhere}`");
        }
    }
}
