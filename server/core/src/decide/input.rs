//! What happens to a plan, in the past tense.

use cutover_proto::{ids::HostId, record::StepRecord, step::StepKind};

use super::{DrainWord, NoticeGiven};
use crate::{
    judge::Assessment,
    plan::{DiskAttestation, Exemption, Hold, HoldKind, JournalFault, Known, Personal, Pool},
};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The agent enrolled, for the first time or again.
    Enrolled {
        /// What people and records say of it.
        known: Known,
    },
    /// What people and records say of the host: again, or something else.
    Described {
        /// All of it.
        known: Known,
    },
    /// It is one of several machines that had one identity; its history before is that identity's.
    Forked {
        /// The identity that they had.
        from: HostId,
        /// When that was first shown to carry a target.
        first_carried_ms: Option<i64>,
    },
    /// It is of all machines that come and go from one image.
    Pooled(Pool),
    /// A check-in brought an inventory that is not the one known.
    Looked {
        /// What it means.
        assessment: Box<Assessment>,
        /// When it was taken or last confirmed, by the host's clock.
        looked_at_ms: i64,
        /// The kernel session.
        boot_id: String,
    },
    /// A check-in brought no other inventory than the one known.
    CheckedIn {
        /// When that was last confirmed, by the host's clock; `None` before the first look.
        looked_at_ms: Option<i64>,
        /// The kernel session.
        boot_id: String,
        /// The order that the agent says is running.
        running: Option<u64>,
    },
    /// The order left in a reply.
    OrderFetched {
        /// Its number.
        number: u64,
    },
    /// A step record was verified and is being stored.
    Recorded(Box<StepRecord>),
    /// The plan's wake is due.
    Woke {
        /// When the host was last heard of, by the server's clock.
        last_seen_ms: i64,
    },
    /// The plan's wave opened.
    WaveOpened,
    /// The campaign was paused or stopped.
    Halted,
    /// A person let it start.
    Approved {
        /// Who.
        by: Personal,
    },
    /// A person let this host start, by its name.
    ApprovedByName {
        /// Who.
        by: Personal,
    },
    /// The rollout chose it.
    Started {
        /// The number of the order; above every earlier one of this host.
        order_number: u64,
        /// The campaign's epoch, compared and set in the same transaction.
        epoch: u64,
    },
    /// A new version of the campaign, or of the catalog, is in force.
    CampaignChanged {
        /// The last inventory judged anew; `None` where there is none.
        assessment: Option<Box<Assessment>>,
    },
    /// Somebody placed a hold.
    HoldPlaced(Hold),
    /// Somebody lifted one.
    HoldLifted {
        /// Which.
        kind: HoldKind,
        /// Who.
        by: Personal,
    },
    /// The host's agent said whether its own hold stops it.
    HeldLocally {
        /// Why no order begins there; `None` where nothing holds it.
        why: Option<String>,
    },
    /// The host's agent said which kinds of steps it knows.
    SaidSteps {
        /// Those that it does not know, in the order of the wire.
        lacking: Vec<StepKind>,
    },
    /// The host's agent said that it told whoever works there of the start.
    Notified(NoticeGiven),
    /// Whoever works there puts the start off, as the host's agent acknowledged to them.
    StartPutOff {
        /// Of which telling.
        round: u32,
        /// When they asked, by trusted time.
        asked_ms: i64,
        /// To then.
        until_ms: i64,
    },
    /// Whoever drains hosts said something of this one.
    Drain(DrainWord),
    /// An exemption was granted.
    Exempted(Exemption),
    /// It was revoked.
    ExemptionRevoked {
        /// By whom.
        by: Personal,
        /// Why.
        why: Personal,
    },
    /// A person attested who encrypts its disks: with all that was said before.
    DisksAttested(DiskAttestation),
    /// What was attested of its disks is taken back.
    DisksWithdrawn {
        /// By whom.
        by: Personal,
        /// Why.
        why: Personal,
    },
    /// An operator asks for another try.
    Retried {
        /// Who.
        by: Personal,
    },
    /// Who does the work by hand, and by when.
    HandworkAssigned {
        /// Who says so.
        by: Personal,
        /// Who does it.
        owner: Personal,
        /// Under which number elsewhere.
        reference: Option<Personal>,
        /// By when; `None` is by the campaign's policy.
        due_ms: Option<i64>,
    },
    /// A person did the work.
    HandworkDone {
        /// Who.
        by: Personal,
        /// What proves it.
        evidence: Personal,
    },
    /// The journal on the host cannot be trusted.
    JournalDistrusted {
        /// What is wrong with it.
        fault: JournalFault,
    },
    /// The forecast said otherwise than before.
    Forecast {
        /// Whether it will miss the target.
        late: bool,
    },
    /// Somebody says that the host is gone.
    Retired {
        /// Who.
        by: Personal,
        /// Why, with proof.
        why: Personal,
    },
    /// The agent left with an acknowledged final statement.
    Concluded,
}

impl Input {
    /// Its name, for refusals and spans.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Enrolled { .. } => "enrolled",
            Self::Described { .. } => "described",
            Self::Forked { .. } => "forked",
            Self::Pooled(..) => "pooled",
            Self::Looked { .. } => "looked",
            Self::CheckedIn { .. } => "checked-in",
            Self::OrderFetched { .. } => "order-fetched",
            Self::Recorded(..) => "recorded",
            Self::Woke { .. } => "woke",
            Self::WaveOpened => "wave-opened",
            Self::Halted => "halted",
            Self::Approved { .. } => "approved",
            Self::ApprovedByName { .. } => "approved-by-name",
            Self::Started { .. } => "started",
            Self::CampaignChanged { .. } => "campaign-changed",
            Self::HoldPlaced(..) => "hold-placed",
            Self::HoldLifted { .. } => "hold-lifted",
            Self::HeldLocally { .. } => "held-locally",
            Self::SaidSteps { .. } => "said-steps",
            Self::Notified(..) => "notified",
            Self::StartPutOff { .. } => "start-put-off",
            Self::Drain(..) => "drain",
            Self::Exempted(..) => "exempted",
            Self::ExemptionRevoked { .. } => "exemption-revoked",
            Self::DisksAttested(..) => "disks-attested",
            Self::DisksWithdrawn { .. } => "disks-withdrawn",
            Self::Retried { .. } => "retried",
            Self::HandworkAssigned { .. } => "handwork-assigned",
            Self::HandworkDone { .. } => "handwork-done",
            Self::JournalDistrusted { .. } => "journal-distrusted",
            Self::Forecast { .. } => "forecast",
            Self::Retired { .. } => "retired",
            Self::Concluded => "concluded",
        }
    }
}
