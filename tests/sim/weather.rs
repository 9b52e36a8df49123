//! What a seed makes of a run beside its machines: how often things go wrong, the campaign's policy, when people act.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use cutover_core::campaign::PRESETS;

use crate::{
    calendar::{DAY, HOUR, START, shown},
    dice::Dice,
    fault::Fault,
    plot::{DOWNLOAD_MB, Plot},
    server::{CAMPAIGN, TRUSTED},
};

pub(crate) struct Weather {
    /// Out of a thousand calls, for faults of calls; occurrences in a run, for the others.
    rates: BTreeMap<Fault, u64>,
    times: BTreeMap<Fault, Vec<i64>>,
    /// When people do something.
    pub(crate) people_ms: Vec<i64>,
    /// By what the server dies next.
    pub(crate) dies_by: Option<Fault>,
    policy: String,
    mode_is_late: bool,
    begins_ms: i64,
}

impl Weather {
    pub(crate) fn of(dice: &mut Dice, begins_ms: i64, without: &[Fault]) -> Self {
        let (mut rates, mut times) = (BTreeMap::new(), BTreeMap::new());
        for fault in Fault::ALL {
            // Always drawn, so that what is left out moves nothing else.
            let (rate, spread) = match fault {
                Fault::DropRequest | Fault::DropReply | Fault::Duplicate => (dice.between(0, 60), 0),
                Fault::Reorder | Fault::Delay | Fault::Overload => (dice.between(0, 40), 0),
                Fault::LostNudge => (dice.between(0, 300), 0),
                Fault::Outage | Fault::Partition => (0, dice.between(0, 3)),
                Fault::CrashBefore | Fault::CrashAfter => (0, dice.between(0, 3)),
                Fault::StoreError => (0, dice.between(0, 12)),
                Fault::AgentCrash => (0, dice.between(0, 12)),
            };
            let at = (0..spread)
                .map(|_| begins_ms + dice.between(0, crate::world::WHOLE_STORM))
                .collect::<Vec<_>>();
            if !without.contains(fault) {
                rates.insert(*fault, u64::try_from(rate).unwrap_or(0));
                times.insert(*fault, at);
            }
        }
        let people = dice.between(16, 48);
        let mut people_ms: Vec<i64> = (0..people).map(|_| begins_ms + dice.between(HOUR, 7 * DAY)).collect();
        people_ms.sort_unstable();
        let policy = policy(dice);
        Self {
            rates,
            times,
            people_ms,
            dies_by: None,
            policy,
            mode_is_late: dice.once_in_a_thousand(200),
            begins_ms,
        }
    }

    /// Out of a thousand.
    pub(crate) fn rate(&self, fault: Fault) -> u64 {
        self.rates.get(&fault).copied().unwrap_or(0)
    }

    pub(crate) fn times(&self, fault: Fault, within_ms: i64) -> Vec<i64> {
        let all = self.times.get(&fault).into_iter().flatten().copied();
        all.filter(|at| *at < self.begins_ms + within_ms).collect()
    }
}

fn policy(dice: &mut Dice) -> String {
    let pick = |dice: &mut Dice, from: &[&'static str]| dice.pick(from).unwrap_or_default();
    let lines = [
        ("grace", pick(dice, &["0s", "2h", "1 working day", "1d"])),
        ("soak", pick(dice, &["0s", "1h", "6h", "24h"])),
        ("silence", pick(dice, &["6h", "12h", "24h"])),
        ("restart_within", pick(dice, &["20m", "1h", "3h"])),
        ("restart_time", pick(dice, &["1h", "4h"])),
        ("stale_after", pick(dice, &["2d", "4d", "7d"])),
        ("protection_bound", pick(dice, &["6h", "24h"])),
        ("retry_base", pick(dice, &["15m", "1h"])),
        ("order_life", pick(dice, &["14h", "24h"])),
    ];
    // Of dice of their own, so that who goes first moves nothing else.
    let mut own = Dice::of(dice.clone().next(), 40);
    let first = own.pick(&[TRUSTED, TRUSTED, "", "first_canaries = 1\n", "first_canaries = 3\n"]);
    let mut text = format!("[policy]\nfetch_within = \"13h\"\n{}", first.unwrap_or_default());
    for (key, value) in lines {
        text.push_str(&format!("{key} = \"{value}\"\n"));
    }
    text.push_str(&format!("attempts = {}\n", dice.between(1, 3)));
    text
}

/// The preset, in the mode, with the policy and what else was drawn for this run.
pub(crate) fn campaign_text(weather: &Weather, plot: &Plot, version: u32) -> Result<String> {
    let name = format!("{CAMPAIGN}.toml");
    let (_, preset) = PRESETS
        .iter()
        .find(|(file, _)| *file == name)
        .context("the preset is there")?;
    // Nobody is there to attest its items, which are its end.
    let preset = preset
        .split("[[readiness]]")
        .next()
        .context("there is always a first part")?;
    let mode = if weather.mode_is_late && version == 1 {
        "observe"
    } else {
        "automatic"
    };
    let mut grades = "accepted_grades = [\"on-demand\"]".to_owned();
    // Whoever begins too late for the cutoff sets another day by which it is to be done.
    if weather.begins_ms > START {
        let target = shown(weather.begins_ms + 60 * DAY);
        grades.push_str(&format!("\nrecovery_target = \"{target}\""));
    }
    let (policy, limits, tables) = (&weather.policy, plot.policy(), plot.tables());
    let own = format!("# version {version}\n{policy}{limits}\n{tables}");
    Ok(preset
        .replace("accepted_grades = []", &grades)
        .replace(
            "[[replacement]]\n",
            &format!("[[replacement]]\ndownload = \"{DOWNLOAD_MB} MB\"\n"),
        )
        .replace("mode = \"observe\"", &format!("mode = \"{mode}\""))
        .replace("[wave]\nname = \"all\"\n", &own))
}
