//! Questions as of an instant: answered by the same code, from rows as they were, with time standing still there.

use std::sync::Arc;

use cutover_core::{campaign::instant_ms, report::instant};

use super::{Service, ServiceError};
use crate::store::{AsOf, ReadTx, Reader, StreamName, events, in_force};

impl Service {
    /// Answers a question as of an instant, or as of now. The question is asked of the service that it is given: its clock
    /// shows the instant.
    ///
    /// # Errors
    /// When the instant is none, is to come, or lies before what is kept; what the question answers otherwise.
    pub(super) async fn read_as_of<T, F>(&self, as_of: Option<String>, question: F) -> Result<T, ServiceError>
    where
        F: Fn(&Self, &mut ReadTx<'_>) -> Result<T, ServiceError> + Send + 'static,
        T: Send + 'static,
    {
        let at_ms = self.asked_for(as_of.as_deref())?;
        let service = self.clone();
        self.0
            .store
            .read(move |tx| match at_ms {
                None => question(&service, tx),
                Some(at_ms) => question(&service.gone_back(tx, at_ms)?, tx),
            })
            .await
    }

    /// The instant that a question names; `None` for now.
    fn asked_for(&self, as_of: Option<&str>) -> Result<Option<i64>, ServiceError> {
        let Some(text) = as_of.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let at_ms = instant_ms(text).map_err(|why| invalid(format!("`{text}`: {why}")))?;
        let now_ms = self.now_ms();
        if at_ms > now_ms {
            return Err(invalid(format!(
                "{} is to come; it is {} by the server's clock, and only what was can be shown",
                instant(at_ms),
                instant(now_ms)
            )));
        }
        Ok(Some(at_ms))
    }

    /// Sets the transaction back, and gives the service as it would have answered then.
    fn gone_back(&self, tx: &mut ReadTx<'_>, at_ms: i64) -> Result<Self, ServiceError> {
        let then = AsOf::resolve(tx, at_ms)?.map_err(|first_ms| {
            invalid(match first_ms {
                Some(first_ms) => format!(
                    "nothing is kept of {}; the first instant that can be answered is {}",
                    instant(at_ms),
                    // Whole seconds are printed, and what is printed can be answered.
                    instant(first_ms.saturating_add(999))
                ),
                None => "nothing has happened here yet, so that nothing can be shown as it was".to_owned(),
            })
        })?;
        tx.go_back(then);
        Ok(Self(Arc::clone(&self.0), Some(at_ms)))
    }

    /// Whether this is the service as it would have answered at an instant.
    pub(super) const fn is_gone_back(&self) -> bool {
        self.1.is_some()
    }

    /// The catalog's revision; of an instant that of the program that ran then.
    pub(super) fn catalog_revision(&self, db: &mut impl Reader) -> Result<u64, ServiceError> {
        let own = self.0.catalog.revision;
        if !self.is_gone_back() {
            return Ok(own);
        }
        let kept = in_force::get(db, in_force::CATALOG_REVISION)?;
        Ok(kept.map_or(own, super::plan_edit::unsigned))
    }

    /// Keeps from when on this program's catalog answers.
    pub(super) fn keep_catalog_revision(&self) -> Result<(), ServiceError> {
        let (own, now_ms) = (super::plan_edit::signed(self.0.catalog.revision), self.now_ms());
        self.0.store.write_now(move |tx| {
            if in_force::get(tx, in_force::CATALOG_REVISION)? == Some(own) {
                return Ok(());
            }
            let event = events::NewEvent {
                kind: "catalog-in-force".to_owned(),
                schema_version: 1,
                body: serde_json::json!({ "revision": own, "program": env!("CARGO_PKG_VERSION") }).to_string(),
                at_ms: now_ms,
                agent_at_ms: None,
            };
            events::append_next(tx, &StreamName::audit("catalog"), &[event])?;
            Ok(in_force::put(tx, in_force::CATALOG_REVISION, own)?)
        })
    }
}

const fn invalid(why: String) -> ServiceError {
    ServiceError::Invalid { why }
}
