//! From when to when a certificate holds, in whole seconds as X.509 has them.

use std::time::Duration;

use rcgen::CertificateParams;
use x509_parser::time::ASN1Time;

use super::PkiError;

/// How far a certificate's start lies before its issue, so that a peer whose clock is a little late accepts it.
const BACKDATE: Duration = Duration::from_secs(3600);

/// Start and end of a certificate, ms since the epoch, both on a whole second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before_ms: i64,
    pub(super) not_after_ms: i64,
}

impl Validity {
    /// From a little before now, for `life` from now on.
    pub(super) fn starting(now_ms: i64, life: Duration) -> Result<Self, PkiError> {
        let back = i64::try_from(BACKDATE.as_millis()).map_err(|_| PkiError::BadTime(now_ms))?;
        let life = i64::try_from(life.as_millis()).map_err(|_| PkiError::BadTime(now_ms))?;
        let end = now_ms.checked_add(life).ok_or(PkiError::BadTime(now_ms))?;
        let start = now_ms.checked_sub(back).ok_or(PkiError::BadTime(now_ms))?;
        Ok(Self {
            not_before_ms: start.div_euclid(1000) * 1000,
            not_after_ms: end.div_euclid(1000) * 1000,
        })
    }

    /// The same, ended by the authority's end where that comes first.
    pub(super) fn until(self, end_ms: i64) -> Self {
        Self {
            not_after_ms: self.not_after_ms.min(end_ms),
            ..self
        }
    }

    /// Writes both into the parameters of a certificate to be made.
    pub(super) fn write(self, params: &mut CertificateParams) -> Result<(), PkiError> {
        params.not_before = at(self.not_before_ms)?.to_datetime();
        params.not_after = at(self.not_after_ms)?.to_datetime();
        Ok(())
    }

    /// Reads both from a certificate.
    pub(super) fn read(validity: &x509_parser::certificate::Validity) -> Self {
        Self {
            not_before_ms: validity.not_before.timestamp().saturating_mul(1000),
            not_after_ms: validity.not_after.timestamp().saturating_mul(1000),
        }
    }
}

fn at(ms: i64) -> Result<ASN1Time, PkiError> {
    // RFC 5280, 4.1.2.5: years 1950 to 9999 can be written; a clock outside 1970 to 9999 is wrong anyway.
    if !(0..253_402_300_800_000).contains(&ms) {
        return Err(PkiError::BadTime(ms));
    }
    ASN1Time::from_timestamp(ms.div_euclid(1000)).map_err(|_| PkiError::BadTime(ms))
}

/// Whether two thirds of a certificate's life are over.
#[must_use]
pub const fn renew_due(not_before_ms: i64, not_after_ms: i64, now_ms: i64) -> bool {
    let life = not_after_ms.saturating_sub(not_before_ms);
    now_ms >= not_before_ms.saturating_add(life / 3 * 2)
}
