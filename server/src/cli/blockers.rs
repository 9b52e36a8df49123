//! `cutover blockers`: what to mend first.

use super::{
    client::Client,
    output::{self, Format},
};
use crate::service::Blockers;

pub(super) async fn list(client: &Client, format: Format) -> anyhow::Result<()> {
    let it: Blockers = client.get("blockers", &[]).await?;
    let rows: Vec<Vec<String>> = it
        .causes
        .iter()
        .map(|cause| {
            let names: Vec<&str> = cause.examples.iter().map(|host| host.name.as_str()).collect();
            vec![
                cause.hosts.to_string(),
                cause.days_sooner.clone().unwrap_or_else(|| "not known".to_owned()),
                cause.text.clone(),
                cause.remedy.clone(),
                cause.owner.clone(),
                names.join(", "),
            ]
        })
        .collect();
    let header = [
        "hosts",
        "days sooner",
        "what holds them up",
        "what to do",
        "owner",
        "such as",
    ];
    output::listing(format, &header, &rows, &it)?;
    output::message(&format!(
        "{} hosts are held up by {} causes; {}",
        it.hosts,
        it.causes.len(),
        it.pace
    ));
    Ok(())
}
