//! Work orders: the signed, ordered steps of one attempt on one host, and the checks before the first of them.

use serde::{Deserialize, Serialize};

use crate::{
    WireError,
    envelope::{self, Context, EnvelopeError, PublicKey, SigningKey},
    ids::{CampaignId, HostId},
    record::FailureCause,
    step::Step,
    v1,
};

/// A work order, checked for form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkOrder {
    /// For this host alone.
    pub host_id: HostId,
    /// In this campaign.
    pub campaign_id: CampaignId,
    /// The campaign's epoch when it was issued; stop and pause raise it.
    pub campaign_epoch: u64,
    /// Only rises per host.
    pub number: u64,
    /// From 1.
    pub attempt: u32,
    /// May not begin earlier.
    pub not_before_ms: i64,
    /// May not begin later; once begun it runs to its next safe point.
    pub expires_ms: i64,
    /// The first destructive step needs no recent check-in.
    pub offline: bool,
    /// In order.
    pub steps: Vec<Step>,
    /// Sealed to the host.
    #[serde(skip)]
    pub secrets: Vec<v1::SealedSecret>,
    /// Of the recipes that it was made from.
    pub catalog_revision: u64,
}

/// What a host knows when it judges an order.
#[derive(Debug, Clone, Copy)]
pub struct Standpoint {
    /// Itself.
    pub host_id: HostId,
    /// The highest number that it ever began.
    pub highest_begun: u64,
    /// Trusted time: the last server time plus the monotonic clock since.
    pub now_ms: i64,
}

/// Why an order is refused, before its first step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// Not signed by a key that counts, or changed on the way.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A step, a value or a field that this version cannot read.
    #[error(transparent)]
    Form(#[from] WireError),
    /// For somebody else.
    #[error("work order names host {0}, which is not this one")]
    OtherHost(HostId),
    /// Seen before, or older than what was.
    #[error("work order {number} is not above {highest}, the highest that this host began")]
    Replayed {
        /// Its number.
        number: u64,
        /// What the host keeps.
        highest: u64,
    },
    /// Too late.
    #[error("work order could begin until {expires_ms} ms, it is {now_ms} ms; the server issues a new one")]
    Expired {
        /// Its end.
        expires_ms: i64,
        /// Trusted time.
        now_ms: i64,
    },
    /// Too early.
    #[error("work order may begin from {not_before_ms} ms on, it is {now_ms} ms")]
    NotYet {
        /// Its begin.
        not_before_ms: i64,
        /// Trusted time.
        now_ms: i64,
    },
}

impl OrderRefused {
    /// The cause that the refusing record carries.
    #[must_use]
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::Envelope(_) => FailureCause::BadSignature,
            Self::Form(_) => FailureCause::UnknownStep,
            Self::OtherHost(_) => FailureCause::OtherHost,
            Self::Replayed { .. } => FailureCause::Replayed,
            Self::Expired { .. } => FailureCause::Expired,
            Self::NotYet { .. } => FailureCause::NotYet,
        }
    }
}

impl WorkOrder {
    /// Signs it.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, key: &SigningKey) -> Result<v1::Envelope, EnvelopeError> {
        envelope::seal_message(Context::WorkOrder, &v1::WorkOrder::from(self.clone()), key)
    }

    /// Believes the signature and reads it; does not yet ask whether it may begin.
    ///
    /// # Errors
    /// When the signature or the form does not hold. One unknown step refuses the whole order.
    pub fn open(envelope: &v1::Envelope, known: &[PublicKey]) -> Result<Self, OrderRefused> {
        let wire: v1::WorkOrder = envelope::open_message(envelope, Context::WorkOrder, known)?;
        Ok(wire.try_into()?)
    }

    /// Whether it may begin on this host at this time.
    ///
    /// # Errors
    /// The first check that it fails.
    pub fn check(&self, at: &Standpoint) -> Result<(), OrderRefused> {
        if self.host_id != at.host_id {
            return Err(OrderRefused::OtherHost(self.host_id));
        }
        if self.number <= at.highest_begun {
            return Err(OrderRefused::Replayed {
                number: self.number,
                highest: at.highest_begun,
            });
        }
        if at.now_ms >= self.expires_ms {
            return Err(OrderRefused::Expired {
                expires_ms: self.expires_ms,
                now_ms: at.now_ms,
            });
        }
        if at.now_ms < self.not_before_ms {
            return Err(OrderRefused::NotYet {
                not_before_ms: self.not_before_ms,
                now_ms: at.now_ms,
            });
        }
        Ok(())
    }

    /// Index of the last step after which cancel or hold may still act; `None` when there is none.
    #[must_use]
    pub fn last_safe_point(&self) -> Option<usize> {
        self.steps.iter().rposition(|step| step.safe_point_after)
    }
}

impl From<WorkOrder> for v1::WorkOrder {
    fn from(order: WorkOrder) -> Self {
        Self {
            host_id: order.host_id.to_string(),
            campaign_id: order.campaign_id.to_string(),
            campaign_epoch: order.campaign_epoch,
            number: order.number,
            attempt: order.attempt,
            not_before_ms: order.not_before_ms,
            expires_ms: order.expires_ms,
            offline: order.offline,
            steps: order.steps.into_iter().map(Into::into).collect(),
            secrets: order.secrets,
            catalog_revision: order.catalog_revision,
        }
    }
}

impl TryFrom<v1::WorkOrder> for WorkOrder {
    type Error = WireError;
    fn try_from(wire: v1::WorkOrder) -> Result<Self, WireError> {
        if wire.steps.is_empty() {
            return Err(WireError::Missing("work_order.steps"));
        }
        if wire.number == 0 {
            return Err(WireError::Missing("work_order.number"));
        }
        Ok(Self {
            host_id: wire.host_id.parse()?,
            campaign_id: CampaignId::new(wire.campaign_id),
            campaign_epoch: wire.campaign_epoch,
            number: wire.number,
            attempt: wire.attempt,
            not_before_ms: wire.not_before_ms,
            expires_ms: wire.expires_ms,
            offline: wire.offline,
            steps: wire
                .steps
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            secrets: wire.secrets,
            catalog_revision: wire.catalog_revision,
        })
    }
}
