//! Events in words, for timelines and streams.

use std::collections::BTreeMap;

use cutover_core::history;

use super::{
    super::{Service, ServiceError, personal::revealed, plan_edit::read_event},
    EventView,
};
use crate::store::{Reader, StreamName, events, hosts};

/// How many events one read of a stream takes.
const READ: i64 = 200;

impl Service {
    /// Plan events after a position, oldest first, and the position up to which was looked: events of other kinds move it
    /// on too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn events_after(&self, pos: i64) -> Result<(Vec<EventView>, i64), ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let mut end = pos;
                loop {
                    let rows = events::since(tx, end, READ)?;
                    end = rows.last().map_or(end, |last| last.pos);
                    let views = service.told(tx, &rows)?;
                    if rows.is_empty() || !views.is_empty() {
                        return Ok::<_, ServiceError>((views, end));
                    }
                }
            })
            .await
    }

    /// The newest plan events, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn newest_events(&self, limit: usize) -> Result<Vec<EventView>, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let mut end = events::last_pos(tx)?;
                let mut found = Vec::new();
                while end > 0 && found.len() < limit {
                    let from = (end - READ).max(0);
                    let rows: Vec<_> = events::since(tx, from, end - from)?;
                    found.extend(service.told(tx, &rows)?.into_iter().rev());
                    end = from;
                }
                found.truncate(limit);
                Ok::<_, ServiceError>(found)
            })
            .await
    }

    /// The position of the newest event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn newest_pos(&self) -> Result<i64, ServiceError> {
        self.0
            .store
            .read(|tx| Ok::<_, ServiceError>(events::last_pos(tx)?))
            .await
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn store_answers(&self) -> Result<(), ServiceError> {
        self.newest_pos().await?;
        // Reading goes on where nothing can be written; the background work writes every few seconds.
        match self.last_write_failed() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Events of plan streams in words; those of other streams are left out.
    fn told(&self, db: &mut impl Reader, rows: &[events::Event]) -> Result<Vec<EventView>, ServiceError> {
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut views = Vec::new();
        let prefix = StreamName::plan(self.campaign_id().as_str(), "");
        for row in rows {
            let Some(host_id) = row.stream.as_str().strip_prefix(prefix.as_str()) else {
                continue;
            };
            if !names.contains_key(host_id) {
                let name = hosts::load(db, host_id)?.map_or_else(|| host_id.to_owned(), |host| host.name);
                names.insert(host_id.to_owned(), name);
            }
            views.push(EventView {
                pos: row.pos,
                at_ms: row.at_ms,
                host_id: host_id.to_owned(),
                host: names[host_id].clone(),
                text: revealed(db, history::line(&read_event(row)?))?,
            });
        }
        Ok(views)
    }
}
