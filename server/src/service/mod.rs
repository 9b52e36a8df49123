//! The use cases, one a file: load, decide, append, commit. What is pure lies in the core; what is durable in the store.

mod access;
mod agent_releases;
mod artifacts;
mod as_of;
mod assets;
mod blockers;
mod campaign;
mod catalog;
mod check_in;
mod clones;
mod customer;
mod date_proof;
mod dates;
mod disks;
mod drains;
mod duties;
mod enroll;
mod entropy;
mod error;
mod exemptions;
mod findings;
mod gate_letters;
mod gates;
mod habits;
mod handle;
mod handwork;
mod holds;
mod hosts;
mod keyring;
mod keys;
mod known;
mod late;
mod leaving;
mod letters;
mod named;
mod pass;
mod personal;
mod plan_edit;
mod pools;
mod queue;
mod read_plans;
mod readiness;
mod renew;
mod reports;
mod retire;
mod secrets;
mod seen;
mod shelf;
mod simulate;
mod split;
mod start;
mod tags;
mod test_letters;
mod tokens;
pub mod views;
mod wake;
mod waves;

pub use access::{Caller, Role, SESSION_COOKIE};
pub use agent_releases::{AgentReleaseView, AskRelease, NewAgentRelease, NewProgram, UpdatedHost};
pub use artifacts::{
    ArtifactAdded, ArtifactFilter, ArtifactList, ArtifactSettings, ArtifactView, NewArtifact, OpenArtifact,
};
pub use assets::{
    AssetDetail, AssetFilter, AssetImport, AssetList, AssetView, AssetsImported, AttestAsset, LookView, MatchAsset,
    NamedFault, ScanImport, ScanImported,
};
pub use blockers::{BlockedHost, BlockerView, Blockers};
pub use campaign::{
    ApplyCampaign, CampaignApplied, CampaignDetail, CampaignPreview, CampaignVersion, ClosedView, ClosingView,
    ConfirmClosing, HaltCampaign, Moved, ProposalView, ProposeClosing, ResidualView, WithdrawClosing,
};
pub use catalog::{BuiltIn, HandoverView, MatrixView, ProductView, built_in_catalog};
pub use clones::{CloneDecision, CloneIncident, CloneView, SettleClones};
pub use date_proof::ProofView;
pub use dates::PassedDate;
pub use disks::{AttestDisks, DiskSignatureView, DisksFilter, DisksList, DisksView, WithdrawDisks};
pub use drains::{AnswerDrain, DRAIN, DrainLetter, HostReleased, RELEASE};
pub use duties::{DutyStepView, DutyView, ReportDuty};
pub use entropy::Entropy;
pub use error::{CallError, ServiceError};
pub use exemptions::{ExemptionFilter, ExemptionList, ExemptionView, NewExemption, RevokeExemption};
pub use findings::{FindingFilter, FindingList, FindingView};
pub use gate_letters::{GATE, GateWord, Question};
pub use gates::{AnswerGate, ResetWave};
pub use handle::{Changes, GateSettings, Notice, Pace, Parts, ReportSettings, Service};
pub use handwork::{AssignHandwork, EndHandwork, HandworkFilter, HandworkList, HandworkView};
pub use holds::{HoldHost, HoldKindAsked, ReleaseHost};
pub use hosts::HostFilter;
pub use keys::KeyOfHost;
pub use late::{ForecastSettings, LateJudged};
pub use pass::Passed;
pub use readiness::{AttestItem, AttestedFile, ReadinessView, SignItem, SignatureView};
pub use secrets::{NewSecret, RemoveSecret, SecretValue, SecretView};
pub use shelf::{ArtifactUse, NewArtifactUse, UsedFile};
pub use simulate::{AskForecast, AskSimulation, CampaignText, ForecastMade, SimulationDone};
pub use tags::ChangeTags;
pub use test_letters::{DETECTION_TEST, TestTold};
pub use tokens::{NewToken, PoolImage, TokenMade};
pub use waves::ApproveWave;
