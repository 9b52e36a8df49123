//! Who ends a wait, and until when it lasts.

use super::Waiting;
use crate::plan::{Owner, Reason};

impl Waiting {
    /// Who must act.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        match self {
            Self::ObserveMode
            | Self::WaveClosed { .. }
            | Self::WavePaused { .. }
            | Self::Halted { .. }
            | Self::Approval { .. }
            | Self::Readiness { .. }
            | Self::NoWindow
            | Self::Held { .. } => Owner::Operator,
            Self::Tripped { cause, .. } => cause.owner(),
            Self::External { is_late: true, .. } | Self::Drain { is_late: true, .. } => Owner::Operator,
            Self::Drain { is_late: false, .. } => Owner::Server,
            // Until its limit nobody here need act.
            Self::External { is_late: false, .. } => Owner::Server,
            Self::Hours { opens_ms: None } | Self::Blackout { opens_ms: None, .. } => Owner::Operator,
            Self::Hours { opens_ms: Some(_) }
            | Self::Blackout { opens_ms: Some(_), .. }
            | Self::FewFirst { .. }
            | Self::Grace { .. }
            | Self::Notice { is_due: false, .. }
            | Self::Slot { .. }
            | Self::Pace { .. }
            | Self::Line(_)
            | Self::Retry { .. }
            | Self::NextPass
            | Self::Soak { .. } => Owner::Server,
            Self::HeldLocally { .. } | Self::AgentPerhapsLost { .. } => Owner::Technician,
            Self::Away { .. } => Owner::Helpdesk,
            Self::Restart {
                may_be_put_off: true, ..
            }
            | Self::PutOff { .. } => Owner::User,
            Self::Restart {
                may_be_put_off: false, ..
            }
            | Self::Notice { is_due: true, .. }
            | Self::Journal
            | Self::Fetch { .. }
            | Self::Steps { .. }
            | Self::Ending { .. }
            | Self::FreshLook => Owner::Agent,
            Self::Stuck(reason) => reason.owner(),
        }
    }

    /// Until when it lasts at most, where that is known.
    #[must_use]
    pub const fn until_ms(&self) -> Option<i64> {
        match self {
            Self::Grace { until_ms }
            | Self::Soak { until_ms }
            | Self::PutOff { until_ms, .. }
            | Self::Steps { until_ms, .. } => Some(*until_ms),
            Self::Notice {
                is_due: false,
                starts_ms,
                ..
            } => *starts_ms,
            Self::Retry { at_ms, .. } | Self::Pace { at_ms, .. } => Some(*at_ms),
            Self::Line(line) => line.room_ms,
            Self::Fetch { by_ms } | Self::External { by_ms, .. } => Some(*by_ms),
            Self::Restart { back_by_ms, .. } => Some(*back_by_ms),
            Self::Held { until_ms, .. } => *until_ms,
            Self::Drain { by_ms, .. } => *by_ms,
            Self::Hours { opens_ms } | Self::Blackout { opens_ms, .. } => *opens_ms,
            Self::Stuck(Reason::Exempted { until_ms, .. }) => *until_ms,
            Self::ObserveMode
            | Self::WaveClosed { .. }
            | Self::WavePaused { .. }
            | Self::Halted { .. }
            | Self::Tripped { .. }
            | Self::FewFirst { .. }
            | Self::Approval { .. }
            | Self::Readiness { .. }
            | Self::NoWindow
            | Self::Notice { is_due: true, .. }
            | Self::Slot { .. }
            | Self::HeldLocally { .. }
            | Self::Away { .. }
            | Self::AgentPerhapsLost { .. }
            | Self::Journal
            | Self::NextPass
            | Self::Ending { .. }
            | Self::FreshLook
            | Self::Stuck(_) => None,
        }
    }
}
