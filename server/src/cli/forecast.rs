//! `cutover forecast`.

use cutover_core::{outlook::Likely, report::instant};

use super::{
    client::Client,
    output::{self, Format},
};
use crate::service::ForecastMade;

/// When the campaign is likely done, how likely its target is met, and who will miss it.
#[derive(Debug, clap::Args)]
pub struct Forecast {
    /// How many days ahead.
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// What everything drawn is drawn from; the same one gives the same forecast of the same fleet.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many courses it is made of [default: 20 to 100, fewer for larger fleets].
    #[arg(long)]
    pub courses: Option<u32>,
    /// How soon people settle, approve and answer, such as `1d`; without it they do nothing.
    #[arg(long, value_name = "TIME")]
    pub people_within: Option<String>,
}

pub(super) async fn ask(command: &Forecast, client: &Client, format: Format) -> anyhow::Result<()> {
    let mut query = vec![("days", command.days.to_string()), ("seed", command.seed.to_string())];
    query.extend(command.courses.map(|courses| ("courses", courses.to_string())));
    query.extend(command.people_within.clone().map(|within| ("people_within", within)));
    let made: ForecastMade = client.patient()?.get("forecast", &query).await?;
    let it = &made.outlook;
    if format == Format::Json {
        return output::json(&made);
    }
    output::message(&format!(
        "{} hosts are to be done; {} courses from {} to {}, campaign version {}, seed {}",
        it.to_do,
        it.courses,
        instant(it.at_ms),
        instant(it.until_ms),
        made.version,
        it.seed
    ));
    let rows: Vec<Vec<String>> = it.done.iter().map(done).collect();
    let header = ["of the hosts", "1 of 10 cases by", "5 of 10 by", "9 of 10 by"];
    output::listing(format, &header, &rows, &made)?;
    if format == Format::Csv {
        return Ok(());
    }
    for chance in &it.chances {
        output::text(&format!(
            "{} ({}): all are done by then in {} % of cases, 95 % of the hosts in {} %; likely {} of {}",
            chance.name,
            instant(chance.at_ms),
            chance.all_percent,
            chance.most_percent,
            chance.done,
            it.to_do
        ));
    }
    if let Some(needed) = it.needed_a_day {
        output::text(&format!(
            "{needed} must be done each working day for all to make the target"
        ));
    }
    let Some(misses) = &it.misses else {
        output::text("the campaign has no target ahead that anybody could miss; set recovery_target");
        return Ok(());
    };
    output::text(&format!("{} will probably miss the target", it.missing));
    let rows: Vec<Vec<String>> = misses
        .iter()
        .map(|miss| {
            let name = made.names.get(&miss.host).cloned();
            let why = if miss.why.is_empty() { "too late" } else { &miss.why };
            vec![
                name.unwrap_or_else(|| miss.host.to_string()),
                format!("{} %", miss.percent),
                why.to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    output::listing(format, &["host", "of cases", "why"], &rows, &made)
}

fn done(likely: &Likely) -> Vec<String> {
    let at = |at_ms: Option<i64>| at_ms.map_or_else(|| "not within it".to_owned(), instant);
    vec![
        format!("{} %", likely.percent),
        at(likely.p10_ms),
        at(likely.p50_ms),
        at(likely.p90_ms),
    ]
}
