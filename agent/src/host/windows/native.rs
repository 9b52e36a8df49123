//! Errors and texts as Windows has them.

use std::{fmt::Display, io};

use crate::facts::Answer;

/// `ERROR_FILE_NOT_FOUND` and `ERROR_PATH_NOT_FOUND`.
pub(in crate::host) const NOT_FOUND: [u32; 2] = [2, 3];
const ACCESS_DENIED: u32 = 5;
/// `FACILITY_WIN32` with the bit of a failure: the code of Windows itself is in the lower half.
const FROM_WINDOWS: u32 = 0x8007_0000;

/// A text that Windows reads up to its zero.
pub(in crate::host) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A text up to its zero, or its end.
pub(super) fn text(wide: &[u16]) -> String {
    let end = wide.iter().position(|unit| *unit == 0).unwrap_or(wide.len());
    String::from_utf16_lossy(&wide[..end])
}

/// What the last call of this thread failed with.
pub(super) fn last_error() -> u32 {
    let code = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    code.cast_unsigned()
}

/// The code within an `HRESULT`, where it is one of Windows itself.
pub(in crate::host) const fn code_of(result: i32) -> u32 {
    let result = result.cast_unsigned();
    if result & 0xffff_0000 == FROM_WINDOWS {
        result & 0xffff
    } else {
        result
    }
}

/// What an error means for a look.
pub(super) fn answer_of<T>(code: u32, what: impl Display) -> Answer<T> {
    match code {
        _ if NOT_FOUND.contains(&code) => Answer::Absent,
        ACCESS_DENIED => Answer::Denied(format!("{what} may not be read; run as administrator or as a service")),
        _ => Answer::Failed(format!("{what}: {}", told(code))),
    }
}

/// What Windows says of an error.
pub(super) fn told(code: u32) -> String {
    io::Error::from_raw_os_error(code.cast_signed()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_absent() {
        assert_eq!(answer_of::<()>(2, "it"), Answer::Absent);
        assert_eq!(answer_of::<()>(3, "it"), Answer::Absent);
        assert!(matches!(answer_of::<()>(5, "it"), Answer::Denied(why) if why.contains("it may not be read")));
        // ERROR_SHARING_VIOLATION, ERROR_BADDB, ERROR_KEY_DELETED.
        for code in [32, 1009, 1018] {
            assert!(matches!(answer_of::<()>(code, "it"), Answer::Failed(_)), "{code}");
        }
    }

    #[test]
    fn texts_go_there_and_back_and_end_at_their_zero() {
        assert_eq!(text(&wide("Лаборатория")), "Лаборатория");
        assert_eq!(text(&[0x41, 0, 0x42]), "A");
        assert_eq!(text(&[0x41]), "A");
    }

    #[test]
    fn the_code_of_windows_is_found_within_a_result() {
        assert_eq!(code_of(0x8007_0005_u32.cast_signed()), 5);
        assert_eq!(code_of(0x8004_100e_u32.cast_signed()), 0x8004_100e);
    }
}
