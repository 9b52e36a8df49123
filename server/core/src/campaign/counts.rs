//! What a campaign's waves ask for, held against the hosts that they would have.

use super::{
    Campaign, UNMATCHED, Warning, Wave,
    place::{self, Step},
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
