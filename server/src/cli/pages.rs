//! Listings that the server gives a page at a time.

use serde::de::DeserializeOwned;

use super::client::Client;
use crate::service::{
    ArtifactList, ArtifactView, AssetList, AssetView, DisksList, DisksView, ExemptionList, ExemptionView, FindingList,
    FindingView, HandworkList, HandworkView,
    views::{HostList, HostRow},
};

/// A page of a listing.
pub(super) trait Page: DeserializeOwned {
    type Row;

    /// Its rows, and where the next one begins.
    fn turn(self) -> (Vec<Self::Row>, Option<String>);
}

macro_rules! pages {
    ($($page:ident: $rows:ident of $row:ident),+ $(,)?) => {
        $(impl Page for $page {
            type Row = $row;

            fn turn(self) -> (Vec<$row>, Option<String>) {
                (self.$rows, self.next)
            }
        })+
    };
}

pages! {
    ArtifactList: artifacts of ArtifactView,
    AssetList: assets of AssetView,
    DisksList: disks of DisksView,
    ExemptionList: exemptions of ExemptionView,
    FindingList: findings of FindingView,
    HandworkList: handwork of HandworkView,
    HostList: hosts of HostRow,
}

/// The rows of all pages.
pub(super) async fn all<P: Page>(
    client: &Client,
    path: &str,
    mut query: Vec<(&str, String)>,
) -> anyhow::Result<Vec<P::Row>> {
    let mut found = Vec::new();
    loop {
        let (rows, next) = client.get::<P>(path, &query).await?.turn();
        found.extend(rows);
        let Some(after) = next else { return Ok(found) };
        query.retain(|(key, _)| *key != "after");
        query.push(("after", after));
    }
}
