//! What a campaign's waves ask for, held against the hosts that they would have.

use std::collections::BTreeMap;

use super::{
    Campaign, UNMATCHED, Warning, Wave,
    place::{self, Step},
    rate::size_words,
    zone::utc,
};

/// The hosts of one wave, as a fleet was decided under the campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaveCount {
    /// How many it would have.
    pub hosts: u64,
    /// How many of these have yet to start.
    pub to_start: u64,
    /// How many hosts its selector fits, those of other waves too.
    pub fitting: u64,
}

/// An hour, in milliseconds.
const HOUR_MS: i64 = 3_600_000;

impl Campaign {
    /// What its waves ask for and cannot have, by how many hosts they would have; `of` gives the count of a wave. Limits are
    /// held against all hours that are left, so what is warned of cannot be, whatever windows there are.
    #[must_use]
    pub fn count_warnings(&self, of: impl Fn(&str) -> WaveCount, now_ms: i64) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for wave in &self.waves {
            let count = of(&wave.name);
            warnings.extend(self.taken_by_others(wave, count));
            warnings.extend(self.too_few(wave, count));
            let limit = wave
                .starts_per_hour
                .map(|limit| (limit, format!("wave `{}`: starts_per_hour", wave.name)));
            let way = place::named("wave", &wave.name, "starts_per_hour");
            warnings.extend(limit.and_then(|(limit, what)| self.too_slow(limit, &what, &way, count.to_start, now_ms)));
        }
        let names = self.waves.iter().map(|wave| wave.name.as_str()).chain([UNMATCHED]);
        let to_start = names.map(|name| of(name).to_start).sum();
        let way = [Step::Key("policy"), Step::Key("starts_per_hour")];
        let limit = self.policy.starts_per_hour;
        warnings.extend(limit.and_then(|limit| self.too_slow(limit, "policy.starts_per_hour", &way, to_start, now_ms)));
        warnings
    }

    /// Waves are taken in the order of the file, so one may get none of the hosts that it is for.
    fn taken_by_others(&self, wave: &Wave, count: WaveCount) -> Option<Warning> {
        if count.hosts > 0 || count.fitting == 0 || wave.share.is_some() {
            return None;
        }
        let text = format!(
            "wave `{}` fits {} hosts, and would have none: waves before it take them all; move it before them, or let them \
             match fewer",
            wave.name, count.fitting
        );
        Some(self.warning(&place::named("wave", &wave.name, "match"), text))
    }

    fn too_few(&self, wave: &Wave, count: WaveCount) -> Vec<Warning> {
        let (name, hosts) = (&wave.name, count.hosts);
        let mut warnings = Vec::new();
        if hosts == 0 {
            return warnings;
        }
        if u64::from(wave.canaries) > hosts {
            let text = format!(
                "wave `{name}`: canaries is {}, and it would have {hosts} hosts, so no other ever starts; write fewer, or match \
                 more",
                wave.canaries
            );
            warnings.push(self.warning(&place::named("wave", name, "canaries"), text));
        }
        if let Some(gate) = wave.gate.as_ref().filter(|gate| u64::from(gate.least) > hosts) {
            let text = format!(
                "wave `{name}`: its gate asks for a sample of {}, and it would have {hosts} hosts, so the gate can never hold; \
                 ask for less (least, or success and confidence), or match more",
                gate.least
            );
            let mut way = place::named("wave", name, "gate");
            way.push(Step::Key("least"));
            warnings.push(self.warning(&way, text));
        }
        warnings
    }

    /// Lines over which the hosts that have yet to start cannot fetch before the target what they must, by how many bytes those of
    /// each site would (hosts of no known site under an empty name). Every hour that is left counts, whatever windows there are.
    #[must_use]
    pub fn line_warnings(&self, to_fetch: &BTreeMap<String, u64>, now_ms: i64) -> Vec<Warning> {
        let Some(target_ms) = self.target_ms().filter(|target_ms| *target_ms > now_ms) else {
            return Vec::new();
        };
        let all = to_fetch.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        let policy = vec![Step::Key("policy"), Step::Key("bandwidth")];
        let sites = self.sites.iter().map(|site| {
            let bytes = to_fetch.get(&site.name).copied().unwrap_or_default();
            let what = format!("site `{}`: bandwidth", site.name);
            (
                site.bandwidth,
                what,
                place::named("site", &site.name, "bandwidth"),
                bytes,
            )
        });
        let lines = std::iter::once((self.policy.bandwidth, "policy.bandwidth".to_owned(), policy, all)).chain(sites);
        lines
            .filter_map(|(rate, what, way, bytes)| {
                let rate = rate?;
                // What is started within the last hour may still be on its way at the target.
                let most = rate.within(target_ms - now_ms).saturating_add(rate.an_hour());
                (most < bytes).then(|| {
                    let text = format!(
                        "{what} is {rate}, so at most {} come over it before {}, and the hosts that have yet to start fetch {}; \
                         raise it, let them have a smaller package, or begin with fewer",
                        size_words(most),
                        utc(target_ms),
                        size_words(bytes)
                    );
                    self.warning(&way, text)
                })
            })
            .collect()
    }

    fn too_slow(&self, limit: u32, what: &str, way: &[Step], to_start: u64, now_ms: i64) -> Option<Warning> {
        let target_ms = self.target_ms().filter(|target_ms| *target_ms > now_ms)?;
        let hours = (target_ms - now_ms)
            .div_euclid(HOUR_MS)
            .saturating_add(1)
            .unsigned_abs();
        let most = hours.saturating_mul(limit.into());
        (most < to_start).then(|| {
            let text = format!(
                "{what} is {limit}, so at most {most} hosts start before {}, and {to_start} have yet to; raise it, or begin \
                 with fewer",
                utc(target_ms)
            );
            self.warning(way, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_line_over_which_the_fleet_cannot_make_the_target_is_warned_of_where_it_stands() {
        let campaign = samples::campaign(
            "recovery_target = \"2027-01-14T00:00:00Z\"\n[policy]\nbandwidth = \"2 Mbit/s\"\n\
             [[site]]\nname = \"kiel\"\nbandwidth = \"1 Mbit/s\"\n[[site]]\nname = \"ulm\"\ntime_zone = \"Europe/Berlin\"\n",
        );
        let now_ms = samples::instant("2027-01-04T00:00:00Z");
        // Ten days and an hour, at 450 MB an hour for each megabit.
        let kiel = 450_000_000 * 241;
        let warned = |hosts: &[(&str, u64)]| {
            let to_fetch = hosts.iter().map(|(site, bytes)| ((*site).to_owned(), *bytes)).collect();
            campaign.line_warnings(&to_fetch, now_ms)
        };
        assert_eq!(warned(&[("kiel", kiel), ("ulm", kiel)]), []);
        let both = warned(&[("kiel", kiel + 1), ("ulm", kiel)]);
        assert_eq!(both.len(), 2, "{both:?}");
        for (warning, key, text) in [
            (
                &both[0],
                "bandwidth = \"2 Mbit/s\"",
                "policy.bandwidth is 2 Mbit/s, so at most 217 GB",
            ),
            (
                &both[1],
                "bandwidth = \"1 Mbit/s\"",
                "site `kiel`: bandwidth is 1 Mbit/s, so at most 108 GB",
            ),
        ] {
            let line = campaign.source.lines().position(|line| line == key).map(|at| at + 1);
            assert_eq!(warning.line, line, "{warning}");
            assert!(warning.text.starts_with(text), "{warning}");
            assert!(
                warning.text.contains("before 2027-01-14") && warning.text.contains("raise it"),
                "{warning}"
            );
        }
        let late_ms = samples::instant("2027-02-04T00:00:00Z");
        let all = BTreeMap::from([("kiel".to_owned(), u64::MAX)]);
        assert_eq!(campaign.line_warnings(&all, late_ms), [], "no target is ahead");
    }

    #[test]
    fn what_a_wave_asks_for_is_warned_of_only_where_it_would_have_fewer() {
        let campaign = samples::campaign("recovery_target = \"2027-01-14T00:00:00Z\"\n")
            .source
            .replace(
                "[wave]\nname = \"all\"\n",
                "[[wave]]\nname = \"all\"\ncanaries = 5\nstarts_per_hour = 1\n[wave.gate]\nleast = 5\n",
            );
        let campaign = Campaign::parse("c.toml", &campaign, 1).unwrap();
        let now_ms = samples::instant("2027-01-13T20:00:00Z");
        let said = |hosts, to_start| {
            let count = WaveCount {
                hosts,
                to_start,
                fitting: hosts,
            };
            let of = |wave: &str| if wave == "all" { count } else { WaveCount::default() };
            let warnings = campaign.count_warnings(of, now_ms);
            let keys = ["canaries is 5", "a sample of 5", "starts_per_hour is 1"];
            keys.map(|key| warnings.iter().filter(|it| it.text.contains(key)).count())
        };
        assert_eq!(said(4, 0), [1, 1, 0]);
        assert_eq!(said(5, 0), [0, 0, 0]);
        // In four hours and a bit five can start.
        assert_eq!([said(9, 5), said(9, 6)], [[0, 0, 0], [0, 0, 1]]);
    }

    #[test]
    fn once_the_target_is_there_nothing_is_said_of_what_fits_before_it() {
        let target_ms = samples::instant("2027-01-14T00:00:00Z");
        let campaign = samples::campaign(
            "recovery_target = \"2027-01-14T00:00:00Z\"\n[policy]\nbandwidth = \"1 kbit/s\"\nstarts_per_hour = 1\n",
        );
        let all = BTreeMap::from([("kiel".to_owned(), u64::MAX)]);
        let of = |_: &str| WaveCount {
            hosts: 9,
            to_start: 9,
            fitting: 9,
        };
        let said = |now_ms| {
            let (lines, counts) = (
                campaign.line_warnings(&all, now_ms),
                campaign.count_warnings(of, now_ms),
            );
            (lines.len(), counts.len())
        };
        assert_eq!(said(target_ms - 1), (1, 1));
        assert_eq!(said(target_ms), (0, 0));
    }
}
