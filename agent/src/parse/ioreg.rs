//! What `ioreg -rd1 -c IOPlatformExpertDevice` says of a Mac: a line a property, `"NAME" = "TEXT"`.

use crate::facts::Firmware;

/// Serial number and UUID.
///
/// # Errors
/// When it names neither: then this is another program's word.
pub fn firmware(bytes: &[u8]) -> Result<Firmware, String> {
    let text = String::from_utf8_lossy(bytes);
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.trim_matches(['|', ' ']).split_once(" = "))
            .find(|(key, _)| key.trim() == format!("\"{name}\""))
            .and_then(|(_, value)| value.trim().strip_prefix('"')?.strip_suffix('"'))
            .unwrap_or_default()
            .to_owned()
    };
    let found = Firmware {
        serial: value("IOPlatformSerialNumber"),
        uuid: value("IOPlatformUUID"),
    };
    if found == Firmware::default() {
        return Err("ioreg names neither a serial number nor a UUID".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"+-o Mac14,2  <class IOPlatformExpertDevice, id 0x100000227, registered, matched, active>
    {
      "IOPlatformUUID" = "5F0D8D7C-2B6E-5C11-9A77-3E1F2D4C5B6A"
      "model" = <"Mac14,2">
      "IOPlatformSerialNumber" = "C02EXAMPLE01"
      "IOPolledInterface" = "AppleARMWatchdogTimerHibernateHandler is not serializable"
    }
"#;

    #[test]
    fn a_mac_tells_its_serial_number_and_its_uuid() {
        let found = firmware(SAID.as_bytes()).unwrap();
        assert_eq!(found.serial, "C02EXAMPLE01");
        assert_eq!(found.uuid, "5F0D8D7C-2B6E-5C11-9A77-3E1F2D4C5B6A");
        let half = firmware(b"| \"IOPlatformSerialNumber\" = \"X\"\n").unwrap();
        assert_eq!((half.serial.as_str(), half.uuid.as_str()), ("X", ""));
        for other in ["", "ioreg: unknown option", "\"IOPlatformUUID\" = <00>"] {
            assert!(firmware(other.as_bytes()).is_err(), "{other}");
        }
    }
}
