//! What `mdatp health --output json` prints. Its keys differ in spelling between versions, and its values are plain or
//! wrapped (`{"value": true}`, `{"$type": "upToDate"}`).

use serde_json::Value;

/// The state of Microsoft Defender for Endpoint on Linux and macOS. `None` is what it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MdatpHealth {
    /// Whether it calls itself healthy.
    pub healthy: bool,
    /// What it complains of.
    pub issues: Vec<String>,
    /// Whether it is licensed.
    pub licensed: Option<bool>,
    /// Its organisation; `None` where it is not onboarded.
    pub organization: Option<String>,
    /// Whether files are checked as they are used.
    pub real_time: Option<bool>,
    /// Whether it stands back for another.
    pub is_passive: Option<bool>,
    /// Whether its definitions are up to date.
    pub definitions_current: Option<bool>,
    /// Products that hold files up as it does, as far as it names them.
    pub conflicting: Vec<String>,
    /// macOS: whether it may read the whole disk.
    pub full_disk_access: Option<bool>,
}

/// Reads the report.
///
/// # Errors
/// When it is not JSON, or does not say whether it is healthy.
pub fn health(bytes: &[u8]) -> Result<MdatpHealth, String> {
    let report: Value = serde_json::from_slice(bytes).map_err(|error| format!("mdatp's report is no JSON: {error}"))?;
    let healthy = flag(&report, "healthy").ok_or("mdatp's report does not say whether it is healthy")?;
    let words = |name: &str| -> Vec<String> {
        let values = field(&report, name).and_then(Value::as_array);
        let values = values.into_iter().flatten().filter_map(Value::as_str);
        values.map(str::to_owned).collect()
    };
    Ok(MdatpHealth {
        healthy,
        issues: words("healthissues"),
        licensed: flag(&report, "licensed"),
        organization: word(&report, "orgid").filter(|id| !id.is_empty() && !id.eq_ignore_ascii_case("unavailable")),
        real_time: flag(&report, "realtimeprotectionenabled"),
        is_passive: flag(&report, "passivemodeenabled"),
        definitions_current: word(&report, "definitionsstatus").map(|status| plain(&status) == "uptodate"),
        conflicting: words("conflictingapplications"),
        full_disk_access: flag(&report, "fulldiskaccessenabled"),
    })
}

fn plain(key: &str) -> String {
    key.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

fn field<'v>(report: &'v Value, name: &str) -> Option<&'v Value> {
    let mut fields = report.as_object()?.iter();
    let value = fields.find(|(key, _)| plain(key) == name)?.1;
    Some(value.get("value").or_else(|| value.get("$type")).unwrap_or(value))
}

fn flag(report: &Value, name: &str) -> Option<bool> {
    field(report, name)?.as_bool()
}

fn word(report: &Value, name: &str) -> Option<String> {
    field(report, name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_report_read_alike() {
        let wrapped = br#"{"healthy":true,"healthIssues":[],"licensed":true,"orgId":"b1c2",
            "realTimeProtectionEnabled":{"value":true},"passiveModeEnabled":{"value":false},
            "conflictingApplications":["kesl"],
            "definitionsStatus":{"$type":"upToDate"}}"#;
        let plain = br#"{"healthy":true,"health_issues":[],"licensed":true,"org_id":"b1c2",
            "real_time_protection_enabled":true,"passive_mode_enabled":false,"definitions_status":"up_to_date",
            "conflicting_applications":["kesl"]}"#;
        let health_of = |bytes| health(bytes).expect("sound");
        assert_eq!(health_of(wrapped), health_of(plain));
        assert_eq!(health_of(plain).definitions_current, Some(true));
        assert_eq!(health_of(plain).conflicting, ["kesl"]);
        assert_eq!(health_of(plain).full_disk_access, None);
    }

    #[test]
    fn a_product_without_an_organisation_is_not_onboarded() {
        let report = health(br#"{"healthy":false,"healthIssues":["missing license"],"orgId":"unavailable"}"#);
        let report = report.expect("sound");
        assert_eq!(
            (report.organization, report.issues),
            (None, vec!["missing license".to_owned()])
        );
        assert!(health(b"{}").is_err() && health(b"ATTENTION: no license\n").is_err());
    }
}
