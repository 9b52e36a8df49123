//! The facts that make a plan.

use cutover_proto::{
    ids::{HostId, ProductId},
    record::{FailureCause, RecordEvent},
    step::{Step, StepKind},
    verdict::Protection,
};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Proven, RestartNeed},
    judge::Assessment,
    plan::{
        Cover, DiskAttestation, DrainTurn, Exemption, Hold, HoldKind, JournalFault, Known, OrderEnd, Origin, Personal,
        Phase, Pool, Reason, Stop, Verify,
    },
    secret::Tries,
    suspect::Suspect,
};

/// What is true from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// The agent enrolled.
    Enrolled {
        /// Its wave.
        wave: String,
        /// Its site.
        site: String,
        /// The campaign's version.
        campaign_version: u32,
    },
    /// People or records say this of it.
    Described {
        /// All of it.
        known: Known,
    },
    /// It is in another wave, or at another site, than before.
    Grouped {
        /// Its wave.
        wave: String,
        /// Its site.
        site: String,
        /// Whether the wave was open already when it came into it.
        is_late_joiner: bool,
    },
    /// A look said something new, or came when one was wanted.
    Looked {
        /// By the host's clock.
        looked_at_ms: i64,
        /// The kernel session.
        boot_id: String,
        /// What it means; absent where it means what the one before meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assessment: Option<Box<Assessment>>,
    },
    /// A target is there for the first time.
    TargetSeen {
        /// Which ones.
        products: Vec<ProductId>,
    },
    /// The target vanished, and no order of ours took it.
    TargetVanished,
    /// The machine's protection changed.
    ProtectionTurned {
        /// To this.
        grade: Protection,
        /// Which counts as this.
        cover: Cover,
        /// From when on.
        since_ms: i64,
    },
    /// An order that was at work left the host without protection that counts.
    GapBegan {
        /// How long the recipe bears it.
        bound_ms: i64,
    },
    /// That lasted longer than the recipe bears.
    GapExceeded,
    /// The plan moved.
    Moved {
        /// To this phase.
        to: Phase,
        /// Why, where it needs saying.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// It stays where it is, for another reason.
    ReasonTurned {
        /// Which.
        reason: Option<Reason>,
    },
    /// A replacement was chosen.
    ReplacementChosen {
        /// Which.
        product: ProductId,
    },
    /// Recipes of its next order have not soaked here yet, so a few go first; none is left where nobody need.
    RecipesUntried {
        /// Which.
        recipes: Vec<String>,
    },
    /// Its work failed before its recipes have soaked here, or it was not heard of any more, and it keeps its places among those
    /// that go first; none where it gives them back.
    PlacesKept {
        /// All that it keeps.
        places: Vec<String>,
    },
    /// Its next order makes it fetch so much, over a line that is limited.
    FetchSized {
        /// In bytes.
        bytes: u64,
    },
    /// A person let it start.
    Approved {
        /// Who.
        by: Personal,
        /// Whether the host was named, and not let start with all of its wave.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        named: bool,
    },
    /// A work order was issued.
    OrderIssued {
        /// Its number on this host.
        number: u64,
        /// Which attempt.
        attempt: u32,
        /// The campaign's epoch.
        epoch: u64,
        /// What it brings.
        replacement: ProductId,
        /// What it does.
        steps: Vec<Step>,
        /// May not begin later.
        expires_ms: i64,
        /// Withdrawn when not fetched by then.
        fetch_by_ms: i64,
        /// Of the recipes.
        catalog_revision: u64,
        /// Of the wave's breaker.
        #[serde(default, skip_serializing_if = "crate::plan::is_first")]
        round: u32,
        /// The slots that it takes. Orders of earlier versions named none.
        #[serde(default = "crate::plan::campaigns_slot")]
        slots: Vec<String>,
        /// The recipes that it goes by. Orders of earlier versions named none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recipes: Vec<String>,
        /// The secrets that it brings: by their places, and never what they are.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        secrets: Vec<Tries>,
        /// The least that these were shown on. Orders of earlier versions did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grade: Option<Proven>,
    },
    /// It left in a reply.
    OrderFetched {
        /// Its number.
        number: u64,
    },
    /// A record of it was taken in.
    StepReported {
        /// The order.
        number: u64,
        /// Of the record.
        sequence: u32,
        /// What it says.
        event: RecordEvent,
        /// Index of the step.
        step: u32,
        /// Why, where something did not go well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<FailureCause>,
        /// For a person.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
        /// By the host's clock.
        host_ms: i64,
        /// The kernel session.
        boot_id: String,
        /// When a restart that is due is to come, by the host's clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
        /// Of the tool, where one ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// It was asked to end.
    OrderCancelling {
        /// Its number.
        number: u64,
        /// Why.
        why: String,
    },
    /// It ended.
    OrderEnded {
        /// Its number.
        number: u64,
        /// How.
        end: OrderEnd,
        /// Why, where it did not go well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<FailureCause>,
        /// For a person.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
        /// Whether it used an attempt up.
        used_attempt: bool,
        /// The exit code of the installer, where one told it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// What it demands before anything is tried again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<Stop>,
    },
    /// Secrets that it brought did not help a product to go, or nobody knows whether they were tried: they are not tried there again.
    SecretsTried {
        /// The product.
        product: ProductId,
        /// Which.
        digests: Vec<String>,
    },
    /// Another try is due then.
    RetrySet {
        /// When. Not `at_ms`: that is the event's own, and both lie side by side in the store.
        due_ms: i64,
        /// Whether the failure was a hindrance that uses no attempt.
        hindrance: bool,
    },
    /// That time has come.
    RetryDue,
    /// A product was removed, which is complete only after a restart.
    RestartOwed {
        /// Whether in any case.
        need: RestartNeed,
        /// Which product.
        product: ProductId,
        /// The kernel session that it was removed in.
        boot_id: String,
    },
    /// The kernel session changed while a restart was due.
    RestartSeen {
        /// The new one.
        boot_id: String,
    },
    /// Verifying went a step on.
    VerifyTurned {
        /// To this.
        verify: Verify,
    },
    /// An attempt was used up although its order ended well: the look did not agree.
    NotConfirmed {
        /// What the look says.
        why: String,
        /// Whether it used an attempt up.
        used_attempt: bool,
    },
    /// Work that is to be verified was done, by whom.
    WorkSeen {
        /// Who did it.
        origin: Origin,
    },
    /// The target came back.
    Regressed {
        /// Which ones.
        products: Vec<ProductId>,
        /// What is held to have put it back, by what was known then. `None` in events of before it was looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspect: Option<Suspect>,
    },
    /// The replacement is not healthy, since this event.
    ProtectionDoubtful,
    /// It is healthy again, within the bound.
    ProtectionRestored,
    /// It was not healthy for longer than the bound.
    ProtectionLost {
        /// What is wrong.
        reason: Reason,
    },
    /// Not heard of for longer than `stale_after`.
    WentStale {
        /// When it was last heard of.
        last_seen_ms: i64,
    },
    /// Heard of again.
    SeenAgain,
    /// It fell silent right after enrolling while a target was there: the product may have removed the agent.
    AgentPerhapsLost {
        /// When it was last heard of.
        last_seen_ms: i64,
        /// Which targets are there.
        products: Vec<ProductId>,
    },
    /// The agent that was perhaps lost was heard of.
    AgentBack,
    /// It is one of several machines that had one identity.
    Forked {
        /// The identity that they had.
        from: HostId,
        /// When that was first shown to carry a target.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first_carried_ms: Option<i64>,
    },
    /// It is of all machines that come and go from one image.
    Pooled {
        /// Which.
        pool: Pool,
    },
    /// A hold was placed.
    HoldPlaced {
        /// Which.
        hold: Hold,
    },
    /// One was lifted, or ended.
    HoldLifted {
        /// Which.
        kind: HoldKind,
        /// Who; `None` where its time was over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Personal>,
    },
    /// The host says that its own hold stops it.
    HeldLocally {
        /// In its agent's words.
        why: String,
    },
    /// It says so no longer.
    LocalHoldGone,
    /// The host's agent does not know these kinds of steps; none is left where it knows all.
    StepsLacking {
        /// Which.
        kinds: Vec<StepKind>,
    },
    /// A notice before the start is due; the host was asked to come for it.
    NoticeDue {
        /// Which, from 1.
        number: u32,
    },
    /// Whoever works at the machine was told.
    NoticeGiven {
        /// Which notice, from 1; 0: that the work starts.
        number: u32,
        /// When, by the host's clock.
        shown_ms: i64,
        /// Whether somebody was logged in; absent where that could not be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        somebody: Option<bool>,
        /// How it was shown, in the agent's words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        how: String,
    },
    /// What was told of a start no longer holds: it is told anew.
    NoticesLapsed,
    /// Something happened to its being drained by another system.
    DrainTurned {
        /// What.
        turn: DrainTurn,
    },
    /// Whoever works at the machine put the start off.
    StartPutOff {
        /// To then.
        until_ms: i64,
        /// When they asked, by the host's clock.
        asked_ms: i64,
    },
    /// An exemption was granted.
    Exempted {
        /// Which.
        exemption: Exemption,
    },
    /// It ended.
    ExemptionEnded {
        /// Who revoked it; `None` where its time was over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Personal>,
        /// Why it was revoked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Personal>,
    },
    /// A person attested who encrypts its disks, as the first or as the second.
    DisksAttested {
        /// All that is said of them now.
        disks: DiskAttestation,
    },
    /// What was attested of its disks counts no longer: taken back, contradicted by a look, or its time is over.
    DisksDoubted {
        /// Who took it back; `None` where nobody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Personal>,
        /// Why it was taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Personal>,
        /// Whether a look showed that the product encrypts them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_look: bool,
    },
    /// A new version of the campaign or of the catalog is in force.
    CampaignChanged {
        /// Which.
        version: u32,
        /// What the last inventory means under it; absent where that did not change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assessment: Option<Box<Assessment>>,
    },
    /// An operator asked for another try.
    Retried {
        /// Who.
        by: Personal,
    },
    /// It was arranged who does the work by hand, and by when.
    HandworkAssigned {
        /// Who arranged it.
        by: Personal,
        /// Who does it.
        owner: Personal,
        /// Under which number elsewhere.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Personal>,
        /// By when, where not by the campaign's policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_ms: Option<i64>,
    },
    /// It was not done by its date.
    HandworkOverdue {
        /// The date.
        due_ms: i64,
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
    /// The host checked in since; a look newer than this settles it.
    JournalMarked {
        /// By the clock that the host's looks go by: the server's, as the host knows it.
        fresh_after_ms: i64,
    },
    /// A fresh look settled that.
    JournalSettled,
    /// In or out of scope.
    ScopeTurned {
        /// The rule that leaves it out; `None` is in scope.
        rule: Option<String>,
    },
    /// The forecast.
    LateTurned {
        /// Whether it will miss the target.
        late: bool,
    },
}
