//! How a host says that it reaches this server. Kept with the host's row, shown on its page.

use cutover_proto::v1;
use serde::{Deserialize, Serialize};

use super::super::{CallError, Service};
use crate::store::{events::NewEvent, hosts::HostRow};

/// The key of [`HostRow::reported`] that holds it.
const KEY: &str = "network";

/// A host's way to this server, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Network {
    /// HTTPS POST, because HTTP/2 does not come through.
    by_post: bool,
    /// Of its list.
    address: String,
    /// In between.
    proxy: Option<String>,
    /// Whose certificate was shown to it in this server's place.
    intercepted_by: Option<String>,
}

impl Network {
    /// None where the agent says nothing of it. A way that this version does not know is told as HTTP/2's.
    pub(super) fn said(path: Option<v1::NetworkPath>) -> Option<Self> {
        let path = path?;
        Some(Self {
            by_post: path.way() == v1::Way::Post,
            address: super::arrival::said(&path.address).unwrap_or_default(),
            proxy: super::arrival::said(&path.proxy),
            intercepted_by: super::arrival::said(&path.intercepted_by),
        })
    }

    /// As the host said it last; none where it never did.
    pub(in super::super) fn of(reported: &str) -> Option<Self> {
        let all: serde_json::Value = serde_json::from_str(reported).ok()?;
        serde_json::from_value(all.get(KEY)?.clone()).ok()
    }

    /// For people.
    pub(in super::super) fn in_words(&self) -> String {
        let way = if self.by_post {
            "HTTPS POST, because HTTP/2 does not come through"
        } else {
            "HTTP/2"
        };
        let proxy = self
            .proxy
            .as_ref()
            .map_or_else(String::new, |proxy| format!(", by the proxy {proxy}"));
        let intercepted = self.intercepted_by.as_ref().map_or_else(String::new, |by| {
            format!(
                "; its TLS was inspected, by `{by}`: exclude the server's address from the inspection of encrypted \
                 connections"
            )
        });
        format!("{} by {way}{proxy}{intercepted}", self.address)
    }
}

/// Keeps one thing that a host said of itself beside the others.
pub(super) fn put_reported(host: &mut HostRow, key: &str, said: &impl Serialize) -> Result<(), CallError> {
    let broken = |error: serde_json::Error| CallError::Broken {
        why: format!("what host {} reported: {error}", host.host_id),
    };
    let mut all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&host.reported).map_err(broken)?;
    all.insert(key.to_owned(), serde_json::to_value(said).map_err(broken)?);
    host.reported = serde_json::to_string(&all).map_err(broken)?;
    Ok(())
}

impl Service {
    /// Puts it into the host's row; gives the event where somebody newly stands in between.
    pub(super) fn take_network(
        &self,
        host: &mut HostRow,
        said: Option<&Network>,
    ) -> Result<Option<NewEvent>, CallError> {
        let before = Network::of(&host.reported);
        let Some(said) = said.filter(|said| before.as_ref() != Some(said)) else {
            return Ok(None);
        };
        put_reported(host, KEY, said)?;
        let known = before.and_then(|before| before.intercepted_by);
        let Some(by) = said.intercepted_by.as_ref().filter(|by| known.as_ref() != Some(by)) else {
            return Ok(None);
        };
        tracing::warn!(
            host = host.host_id,
            by,
            "the host's TLS is inspected; exclude the server's address from that"
        );
        Ok(Some(self.host_event(
            "tls-inspected",
            &serde_json::json!({ "by": by }),
            None,
        )))
    }
}
