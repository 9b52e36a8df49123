//! Detection tests are told before they are made: a letter with each order that has one, which leaves once somebody has taken that.

use cutover_core::campaign::zone::utc;
use cutover_proto::{
    ids::{HostId, ProductId},
    order::WorkOrder,
    step::{Action, Step},
};
use serde::{Deserialize, Serialize};

use super::{
    Service, ServiceError,
    campaign::{InForce, broken_id},
    handle::nudge_topic,
    plan_edit::signed,
};
use crate::store::{
    Reader, WriteTx, hosts,
    outbox::{self, DeliveryState, OutboxRow},
    work_orders::{self, OrderState},
};

/// The kind of a letter that tells of a detection test.
pub const DETECTION_TEST: &str = "detection-test";

/// What is told, as it is posted. Whoever watches a console knows by it that the alarm that comes is no attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestTold {
    /// The campaign.
    pub campaign: String,
    /// What will be done, in words.
    pub says: String,
    /// What the machine calls itself.
    pub host: String,
    /// Its id here.
    pub host_id: String,
    /// The order of that host with the test.
    pub order: u64,
    /// The product that is shown the file.
    pub product: String,
    /// How often: so many alarms are to be expected, and no more.
    pub tests: usize,
    /// Not before this, in milliseconds since the epoch.
    pub from_ms: i64,
    /// The order begins no later than this, in milliseconds since the epoch.
    pub until_ms: i64,
    /// The same, to be read.
    pub until: String,
}

impl Service {
    /// Writes it down in the transaction in which the order is made.
    pub(super) fn tell_of_test(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        order: &WorkOrder,
    ) -> Result<(), ServiceError> {
        let tested = |step: &Step| {
            if let Action::DetectionTest { product } = &step.action {
                return Some(product.clone());
            }
            None
        };
        let tests: Vec<ProductId> = order.steps.iter().filter_map(tested).collect();
        let (Some(url), Some(product)) = (&in_force.campaign.detection_tests.tell, tests.first()) else {
            return Ok(());
        };
        let times = match tests.len() {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let host_id = order.host_id.to_string();
        let host = hosts::load(tx, &host_id)?.map(|host| host.name).unwrap_or_default();
        let told = TestTold {
            campaign: order.campaign_id.to_string(),
            says: format!(
                "{host} will show {product} the EICAR test file {times}. It is harmless and is reported as malware; nobody needs to \
                 act on that, and a report more is not ours"
            ),
            host,
            host_id,
            order: order.number,
            product: product.to_string(),
            tests: tests.len(),
            from_ms: order.not_before_ms,
            until_ms: order.expires_ms,
            until: utc(order.expires_ms),
        };
        let body = serde_json::to_string(&told).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        let id = id(order.host_id, signed(order.number));
        outbox::insert(tx, &id, DETECTION_TEST, url, &body, self.real_now_ms())?;
        Ok(())
    }

    /// Why an order does not leave yet; `None` where nothing is told of it, or that was taken.
    pub(super) fn waits_to_be_told(
        &self,
        db: &mut impl Reader,
        host: HostId,
        order: i64,
    ) -> Result<Option<String>, ServiceError> {
        let letter = outbox::load(db, &id(host, order))?;
        let Some(letter) = letter.filter(|letter| letter.state != DeliveryState::Delivered) else {
            return Ok(None);
        };
        // The campaign may have it told to somebody else since, or to nobody.
        let is_wanted = self.in_force(db)?.campaign.detection_tests.tell.as_ref() == Some(&letter.target);
        Ok(Some(letter).filter(|_| is_wanted).map(|letter| {
            let error = letter.last_error.map(|error| format!("; the last try: {error}"));
            format!(
                "order {order} leaves once {} has taken that it makes a detection test{}",
                letter.target,
                error.unwrap_or_default()
            )
        }))
    }

    /// Why a letter that tells of a test is not posted any more; `None` where it is.
    pub(super) fn test_letter_is_over(
        &self,
        db: &mut impl Reader,
        letter: &OutboxRow,
    ) -> Result<Option<&'static str>, ServiceError> {
        if self.in_force(db)?.campaign.detection_tests.tell.as_ref() != Some(&letter.target) {
            return Ok(Some("the campaign has it told elsewhere, or nowhere"));
        }
        let told = read(letter)?;
        let order = work_orders::load(db, &told.host_id, signed(told.order))?;
        let waits = order.is_some_and(|order| order.state == OrderState::Issued);
        Ok((!waits).then_some("the order was taken back before it left"))
    }

    /// Somebody took it: the host hears at once that its order is there.
    pub(super) fn test_is_told(tx: &mut WriteTx<'_>, letter: &OutboxRow) -> Result<(), ServiceError> {
        let host = read(letter)?.host_id.parse().map_err(broken_id)?;
        tx.after_commit(nudge_topic(host));
        Ok(())
    }
}

fn id(host: HostId, order: i64) -> String {
    format!("{DETECTION_TEST}:{host}:{order}")
}

fn read(letter: &OutboxRow) -> Result<TestTold, ServiceError> {
    serde_json::from_str(&letter.body).map_err(|error| ServiceError::Broken {
        why: format!("stored letter {}: {error}", letter.outbox_id),
    })
}
