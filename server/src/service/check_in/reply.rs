//! What goes back: marks of what is durable, and what the host is to do.

use std::collections::BTreeSet;

use cutover_core::decide::Input;
use cutover_proto::{
    envelope::{self, Context},
    ids::HostId,
    v1,
};
use prost::Message as _;

use super::{
    super::{
        CallError, Service, ServiceError,
        campaign::last_seen,
        habits::HeardIn,
        plan_edit::{PlanEdit, signed, unsigned},
    },
    arrival::Arrival,
    leaving::DueLeave,
    release::DueRelease,
    sessions::is_disputed,
};
use crate::store::{Reader, WriteTx, hosts, step_records, work_orders};

/// Check-ins are spread by this share of their interval, so that a fleet does not come in step.
const JITTER_PERCENT: u64 = 20;

/// What a read finds for the reply.
#[derive(Debug, Clone)]
pub(super) struct Due {
    reply: v1::CheckInReply,
    /// An order that goes out: its row, not signed yet where there is no envelope.
    order: Option<work_orders::WorkOrderRow>,
    cancel: Option<(u64, String)>,
    release: Option<DueRelease>,
    leave: Option<DueLeave>,
    has_order: bool,
    /// The hour in which it is heard of, where none was noted of it in this hour.
    heard: Option<HeardIn>,
    /// The record that has the plan, where it is the one of its pool.
    pool: Option<HostId>,
}

impl Service {
    /// Reads what is to go back.
    pub(super) async fn read_due(&self, arrival: &Arrival) -> Result<Due, CallError> {
        let (service, asked) = (self.clone(), arrival.clone());
        self.0.store.read(move |tx| service.due(tx, &asked)).await
    }

    /// Answers from what is stored.
    pub(super) async fn reply(&self, arrival: &Arrival, due: Due) -> Result<v1::CheckInReply, CallError> {
        let mut reply = due.reply;
        if let Some(heard) = due.heard {
            self.note_hour(arrival.host, heard);
        }
        if let Some(pool) = due.pool {
            self.note_seen(pool, &arrival.boot_id, None);
        }
        if let Some(order) = due.order {
            tracing::Span::current().record("attempt", order.attempt);
            reply.work_order = self.send_order(arrival, order).await?;
        }
        if let Some((number, why)) = due.cancel {
            reply.cancel = Some(self.cancel(arrival, number, why)?);
        }
        if let Some(release) = due.release {
            reply.agent_release = Some(self.send_release(arrival, release).await?);
        }
        if let Some(leave) = due.leave {
            reply.leave = Some(self.ask_to_leave(arrival, leave).await?);
        }
        if arrival.rules_revision < self.0.catalog.rule_files.revision {
            reply.rules = Some(self.0.rules.clone());
        }
        reply.next_in_seconds = self.next_in_seconds(due.has_order)?;
        Ok(reply)
    }

    pub(super) fn due(&self, db: &mut impl Reader, arrival: &Arrival) -> Result<Due, CallError> {
        let id = arrival.host.to_string();
        let host = hosts::load(db, &id)?.ok_or(CallError::UnknownHost)?;
        let planned_as = self.planned_as(db, arrival.host)?;
        let is_of_pool = planned_as != arrival.host;
        let plan = PlanEdit::load(db, self, planned_as)?.plan;
        let order = match plan.order_to_send(arrival.running) {
            Some(number) => match self.waits_to_be_told(db, arrival.host, signed(number))? {
                Some(_) => None,
                None => work_orders::load(db, &id, signed(number))?,
            },
            None => None,
        };
        // Its next session has the image's program again.
        let release = match is_of_pool {
            true => None,
            false => self.release_for(db, &host, arrival, &plan)?,
        };
        let notice = match is_of_pool {
            true => None,
            false => self.notice_for(db, &plan, order.is_some())?,
        };
        let leave = match is_of_pool {
            true => None,
            false => self.leave_for(db, &host, arrival, &plan)?,
        };
        let durable = host.inventory_digest.unwrap_or_default();
        let lacks_inventory = !arrival.digest.is_empty() && arrival.digest != durable;
        let pace = &self.0.pace;
        let mut reply = v1::CheckInReply {
            store_epoch: Self::store_epoch(db)?,
            server_time_ms: self.now_ms(),
            durable: marks(db, arrival, unsigned(host.highest_begun))?,
            durable_inventory: hex::decode(&durable).unwrap_or_default(),
            want_inventory: lacks_inventory,
            // What it carried in vain counts by a fresh look.
            want_look: plan.wants_look() || (lacks_inventory && arrival.inventory.is_some()),
            prefetch: if is_of_pool { Vec::new() } else { self.hints(&plan) },
            split: is_disputed(db, &plan)?,
            notice,
            settings: Some(v1::Settings {
                check_in_seconds: pace.check_in_seconds,
                look_seconds: pace.look_seconds,
                watch: pace.watch,
                addresses: pace.addresses.clone(),
            }),
            ..v1::CheckInReply::default()
        };
        let asks = reply.want_look || reply.split || !reply.prefetch.is_empty();
        if asks && self.is_closed(db)? {
            // Nothing more will come of it.
            reply.want_look = false;
            reply.split = false;
            reply.prefetch.clear();
        }
        // A host that comes back with an order that is over here is told to end it.
        let stray = plan
            .stray_order(arrival.running)
            .map(|number| (number, "the server has ended this order"));
        let cancel = plan
            .order_to_cancel()
            .or(stray)
            .map(|(number, why)| (number, why.to_owned()));
        Ok(Due {
            reply,
            order,
            cancel,
            release,
            leave,
            has_order: plan.order.is_some(),
            // Machines of a pool come and go: the hours of each say nothing.
            heard: if is_of_pool {
                None
            } else {
                self.hour_to_note(db, &plan)?
            },
            pool: Some(planned_as).filter(|_| is_of_pool),
        })
    }

    /// The order as signed bytes. Signed once: a host that asks again gets the same. None where it was withdrawn or ended since it was
    /// read: the next check-in tells what holds then.
    async fn send_order(
        &self,
        arrival: &Arrival,
        order: work_orders::WorkOrderRow,
    ) -> Result<Option<v1::Envelope>, CallError> {
        let signed_order = match &order.envelope {
            Some(bytes) => v1::Envelope::decode(bytes.as_slice()).map_err(|error| CallError::Broken {
                why: format!("stored work order {}: {error}", order.number),
            })?,
            None => self
                .with_pki(|pki| envelope::seal(Context::WorkOrder, order.body.clone(), pki.signing().newest()))
                .map_err(|error| CallError::Broken {
                    why: format!("work order cannot be signed: {error}"),
                })?,
        };
        if order.fetched_ms.is_none() {
            let (service, host, number) = (self.clone(), arrival.host, order.number);
            let bytes = signed_order.encode_to_vec();
            let is_noted = self
                .0
                .store
                .write(move |tx| service.note_fetched(tx, host, number, &bytes))
                .await?;
            if !is_noted {
                return Ok(None);
            }
        }
        Ok(Some(signed_order))
    }

    /// Notes that an order is handed out; `false` where it is no more to be had.
    fn note_fetched(
        &self,
        tx: &mut WriteTx<'_>,
        host: cutover_proto::ids::HostId,
        number: i64,
        envelope: &[u8],
    ) -> Result<bool, CallError> {
        let id = host.to_string();
        if !work_orders::fetch(tx, &id, number, self.now_ms())? {
            return Ok(false);
        }
        let in_force = self.in_force(tx)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        edit.take(
            &Input::OrderFetched {
                number: unsigned(number),
            },
            &in_force.cx(self),
        )?;
        if !work_orders::set_envelope(tx, &id, number, envelope)? {
            // Nothing that this server writes has a signature and was not handed out.
            return Err(tx.conflict("work order").into());
        }
        let last_seen_ms = last_seen(tx, host)?.max(self.now_ms());
        edit.save(tx, self, &in_force, last_seen_ms)?;
        Ok(true)
    }

    fn cancel(&self, arrival: &Arrival, order_number: u64, reason: String) -> Result<v1::Envelope, CallError> {
        let cancel = v1::Cancel {
            host_id: arrival.host.to_string(),
            order_number,
            reason,
        };
        self.with_pki(|pki| envelope::seal_message(Context::Cancel, &cancel, pki.signing().newest()))
            .map_err(|error| CallError::Broken {
                why: format!("cancel cannot be signed: {error}"),
            })
    }

    /// The longest between two check-ins of a host that is there, in milliseconds of the campaign's clock.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "hours at the most, times a speed of thousands"
    )]
    pub(in crate::service) fn longest_interval_ms(&self, has_order: bool) -> i64 {
        let pace = &self.0.pace;
        let base = if has_order {
            pace.open_order_seconds
        } else {
            pace.check_in_seconds
        };
        let longest_ms = u64::from(base) * 1_000 * (100 + JITTER_PERCENT) / 100;
        (longest_ms as f64 * self.0.clock.speed()) as i64
    }

    fn next_in_seconds(&self, has_order: bool) -> Result<u32, ServiceError> {
        let pace = &self.0.pace;
        let base = u64::from(if has_order {
            pace.open_order_seconds
        } else {
            pace.check_in_seconds
        });
        let spread = base * JITTER_PERCENT / 100;
        let drawn = base - spread + self.0.entropy.seed()? % (2 * spread + 1);
        Ok(u32::try_from(drawn).unwrap_or(u32::MAX).max(1))
    }
}

/// High-water marks of every order that the check-in spoke of, and of the newest that this host ever began: by it a host
/// notices that its journal was lost or restored.
fn marks(db: &mut impl Reader, arrival: &Arrival, highest_begun: u64) -> Result<Vec<v1::OrderMark>, ServiceError> {
    let mut orders: BTreeSet<u64> = arrival
        .records
        .iter()
        .map(|signed| signed.record.order_number)
        .collect();
    orders.extend(arrival.running);
    orders.extend(
        [arrival.highest_order_begun, highest_begun]
            .into_iter()
            .filter(|number| *number > 0),
    );
    let host = arrival.host.to_string();
    orders
        .into_iter()
        .map(|order_number| {
            let mark = step_records::mark(db, &host, signed(order_number))?;
            Ok(v1::OrderMark {
                order_number,
                sequence: u32::try_from(mark).unwrap_or(u32::MAX),
            })
        })
        .collect()
}
