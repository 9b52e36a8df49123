//! `pmset -g batt` of macOS.
//!
//! ```text
//! Now drawing from 'Battery Power'
//!  -InternalBattery-0 (id=4653155)    100%; charged; 0:00 remaining present: true
//! ```
//!
//! Sources: pmset(1), by which `-g batt` displays battery and UPS states; the first line is what `IOPSGetProvidingPowerSourceType`
//! names (IOKit/ps/IOPSKeys.h: `AC Power`, `Battery Power`, `UPS Power`). A Mac without a battery prints the first line alone.

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    /// Whether it runs on its battery, or on one that stands in for the mains.
    pub on_battery: bool,
    /// Whether it has a battery of its own.
    pub has_battery: bool,
}

/// Reads it; `None` where it says something else.
#[must_use]
pub fn read(said: &[u8]) -> Option<Power> {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines();
    let source = lines
        .next()?
        .trim()
        .strip_prefix("Now drawing from '")?
        .strip_suffix('\'')?;
    let on_battery = match source {
        "AC Power" => false,
        "Battery Power" | "UPS Power" => true,
        _ => return None,
    };
    let has_battery = lines.any(|line| line.trim_start().starts_with("-InternalBattery"));
    Some(Power {
        on_battery,
        has_battery,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_mac_draws_from_is_read() {
        let laptop = |source| {
            format!(
                "Now drawing from '{source}'\n -InternalBattery-0 (id=4653155)\t99%; discharging; 3:52 remaining present: true\n"
            )
        };
        let of = |on_battery, has_battery| {
            Some(Power {
                on_battery,
                has_battery,
            })
        };
        assert_eq!(read(laptop("Battery Power").as_bytes()), of(true, true));
        assert_eq!(read(laptop("AC Power").as_bytes()), of(false, true));
        assert_eq!(read(b"Now drawing from 'AC Power'\n"), of(false, false));
        assert_eq!(
            read(b"Now drawing from 'UPS Power'\n -Back-UPS (id=1)\t80%; discharging\n"),
            of(true, false)
        );
    }

    #[test]
    fn another_sentence_is_not_guessed_at() {
        for other in ["", "Now drawing from 'Solar Power'\n", "No batteries", "AC Power"] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
