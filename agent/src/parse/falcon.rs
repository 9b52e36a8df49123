//! What `falconctl -g --cid --aid --rfm-state` prints.

/// The state of a Falcon sensor on Linux.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FalconState {
    /// The customer id; `None` where none is set.
    pub customer: Option<String>,
    /// The agent id, which the cloud gives; `None` until then.
    pub agent: Option<String>,
    /// Whether the sensor stands back because it does not know the kernel; `None` where it does not say.
    pub is_reduced: Option<bool>,
}

/// Reads `cid="…", aid="…", rfm-state=false.`, whatever parts the values; `is not set` after a name means none.
///
/// # Errors
/// When it says none of the three.
pub fn state(bytes: &[u8]) -> Result<FalconState, String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let value = |name: &str| {
        let rest = text.split_once(name)?.1.trim_start().strip_prefix('=')?.trim_start();
        let end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        let value = rest.trim_start_matches('"').split(end).next().unwrap_or_default();
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    if !["cid", "aid", "rfm-state"].iter().any(|name| text.contains(name)) {
        return Err("falconctl names neither customer nor agent nor its state".to_owned());
    }
    Ok(FalconState {
        customer: value("cid"),
        agent: value("aid"),
        is_reduced: match value("rfm-state").as_deref() {
            Some("false") => Some(false),
            Some("true") => Some(true),
            Some(_) | None => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_is_known_by_its_ids_and_whether_it_stands_back() {
        let whole =
            state(b"cid=\"79391C24113773B01D8181C38C3E111A\", aid=\"f3edc954\", rfm-state=false, rfm-reason=None.\n");
        let whole = whole.expect("sound");
        assert_eq!(whole.customer.as_deref(), Some("79391c24113773b01d8181c38c3e111a"));
        assert_eq!(
            (whole.agent.as_deref(), whole.is_reduced),
            (Some("f3edc954"), Some(false))
        );
        let apart = state(b"cid is not set.\naid is not set.\nrfm-state=true.\n").expect("sound");
        assert_eq!(
            apart,
            FalconState {
                is_reduced: Some(true),
                ..FalconState::default()
            }
        );
        assert!(state(b"ERROR: sensor is not running\n").is_err());
    }
}
