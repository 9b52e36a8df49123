//! What `fdesetup status` says.

/// Whether the start volume is encrypted, be it in part: by the first line, and by the one that tells how far macOS got
/// with encrypting or decrypting it.
///
/// # Errors
/// When it says neither.
pub fn is_encrypted(bytes: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim);
    let first = lines.next().unwrap_or_default();
    let is_half_done =
        lines.any(|line| line.contains("ncryption in progress") || line.contains("ecryption in progress"));
    if first.starts_with("FileVault is On") {
        Ok(true)
    } else if first.starts_with("FileVault is Off") {
        Ok(is_half_done)
    } else {
        Err("fdesetup says neither that FileVault is on nor that it is off".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filevault_is_on_or_off_or_nothing_is_known() {
        assert_eq!(is_encrypted(b"FileVault is On.\n"), Ok(true));
        assert_eq!(is_encrypted(b"FileVault is Off.\n"), Ok(false));
        // Deferred: nothing is encrypted until then.
        assert_eq!(
            is_encrypted(b"FileVault is Off, but will be enabled after the next restart.\n"),
            Ok(false)
        );
        for said in [
            "",
            "fdesetup: command not found",
            "FileVault master keychain appears to be installed.",
        ] {
            assert!(is_encrypted(said.as_bytes()).is_err(), "{said}");
        }
    }

    #[test]
    fn a_volume_that_is_half_way_is_encrypted() {
        for way in ["Encryption", "Decryption"] {
            let said = format!("FileVault is Off.\n{way} in progress: Percent completed = 36.7\n");
            assert_eq!(is_encrypted(said.as_bytes()), Ok(true), "{way}");
        }
    }
}
