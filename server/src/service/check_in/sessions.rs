//! Kernel sessions under one identity: whether a restored snapshot or a second machine speaks.

use cutover_core::{
    decide::Input,
    plan::{Hold, HoldKind, Plan},
    rollout::RunState,
    trail::{Told, Trail},
};

use super::{
    super::{Service, ServiceError, campaign::InForce, personal::PersonalValue, plan_edit::PlanEdit},
    arrival::Arrival,
};
use crate::store::{Reader, WriteTx, clones, events, host_sessions};

/// What an agent says where the system does not tell its kernel session.
const UNKNOWN_BOOT: &str = "unknown";

/// Who places the hold, and why: as they are kept in events.
#[derive(Clone)]
pub(in super::super) struct CloneWords {
    pub(in super::super) who: PersonalValue,
    pub(in super::super) why: PersonalValue,
}

impl CloneWords {
    pub(in super::super) fn draw(service: &Service) -> Result<Self, ServiceError> {
        let why = "several machines have this identity; each gets one of its own, and an operator decides about them";
        Ok(Self {
            who: service.personal_user("the server")?,
            why: service.personal_note(why)?,
        })
    }

    pub(in super::super) fn hold(&self) -> Hold {
        Hold {
            kind: HoldKind::Clone,
            who: self.who.mention(),
            why: self.why.mention(),
            until_ms: None,
        }
    }
}

/// Whether the identity is known to be on several machines.
pub(in super::super) fn is_disputed(db: &mut impl Reader, plan: &Plan) -> Result<bool, ServiceError> {
    Ok(plan.holds.contains_key(&HoldKind::Clone) && clones::incident(db, &plan.host_id.to_string())?.is_some())
}

fn session_of(arrival: &Arrival) -> &str {
    Some(arrival.boot_id.as_str())
        .filter(|id| *id != UNKNOWN_BOOT)
        .unwrap_or_default()
}

/// Whether the session that speaks is to be written down: not at every check-in, and no longer at every change of turns
/// once the several machines are known.
pub(super) fn session_is_news(db: &mut impl Reader, plan: &Plan, arrival: &Arrival) -> Result<bool, ServiceError> {
    let (host, session) = (arrival.host.to_string(), session_of(arrival));
    if session.is_empty() || host_sessions::newest(db, &host)?.is_some_and(|newest| newest.boot_id == session) {
        return Ok(false);
    }
    Ok(!is_disputed(db, plan)? || host_sessions::load(db, &host, session)?.is_none())
}

impl Service {
    /// Writes the session down that speaks, and opens the incident where it shows a second machine.
    pub(super) fn follow_session(
        &self,
        tx: &mut WriteTx<'_>,
        edit: &mut PlanEdit,
        in_force: &InForce,
        arrival: &Arrival,
        words: &CloneWords,
    ) -> Result<Option<events::NewEvent>, ServiceError> {
        let (host, session) = (arrival.host.to_string(), session_of(arrival));
        if !session_is_news(tx, &edit.plan, arrival)? {
            return Ok(None);
        }
        let before = host_sessions::of_host(tx, &host)?;
        let mut trail = Trail::new(before.clone());
        let told = trail.hear(session, self.now_ms());
        for gone in before.iter().filter(|sight| trail.of(&sight.boot_id).is_none()) {
            host_sessions::forget(tx, &host, &gone.boot_id)?;
        }
        if let Some(sight) = trail.of(session).filter(|sight| !before.contains(sight)) {
            host_sessions::keep(tx, &host, sight)?;
        }
        let (kind, body) = match told {
            Told::Nothing | Told::Began => return Ok(None),
            Told::Returned => ("session-returned", serde_json::json!({ "boot_id": session })),
            Told::Alternates => {
                let known: Vec<&str> = trail.sights().iter().map(|sight| sight.boot_id.as_str()).collect();
                (
                    "clones-noticed",
                    serde_json::json!({ "boot_id": session, "sessions": known }),
                )
            }
        };
        let is_open = in_force.run != RunState::Closed && !edit.plan.is_closed();
        if told == Told::Alternates && is_open && clones::open(tx, &host, self.now_ms())? {
            tracing::warn!(%host, "several machines have this identity; each is told to get its own");
            words.who.keep(tx, &edit.stream())?;
            words.why.keep(tx, &edit.stream())?;
            edit.take(&Input::HoldPlaced(words.hold()), &in_force.cx(self))?;
        } else {
            tracing::info!(%host, boot_id = session, kind, "an old kernel session came back");
        }
        Ok(Some(self.host_event(kind, &body, None)))
    }
}
