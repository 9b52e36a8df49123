//! A gate as campaign files spell it.

use std::time::Duration;

use serde::Deserialize;

use super::{ExternalGate, Gate, Rate, Success, address as url_of, bound};
use crate::campaign::span;

/// `[gate]` of a wave in a campaign file. Every key is optional; one at least must be there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateInFile {
    least: Option<u32>,
    success: Option<String>,
    confidence: Option<String>,
    most_failures: Option<u32>,
    most_dark: Option<u32>,
    soak: Option<String>,
    approval: Option<String>,
    external: Option<ExternalGateInFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExternalGateInFile {
    name: String,
    within: String,
    url: Option<String>,
}

/// What holds where the file names none.
const CONFIDENCE: Rate = Rate::of_million(950_000);
const LEAST_CONFIDENCE: Rate = Rate::of_million(500_000);
const MOST_CONFIDENCE: Rate = Rate::of_million(999_000);
const MOST_SUCCESS: Rate = Rate::of_million(999_900);

/// No fleet is larger.
const MOST_HOSTS: u32 = 2_000_000;

impl Gate {
    /// The gate that a file describes.
    ///
    /// # Errors
    /// What is wrong with it, where, and what to write instead.
    pub fn from_file(file: GateInFile) -> Result<Self, String> {
        let is_empty = file.least.is_none()
            && file.success.is_none()
            && file.most_failures.is_none()
            && file.most_dark.is_none()
            && file.soak.is_none()
            && file.approval.is_none()
            && file.external.is_none();
        if file.confidence.is_some() && file.success.is_none() {
            return Err(
                "gate.confidence is given and gate.success is not, so it is a confidence in nothing; write for example \
                 success = \"95 %\", or leave confidence out"
                    .to_owned(),
            );
        }
        if is_empty {
            return Err(
                "the gate asks for nothing, so it would hold at once; write for example success = \"95 %\", or leave the \
                 gate out"
                    .to_owned(),
            );
        }
        let success = success(file.success.as_deref(), file.confidence.as_deref())?;
        Ok(Self {
            least: least(file.least, success)?,
            success,
            most_failures: file.most_failures,
            most_dark: file.most_dark,
            soak: match file.soak {
                None => Duration::ZERO,
                Some(text) => length("soak", &text)?,
            },
            approval: file.approval.map(|role| name("approval", role)).transpose()?,
            external: match file.external {
                None => None,
                Some(external) => Some(ExternalGate {
                    name: name("external.name", external.name)?,
                    within: length("external.within", &external.within)?,
                    url: external.url.map(address).transpose()?,
                }),
            },
        })
    }
}

fn success(rate: Option<&str>, confidence: Option<&str>) -> Result<Option<Success>, String> {
    let Some(text) = rate else {
        return Ok(None);
    };
    let rate = Rate::parse(text).map_err(|why| format!("gate.success: {why}"))?;
    if rate.parts() == 0 {
        return Err(
            "gate.success is 0 %, which every wave reaches; write what it should reach, or leave success out"
                .to_owned(),
        );
    }
    if rate > MOST_SUCCESS {
        return Err(format!(
            "gate.success is {rate}, and no sample shows more than {MOST_SUCCESS}; write at most that, or most_failures = \
             0 to halt at the first failure"
        ));
    }
    let confidence = match confidence {
        None => CONFIDENCE,
        Some(text) => Rate::parse(text).map_err(|why| format!("gate.confidence: {why}"))?,
    };
    if confidence < LEAST_CONFIDENCE || confidence > MOST_CONFIDENCE {
        return Err(format!(
            "gate.confidence is {confidence}; write {LEAST_CONFIDENCE} to {MOST_CONFIDENCE}, {CONFIDENCE} if unsure"
        ));
    }
    Ok(Some(Success { rate, confidence }))
}

/// A least sample with which the rate could never be shown is a mistake: the gate would not hold when it is reached.
fn least(given: Option<u32>, success: Option<Success>) -> Result<u32, String> {
    if given == Some(0) {
        return Err(
            "gate.least is 0, and a sample of no host shows nothing; write at least 1, or leave it out".to_owned(),
        );
    }
    let Some(Success { rate, confidence }) = success else {
        return Ok(given.unwrap_or(0));
    };
    // MOST_SUCCESS at MOST_CONFIDENCE is shown by fewer.
    let needed = bound::least_good(0, rate, confidence, MOST_HOSTS).unwrap_or(MOST_HOSTS);
    match given {
        Some(least) if least < needed => Err(format!(
            "gate.least is {least}, and {least} hosts never show {rate} at {confidence} confidence, not even if all \
             succeed; {needed} is the least that could: write least = {needed}, or a lower success or confidence"
        )),
        Some(least) => Ok(least),
        None => Ok(needed),
    }
}

fn length(key: &str, text: &str) -> Result<Duration, String> {
    match span::parse(text) {
        Err(why) => Err(format!("gate.{key}: {why}")),
        Ok(length) if length.is_zero() => Err(format!("gate.{key} is zero; give it a length, or leave it out")),
        Ok(length) => Ok(length),
    }
}

fn address(url: String) -> Result<String, String> {
    url_of::check(&url).map_err(|why| format!("gate.external.url: {why}"))?;
    Ok(url)
}

fn name(key: &str, text: String) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err(format!("gate.{key} is empty; name it, or leave it out"));
    }
    Ok(text)
}
