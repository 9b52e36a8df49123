//! What a session tells a person who asks.

use serde::{Deserialize, Serialize};

use super::{state::Session, ticks::Ticks};

/// Where the conversation with the server stands. Times are trusted time, in milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// The last check-in that was answered since this start.
    pub last_check_in_ms: Option<i64>,
    /// Why the newest one was not, where it was not.
    pub last_failure: Option<String>,
    /// Failures since the last answer.
    pub failures: u32,
    /// When the next check-in goes out; none while one is under way.
    pub next_check_in_ms: Option<i64>,
    /// What makes it due.
    pub next_check_in_why: Option<String>,
    /// When the newest look ended that confirmed the inventory.
    pub looked_at_ms: Option<i64>,
    /// Whether the server has the newest inventory for good.
    pub inventory_is_durable: bool,
    /// Of the rules in use.
    pub rules_revision: u64,
    /// The certificate's end.
    pub certificate_end_ms: i64,
    /// Whether times rest on the server's clock; otherwise on the host's own.
    pub time_from_server: bool,
    /// Which address of the list is kept.
    #[serde(default)]
    pub address: Option<String>,
    /// `HOST:PORT` of the proxy before it.
    #[serde(default)]
    pub proxy: Option<String>,
    /// `http2`, or `post` where HTTP/2 does not come through.
    #[serde(default)]
    pub way: Option<String>,
    /// When HTTP/2 is tried again.
    #[serde(default)]
    pub back_to_http2_ms: Option<i64>,
    /// When an address before the kept one is tried again.
    #[serde(default)]
    pub better_address_ms: Option<i64>,
    /// Who showed a certificate in the server's place since the start: TLS inspection.
    #[serde(default)]
    pub intercepted_by: Option<String>,
}

impl Session {
    /// As of now.
    #[must_use]
    pub fn status(&self, now: Ticks) -> SessionStatus {
        let now_ms = self.trusted.now_ms(now);
        let ago = |at: Ticks| now_ms - i64::try_from(now.since(at).as_millis()).unwrap_or(i64::MAX);
        let ahead = |at: Ticks| now_ms + i64::try_from(at.since(now).as_millis()).unwrap_or(i64::MAX);
        let next = self.check_ins.poll();
        SessionStatus {
            last_check_in_ms: self.last_success.map(ago),
            last_failure: self.last_failure.clone(),
            failures: self.backoff.failures(),
            next_check_in_ms: next.map(|(at, _)| ahead(at)),
            next_check_in_why: next.map(|(_, why)| why.as_str().to_owned()),
            looked_at_ms: self.inventories.newest().map(|newest| newest.looked_at_ms),
            inventory_is_durable: self.inventories.is_durable(),
            rules_revision: self.rules_revision,
            certificate_end_ms: self.renewal.validity().to_ms,
            time_from_server: self.trusted.is_from_server(),
            address: self.course.here().map(|place| place.address.clone()),
            proxy: self.course.here().and_then(|place| place.proxy.clone()),
            way: Some(self.course.ways.way().as_str().to_owned()),
            back_to_http2_ms: self.course.ways.back_at().map(ahead),
            better_address_ms: self.course.better_at().map(ahead),
            intercepted_by: self.course.intercepted_by.clone(),
        }
    }
}
