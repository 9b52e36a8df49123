//! `cutover findings`: what does not fit together, and what to do about it.

use cutover_core::report::instant;

use super::{
    client::Client,
    output::{self, Format},
};
use crate::service::{FindingList, FindingView};

pub(super) async fn list(client: &Client, format: Format) -> anyhow::Result<()> {
    let (mut found, mut query): (Vec<FindingView>, Vec<(&str, String)>) = (Vec::new(), Vec::new());
    loop {
        let page: FindingList = client.get("findings", &query).await?;
        found.extend(page.findings);
        match page.next {
            Some(after) => query = vec![("after", after)],
            None => break,
        }
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|it| {
            vec![
                it.name.clone(),
                it.kind.clone(),
                it.text.clone(),
                it.remedy.clone(),
                instant(it.since_ms),
                it.of_id.clone(),
            ]
        })
        .collect();
    output::listing(
        format,
        &["machine", "finding", "what is said", "what to do", "since", "id"],
        &rows,
        &found,
    )
}
