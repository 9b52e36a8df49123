//! What two people attest of a host's disks, where no look can tell who encrypts them. It takes the place of what is not known
//! and of nothing else: where a look says that the product encrypts, that holds.

use std::borrow::Cow;

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::{Personal, Plan};
use crate::{
    campaign::{span, zone::utc},
    judge::{Assessment, Blocker},
};

/// How many people have to say it.
const SIGNERS: usize = 2;

/// How long it holds at the longest after the day of what it rests on: what encrypts a disk is a policy of the console, which
/// somebody may change.
const LONGEST_MS: i64 = 90 * 24 * 3_600_000;

words! {
    /// What is attested of disks.
    pub enum DiskWord("word of disks") {
        /// The product that is to go encrypts none of them.
        NotEncryptedByTarget = "not-encrypted-by-target",
        /// They were encrypted by it and are decrypted.
        Decrypted = "decrypted",
        /// It manages BitLocker, and the recovery keys lie where they outlive it.
        KeysEscrowed = "keys-escrowed",
    }
}

impl DiskWord {
    /// As a sentence goes on.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotEncryptedByTarget => "not encrypted by the product that is to go",
            Self::Decrypted => "decrypted",
            Self::KeysEscrowed => "encrypted by BitLocker, its recovery keys escrowed",
        }
    }
}

/// Who says it, and by what it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSignature {
    /// Who.
    pub by: Personal,
    /// By what it is known.
    pub why: Personal,
    /// When, by the server's clock.
    pub at_ms: i64,
}

/// What is said of a host's disks: by one person, or by two; only then does it count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskAttestation {
    /// What.
    pub says: DiskWord,
    /// The day of what it rests on: of the older, where two rest on two.
    pub rests_on_ms: i64,
    /// Its end: the earlier of both.
    pub until_ms: i64,
    /// Who says it, each another person.
    pub signatures: Vec<DiskSignature>,
}

/// Why something cannot be attested, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAttested(String);

impl DiskAttestation {
    /// What one person says, beside what was said before it. `is_another` says of who said that whether it is certainly
    /// somebody else; `None` where that cannot be told any more.
    ///
    /// # Errors
    /// When it rests on what is too old for its end, another word was said before, or the same person said it.
    pub fn signed(
        self,
        before: Option<&Self>,
        now_ms: i64,
        is_another: impl Fn(&DiskSignature) -> Option<bool>,
    ) -> Result<Self, NotAttested> {
        let refused = |why: String| Err(NotAttested(why));
        if self.rests_on_ms > now_ms {
            return refused(format!(
                "it would rest on what is of {}, which is to come; name the day of the report or of the look",
                utc(self.rests_on_ms)
            ));
        }
        let latest_ms = self.rests_on_ms.saturating_add(LONGEST_MS);
        if self.until_ms > latest_ms {
            return refused(format!(
                "what is of {} is good for {}, until {}; give an end before that, or a newer report",
                utc(self.rests_on_ms),
                span::words(LONGEST_MS),
                utc(latest_ms)
            ));
        }
        let Some(before) = before else {
            return Ok(self);
        };
        if before.says != self.says {
            return refused(format!(
                "its disks were said to be {} before, by another word; cutover hosts withdraw-encryption takes that back",
                before.says.text()
            ));
        }
        if before.counts() {
            return refused(
                "two people have attested it already; cutover hosts withdraw-encryption takes that back, so that it can be \
                 attested anew"
                    .to_owned(),
            );
        }
        for signature in &before.signatures {
            match is_another(signature) {
                Some(true) => {}
                Some(false) => {
                    return refused("you attested it already; the second signature is another person's".to_owned());
                }
                None => {
                    return refused(
                        "who attested it first was erased, so nobody can tell whether you are another person; cutover hosts \
                         withdraw-encryption, and sign anew"
                            .to_owned(),
                    );
                }
            }
        }
        let mut signatures = before.signatures.clone();
        signatures.extend(self.signatures);
        Ok(Self {
            says: self.says,
            rests_on_ms: self.rests_on_ms.min(before.rests_on_ms),
            until_ms: self.until_ms.min(before.until_ms),
            signatures,
        })
    }

    /// Whether enough people say it.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.signatures.len() >= SIGNERS
    }

    /// What is said, by whom, by what it is known, and until when.
    #[must_use]
    pub fn text(&self) -> String {
        let signed: Vec<String> = self
            .signatures
            .iter()
            .map(|it| format!("{} at {}: {}", it.by, utc(it.at_ms), it.why))
            .collect();
        let counts = if self.counts() {
            "attested"
        } else {
            "attested by one person, which changes nothing before another one does"
        };
        format!(
            "disks {counts}: {}, as of {}, until {}; by {}",
            self.says.text(),
            utc(self.rests_on_ms),
            utc(self.until_ms),
            signed.join("; by ")
        )
    }
}

impl Plan {
    /// What the newest look means for work at this time: who encrypts the disks by what two people attest of them, where the
    /// look could not tell.
    #[must_use]
    pub fn judged(&self, now_ms: i64) -> Option<Cow<'_, Assessment>> {
        let it = self.assessment.as_ref()?;
        let is_attested = self
            .disks
            .as_ref()
            .is_some_and(|disks| disks.counts() && disks.until_ms > now_ms);
        if !is_attested || !it.blockers.contains(&Blocker::EncryptionUnknown) {
            return Some(Cow::Borrowed(it));
        }
        let mut judged = it.clone();
        judged.blockers.retain(|blocker| *blocker != Blocker::EncryptionUnknown);
        Some(Cow::Owned(judged))
    }
}
